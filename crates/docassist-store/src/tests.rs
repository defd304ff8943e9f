//! What every backend must do, written once and instantiated for each: [`suite`].

mod builders;
mod control;
mod copy;
mod docs;
mod documents;
mod git;
mod organisations;
mod postgres;
mod sqlite;
mod tickets;
mod vectors;

use std::collections::BTreeMap;
use std::time::Duration;

use docassist_model::projection::{CommitRow, FileRow, IdentityRow, PathRow, RecordSink, SourceRow, TicketRow};
use docassist_model::{Decision, ObjectId, Page, SourceId, TenantScope};

use crate::{Result, Store, Writer};

/// A place for records that outlives the stores opened on it.
trait Backend {
    fn open(&self) -> Box<dyn Store>;
}

/// Runs every behaviour test against a backend: `suite! { constructor; module { test … } … }`. The modules are those
/// beside the one that calls it.
macro_rules! suite {
    ($backend:expr; $($module:ident { $($test:ident)+ })+) => {
        $(mod $module {
            $(#[test]
            fn $test() {
                super::super::$module::$test(&$backend);
            })+
        })+
    };
}
use suite;

fn scope() -> TenantScope {
    TenantScope::unchecked("acme".parse().unwrap(), "a test")
}

fn writer(store: &dyn Store) -> Box<dyn Writer + '_> {
    store.writer(&scope(), "test", Duration::ZERO, &|| false).unwrap()
}

/// A projection as sorted lines, with numbers replaced by what they stand for: equal records give equal lines.
#[derive(Debug, Default)]
struct Lines {
    paths: BTreeMap<u32, String>,
    identities: BTreeMap<u32, String>,
    names: BTreeMap<SourceId, String>,
    lines: Vec<String>,
}

/// All visible records and the sequence they are of.
fn project(store: &dyn Store) -> (u64, Vec<String>) {
    let mut lines = Lines::default();
    let sequence = store.project(&scope(), &mut lines).unwrap();
    assert_eq!(sequence, store.sequence(&scope()).unwrap());
    lines.lines.sort();
    (sequence, lines.lines)
}

/// The lines of `project` that begin with one of `kinds`.
fn only(store: &dyn Store, kinds: &[&str]) -> Vec<String> {
    let lines = project(store).1.into_iter();
    lines.filter(|line| kinds.iter().any(|kind| line.starts_with(kind))).collect()
}

impl RecordSink for Lines {
    fn source(&mut self, row: &SourceRow<'_>) {
        self.names.insert(row.id, row.name.to_owned());
        self.lines.push(format!(
            "source {} {:?} {:?} {:?} interrupted={}",
            row.name, row.kind, row.projects, row.notes, row.interrupted
        ));
    }

    fn identity(&mut self, row: &IdentityRow<'_>) {
        assert_eq!(self.identities.insert(row.id, format!("{} <{}>", row.name, row.email)), None);
    }

    fn path(&mut self, row: &PathRow<'_>) {
        let path = format!("{}:{}", self.names[&row.source], row.path);
        assert_eq!(self.paths.insert(row.id, path), None);
    }

    fn file(&mut self, row: &FileRow) {
        self.lines.push(format!("file {} {:?} {}", self.paths[&row.path], row.kind, row.size));
    }

    fn commit(&mut self, row: &CommitRow<'_>) {
        let credits: Vec<_> =
            row.credits.iter().map(|(role, identity)| format!("{role:?} {}", self.identities[identity])).collect();
        let changes: Vec<_> = row
            .changes
            .iter()
            .map(|change| {
                let from = change.from.map(|from| &self.paths[&from]);
                let (path, added, deleted) = (&self.paths[&change.path], change.additions, change.deletions);
                format!("{} {path} {from:?} +{added} -{deleted} {}", change.status.letter(), change.binary)
            })
            .collect();
        self.lines.push(format!(
            "commit {} {} parents={} {} {} {} {:?} revert={} [{}] [{}] {credits:?} {changes:?}",
            self.names[&row.source],
            ObjectId::from_bytes(row.id).unwrap(),
            row.parents,
            self.identities[&row.author],
            row.authored.unix(),
            row.time.unix(),
            row.subject,
            row.revert,
            row.subject_keys,
            row.body_keys,
        ));
    }

    fn ticket(&mut self, row: &TicketRow<'_>) {
        let name = &self.names[&row.source];
        // The number of the source depends on the order of creation.
        let row = TicketRow { source: SourceId(0), ..*row };
        self.lines.push(format!("ticket {name} {row:?}"));
    }

    fn page(&mut self, source: SourceId, page: &Page) {
        assert_eq!(page.text, "");
        self.lines.push(format!("page {} {page:?}", self.names[&source]));
    }

    fn decision(&mut self, source: SourceId, decision: &Decision) {
        self.lines.push(format!("decision {} {decision:?}", self.names[&source]));
    }
}

/// Opens a store or says why not, without `Debug` on trait objects.
fn refused<T>(result: Result<T>) -> crate::StoreError {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error,
    }
}
