//! The number of lines that git's default diff adds and deletes.
//!
//! Myers' linear-space algorithm ("An O(ND) difference algorithm and its variations", Algorithmica 1, 1986, section 4b)
//! on interned lines. A shortest script has the same counts whatever path finds it; but git gives up the shortest in three
//! places to bound the time, and a count that shall equal git's has to give it up in the same places: lines that match
//! too often are set aside, a long diagonal ends a search early, and a search that costs too much takes the furthest
//! point that it reached. The thresholds below are git's.

use rustc_hash::FxHashMap;

/// A line that occurs this often in the other file, or as often as the square root of that file's length, may be set
/// aside.
const COMMON_LINE_LIMIT: u32 = 1024;
/// How far around a common line the lines are looked at.
const COMMON_LINE_WINDOW: usize = 100;
/// A common line is set aside where unmatched lines around it are more than three times as many as common ones.
const COMMON_LINE_RATIO: usize = 4;
/// The least number of steps before a search is given up.
const MIN_COST_LIMIT: i32 = 256;
/// Steps after which a long diagonal may end a search.
const DIAGONAL_MIN_COST: i32 = 256;
/// A diagonal of more lines than this is long.
const DIAGONAL_LENGTH: i32 = 20;
/// How much further than its cost a search must have come for that.
const DIAGONAL_REACH: i32 = 4;

/// Lines of both files by number: equal lines have equal numbers.
#[derive(Default)]
pub(super) struct Differ {
    /// Class of each line between the common ends.
    old: Vec<u32>,
    new: Vec<u32>,
    /// Occurrences of each class in the whole files.
    in_old: Vec<u32>,
    in_new: Vec<u32>,
    forward: Vec<i32>,
    backward: Vec<i32>,
    kept_old: Vec<u32>,
    kept_new: Vec<u32>,
    marks: Vec<Occurrence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occurrence {
    Never,
    Sometimes,
    Often,
}

/// Lines deleted and added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Changed {
    pub(super) deleted: u32,
    pub(super) added: u32,
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |feed| feed + 1);
        let (line, tail) = rest.split_at(end);
        rest = tail;
        Some(line)
    })
}

/// Twice the power of two next to the square root, as cheap as git computes it.
fn rough_square_root(mut n: usize) -> u32 {
    let mut root = 1;
    while n > 0 {
        root <<= 1;
        n >>= 2;
    }
    root
}

impl Differ {
    /// Compares the parts of two files between the lines `head` and `tail` that both begin and end with.
    pub(super) fn changed(&mut self, head: &[u8], old: &[u8], new: &[u8], tail: &[u8]) -> Changed {
        let mut classes: FxHashMap<&[u8], u32> = FxHashMap::default();
        self.intern(old, new, &mut classes);
        let matched_amid_unmatched = |side: &[u32], other: &[u32]| {
            let unmatched = |class: &u32| other[*class as usize] == 0;
            let first = side.iter().position(unmatched);
            let last = side.iter().rposition(unmatched);
            matches!((first, last), (Some(first), Some(last)) if side[first..last].iter().any(|class| !unmatched(class)))
        };
        // The ends matter only for lines that may be set aside, and those stand among unmatched ones.
        let mut common = 0;
        if matched_amid_unmatched(&self.old, &self.in_new) || matched_amid_unmatched(&self.new, &self.in_old) {
            for line in lines(head).chain(lines(tail)) {
                common += 1;
                if let Some(&class) = classes.get(line) {
                    self.in_old[class as usize] += 1;
                    self.in_new[class as usize] += 1;
                }
            }
        }
        let old_limit = rough_square_root(self.old.len() + common).min(COMMON_LINE_LIMIT);
        let new_limit = rough_square_root(self.new.len() + common).min(COMMON_LINE_LIMIT);
        keep(&self.old, &self.in_new, old_limit, &mut self.marks, &mut self.kept_old);
        keep(&self.new, &self.in_old, new_limit, &mut self.marks, &mut self.kept_new);
        let set_aside = Changed {
            deleted: (self.old.len() - self.kept_old.len()) as u32,
            added: (self.new.len() - self.kept_new.len()) as u32,
        };
        let changed = self.search();
        Changed { deleted: set_aside.deleted + changed.deleted, added: set_aside.added + changed.added }
    }

