//! The compact form of what a commit and a ticket have many of: changes, credits, links.
//!
//! Numbers are little-endian base-128 varints. A list has no length: it ends with its bytes. Codes are part of the
//! file format; never change one, only add.

use docassist_model::projection::ChangeRow;
use docassist_model::{ChangeStatus, CreditRole, FileKind, LinkDirection, StatusCategory};

/// The bytes are not what the encoder writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Bits 0 to 2 of a change's first byte are its status.
const STATUS: u8 = 0b111;
const BINARY: u8 = 1 << 3;
const RENAMED: u8 = 1 << 4;

const STATUSES: [ChangeStatus; 5] = [
    ChangeStatus::Added,
    ChangeStatus::Modified,
    ChangeStatus::Deleted,
    ChangeStatus::Renamed,
    ChangeStatus::TypeChanged,
];

const ROLES: [CreditRole; 5] =
    [CreditRole::CoAuthor, CreditRole::Reviewer, CreditRole::SignedOff, CreditRole::Tester, CreditRole::Contributor];

const KINDS: [FileKind; 8] = [
    FileKind::Source,
    FileKind::Test,
    FileKind::Documentation,
    FileKind::Configuration,
    FileKind::Dependency,
    FileKind::Generated,
    FileKind::Binary,
    FileKind::Other,
];

const CATEGORIES: [StatusCategory; 3] = [StatusCategory::ToDo, StatusCategory::InProgress, StatusCategory::Done];

