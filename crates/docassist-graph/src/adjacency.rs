//! Compressed sparse rows.

/// For each of `n` nodes a slice of `T`, in one allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows<T> {
    /// `n + 1` offsets into `items`.
    offsets: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { offsets: vec![0], items: Vec::new() }
    }
}

impl<T: Copy> Rows<T> {
    /// Distributes `pairs` over `nodes` rows, keeping their order within a row. Pairs of nodes beyond `nodes` are
    /// dropped. Linear.
    pub(crate) fn group(nodes: usize, pairs: impl Iterator<Item = (u32, T)> + Clone) -> Self {
        let mut offsets = vec![0_u32; nodes + 1];
        let mut first = None;
        for (node, item) in pairs.clone() {
            if let Some(count) = offsets.get_mut(node as usize + 1) {
                *count += 1;
                first = first.or(Some(item));
            }
        }
        for index in 1..offsets.len() {
            offsets[index] += offsets[index - 1];
        }
        let Some(filler) = first else { return Self { offsets, items: Vec::new() } };
        let mut items = vec![filler; offsets.last().map_or(0, |&end| end as usize)];
        let mut next = offsets.clone();
        for (node, item) in pairs {
            if (node as usize) < nodes {
                let slot = &mut next[node as usize];
                items[*slot as usize] = item;
                *slot += 1;
            }
        }
        Self { offsets, items }
    }

    /// Appends a row.
    pub(crate) fn push_row(&mut self, row: impl Iterator<Item = T>) {
        self.items.extend(row);
        self.offsets.push(u32::try_from(self.items.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn row(&self, node: u32) -> &[T] {
        let bounds = self.offsets.get(node as usize).zip(self.offsets.get(node as usize + 1));
        bounds.map_or(&[], |(&from, &to)| &self.items[from as usize..to as usize])
    }

    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    pub(crate) fn bytes(&self) -> usize {
        self.offsets.capacity() * 4 + self.items.capacity() * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_grouped_in_their_order() {
        let pairs = [(2, 'a'), (0, 'b'), (2, 'c'), (9, 'x')];
        let rows = Rows::group(3, pairs.into_iter());
        assert_eq!(
            (rows.row(0), rows.row(1), rows.row(2), rows.row(3)),
            (&['b'][..], &[][..], &['a', 'c'][..], &[][..])
        );
    }
}
