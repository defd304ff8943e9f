//! The file of documents: for each source its name and the bytes of its entries, each a fingerprint and a name. Grouped, because a
//! source's name would else be most of the file, and what a commit did not touch is copied whole.

use rustc_hash::FxHashSet;

use crate::index::IndexedDocument;
use crate::index::documents::DocumentChanges;

/// The documents as they were committed.
#[derive(Debug, Default)]
pub(super) struct Noted {
    bytes: Vec<u8>,
    count: u64,
}

impl Noted {
    /// The documents of a file that holds so many.
    pub(super) const fn new(bytes: Vec<u8>, count: u64) -> Self {
        Self { bytes, count }
    }

    /// Whether the file can be read to its end, and holds as many documents as it should.
    pub(super) fn is_whole(&self) -> bool {
        let mut count = 0;
        let read = sections(&self.bytes, |_, entries| each(entries, |_, _, _| count += 1));
        read.is_some() && count == self.count
    }

    /// The documents as they are with changes; `None` where the file is damaged.
    pub(super) fn with(&self, changes: &DocumentChanges) -> Option<Vec<IndexedDocument>> {
        let mut documents = Vec::with_capacity(usize::try_from(self.count).unwrap_or_default());
        let mut add = |source: &str, document: &str, fingerprint| {
            documents.push(IndexedDocument { source: source.to_owned(), document: document.to_owned(), fingerprint });
        };
        sections(&self.bytes, |source, entries| {
            let changes = changes.of(source);
            each(entries, |document, fingerprint, _| {
                if changes.is_none_or(|changes| changes.keep(document)) {
                    add(source, document, fingerprint);
                }
            })
        })?;
        changes.noted().for_each(|(source, document, fingerprint)| add(source, document, fingerprint));
        Some(documents)
    }

    /// The documents as they are with changes, to be committed; `None` where the file is damaged.
    pub(super) fn changed(&self, changes: &DocumentChanges) -> Option<Self> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut count = self.count;
        let mut known: FxHashSet<&str> = FxHashSet::default();
        let mut kept = Vec::new();
        sections(&self.bytes, |source, entries| {
            known.insert(source);
            let Some(changes) = changes.of(source) else {
                put_section(&mut bytes, source, entries);
                return Some(());
            };
            kept.clear();
            each(
                entries,
                |document, _, entry| {
                    if changes.keep(document) { kept.extend_from_slice(entry) } else { count -= 1 }
                },
            )?;
            for (document, fingerprint) in changes.noted() {
                count += 1;
                put_entry(&mut kept, document, fingerprint);
            }
            put_section(&mut bytes, source, &kept);
            Some(())
        })?;
        for (source, changes) in changes.sources().filter(|(source, _)| !known.contains(source)) {
            kept.clear();
            for (document, fingerprint) in changes.noted() {
                count += 1;
                put_entry(&mut kept, document, fingerprint);
            }
            put_section(&mut bytes, source, &kept);
        }
        Some(Self { bytes, count })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }
}

fn put_section(bytes: &mut Vec<u8>, source: &str, entries: &[u8]) {
    if !entries.is_empty() {
        put_bytes(bytes, source.as_bytes());
        put_bytes(bytes, entries);
    }
}

fn put_entry(bytes: &mut Vec<u8>, document: &str, fingerprint: u64) {
    bytes.extend_from_slice(&fingerprint.to_le_bytes());
    put_bytes(bytes, document.as_bytes());
}

/// Adds bytes after their number, seven bits of it in each byte: most names have one.
fn put_bytes(bytes: &mut Vec<u8>, added: &[u8]) {
    let mut length = added.len();
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(added);
}

/// Hands every source and its entries to `with`; `None` where the file ends too early, a name is no text, or `with` says so.
fn sections<'a>(mut bytes: &'a [u8], mut with: impl FnMut(&'a str, &'a [u8]) -> Option<()>) -> Option<()> {
    while !bytes.is_empty() {
        let source = std::str::from_utf8(take(&mut bytes)?).ok()?;
        with(source, take(&mut bytes)?)?;
    }
    Some(())
}

/// Hands every entry to `with`: the document, its fingerprint and the bytes of both.
fn each<'a>(mut entries: &'a [u8], mut with: impl FnMut(&'a str, u64, &'a [u8])) -> Option<()> {
    while !entries.is_empty() {
        let whole = entries;
        let (fingerprint, rest) = entries.split_first_chunk()?;
        entries = rest;
        let document = std::str::from_utf8(take(&mut entries)?).ok()?;
        with(document, u64::from_le_bytes(*fingerprint), &whole[..whole.len() - entries.len()]);
    }
    Some(())
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut length = 0_u64;
    for shift in (0..u64::BITS - 7).step_by(7) {
        let byte = *bytes.split_off_first()?;
        length |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return bytes.split_off(..usize::try_from(length).ok()?);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_was_noted(
            steps in prop::collection::vec((0..3_usize, "[ab]{0,2}", "[a-dé]{0,3}", any::<u64>(), any::<bool>()), 0..40),
        ) {
            let mut model: BTreeMap<(String, String), u64> = BTreeMap::new();
            let (mut noted, mut changes) = (Noted::default(), DocumentChanges::default());
            for (step, source, document, fingerprint, commit) in steps {
                match step {
                    0 => {
                        changes.forget_source(&source);
                        model.retain(|(other, _), _| *other != source);
                    }
                    1 => {
                        changes.forget(&source, &document);
                        model.remove(&(source, document));
                    }
                    _ => {
                        let one = IndexedDocument { source: source.clone(), document: document.clone(), fingerprint };
                        changes.note(&[one], &[]);
                        model.insert((source, document), fingerprint);
                    }
                }
                if commit {
                    noted = noted.changed(&changes).unwrap();
                    changes.clear();
                    prop_assert!(noted.is_whole());
                    prop_assert_eq!(noted.count(), model.len() as u64);
                }
                let mut documents = noted.with(&changes).unwrap();
                documents.sort();
                let found: BTreeMap<_, _> =
                    documents.iter().map(|one| ((one.source.clone(), one.document.clone()), one.fingerprint)).collect();
                prop_assert_eq!(documents.len(), found.len());
                prop_assert_eq!(&found, &model);
            }
        }

        #[test]
        fn damage_is_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), count in 0..4_u64) {
            let noted = Noted::new(bytes, count);
            let (whole, read) = (noted.is_whole(), noted.with(&DocumentChanges::default()));
            prop_assert!(!whole || read.is_some());
        }
    }

    #[test]
    fn long_names_are_kept() {
        let mut changes = DocumentChanges::default();
        let one = IndexedDocument { source: "s".repeat(200), document: "d".repeat(20_000), fingerprint: u64::MAX };
        changes.note(std::slice::from_ref(&one), &[]);
        let noted = Noted::default().changed(&changes).unwrap();
        assert_eq!(noted.with(&DocumentChanges::default()).unwrap(), [one]);
        let cut = Noted::new(noted.bytes()[..noted.bytes().len() - 1].to_vec(), 1);
        assert!(!cut.is_whole() && cut.changed(&DocumentChanges::default()).is_none());
    }
}