/// The place of a value in its table of codes. Every value has one: the tests say so.
fn code<T: PartialEq + Copy>(table: &[T], value: T) -> u8 {
    table.iter().position(|&known| known == value).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

fn value<T: Copy>(table: &[T], code: impl TryInto<usize>) -> Result<T, Malformed> {
    code.try_into().ok().and_then(|at| table.get(at)).copied().ok_or(Malformed)
}

/// The code of a file's kind.
pub(crate) fn kind_code(kind: FileKind) -> u8 {
    code(&KINDS, kind)
}

/// The file kind of a code.
pub(crate) fn kind(code: i64) -> Result<FileKind, Malformed> {
    value(&KINDS, code)
}

/// The code of a status category.
pub(crate) fn category_code(category: StatusCategory) -> u8 {
    code(&CATEGORIES, category)
}

/// The status category of a code.
pub(crate) fn category(code: i64) -> Result<StatusCategory, Malformed> {
    value(&CATEGORIES, code)
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Small differences of either sign become small numbers.
fn put_difference(out: &mut Vec<u8>, from: u32, to: u32) {
    let difference = i64::from(to) - i64::from(from);
    put(out, ((difference << 1) ^ (difference >> 63)).cast_unsigned());
}

/// Takes bytes from the front of a list.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    #[inline]
    fn number(&mut self) -> Result<u64, Malformed> {
        // Nearly every number fits one byte.
        let first = self.byte().ok_or(Malformed)?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut number = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte().ok_or(Malformed)?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn number32(&mut self) -> Result<u32, Malformed> {
        self.number()?.try_into().map_err(|_| Malformed)
    }

    fn moved_from(&mut self, from: u32) -> Result<u32, Malformed> {
        let number = self.number()?;
        let difference = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
        i64::from(from).checked_add(difference).and_then(|to| to.try_into().ok()).ok_or(Malformed)
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        str::from_utf8(text).map_err(|_| Malformed)
    }
}

/// Appends a change to its commit's list. `previous` is the path of the one before it in the list, 0 for the first:
/// git orders by path and paths are numbered as they come, so that most differences fit one byte.
pub(crate) fn put_change(out: &mut Vec<u8>, previous: u32, change: &ChangeRow) {
    let mut first = code(&STATUSES, change.status) & STATUS;
    if change.binary {
        first |= BINARY;
    }
    if change.from.is_some() {
        first |= RENAMED;
    }
    out.push(first);
    put_difference(out, previous, change.path);
    if let Some(from) = change.from {
        put_difference(out, change.path, from);
    }
    put(out, change.additions.into());
    put(out, change.deletions.into());
}

/// Replaces the content of `changes` by a commit's list.
pub(crate) fn changes(bytes: &[u8], changes: &mut Vec<ChangeRow>) -> Result<(), Malformed> {
    changes.clear();
    let mut reader = Reader { rest: bytes };
    let mut previous = 0;
    while let Some(first) = reader.byte() {
        if first & !(STATUS | BINARY | RENAMED) != 0 {
            return Err(Malformed);
        }
        let path = reader.moved_from(previous)?;
        let from = if first & RENAMED == 0 { None } else { Some(reader.moved_from(path)?) };
        changes.push(ChangeRow {
            path,
            from,
            status: value(&STATUSES, first & STATUS)?,
            binary: first & BINARY != 0,
            additions: reader.number32()?,
            deletions: reader.number32()?,
        });
        previous = path;
    }
    Ok(())
}

/// Appends a credit to its commit's list.
pub(crate) fn put_credit(out: &mut Vec<u8>, role: CreditRole, identity: u32) {
    out.push(code(&ROLES, role));
    put(out, identity.into());
}

/// Replaces the content of `credits` by a commit's list.
pub(crate) fn credits(bytes: &[u8], credits: &mut Vec<(CreditRole, u32)>) -> Result<(), Malformed> {
    credits.clear();
    let mut reader = Reader { rest: bytes };
    while let Some(role) = reader.byte() {
        credits.push((value(&ROLES, role)?, reader.number32()?));
    }
    Ok(())
}

/// Appends a link to its ticket's list.
pub(crate) fn put_link(out: &mut Vec<u8>, kind: &str, direction: LinkDirection, key: &str) {
    out.push(match direction {
        LinkDirection::Outward => 0,
        LinkDirection::Inward => 1,
    });
    for text in [kind, key] {
        put(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes a ticket's list over the first entries of `links`, reusing their strings, and returns how many there are.
pub(crate) fn links(bytes: &[u8], links: &mut Vec<(String, LinkDirection, String)>) -> Result<usize, Malformed> {
    let mut reader = Reader { rest: bytes };
    let mut count = 0;
    while let Some(direction) = reader.byte() {
        let direction = value(&[LinkDirection::Outward, LinkDirection::Inward], direction)?;
        let (kind, key) = (reader.text()?, reader.text()?);
        if let Some(link) = links.get_mut(count) {
            link.0.clear();
            link.0.push_str(kind);
            link.1 = direction;
            link.2.clear();
            link.2.push_str(key);
        } else {
            links.push((kind.to_owned(), direction, key.to_owned()));
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = ChangeRow> {
        (
            any::<u32>(),
            any::<Option<u32>>(),
            prop::sample::select(STATUSES.to_vec()),
            any::<bool>(),
            any::<u32>(),
            any::<u32>(),
        )
            .prop_map(|(path, from, status, binary, additions, deletions)| ChangeRow {
                path,
                from,
                status,
                binary,
                additions,
                deletions,
            })
    }

    proptest! {
        #[test]
        fn numbers_round_trip(number: u64, from: u32, to: u32) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            put_difference(&mut bytes, from, to);
            let mut reader = Reader { rest: &bytes };
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert_eq!(reader.moved_from(from), Ok(to));
            prop_assert!(reader.rest.is_empty());
        }

        #[test]
        fn changes_round_trip(list in prop::collection::vec(change(), 0..20)) {
            let mut bytes = Vec::new();
            let mut previous = 0;
            for change in &list {
                put_change(&mut bytes, previous, change);
                previous = change.path;
            }
            let mut read = vec![ChangeRow { path: 9, from: None, status: ChangeStatus::Added, binary: false, additions: 0, deletions: 0 }];
            prop_assert_eq!(changes(&bytes, &mut read), Ok(()));
            prop_assert_eq!(read, list);
        }

        #[test]
        fn credits_round_trip(list in prop::collection::vec((prop::sample::select(ROLES.to_vec()), any::<u32>()), 0..20)) {
            let mut bytes = Vec::new();
            for &(role, identity) in &list {
                put_credit(&mut bytes, role, identity);
            }
            let mut read = Vec::new();
            prop_assert_eq!(credits(&bytes, &mut read), Ok(()));
            prop_assert_eq!(read, list);
        }

        #[test]
        fn links_round_trip(list in prop::collection::vec((".{0,20}", any::<bool>(), "[A-Z]{1,9}-[1-9]"), 0..20)) {
            let list: Vec<_> = list
                .into_iter()
                .map(|(kind, inward, key)| {
                    (kind, if inward { LinkDirection::Inward } else { LinkDirection::Outward }, key)
                })
                .collect();
            let mut bytes = Vec::new();
            for (kind, direction, key) in &list {
                put_link(&mut bytes, kind, *direction, key);
            }
            let mut read = vec![("old".to_owned(), LinkDirection::Inward, "OLD-1".to_owned()); 5];
            let count = links(&bytes, &mut read).unwrap();
            prop_assert_eq!(&read[..count], list);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = changes(&bytes, &mut Vec::new());
            let _ = credits(&bytes, &mut Vec::new());
            let _ = links(&bytes, &mut Vec::new());
        }
    }

    #[test]
    fn every_value_has_its_code() {
        for (index, &known) in KINDS.iter().enumerate() {
            assert_eq!(usize::from(kind_code(known)), index);
            assert_eq!(kind(kind_code(known).into()), Ok(known));
        }
        for known in CATEGORIES {
            assert_eq!(category(category_code(known).into()), Ok(known));
        }
        assert_eq!(kind(8), Err(Malformed));
        assert_eq!(kind(-1), Err(Malformed));
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        let mut reader = Reader { rest: &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f] };
        assert_eq!(reader.number(), Err(Malformed));
    }
}
