//! Rename detection with the results of `git diff -M`: a deleted and an added file are one that moved when enough of
//! its content went along.
//!
//! The order of the steps decides which of several candidates is taken, so it follows git's (documented in
//! `gitdiffcore(7)` and `git-diff(1)`, `-M` and `-l`): identical content first, then equal base names that are
//! unique on both sides, then the most similar pairs of all that remain.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::lines::is_binary;
use super::object_reader::{BIG_FILE_BYTES, ObjectReader};
use super::tree_diff::{Side, TreeChange};

/// Scores are parts of this, as in git.
const MAX_SCORE: u64 = 60_000;
/// 50 %, git's default for `-M`.
const MIN_SCORE: u64 = MAX_SCORE / 2;
/// Equal base names must be half-way between the minimum and identity.
const MIN_BASENAME_SCORE: u64 = MIN_SCORE + (MAX_SCORE - MIN_SCORE) / 2;
/// `diff.renameLimit`: with more candidates than its square only identical content and base names are compared.
const RENAME_LIMIT: usize = 1_000;
/// For each added file this many of the best sources are remembered.
const CANDIDATES_PER_TARGET: usize = 4;
/// Among identical sources at most this many are looked at for an equal base name.
const MAX_IDENTICAL: usize = 100;

/// Joins deletions and additions that are renames. Returns for each change the index of the change that it was renamed
/// from; the sources remain in the list, marked by the second vector.
pub(super) fn detect(reader: &mut ObjectReader, changes: &[TreeChange]) -> Renames {
    let mut sources: Vec<Source<'_>> = Vec::new();
    let mut targets: Vec<Target<'_>> = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        match (change.old, change.new) {
            (Some(side), None) => sources.push(Source { file: File::new(index, change, side), used: false }),
            (None, Some(side)) => targets.push(Target { file: File::new(index, change, side), from: None }),
            _ => {}
        }
    }
    if !sources.is_empty() && !targets.is_empty() {
        exact(&mut sources, &mut targets);
        sources.retain(|source| !source.used);
        let mut contents = Contents { reader, spans: FxHashMap::default() };
        by_basename(&mut contents, &mut sources, &mut targets);
        sources.retain(|source| !source.used);
        by_similarity(&mut contents, &mut sources, &mut targets);
    }
    let mut renames = Renames { from: vec![None; changes.len()], moved_away: vec![false; changes.len()] };
    for target in &targets {
        if let Some(source) = target.from {
            renames.from[target.file.index] = Some(source);
            renames.moved_away[source] = true;
        }
    }
    renames
}

/// Which changes of a list are renames.
pub(super) struct Renames {
    /// For each change, the index of the deletion that it was renamed from.
    pub(super) from: Vec<Option<usize>>,
    /// For each change, whether it is such a deletion.
    pub(super) moved_away: Vec<bool>,
}

#[derive(Clone, Copy)]
struct File<'a> {
    index: usize,
    path: &'a [u8],
    side: Side,
}

impl<'a> File<'a> {
    fn new(index: usize, change: &'a TreeChange, side: Side) -> Self {
        Self { index, path: &change.path, side }
    }

    fn basename(&self) -> &'a [u8] {
        memchr::memrchr(b'/', self.path).map_or(self.path, |slash| &self.path[slash + 1..])
    }
}

struct Source<'a> {
    file: File<'a>,
    used: bool,
}

struct Target<'a> {
    file: File<'a>,
    from: Option<usize>,
}

fn exact(sources: &mut [Source<'_>], targets: &mut [Target<'_>]) {
    let mut by_id: FxHashMap<gix::ObjectId, Vec<usize>> = FxHashMap::default();
    for (index, source) in sources.iter().enumerate() {
        by_id.entry(source.file.side.id).or_default().push(index);
    }
    for target in targets {
        let Some(identical) = by_id.get(&target.file.side.id) else { continue };
        let mut best: Option<(bool, usize)> = None;
        for &index in identical.iter().take(MAX_IDENTICAL) {
            let source = &sources[index];
            let modes_fit = (source.file.side.mode.is_regular() && target.file.side.mode.is_regular())
                || source.file.side.mode == target.file.side.mode;
            if source.used || !modes_fit {
                continue;
            }
            let same_name = source.file.basename() == target.file.basename();
            if best.is_none_or(|(best_same, _)| same_name && !best_same) {
                best = Some((same_name, index));
            }
            if same_name {
                break;
            }
        }
        if let Some((_, index)) = best {
            sources[index].used = true;
            target.from = Some(sources[index].file.index);
        }
    }
}

