//! Line counts of a change, as `git diff --numstat` gives them.

use super::myers::Differ;

/// Git looks for a NUL in this many bytes to tell binary from text.
const BINARY_PROBE_BYTES: usize = 8000;

/// Lines added and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LineCounts {
    pub(super) additions: u32,
    pub(super) deletions: u32,
}

/// Whether git takes the content for binary.
pub(super) fn is_binary(content: &[u8]) -> bool {
    memchr::memchr(0, &content[..content.len().min(BINARY_PROBE_BYTES)]).is_some()
}

/// Number of lines; a last one without a line feed counts.
pub(super) fn line_count(content: &[u8]) -> u32 {
    let feeds = memchr::memchr_iter(b'\n', content).count();
    let partial = usize::from(content.last().is_some_and(|&b| b != b'\n'));
    u32::try_from(feeds + partial).unwrap_or(u32::MAX)
}

/// Counts the lines that git's default diff adds and deletes between two texts.
///
/// Common lines at both ends are cut off first: most changes touch a few lines of a long file, and looking only at what is
/// between them is what makes reading a history faster than git does.
pub(super) fn count_changed_lines(differ: &mut Differ, old: &[u8], new: &[u8]) -> LineCounts {
    let prefix = common_prefix_lines(old, new);
    let (head, old, new) = (&old[..prefix], &old[prefix..], &new[prefix..]);
    let suffix = common_suffix_lines(old, new);
    let (tail, old, new) = (&old[old.len() - suffix..], &old[..old.len() - suffix], &new[..new.len() - suffix]);
    if old.is_empty() || new.is_empty() {
        return LineCounts { additions: line_count(new), deletions: line_count(old) };
    }
    let changed = differ.changed(head, old, new, tail);
    LineCounts { additions: changed.added, deletions: changed.deleted }
}

/// Length in bytes of the whole lines that both texts begin with.
fn common_prefix_lines(old: &[u8], new: &[u8]) -> usize {
    let equal = equal_prefix(old, new);
    if equal == old.len() && equal == new.len() {
        return equal;
    }
    memchr::memrchr(b'\n', &old[..equal]).map_or(0, |feed| feed + 1)
}

fn equal_prefix(old: &[u8], new: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let blocks = old.chunks_exact(BLOCK).zip(new.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    blocks + old[blocks..].iter().zip(&new[blocks..]).take_while(|(a, b)| a == b).count()
}

/// Length in bytes of the whole lines that both texts end with.
fn common_suffix_lines(old: &[u8], new: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let blocks = old.rchunks_exact(BLOCK).zip(new.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let equal = blocks
        + old[..old.len() - blocks]
            .iter()
            .rev()
            .zip(new[..new.len() - blocks].iter().rev())
            .take_while(|(a, b)| a == b)
            .count();
    // A line belongs to the suffix when it is equal from its beginning, which is behind a line feed in both texts.
    let tail = &old[old.len() - equal..];
    let at_line_start = |text: &[u8]| text.len() == equal || text[text.len() - equal - 1] == b'\n';
    if equal > 0 && at_line_start(old) && at_line_start(new) {
        return equal;
    }
    memchr::memchr(b'\n', tail).map_or(0, |feed| equal - feed - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(old: &str, new: &str) -> (u32, u32) {
        let counts = count_changed_lines(&mut Differ::default(), old.as_bytes(), new.as_bytes());
        (counts.additions, counts.deletions)
    }

    #[test]
    fn lines_are_counted_as_git_does() {
        assert_eq!(counts("", "a\nb\n"), (2, 0));
        assert_eq!(counts("a\nb\nc\n", "a\nc\n"), (0, 1));
        assert_eq!(counts("a\nb\nc\n", "a\nx\nc\n"), (1, 1));
        // A line feed that appears at the end changes the last line.
        assert_eq!(counts("a\nb", "a\nb\n"), (1, 1));
        assert_eq!(counts("a\nb", "a\nb"), (0, 0));
        assert_eq!(counts("xa\n", "ya\n"), (1, 1));
        assert_eq!(counts("a\na\n", "a\na\na\n"), (1, 0));
    }

    proptest::proptest! {
        /// What is cut off at the ends never changes the balance, and identical texts have no changes.
        #[test]
        fn additions_minus_deletions_is_the_difference_in_length(old in "[ab\n]{0,60}", new in "[ab\n]{0,60}") {
            let counts = count_changed_lines(&mut Differ::default(), old.as_bytes(), new.as_bytes());
            let balance = i64::from(counts.additions) - i64::from(counts.deletions);
            let expected = i64::from(line_count(new.as_bytes())) - i64::from(line_count(old.as_bytes()));
            proptest::prop_assert_eq!(balance, expected);
            proptest::prop_assert_eq!(counts == LineCounts::default(), old == new);
        }
    }
}