    fn intern<'a>(&mut self, old: &'a [u8], new: &'a [u8], classes: &mut FxHashMap<&'a [u8], u32>) {
        self.in_old.clear();
        self.in_new.clear();
        let mut number = |text: &'a [u8], numbers: &mut Vec<u32>, is_old: bool| {
            numbers.clear();
            for line in lines(text) {
                let next = self.in_old.len() as u32;
                let class = *classes.entry(line).or_insert(next);
                if class == next {
                    self.in_old.push(0);
                    self.in_new.push(0);
                }
                let counts = if is_old { &mut self.in_old } else { &mut self.in_new };
                counts[class as usize] += 1;
                numbers.push(class);
            }
        };
        number(old, &mut self.old, true);
        number(new, &mut self.new, false);
    }

    fn search(&mut self) -> Changed {
        let (old, new) = (&self.kept_old, &self.kept_new);
        let diagonals = old.len() + new.len() + 3;
        self.forward.clear();
        self.forward.resize(2 * diagonals + 2, 0);
        self.backward.clear();
        self.backward.resize(2 * diagonals + 2, 0);
        let cost_limit = i32::try_from(rough_square_root(diagonals)).unwrap_or(i32::MAX).max(MIN_COST_LIMIT);
        let mut search = Search {
            old,
            new,
            forward: Diagonals { reach: &mut self.forward, zero: new.len() as i32 + 1 },
            backward: Diagonals { reach: &mut self.backward, zero: new.len() as i32 + 1 },
            cost_limit,
        };
        let mut changed = Changed::default();
        // A stack of its own: a crafted pair of files would recurse as deep as it has lines.
        let mut boxes = vec![Area { x0: 0, x1: old.len() as i32, y0: 0, y1: new.len() as i32, exact: false }];
        while let Some(mut area) = boxes.pop() {
            search.shrink(&mut area);
            if area.x0 == area.x1 {
                changed.added += (area.y1 - area.y0) as u32;
            } else if area.y0 == area.y1 {
                changed.deleted += (area.x1 - area.x0) as u32;
            } else {
                let split = search.split(area);
                boxes.push(Area { x0: split.x, y0: split.y, exact: split.exact_after, ..area });
                boxes.push(Area { x1: split.x, y1: split.y, exact: split.exact_before, ..area });
            }
        }
        changed
    }
}

/// Keeps the lines of a side that take part in the search: not those without a match, and not those that match often and
/// stand in a run of lines without one.
fn keep(side: &[u32], in_other: &[u32], limit: u32, marks: &mut Vec<Occurrence>, kept: &mut Vec<u32>) {
    marks.clear();
    marks.extend(side.iter().map(|&class| match in_other[class as usize] {
        0 => Occurrence::Never,
        count if count >= limit => Occurrence::Often,
        _ => Occurrence::Sometimes,
    }));
    kept.clear();
    for (at, &class) in side.iter().enumerate() {
        let keep = match marks[at] {
            Occurrence::Never => false,
            Occurrence::Sometimes => true,
            Occurrence::Often => !amid_unmatched(marks, at),
        };
        if keep {
            kept.push(class);
        }
    }
}

fn amid_unmatched(marks: &[Occurrence], at: usize) -> bool {
    let run = |marks: &mut dyn Iterator<Item = &Occurrence>| {
        let mut counts = (0, 1);
        for mark in marks.take(COMMON_LINE_WINDOW).take_while(|&&mark| mark != Occurrence::Sometimes) {
            match mark {
                Occurrence::Never => counts.0 += 1,
                _ => counts.1 += 1,
            }
        }
        counts
    };
    let (never_before, often_before) = run(&mut marks[..at].iter().rev());
    if never_before == 0 {
        return false;
    }
    let (never_after, often_after) = run(&mut marks[at + 1..].iter());
    if never_after == 0 {
        return false;
    }
    let (never, often) = (never_before + never_after, often_before + often_after);
    often * COMMON_LINE_RATIO < often + never
}

