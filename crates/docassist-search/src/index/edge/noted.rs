//! The file of documents: for each source its name and the bytes of its entries, each a fingerprint and a name. Grouped, because a
//! source's name would else be most of the file.

use std::io::Write;

use rustc_hash::FxHashMap;

use crate::index::IndexedDocument;
use crate::index::documents::DocumentChanges;

/// The documents as they were committed.
#[derive(Debug, Default)]
pub(super) struct Noted(Vec<u8>);

impl Noted {
    /// The documents of a file; `None` where it is damaged, or holds another number of them.
    pub(super) fn read(bytes: Vec<u8>, expected: u64) -> Option<Self> {
        let mut count = 0;
        walk(&bytes, |_, _, _| count += 1)?;
        (count == expected).then_some(Self(bytes))
    }

    fn each(&self, mut with: impl FnMut(&str, &str, u64)) {
        // It was walked through when it was read.
        let _whole = walk(&self.0, &mut with);
    }

    /// The documents as they are with changes.
    pub(super) fn with(&self, changes: &DocumentChanges) -> Vec<IndexedDocument> {
        let mut documents = Vec::new();
        let mut add = |source: &str, document: &str, fingerprint| {
            documents.push(IndexedDocument { source: source.to_owned(), document: document.to_owned(), fingerprint });
        };
        self.each(|source, document, fingerprint| {
            if changes.keep(source, document) {
                add(source, document, fingerprint);
            }
        });
        changes.noted().for_each(|(source, document, fingerprint)| add(source, document, fingerprint));
        documents
    }

    /// The file of the documents with changes, and how many there are.
    pub(super) fn changed(&self, changes: &DocumentChanges) -> (Sections, u64) {
        let mut sections = Sections::default();
        let mut count = 0;
        let mut add = |source: &str, document: &str, fingerprint: u64| {
            count += 1;
            let entries = sections.of(source);
            entries.extend_from_slice(&fingerprint.to_le_bytes());
            entries.extend_from_slice(&(document.len() as u64).to_le_bytes());
            entries.extend_from_slice(document.as_bytes());
        };
        self.each(|source, document, fingerprint| {
            if changes.keep(source, document) {
                add(source, document, fingerprint);
            }
        });
        changes.noted().for_each(|(source, document, fingerprint)| add(source, document, fingerprint));
        (sections, count)
    }
}

/// Entries by source.
#[derive(Debug, Default)]
pub(super) struct Sections {
    entries: Vec<(String, Vec<u8>)>,
    places: FxHashMap<String, usize>,
}

impl Sections {
    fn of(&mut self, source: &str) -> &mut Vec<u8> {
        let place = match self.places.get(source) {
            Some(&place) => place,
            None => {
                self.places.insert(source.to_owned(), self.entries.len());
                self.entries.push((source.to_owned(), Vec::new()));
                self.entries.len() - 1
            }
        };
        &mut self.entries[place].1
    }

    pub(super) fn write(&self, file: &mut impl Write) -> std::io::Result<()> {
        for (source, entries) in &self.entries {
            file.write_all(&(source.len() as u64).to_le_bytes())?;
            file.write_all(source.as_bytes())?;
            file.write_all(&(entries.len() as u64).to_le_bytes())?;
            file.write_all(entries)?;
        }
        Ok(())
    }
}

/// Hands every entry of a file to `with`; `None` where it ends too early or a name is no text.
fn walk(mut bytes: &[u8], mut with: impl FnMut(&str, &str, u64)) -> Option<()> {
    while !bytes.is_empty() {
        let source = text(&mut bytes)?;
        let length = usize::try_from(number(&mut bytes)?).ok()?;
        let mut entries = bytes.split_off(..length)?;
        while !entries.is_empty() {
            let fingerprint = number(&mut entries)?;
            with(source, text(&mut entries)?, fingerprint);
        }
    }
    Some(())
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(number(bytes)?).ok()?;
    std::str::from_utf8(bytes.split_off(..length)?).ok()
}
