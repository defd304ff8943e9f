//! What is measured inside one process (`crates/docassist-app/benches/scale.rs`), and the same as whole processes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use docassist_testing::records::Shape;
use serde_json::Value;

use super::Bench;
use super::process::{median, milliseconds, peak_memory};
use super::table::{Row, Target};
use crate::workspace::cargo;

/// Targets by the name of the figure.
const TARGETS: [(&str, f64); 11] = [
    ("open a data directory", 1000.0),
    ("comprehensive gaps", 2.0),
    ("impact file", 0.3),
    ("impact ticket", 0.3),
    ("impact commit", 0.3),
    ("reviewers", 0.3),
    ("rel ticket", 0.3),
    ("rel developer", 0.3),
    ("rel file", 0.3),
    ("graph memory, resident growth", 400.0),
    ("graph memory, own count", 400.0),
];

/// One figure that the benchmark told.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) unit: &'static str,
    pub(super) detail: Value,
}

/// Runs the benchmark and reads what it tells.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    run(bench, "scale")
}

/// Runs a benchmark and reads what it tells. All are built for the whole workspace: each package by itself asks for other features
/// of what it depends on, which would be compiled anew for every one.
pub(super) fn run(bench: &Bench, name: &str) -> Result<Vec<Figure>> {
    let mut command = cargo();
    command.args(["bench", "--locked", "--workspace", "--bench", name, "--"]);
    if bench.quick {
        command.arg("--quick");
    }
    let output = command.stderr(std::process::Stdio::inherit()).output().context("cannot start `cargo bench`")?;
    if !output.status.success() {
        bail!("`cargo bench --bench {name}` failed");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |line: &str| {
        let mut value: Value = serde_json::from_str(line).context("the benchmark printed a line that is no JSON")?;
        let unit = match value["unit"].as_str() {
            Some("ms") => "ms",
            Some("MB") => "MB",
            Some("ns") => "ns",
            Some("us" | "µs") => "µs",
            Some("bytes") => "bytes",
            Some("/s") => "/s",
            Some("passages/s") => "passages/s",
            Some("tokens/s") => "tokens/s",
            Some("%") => "%",
            _ => "",
        };
        let name = value["name"].as_str().unwrap_or_default().to_owned();
        Ok(Figure { name, value: value["value"].take(), unit, detail: value["detail"].take() })
    };
    text.lines().filter(|line| line.starts_with('{')).map(figure).collect()
}

/// The figures as rows.
pub(super) fn rows(figures: &[Figure], quick: bool) -> Vec<Row> {
    let of_figure = |figure: &Figure| {
        let target = TARGETS.iter().find(|(name, _)| *name == figure.name);
        let digits = |name: &str| figure.detail[name].as_f64().map(|value| format!("{name} {value:.3}"));
        let spread: Vec<String> = ["p99", "most"].into_iter().filter_map(digits).collect();
        Some(Row {
            name: figure.name.clone(),
            ours: figure.value.as_f64()?,
            unit: figure.unit,
            baseline: None,
            // Targets are for the large organisation.
            target: target.filter(|_| !quick).map_or(Target::None, |(_, most)| Target::AtMost(*most)),
            note: spread.join(", "),
        })
    };
    figures.iter().filter_map(of_figure).collect()
}

/// `docassist gaps` and `docassist export graph` as whole processes on the benchmark's data.
pub(super) fn gaps(bench: &Bench, figures: &[Figure]) -> Result<Vec<Row>> {
    let data = figures.iter().find(|figure| figure.name == "data").and_then(|figure| figure.value.as_str());
    let data = Path::new(data.context("the benchmark did not tell where its data is")?);
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&bench.program);
        command.arg("--data").arg(data).arg("--quiet").args(arguments);
        command
    };
    let end = Shape::end().to_string();
    let gaps = ["--as-of", &end, "--format", "json", "gaps"];
    let export = ["export", "graph"];
    let mut rows = Vec::new();
    for (name, arguments, runs) in [("gaps", gaps.as_slice(), bench.runs().1), ("export graph", export.as_slice(), 1)] {
        let mut times = Vec::new();
        for _ in 0..runs {
            times.push(milliseconds(&mut command(arguments))?);
        }
        let row = |name: String, ours, unit| Row {
            name,
            ours,
            unit,
            baseline: None,
            target: Target::None,
            note: String::new(),
        };
        rows.push(row(format!("docassist {name}, whole process"), median(&mut times), "ms"));
        if let Some(peak) = peak_memory(&mut command(arguments))? {
            rows.push(row(format!("docassist {name}, most memory"), peak, "MB"));
        }
    }
    Ok(rows)
}