fn by_basename(contents: &mut Contents<'_>, sources: &mut [Source<'_>], targets: &mut [Target<'_>]) {
    let unique = |names: &mut dyn Iterator<Item = (&[u8], usize)>| {
        let mut map: FxHashMap<Vec<u8>, Option<usize>> = FxHashMap::default();
        for (name, index) in names {
            map.entry(name.to_vec()).and_modify(|slot| *slot = None).or_insert(Some(index));
        }
        map
    };
    let open = targets.iter().enumerate().filter(|(_, target)| target.from.is_none());
    let targets_by_name = unique(&mut open.map(|(index, target)| (target.file.basename(), index)));
    let sources_by_name =
        unique(&mut sources.iter().enumerate().map(|(index, source)| (source.file.basename(), index)));
    for source in sources {
        let name = source.file.basename();
        if !matches!(sources_by_name.get(name), Some(Some(_))) {
            continue;
        }
        let Some(Some(target)) = targets_by_name.get(name) else { continue };
        let target = &mut targets[*target];
        if contents.similarity(source.file.side, target.file.side, MIN_BASENAME_SCORE) >= MIN_BASENAME_SCORE {
            source.used = true;
            target.from = Some(source.file.index);
        }
    }
}

#[derive(Clone, Copy)]
struct Candidate {
    score: u64,
    same_name: bool,
    target: usize,
    source: usize,
}

impl Candidate {
    /// Most similar first, then equal base names; equal ones keep their order.
    fn rank(&self) -> (std::cmp::Reverse<u64>, std::cmp::Reverse<bool>) {
        (std::cmp::Reverse(self.score), std::cmp::Reverse(self.same_name))
    }
}

fn by_similarity(contents: &mut Contents<'_>, sources: &mut [Source<'_>], targets: &mut [Target<'_>]) {
    let open: Vec<usize> = (0..targets.len()).filter(|&index| targets[index].from.is_none()).collect();
    if open.is_empty() || sources.is_empty() || open.len() * sources.len() > RENAME_LIMIT * RENAME_LIMIT {
        return;
    }
    let mut candidates: Vec<Candidate> = Vec::new();
    for &target in &open {
        // Slots, not a sorted list: git replaces the worst of four, and the order of the rest decides ties.
        let mut best: [Option<Candidate>; CANDIDATES_PER_TARGET] = [None; CANDIDATES_PER_TARGET];
        for (index, source) in sources.iter().enumerate() {
            let file = &targets[target].file;
            let candidate = Candidate {
                score: contents.similarity(source.file.side, file.side, MIN_SCORE),
                same_name: source.file.basename() == file.basename(),
                target,
                source: index,
            };
            replace_worst(&mut best, candidate);
        }
        candidates.extend(best.into_iter().flatten());
    }
    candidates.sort_by_key(Candidate::rank);
    for candidate in candidates.iter().take_while(|candidate| candidate.score >= MIN_SCORE) {
        let (target, source) = (&mut targets[candidate.target], &mut sources[candidate.source]);
        if target.from.is_none() && !source.used {
            source.used = true;
            target.from = Some(source.file.index);
        }
    }
}

fn replace_worst(best: &mut [Option<Candidate>; CANDIDATES_PER_TARGET], candidate: Candidate) {
    let mut worst = 0;
    for slot in 1..CANDIDATES_PER_TARGET {
        let worse = match (&best[slot], &best[worst]) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(a), Some(b)) => a.rank() > b.rank(),
        };
        if worse {
            worst = slot;
        }
    }
    if best[worst].is_none_or(|current| candidate.rank() < current.rank()) {
        best[worst] = Some(candidate);
    }
}

