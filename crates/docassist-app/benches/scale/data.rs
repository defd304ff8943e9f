//! A data directory filled with a generated organisation.

use std::path::{Path, PathBuf};
use std::time::Duration;

use docassist_model::{Commit, SourceKind, TenantScope, Timestamp};
use docassist_store::{FeedEnd, FileChanges, GitFinish, PageChanges, SqliteStore, Store as _, TicketImport, Writer};
use docassist_testing::prepared;
use docassist_testing::records::{History, Shape, tickets};
use serde_json::json;

/// Commits are staged as a sync stages them.
const BATCH: usize = 1000;

/// A filled data directory.
pub(crate) struct Data {
    path: PathBuf,
}

impl Data {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

pub(crate) fn scope() -> TenantScope {
    let org = "default".parse().expect("a valid name");
    TenantScope::unchecked(org, "a benchmark's own data")
}

/// The data directory of that shape, filled unless it was before.
pub(crate) fn filled(shape: &Shape) -> Data {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    // CARGO_TARGET_TMPDIR is `tmp` in whatever the target folder is.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap_or(package);
    let store = package.join("../docassist-store/src");
    let name = format!("store-{}", shape.name());
    let path = prepared(&target.join("bench-data"), &name, &[&store], |folder| {
        eprintln!("filling a store with {}", shape.name());
        fill(shape, folder);
    });
    Data { path }
}

fn fill(shape: &Shape, folder: &Path) {
    let store = SqliteStore::new(folder);
    let scope = scope();
    let mut writer = store.writer(&scope, "fill", Duration::ZERO, &|| false).expect("nobody else writes here");
    fill_repository(shape, writer.as_mut());
    fill_tickets(shape, writer.as_mut());
}

fn fill_repository(shape: &Shape, writer: &mut dyn Writer) {
    let source = writer.source(SourceKind::Git, "generated", "generated").expect("a source can be made").id;
    let mut history = History::new(shape);
    loop {
        let batch: Vec<Commit> = history.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        writer.stage_commits(source, &batch).expect("commits can be staged");
    }
    let finish = GitFinish {
        location: "generated",
        cursor: &json!({ "generated": shape.name() }),
        synced: Timestamp::from_unix(Shape::end().unix()),
        notes: &[],
        remove: &[],
        files: FileChanges { replace_all: true, removed: &[], upserted: &history.tip() },
        pages: PageChanges { replace_all: true, removed: &[], upserted: &history.pages() },
        decisions: Some(&history.decisions()),
        canonical: &Clone::clone,
        mailmap_changed: true,
    };
    writer.finish_git(source, finish).expect("the sync can be finished");
}

fn fill_tickets(shape: &Shape, writer: &mut dyn Writer) {
    let source = writer.source(SourceKind::Tickets, "tickets", "generated").expect("a source can be made").id;
    let import = TicketImport { location: "generated", projects: &[], prune: true, synced: Shape::end() };
    writer
        .import_tickets(source, import, &mut |sink| {
            for ticket in tickets(shape) {
                sink.ticket(&ticket)?;
            }
            Ok(FeedEnd::default())
        })
        .expect("tickets can be imported");
}
