//! The tables, in Markdown, as docs/scaling.md has them.

use super::costs::Costs;
use super::fleet::Machine;
use super::sizing::{Sized, count, figure};

/// A row: its name, and its value for one number of organisations.
type Row = (&'static str, fn(&Sized) -> String);

const ROWS: [Row; 26] = [
    ("commits and tickets", |sized| count(sized.commits + sized.tickets)),
    ("commits of the largest", |sized| count(sized.largest_commits)),
    ("questions a second, busiest minute", |sized| figure(sized.questions_a_second)),
    ("syncs a second, busiest minute", |sized| figure(sized.syncs_a_second)),
    ("commits written a second, on average", |sized| figure(sized.commits_a_second)),
    ("answered from the cache", |sized| percent(sized.routed.cached as f64 / sized.routed.questions().max(1) as f64)),
    ("**replicas**", |sized| format!("**{}**", sized.routed.replicas)),
    ("graphs, all of them", |sized| bytes(sized.all_graph_bytes)),
    ("graphs in memory, routed by organisation", |sized| bytes(sized.routed.graph_bytes as f64)),
    ("graphs in memory, in turn", |sized| bytes(sized.in_turn.graph_bytes as f64)),
    ("graph there when needed, by organisation", |sized| percent(sized.routed.hit_rate())),
    ("graph there when needed, in turn", |sized| percent(sized.in_turn.hit_rate())),
    ("loads of graphs a day, by organisation", |sized| count(sized.routed.loads)),
    ("loads of graphs a day, in turn", |sized| count(sized.in_turn.loads)),
    ("p99 wait for a graph, by organisation", |sized| milliseconds(sized.routed.p99_wait)),
    ("p99 wait for a graph, in turn", |sized| milliseconds(sized.in_turn.p99_wait)),
    ("part of it behind others' loads, by organisation", |sized| milliseconds(sized.routed.p99_queued)),
    ("part of it behind others' loads, in turn", |sized| milliseconds(sized.in_turn.p99_queued)),
    ("p99 among those who wait, by organisation", |sized| milliseconds(sized.routed.p99_of_waits)),
    ("p99 among those who wait, in turn", |sized| milliseconds(sized.in_turn.p99_of_waits)),
    ("busiest minute of a replica, by organisation", |sized| percent(sized.routed.busiest)),
    ("busiest minute of a replica, in turn", |sized| percent(sized.in_turn.busiest)),
    ("PostgreSQL", |sized| bytes(sized.database_bytes)),
    ("Redis, at most at once", |sized| bytes(sized.redis_bytes)),
    ("search: passages", |sized| figure(sized.passages)),
    ("search: index, and hours to build it on one processor", |sized| {
        format!("{}, {} h", bytes(sized.index_bytes), figure(sized.index_hours))
    }),
];

pub(super) fn render(results: &[Sized], machine: Machine, costs: &Costs) -> String {
    let mut text = format!(
        "Replicas of {} processors with {} for graphs. A graph: {} bytes and {} µs a commit or ticket; an answer: {} µs \
         cached, {} µs computed.\n\n",
        machine.processors,
        bytes(machine.graph_bytes as f64),
        costs.graph_bytes_per_record,
        costs.load_us_per_record,
        costs.cached_us,
        costs.computed_us,
    );
    text.push_str(&header("organisations", results));
    for (name, value) in ROWS {
        text.push_str(&line(name, results.iter().map(value)));
    }
    text.push_str(&line("why so many replicas", results.iter().map(|sized| sized.rule.clone())));
    text.push('\n');
    text.push_str(&header("turned on", results));
    let decisions = results.first().map_or(0, |sized| sized.scaling.len());
    for at in 0..decisions {
        let cell = |sized: &Sized| {
            let decision = &sized.scaling[at];
            format!("{}: {}", if decision.is_on { "**yes**" } else { "no" }, decision.why)
        };
        text.push_str(&line(results[0].scaling[at].what, results.iter().map(cell)));
    }
    text
}

fn header(name: &str, results: &[Sized]) -> String {
    let mut text = line(name, results.iter().map(|sized| count(sized.organisations)));
    text.push_str(&format!("|---|{}\n", "---|".repeat(results.len())));
    text
}

fn line(name: &str, values: impl Iterator<Item = String>) -> String {
    let mut text = format!("| {name} |");
    for value in values {
        text.push_str(&format!(" {value} |"));
    }
    text.push('\n');
    text
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn milliseconds(time: f64) -> String {
    if time >= 1000.0 { format!("{:.1} s", time / 1000.0) } else { format!("{time:.0} ms") }
}

fn bytes(count: f64) -> String {
    for (size, unit) in [(1e12, "TB"), (1e9, "GB"), (1e6, "MB")] {
        if count >= size {
            return format!("{} {unit}", figure(count / size));
        }
    }
    format!("{} kB", figure(count / 1e3))
}
