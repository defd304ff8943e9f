//! Many short texts in one allocation.

use rustc_hash::FxHashMap;

/// Texts by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    bytes: String,
    offsets: Vec<u32>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: String::new(), offsets: vec![0] }
    }
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) -> u32 {
        let id = self.len() as u32;
        // 4 GiB of names and titles are beyond what one graph is built for; what does not fit is left empty, not wrong.
        if self.bytes.len() + text.len() <= u32::MAX as usize {
            self.bytes.push_str(text);
        }
        self.offsets.push(self.bytes.len() as u32);
        id
    }

    pub(crate) fn get(&self, id: u32) -> &str {
        let bounds = self.offsets.get(id as usize).zip(self.offsets.get(id as usize + 1));
        bounds.map_or("", |(&from, &to)| &self.bytes[from as usize..to as usize])
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The texts in another order.
    pub(crate) fn reordered(&self, order: &[u32]) -> Self {
        let mut texts =
            Self { bytes: String::with_capacity(self.bytes.len()), offsets: Vec::with_capacity(order.len() + 1) };
        texts.offsets.push(0);
        for &id in order {
            texts.push(self.get(id));
        }
        texts
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.offsets.capacity() * 4
    }
}

/// A few distinct texts that many records share (statuses, priorities, assignees), numbered in order of appearance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Symbols {
    ids: FxHashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Symbols {
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.texts.len() as u32;
        self.texts.push(text.into());
        self.ids.insert(text.into(), id);
        id
    }

    pub(crate) fn get(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }
}
