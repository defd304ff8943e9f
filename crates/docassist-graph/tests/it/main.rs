//! The analyses over small organisations, in which every number can be counted by hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod decisions;
mod gaps;
mod history;
mod impact;
mod lookup;
mod references;
mod relationships;

use docassist_graph::{FileId, Graph, GraphBuilder, Lookup, PageRequest};
use docassist_model::Timestamp;
use docassist_testing::builders::{Organisation, at};

/// The graph of an organisation.
fn graph(organisation: &Organisation) -> Graph {
    let mut builder = GraphBuilder::default();
    organisation.feed(&mut builder);
    builder.build("test", 1)
}

fn all() -> PageRequest {
    PageRequest::first(1_000)
}

fn day(text: &str) -> Timestamp {
    Timestamp::parse_as_of(text).unwrap_or_else(|_| at(text))
}

fn file(graph: &Graph, path: &str) -> FileId {
    match graph.find_file(path, None) {
        Lookup::Found(file) => file,
        other => panic!("{path}: {other:?}"),
    }
}