/// Part of the edit graph: `x` counts old lines, `y` new ones.
#[derive(Debug, Clone, Copy)]
struct Area {
    x0: i32,
    x1: i32,
    y0: i32,
    y1: i32,
    /// Whether the search inside may not be cut short.
    exact: bool,
}

struct Split {
    x: i32,
    y: i32,
    exact_before: bool,
    exact_after: bool,
}

/// The furthest `x` reached on each diagonal `x − y`.
struct Diagonals<'a> {
    reach: &'a mut [i32],
    zero: i32,
}

impl Diagonals<'_> {
    #[inline]
    fn get(&self, diagonal: i32) -> i32 {
        self.reach[(diagonal + self.zero) as usize]
    }

    #[inline]
    fn set(&mut self, diagonal: i32, x: i32) {
        self.reach[(diagonal + self.zero) as usize] = x;
    }
}

struct Search<'a> {
    old: &'a [u32],
    new: &'a [u32],
    forward: Diagonals<'a>,
    backward: Diagonals<'a>,
    cost_limit: i32,
}

/// The diagonals that a search has reached, of those that the box has.
struct Band {
    low: i32,
    high: i32,
}

impl Band {
    /// Widens by one on either side, or narrows where the box ends so that every other diagonal is visited in turn.
    fn widen(&mut self, lowest: i32, highest: i32, reach: &mut Diagonals<'_>, outside: i32) {
        if self.low > lowest {
            self.low -= 1;
            reach.set(self.low - 1, outside);
        } else {
            self.low += 1;
        }
        if self.high < highest {
            self.high += 1;
            reach.set(self.high + 1, outside);
        } else {
            self.high -= 1;
        }
    }

    fn downwards(&self) -> impl Iterator<Item = i32> + use<> {
        (self.low..=self.high).rev().step_by(2)
    }

    fn contains(&self, diagonal: i32) -> bool {
        (self.low..=self.high).contains(&diagonal)
    }
}

