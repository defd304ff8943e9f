//! What things cost, as measured. Change a figure only with a measurement, and say which and when.

/// The inputs of the simulation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costs {
    /// Memory of a graph for each commit or ticket, with the files, people and references that belong to it.
    pub(super) graph_bytes_per_record: f64,
    /// Time until a graph is ready, from PostgreSQL, on one processor, for each commit or ticket.
    pub(super) load_us_per_record: f64,
    /// Processor time of an answer that was there, with all of HTTP.
    pub(super) cached_us: f64,
    /// Processor time of one that is computed, likewise.
    pub(super) computed_us: f64,
    /// Rows and indexes in PostgreSQL for each commit, with its files and texts.
    pub(super) postgres_bytes_per_commit: f64,
    /// The same for each ticket.
    pub(super) postgres_bytes_per_ticket: f64,
    /// Memory of Redis for each answer, with its key and what Redis adds.
    pub(super) redis_bytes_per_answer: f64,
    /// Passages that one processor indexes in a second.
    pub(super) passages_a_second: f64,
    /// Bytes of the search index for each passage.
    pub(super) index_bytes_per_passage: f64,
}

impl Costs {
    /// On the 2-core machine that we develop on. Each with what measured it.
    pub(super) const MEASURED: Self = Self {
        // 2026-11-25: `cargo xtask bench --only graph`: 114 MB for 140,000 commits and 90,000 tickets.
        graph_bytes_per_record: 496.0,
        // 2026-11-30: `cargo xtask bench --only postgres`: 780 ms for 140,000 commits and 90,000 tickets.
        load_us_per_record: 3.4,
        // 2026-11-25: `cargo xtask bench --only service`: 67,500 cached answers a second on 2 cores with the load tool.
        cached_us: 30.0,
        // 2026-11-25: `cargo xtask bench --only graph --only service`: 0.01 to 0.4 ms, and the same HTTP around it.
        computed_us: 230.0,
        // 2026-11-25: `cargo xtask stack up`, then `docassist sync git` of the generated history of 14,000 commits, and
        // `pg_database_size` before and after: 883 bytes. This repository, with long messages and many pages, has 5,796
        // (106 commits): between them, nearer to the large one.
        postgres_bytes_per_commit: 1_500.0,
        // The same with `sync tickets` of its 9,010 tickets: 1,437 bytes. Real descriptions are longer than generated ones.
        postgres_bytes_per_ticket: 2_000.0,
        // 2026-11-25: `INFO memory` before and after 300 answers of 197 bytes: 786 bytes each, so 590 beside the answer itself,
        // which is taken to have 4 KB.
        redis_bytes_per_answer: 4_700.0,
        // 2026-11-30: `cargo xtask bench --only search`: 212 µs of processor for each of 100,000 passages, by words.
        passages_a_second: 4_700.0,
        // The same: 436 MB on disk, with vectors of 384 dimensions and their graph.
        index_bytes_per_passage: 4_400.0,
    };
}

/// Passages for each commit and each ticket: messages are short, descriptions and comments are longer. An estimate.
pub(super) const PASSAGES: (f64, f64) = (1.0, 2.0);
