//! How many replicas are enough, and which of the engines' own scaling is turned on.

use super::costs::{Costs, PASSAGES};
use super::fleet::{Machine, Routing};
use super::load::Load;
use super::play::{Day, play};

/// Two, so that one can be restarted while the other answers.
const LEAST_REPLICAS: u32 = 2;
/// A busiest minute above it leaves nothing for a replica that is away.
const MOST_BUSY: f64 = 0.5;
/// Of a hundred questions, 99 wait no longer for others' graphs to be loaded first: what people take for at once. How long
/// their own graph takes depends on its size alone, and no replica more makes that shorter.
const MOST_QUEUED_MS: f64 = 100.0;
/// Graphs that questions find: below it, memory is what is missing.
const LEAST_HITS: f64 = 0.95;
/// Nobody runs more to find out: then the limits above are told as not met.
const MOST_REPLICAS: u32 = 512;
/// One PostgreSQL as it is bought without thinking: 16 processors. Half of them for reading graphs is the most that leaves
/// writes and everybody else alone.
const DATABASE_PROCESSORS: f64 = 16.0;
/// Of the time that loading takes, the part that is the database's; the rest is building the graph.
const DATABASE_SHARE: f64 = 0.5;
/// More is not kept in one Redis: `docassist tune` gives it no more, since a copy of it for a replica takes minutes.
const MOST_REDIS: f64 = 16e9;
/// Commands that one thread of Redis answers in a second, half of what was measured with values of 4 KB.
const MOST_COMMANDS: f64 = 37_000.0;
/// Of one Qdrant: what a machine of 64 GB holds in memory beside the system.
const MOST_INDEX: f64 = 48e9;
/// Of one PostgreSQL, in bytes: beyond it a backup or a new standby takes longer than a night.
const MOST_DATABASE: f64 = 4e12;

/// What a number of organisations needs.
pub(super) struct Sized {
    pub(super) organisations: u64,
    pub(super) commits: u64,
    pub(super) tickets: u64,
    pub(super) largest_commits: u64,
    pub(super) questions_a_second: f64,
    pub(super) syncs_a_second: f64,
    pub(super) commits_a_second: f64,
    pub(super) routed: Day,
    pub(super) in_turn: Day,
    /// Why there are that many replicas.
    pub(super) rule: String,
    pub(super) all_graph_bytes: f64,
    pub(super) database_bytes: f64,
    pub(super) redis_bytes: f64,
    pub(super) passages: f64,
    pub(super) index_bytes: f64,
    /// Hours of one processor for indexing everything once.
    pub(super) index_hours: f64,
    pub(super) scaling: Vec<Decision>,
}

/// Whether something is turned on.
pub(super) struct Decision {
    pub(super) what: &'static str,
    pub(super) is_on: bool,
    pub(super) why: String,
}

pub(super) fn size(load: &Load, machine: Machine, costs: &Costs) -> Sized {
    let mut rule = format!("{LEAST_REPLICAS}, so that one can be restarted");
    let mut replicas = LEAST_REPLICAS;
    let routed = loop {
        let day = play(load, replicas, Routing::ByOrganisation, machine, costs);
        let Some(unmet) = unmet(&day) else { break day };
        if replicas >= MOST_REPLICAS {
            rule = format!("not enough even so: {unmet}");
            break day;
        }
        let next = (replicas + replicas / 2).max(replicas + 1);
        rule = format!("with {replicas}, {unmet}");
        replicas = next.min(MOST_REPLICAS);
    };
    let in_turn = play(load, replicas, Routing::InTurn, machine, costs);
    let (commits, tickets) = (load.all_commits(), load.all_tickets());
    let questions_a_second = load.most_a_second(false);
    let database_bytes =
        commits as f64 * costs.postgres_bytes_per_commit + tickets as f64 * costs.postgres_bytes_per_ticket;
    let redis_bytes = routed.most_answers as f64 * costs.redis_bytes_per_answer;
    let passages = commits as f64 * PASSAGES.0 + tickets as f64 * PASSAGES.1;
    let index_bytes = passages * costs.index_bytes_per_passage;
    let database_busy = routed.most_loaded_a_second * costs.load_us_per_record * DATABASE_SHARE / 1e6;
    let scaling = vec![
        decision(
            "PostgreSQL standbys for reading graphs",
            database_busy,
            DATABASE_PROCESSORS / 2.0,
            "processors read graphs in the busiest minute",
        ),
        decision("more than one PostgreSQL", database_bytes / 1e12, MOST_DATABASE / 1e12, "TB in one database"),
        decision("Redis Cluster, for memory", redis_bytes / 1e9, MOST_REDIS / 1e9, "GB of answers at once"),
        decision(
            "Redis Cluster, for commands",
            // One to look, and one to write what was not there.
            questions_a_second * 2.0,
            MOST_COMMANDS,
            "commands a second at most",
        ),
        decision("Qdrant shards", index_bytes / 1e9, MOST_INDEX / 1e9, "GB of index"),
    ];
    Sized {
        organisations: load.commits.len() as u64,
        commits,
        tickets,
        largest_commits: load.commits.iter().copied().max().unwrap_or_default().into(),
        questions_a_second,
        syncs_a_second: load.most_a_second(true),
        commits_a_second: load.new_commits() / 86_400.0,
        routed,
        in_turn,
        rule,
        all_graph_bytes: (commits + tickets) as f64 * costs.graph_bytes_per_record,
        database_bytes,
        redis_bytes,
        passages,
        index_bytes,
        index_hours: passages / costs.passages_a_second / 3600.0,
        scaling,
    }
}

/// The first limit that a day has not kept to.
fn unmet(day: &Day) -> Option<String> {
    if day.busiest > MOST_BUSY {
        return Some(format!(
            "the busiest minute took {:.0}% of a replica, above {:.0}%",
            day.busiest * 100.0,
            MOST_BUSY * 100.0
        ));
    }
    if day.p99_queued > MOST_QUEUED_MS {
        return Some(format!(
            "one question in a hundred waited {:.0} ms for others' graphs, above {MOST_QUEUED_MS:.0} ms",
            day.p99_queued
        ));
    }
    // Where nearly all answers are cached the first load of each graph is a large part, and no memory helps.
    let first = day.graphs_held.min(day.waited) as f64;
    let avoidable = (day.waited as f64 - first).max(0.0) / (day.graph_hits + day.waited).max(1) as f64;
    if avoidable > 1.0 - LEAST_HITS {
        return Some(format!(
            "{:.1}% of computed answers found a graph dropped, above {:.0}%",
            avoidable * 100.0,
            (1.0 - LEAST_HITS) * 100.0
        ));
    }
    None
}

fn decision(what: &'static str, needed: f64, most: f64, unit: &str) -> Decision {
    let is_on = needed > most;
    let than = if is_on { "more than" } else { "of" };
    Decision { what, is_on, why: format!("{} {than} {} {unit}", figure(needed), figure(most)) }
}

/// A whole number.
pub(super) fn count(number: u64) -> String {
    if number < 1000 { number.to_string() } else { figure(number as f64) }
}

/// Three digits or so.
pub(super) fn figure(number: f64) -> String {
    match number {
        _ if number >= 1000.0 => {
            let digits = format!("{number:.0}");
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        _ if number >= 100.0 => format!("{number:.0}"),
        _ if number >= 10.0 => format!("{number:.1}"),
        _ if number >= 0.01 || number == 0.0 => format!("{number:.2}"),
        _ => "under 0.01".to_owned(),
    }
}
