//! Measures PostgreSQL as the store at the size of a large organisation: loading, against COPY of the same rows into tables
//! without indexes and keys, and the start of a replica. Prints one JSON object a line; `cargo xtask bench` makes a table.
//!
//! The server is one that the benchmark starts, with its default settings, which wait for the disk.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's purpose is to print")]

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use docassist_graph::GraphBuilder;
use docassist_model::{Commit, SourceKind, TenantScope, Ticket};
use docassist_store::{
    FeedEnd, FileChanges, GitFinish, PageChanges, PostgresConfig, PostgresStore, Store, TicketImport,
};
use docassist_testing::PostgresServer;
use docassist_testing::records::{History, Shape, tickets};
use postgres::{Client, NoTls};
use serde_json::{Value, json};

/// The program's allocator, since it decides a good part of the times.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Commits are staged as a sync stages them.
const BATCH: usize = 1000;
/// The tables that a load fills.
const TABLES: [&str; 11] = [
    "sources",
    "identities",
    "paths",
    "files",
    "commits",
    "commit_texts",
    "tickets",
    "ticket_bodies",
    "pages",
    "page_texts",
    "decisions",
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test --benches` starts this as well, without the flag that `cargo bench` gives, and means: does it start?
    if !has("--bench") {
        return;
    }
    let shape = if has("--quick") { Shape::small(14_000) } else { Shape::organisation() };
    let settings = [("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on")];
    let Some(server) = PostgresServer::start(&settings) else { return };
    let data = Generated::new(&shape);
    let runs = if has("--quick") { 1 } else { 3 };
    let (mut loads, mut copies, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        // Both sides in turn, on the same server.
        let url = server.database();
        let database = url.rsplit('/').next().unwrap_or_default();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let open =
            || PostgresStore::open(PostgresConfig::parse(&url).expect("an address"), folder.path()).expect("a store");
        loads.push(timed(|| data.load(&open())));
        copies.push(copy(&server.superuser_url(database)));
        for _ in 0..3 {
            starts.push(timed(|| {
                let mut builder = GraphBuilder::default();
                let sequence = open().project(&scope(), &mut builder).expect("the records can be read");
                let graph = builder.build("default", sequence);
                assert_eq!(graph.commit_count(), data.commits.len());
            }));
        }
    }
    let detail = json!({ "shape": shape.name(), "runs": runs });
    tell("load into PostgreSQL", "ms", median(&mut loads), &detail);
    tell("COPY of the same rows into bare tables", "ms", median(&mut copies), &detail);
    tell("load against COPY", "x", median(&mut loads) / median(&mut copies), &detail);
    tell("replica start from PostgreSQL", "ms", median(&mut starts), &detail);
}

fn scope() -> TenantScope {
    TenantScope::unchecked("default".parse().expect("a valid name"), "a benchmark's own data")
}

/// Records in memory, so that making them is not measured.
struct Generated {
    commits: Vec<Commit>,
    history: History,
    tickets: Vec<Ticket>,
}

impl Generated {
    fn new(shape: &Shape) -> Self {
        let mut history = History::new(shape);
        let commits = history.by_ref().collect();
        Self { commits, history, tickets: tickets(shape).collect() }
    }

    fn load(&self, store: &dyn Store) {
        let mut writer = store.writer(&scope(), "load", Duration::ZERO, &|| false).expect("nobody else writes here");
        let source = writer.source(SourceKind::Git, "generated", "generated").expect("a source can be made").id;
        for batch in self.commits.chunks(BATCH) {
            writer.stage_commits(source, batch).expect("commits can be staged");
        }
        let finish = GitFinish {
            location: "generated",
            cursor: &Value::Null,
            synced: Shape::end(),
            notes: &[],
            remove: &[],
            files: FileChanges { replace_all: true, removed: &[], upserted: &self.history.tip() },
            pages: PageChanges { replace_all: true, removed: &[], upserted: &self.history.pages() },
            decisions: Some(&self.history.decisions()),
            canonical: &Clone::clone,
            mailmap_changed: true,
        };
        writer.finish_git(source, finish).expect("the sync can be finished");
        let source = writer.source(SourceKind::Tickets, "tickets", "generated").expect("a source can be made").id;
        let import = TicketImport { location: "generated", projects: &[], prune: true, synced: Shape::end() };
        let mut feed = |sink: &mut dyn docassist_store::TicketSink| {
            for ticket in &self.tickets {
                sink.ticket(ticket)?;
            }
            Ok(FeedEnd::default())
        };
        writer.import_tickets(source, import, &mut feed).expect("tickets can be imported");
    }
}

/// Milliseconds that COPY takes for the rows of all tables, into tables that have nothing but their columns.
fn copy(url: &str) -> f64 {
    let mut client = Client::connect(url, NoTls).expect("the server can be reached");
    let mut contents = Vec::new();
    client.batch_execute("CREATE SCHEMA bare").expect("a schema can be made");
    for table in TABLES {
        let make = format!("CREATE TABLE bare.{table} AS SELECT * FROM docassist.{table} WITH NO DATA");
        client.batch_execute(&make).expect("a table can be made");
        let mut bytes = Vec::new();
        let mut reader =
            client.copy_out(&format!("COPY docassist.{table} TO STDOUT BINARY")).expect("a table can be copied");
        reader.read_to_end(&mut bytes).expect("a table can be read");
        drop(reader);
        contents.push((table, bytes));
    }
    let took = timed(|| {
        let mut transaction = client.transaction().expect("a transaction");
        for (table, bytes) in &contents {
            let mut writer =
                transaction.copy_in(&format!("COPY bare.{table} FROM STDIN BINARY")).expect("a table can be filled");
            writer.write_all(bytes).expect("rows are taken");
            writer.finish().expect("rows are taken");
        }
        transaction.commit().expect("a commit");
    });
    client.batch_execute("DROP SCHEMA bare CASCADE").expect("a schema can be dropped");
    took
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1000.0
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn tell(name: &str, unit: &str, value: f64, detail: &Value) {
    let value = (value * 100.0).round() / 100.0;
    println!("{}", json!({ "name": name, "unit": unit, "value": value, "detail": detail }));
}
