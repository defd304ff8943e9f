//! What the service does beside a bare handler (`crates/docassist-server/benches/service.rs`), and its cache alone
//! (`crates/docassist-cache/benches/hit.rs`).

use anyhow::Result;

use super::Bench;
use super::graph::{Figure, run};
use super::table::{Row, Target};

/// Most that a figure may be, by its name.
const AT_MOST: [(&str, f64); 4] = [
    ("first request after start", 1_500.0),
    ("cached GET, p99", 2.0),
    ("comprehensive gaps over HTTP, miss", 1.0),
    ("stampede of 1,000, computations", 1.0),
];

/// The rows of one of the two benchmarks.
pub(super) fn measure(bench: &Bench, name: &str) -> Result<Vec<Row>> {
    let figures = match name {
        "service" => run(bench, "service")?,
        _ => run(bench, "hit")?,
    };
    let bare = figures.iter().find(|figure| figure.name == "bare handler").and_then(|figure| figure.value.as_f64());
    let hit = figures.iter().find(|figure| figure.name.ends_with("over HTTP, hit")).and_then(|f| f.value.as_f64());
    let row = |figure: &Figure| {
        let ours = figure.value.as_f64()?;
        let digits = |name: &str| figure.detail[name].as_f64().map(|value| format!("{name} {value:.3}"));
        let mut notes: Vec<String> = ["p50", "p99", "share", "bytes"].into_iter().filter_map(digits).collect();
        if figure.name.ends_with("over HTTP, miss")
            && let Some(hit) = hit
        {
            notes.push(format!("{:.1} × a hit", ours / hit));
        }
        let baseline = bare.filter(|_| figure.name == "cached GET").map(|bare| ("bare handler", bare));
        let target = AT_MOST.iter().find(|(name, _)| *name == figure.name);
        let target = target.filter(|_| !bench.quick).map_or(Target::None, |(_, most)| Target::AtMost(*most));
        Some(Row { name: figure.name.clone(), ours, unit: figure.unit, baseline, target, note: notes.join(", ") })
    };
    Ok(figures.iter().filter_map(row).collect())
}
