//! Search (`crates/docassist-search/benches/search.rs`), embedding (`crates/docassist-embed/benches/embed.rs`), and PostgreSQL as the
//! store (`crates/docassist-app/benches/postgres.rs`).

use anyhow::Result;

use super::Bench;
use super::graph::{Figure, run};
use super::table::{Row, Target};

/// What figures should be, by their names.
const TARGETS: [(&str, Target); 4] = [
    ("lexical indexing, committed", Target::AtLeast(5_000.0)),
    ("search by both, p95", Target::AtMost(5.0)),
    ("one question, p50", Target::AtMost(15.0)),
    ("replica start from PostgreSQL", Target::AtMost(4_000.0)),
];
/// What is compared with what.
const BASELINES: [(&str, &str, Target); 2] = [
    ("passages, in the process", "passages, ONNX Runtime int8", Target::ShareAtLeast(0.7)),
    ("load into PostgreSQL", "COPY of the same rows into bare tables", Target::Share(2.5)),
];

/// The rows of one of the three benchmarks.
pub(super) fn measure(bench: &Bench, name: &str) -> Result<Vec<Row>> {
    let figures = run(bench, name)?;
    Ok(rows(&figures, bench.quick))
}

fn rows(figures: &[Figure], quick: bool) -> Vec<Row> {
    let value = |name: &str| figures.iter().find(|figure| figure.name == name).and_then(|figure| figure.value.as_f64());
    let row = |figure: &Figure| {
        let compared = BASELINES.iter().find(|(name, ..)| *name == figure.name);
        let baseline = compared.and_then(|(_, other, _)| Some((*other, value(other)?)));
        let target = match (compared, TARGETS.iter().find(|(name, _)| *name == figure.name)) {
            (Some((.., target)), _) | (None, Some((_, target))) => *target,
            (None, None) => Target::None,
        };
        // Targets are for a large organisation.
        let target = if quick { Target::None } else { target };
        Some(Row {
            name: figure.name.clone(),
            ours: figure.value.as_f64()?,
            unit: figure.unit,
            baseline,
            target,
            note: String::new(),
        })
    };
    // The other side of a comparison stands beside it.
    let is_baseline = |figure: &&Figure| BASELINES.iter().any(|(_, other, _)| *other == figure.name);
    figures.iter().filter(|figure| !is_baseline(figure)).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn figure(name: &str, value: f64) -> Figure {
        Figure { name: name.to_owned(), value: json!(value), unit: "ms", detail: Value::Null }
    }

    #[test]
    fn both_sides_of_a_comparison_are_one_row() {
        let load = "load into PostgreSQL";
        let figures =
            [figure(load, 50.0), figure("COPY of the same rows into bare tables", 25.0), figure("other", 1.0)];
        let made = rows(&figures, false);
        assert_eq!(made.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), [load, "other"]);
        assert_eq!((made[0].baseline.map(|(_, value)| value), made[0].target), (Some(25.0), Target::Share(2.5)));
        assert_eq!(rows(&figures, true)[0].target, Target::None);
    }
}