impl Search<'_> {
    #[inline]
    fn same(&self, x: i32, y: i32) -> bool {
        self.old[x as usize] == self.new[y as usize]
    }

    fn shrink(&self, area: &mut Area) {
        while area.x0 < area.x1 && area.y0 < area.y1 && self.same(area.x0, area.y0) {
            area.x0 += 1;
            area.y0 += 1;
        }
        while area.x0 < area.x1 && area.y0 < area.y1 && self.same(area.x1 - 1, area.y1 - 1) {
            area.x1 -= 1;
            area.y1 -= 1;
        }
    }

    /// Finds a point that a short script through the box passes: searches from both corners until the paths meet.
    fn split(&mut self, area: Area) -> Split {
        let Area { x0, x1, y0, y1, exact } = area;
        let (lowest, highest) = (x0 - y1, x1 - y0);
        let (start, end) = (x0 - y0, x1 - y1);
        let odd = (start - end) & 1 != 0;
        let mut ahead = Band { low: start, high: start };
        let mut behind = Band { low: end, high: end };
        self.forward.set(start, x0);
        self.backward.set(end, x1);
        let mut cost = 0;
        loop {
            cost += 1;
            let mut long_diagonal = false;
            ahead.widen(lowest, highest, &mut self.forward, -1);
            for d in ahead.downwards() {
                let (below, above) = (self.forward.get(d - 1), self.forward.get(d + 1));
                let from = if below >= above { below + 1 } else { above };
                let mut x = from;
                while x < x1 && x - d < y1 && self.same(x, x - d) {
                    x += 1;
                }
                long_diagonal |= x - from > DIAGONAL_LENGTH;
                self.forward.set(d, x);
                if odd && behind.contains(d) && self.backward.get(d) <= x {
                    return Split { x, y: x - d, exact_before: true, exact_after: true };
                }
            }
            behind.widen(lowest, highest, &mut self.backward, i32::MAX);
            for d in behind.downwards() {
                let (below, above) = (self.backward.get(d - 1), self.backward.get(d + 1));
                let from = if below < above { below } else { above - 1 };
                let mut x = from;
                while x > x0 && x - d > y0 && self.same(x - 1, x - d - 1) {
                    x -= 1;
                }
                long_diagonal |= from - x > DIAGONAL_LENGTH;
                self.backward.set(d, x);
                if !odd && ahead.contains(d) && x <= self.forward.get(d) {
                    return Split { x, y: x - d, exact_before: true, exact_after: true };
                }
            }
            if exact {
                continue;
            }
            if long_diagonal
                && cost > DIAGONAL_MIN_COST
                && let Some(split) = self.long_diagonal(area, &ahead, &behind, cost)
            {
                return split;
            }
            if cost >= self.cost_limit {
                return self.furthest(area, &ahead, &behind);
            }
        }
    }

    /// The end of a long diagonal that lies far from its corner and near the middle, if there is one.
    fn long_diagonal(&self, area: Area, ahead: &Band, behind: &Band, cost: i32) -> Option<Split> {
        let Area { x0, x1, y0, y1, .. } = area;
        let mut best = 0;
        let mut found = None;
        for d in ahead.downwards() {
            let x = self.forward.get(d);
            let y = x - d;
            let value = (x - x0) + (y - y0) - (d - (x0 - y0)).abs();
            let inside = x0 + DIAGONAL_LENGTH <= x && x < x1 && y0 + DIAGONAL_LENGTH <= y && y < y1;
            if value > DIAGONAL_REACH * cost
                && value > best
                && inside
                && (1..=DIAGONAL_LENGTH).all(|k| self.same(x - k, y - k))
            {
                best = value;
                found = Some(Split { x, y, exact_before: true, exact_after: false });
            }
        }
        if found.is_some() {
            return found;
        }
        for d in behind.downwards() {
            let x = self.backward.get(d);
            let y = x - d;
            let value = (x1 - x) + (y1 - y) - (d - (x1 - y1)).abs();
            let inside = x0 < x && x <= x1 - DIAGONAL_LENGTH && y0 < y && y <= y1 - DIAGONAL_LENGTH;
            if value > DIAGONAL_REACH * cost
                && value > best
                && inside
                && (0..DIAGONAL_LENGTH).all(|k| self.same(x + k, y + k))
            {
                best = value;
                found = Some(Split { x, y, exact_before: false, exact_after: true });
            }
        }
        found
    }

    /// The point that either search has come furthest to.
    fn furthest(&self, area: Area, ahead: &Band, behind: &Band) -> Split {
        let Area { x0, x1, y0, y1, .. } = area;
        let (mut forward_sum, mut forward_x) = (-1, -1);
        for d in ahead.downwards() {
            let mut x = self.forward.get(d).min(x1);
            let mut y = x - d;
            if y1 < y {
                (x, y) = (y1 + d, y1);
            }
            if forward_sum < x + y {
                (forward_sum, forward_x) = (x + y, x);
            }
        }
        let (mut backward_sum, mut backward_x) = (i32::MAX, i32::MAX);
        for d in behind.downwards() {
            let mut x = self.backward.get(d).max(x0);
            let mut y = x - d;
            if y < y0 {
                (x, y) = (y0 + d, y0);
            }
            if x + y < backward_sum {
                (backward_sum, backward_x) = (x + y, x);
            }
        }
        if (x1 + y1) - backward_sum < forward_sum - (x0 + y0) {
            Split { x: forward_x, y: forward_sum - forward_x, exact_before: true, exact_after: false }
        } else {
            Split { x: backward_x, y: backward_sum - backward_x, exact_before: false, exact_after: true }
        }
    }
}