/// The content of a file as bytes per kind of chunk, sorted by the chunk's hash.
type Spans = Arc<[(u32, u32)]>;

struct Contents<'a> {
    reader: &'a mut ObjectReader,
    spans: FxHashMap<gix::ObjectId, Option<(u64, Spans)>>,
}

impl Contents<'_> {
    /// How much of the larger file is common material, in parts of [`MAX_SCORE`]; 0 where their sizes alone rule
    /// `minimum` out, or a content cannot be read.
    fn similarity(&mut self, old: Side, new: Side, minimum: u64) -> u64 {
        if !old.mode.is_regular() || !new.mode.is_regular() {
            return 0;
        }
        let (Ok(old_size), Ok(new_size)) = (self.size(old), self.size(new)) else { return 0 };
        let (larger, smaller) = (old_size.max(new_size), old_size.min(new_size));
        if larger * (MAX_SCORE - minimum) < (larger - smaller) * MAX_SCORE || smaller == 0 {
            return 0;
        }
        let (Some(before), Some(after)) = (self.spans(old), self.spans(new)) else { return 0 };
        let mut common = 0_u64;
        let (mut a, mut b) = (before.iter().peekable(), after.iter().peekable());
        while let (Some((left, left_bytes)), Some((right, right_bytes))) = (a.peek(), b.peek()) {
            match left.cmp(right) {
                std::cmp::Ordering::Less => _ = a.next(),
                std::cmp::Ordering::Greater => _ = b.next(),
                std::cmp::Ordering::Equal => {
                    common += u64::from(*left_bytes.min(right_bytes));
                    a.next();
                    b.next();
                }
            }
        }
        common * MAX_SCORE / larger
    }

    fn size(&mut self, side: Side) -> Result<u64, super::object_reader::Unreadable> {
        match self.spans.get(&side.id) {
            Some(Some((size, _))) => Ok(*size),
            _ => self.reader.size(&side.id),
        }
    }

    fn spans(&mut self, side: Side) -> Option<Spans> {
        if let Some(known) = self.spans.get(&side.id) {
            return known.as_ref().map(|(_, spans)| Arc::clone(spans));
        }
        let too_big = self.reader.size(&side.id).is_ok_and(|size| size > BIG_FILE_BYTES);
        let content = if too_big { None } else { self.reader.blob(&side.id).ok() };
        let entry = content.map(|content| (content.len() as u64, spans_of(&content)));
        let spans = entry.as_ref().map(|(_, spans)| Arc::clone(spans));
        self.spans.insert(side.id, entry);
        spans
    }
}

/// Cuts a content into chunks that end at a line feed or after 64 bytes, and sums the bytes of equal chunks. The hash
/// (two rotating accumulators, reduced modulo a prime) is git's, since its collisions are part of git's scores.
fn spans_of(content: &[u8]) -> Spans {
    const BUCKETS: u32 = 107_927;
    let text = !is_binary(content);
    let mut chunks: Vec<(u32, u32)> = Vec::with_capacity(content.len() / 24 + 1);
    let (mut high, mut low, mut length) = (0_u32, 0_u32, 0_u32);
    let mut close = |high: &mut u32, low: &mut u32, length: &mut u32| {
        chunks.push((high.wrapping_add(low.wrapping_mul(0x61)) % BUCKETS, *length));
        (*high, *low, *length) = (0, 0, 0);
    };
    for (at, &byte) in content.iter().enumerate() {
        // A carriage return before a line feed is no part of a text line.
        if text && byte == b'\r' && content.get(at + 1) == Some(&b'\n') {
            continue;
        }
        let previous = high;
        high = (high << 7) ^ (low >> 25);
        low = (low << 7) ^ (previous >> 25);
        high = high.wrapping_add(u32::from(byte));
        length += 1;
        if length == 64 || byte == b'\n' {
            close(&mut high, &mut low, &mut length);
        }
    }
    if length > 0 {
        close(&mut high, &mut low, &mut length);
    }
    chunks.sort_unstable_by_key(|(hash, _)| *hash);
    chunks.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = earlier.1.saturating_add(later.1);
        }
        same
    });
    chunks.into()
}
