//! Measures the graph at the size of a large organisation (140,000 commits, 90,000 tickets): opening a data directory,
//! comprehensive gaps, single queries, memory. Prints one JSON object a line; `cargo xtask bench` makes a table of them.
//!
//! Filling the store takes longer than measuring, so what is filled stays below `target/bench-data` until the generator
//! or the store changes.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's purpose is to print")]

#[path = "scale/data.rs"]
mod data;
#[path = "scale/memory.rs"]
mod memory;

use std::hint::black_box;
use std::time::Instant;

use docassist_graph::{CommitId, FileId, Graph, GraphBuilder, KeyId, PersonId};
use docassist_model::Timestamp;
use docassist_store::{SqliteStore, Store as _};
use docassist_testing::nth_random;
use docassist_testing::records::Shape;
use serde_json::{Value, json};

/// The program's allocator, since it decides a good part of the times.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the command line asks for by default.
const LIMIT: usize = docassist_app::Question::DEFAULT_LIMIT;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test --benches` starts this as well, without the flag that `cargo bench` gives, and means: does it start?
    if !has("--bench") {
        return;
    }
    let quick = has("--quick");
    let shape = if quick { Shape::small(14_000) } else { Shape::organisation() };
    let data = data::filled(&shape);
    tell("data", "path", &json!(data.path().display().to_string()), &json!({ "shape": shape.name() }));

    let before = memory::resident();
    let graph = open(&data, if quick { 3 } else { 5 });
    if let (Some(before), Some(after)) = (before, memory::resident()) {
        tell("graph memory, resident growth", "MB", &json!(megabytes(after.saturating_sub(before))), &Value::Null);
    }
    tell("graph memory, own count", "MB", &json!(megabytes(graph.memory_bytes() as u64)), &counts(&graph));

    let as_of = Shape::end();
    let runs = measure(if quick { 20 } else { 100 }, |_| drop(black_box(graph.comprehensive(as_of))));
    tell_runs("comprehensive gaps", &runs);
    let past = as_of.minus_days(365);
    let runs = measure(if quick { 5 } else { 20 }, |_| drop(black_box(graph.comprehensive(past))));
    tell_runs("comprehensive gaps a year earlier", &runs);
    queries(&graph, as_of, if quick { 200 } else { 1000 });
    let runs = measure(1, |_| drop(black_box(graph.digest())));
    tell_runs("digest of the export", &runs);
}

/// Opens the data directory several times, each with a store of its own; the last graph stays.
fn open(data: &data::Data, runs: u32) -> Graph {
    let mut kept = None;
    let times = measure(runs, |_| {
        // Two graphs at a time would count as memory of one.
        drop(kept.take());
        kept = Some(read(data));
    });
    tell_runs("open a data directory", &times);
    kept.unwrap_or_else(|| read(data))
}

/// Reads the records and builds the graph: everything up to being ready to answer.
fn read(data: &data::Data) -> Graph {
    let scope = data::scope();
    let mut builder = GraphBuilder::default();
    let sequence = SqliteStore::new(data.path()).project(&scope, &mut builder).expect("the records can be read");
    builder.build(scope.org().as_str(), sequence)
}

/// Each kind of query about subjects drawn from all of its kind alike.
fn queries(graph: &Graph, as_of: Timestamp, runs: u32) {
    let files = graph.file_count() as u32;
    let tickets = graph.ticket_count() as u32;
    let commits = graph.commit_count() as u32;
    let people = graph.person_count() as u32;
    let file = |run| FileId(nth_random(run, files));
    let ticket = |run| KeyId(nth_random(run, tickets));
    let commit = |run| CommitId(nth_random(run, commits));
    let person = |run| PersonId(nth_random(run, people));
    let tell_query = |name: &str, query: &dyn Fn(u32)| tell_runs(name, &measure(runs, query));
    tell_query("impact file", &|run| drop(black_box(graph.impact_of_file(file(run), as_of, LIMIT))));
    tell_query("impact ticket", &|run| drop(black_box(graph.impact_of_ticket(ticket(run), as_of, LIMIT))));
    tell_query("impact commit", &|run| drop(black_box(graph.impact_of_commit(commit(run), as_of, LIMIT))));
    tell_query("reviewers", &|run| {
        let files = [file(run), file(run + runs)];
        drop(black_box(graph.reviewers(&files, &[], as_of, LIMIT)));
    });
    tell_query("rel ticket", &|run| drop(black_box(graph.relations_of_ticket(ticket(run), as_of, LIMIT))));
    tell_query("rel developer", &|run| {
        drop(black_box(graph.relations_of_developer(&[person(run)], as_of, LIMIT)));
    });
    tell_query("rel file", &|run| drop(black_box(graph.relations_of_file(file(run), as_of, LIMIT))));
}

/// Milliseconds of each run, in ascending order.
fn measure(runs: u32, mut work: impl FnMut(u32)) -> Vec<f64> {
    let mut times: Vec<f64> = (0..runs)
        .map(|run| {
            let start = Instant::now();
            work(run);
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

fn tell_runs(name: &str, times: &[f64]) {
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1000];
    let detail = json!({ "runs": times.len(), "least": at(0), "p90": at(900), "p99": at(990), "most": at(1000) });
    tell(name, "ms", &json!(at(500)), &detail);
}

fn tell(name: &str, unit: &str, value: &Value, detail: &Value) {
    println!("{}", json!({ "name": name, "value": value, "unit": unit, "detail": detail }));
}

fn counts(graph: &Graph) -> Value {
    json!({
        "commits": graph.commit_count(),
        "tickets": graph.ticket_count(),
        "files": graph.file_count(),
        "people": graph.person_count(),
    })
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
