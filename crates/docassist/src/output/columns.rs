//! Lays the columns of a table out so that its rows fit a width.

use super::document::{Column, Table};
use super::width;

/// Between columns.
pub(crate) const GAP: usize = 2;
/// No cell is looked at beyond this: a subject of a megabyte would cost seconds.
const LONGEST_CELL: usize = 2_000;

/// Which columns are shown and how wide they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout(pub(crate) Vec<(usize, usize)>);

impl Layout {
    /// Finds widths for clean rows: their natural ones where these fit; else the columns that have most to spare get
    /// narrower; else dispensable ones are left out.
    pub(crate) fn new(columns: &[Column], rows: &[Vec<String>], most: usize) -> Self {
        let natural = |at: usize| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| width::of(cell)).max().unwrap_or(0)
        };
        // A column without a single value is left out.
        let mut shown: Vec<(usize, usize)> = (0..columns.len())
            .map(|at| (at, natural(at)))
            .filter(|(_, width)| *width > 0)
            .map(|(at, width)| (at, width.max(width::of(columns[at].header))))
            .collect();
        loop {
            let room = most.saturating_sub(GAP * shown.len().saturating_sub(1));
            if shrink(columns, &mut shown, room) {
                return Self(shown);
            }
            let least_needed = shown
                .iter()
                .enumerate()
                .filter(|(_, (at, _))| columns[*at].dispensable > 0)
                .max_by_key(|(_, (at, _))| columns[*at].dispensable)
                .map(|(position, _)| position);
            match least_needed {
                Some(position) => {
                    let gone = shown[position].0;
                    shown = shown
                        .into_iter()
                        .filter(|(at, _)| *at != gone)
                        .map(|(at, _)| (at, natural(at).max(width::of(columns[at].header))))
                        .collect();
                }
                None => {
                    force(&mut shown, room);
                    return Self(shown);
                }
            }
        }
    }
}

/// Takes from the column with most to spare, again and again. False if there is not enough to take.
fn shrink(columns: &[Column], shown: &mut [(usize, usize)], room: usize) -> bool {
    let mut excess = shown.iter().map(|(_, width)| width).sum::<usize>().saturating_sub(room);
    while excess > 0 {
        let spare = |&(at, width): &(usize, usize)| width.saturating_sub(columns[at].least);
        let Some(widest) = shown.iter_mut().max_by_key(|column| spare(column)).filter(|column| spare(column) > 0)
        else {
            return false;
        };
        widest.1 -= 1;
        excess -= 1;
    }
    true
}

/// Cuts below what columns say they need: better than lines that run over.
fn force(shown: &mut [(usize, usize)], room: usize) {
    let mut excess = shown.iter().map(|(_, width)| width).sum::<usize>().saturating_sub(room);
    while excess > 0 {
        let Some(widest) = shown.iter_mut().max_by_key(|(_, width)| *width).filter(|(_, width)| *width > 1) else {
            return;
        };
        widest.1 -= 1;
        excess -= 1;
    }
}

/// The rows of a table with every cell harmless and of a sensible length.
pub(crate) fn clean_rows(table: &Table) -> Vec<Vec<String>> {
    let clean = |cell: &String| super::clean::clean(&cell.chars().take(LONGEST_CELL).collect::<String>());
    table.rows.iter().map(|row| row.iter().map(clean).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::document::{name, path, right, text};
    use super::*;

    fn widths(columns: &[Column], row: &[&str], most: usize) -> Vec<(usize, usize)> {
        let row: Vec<String> = row.iter().map(|cell| (*cell).to_owned()).collect();
        Layout::new(columns, &[row], most).0
    }

    #[test]
    fn the_column_with_most_to_spare_gets_narrower() {
        let columns = [name("key"), text("summary", 10), text("who", 4)];
        let long = "x".repeat(60);
        assert_eq!(widths(&columns, &["A-1", &long, "Somebody"], 100), [(0, 3), (1, 60), (2, 8)]);
        assert_eq!(widths(&columns, &["A-1", &long, "Somebody"], 40), [(0, 3), (1, 25), (2, 8)]);
    }

    #[test]
    fn dispensable_columns_go_before_names_are_cut() {
        let columns = [name("key"), text("summary", 20), text("who", 8).dispensable(1), right("n").dispensable(2)];
        let row = ["LONGPROJECT-1", &"x".repeat(60), "Somebody", "1"];
        assert_eq!(widths(&columns, &row, 46), [(0, 13), (1, 21), (2, 8)]);
        assert_eq!(widths(&columns, &row, 36), [(0, 13), (1, 21)]);
    }

    #[test]
    fn nothing_is_wider_than_there_is_room() {
        let columns = [name("key"), path("path", 20)];
        let sum: usize = widths(&columns, &[&"k".repeat(80), &"p".repeat(80)], 60).iter().map(|(_, w)| w).sum();
        assert_eq!(sum + GAP, 60);
    }

    #[test]
    fn columns_without_values_are_left_out() {
        assert_eq!(widths(&[name("key"), text("assignee", 4)], &["A-1", ""], 80), [(0, 3)]);
    }
}
