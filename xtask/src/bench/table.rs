//! Judging and printing.

use serde_json::{Value, json};

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    /// At most this, in the figure's unit.
    AtMost(f64),
    /// At least this, in the figure's unit.
    AtLeast(f64),
    /// At most this share of the baseline.
    Share(f64),
    /// At least this share of the baseline.
    ShareAtLeast(f64),
    /// Told for information.
    None,
}

/// One figure.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) ours: f64,
    pub(super) unit: &'static str,
    pub(super) baseline: Option<(&'static str, f64)>,
    pub(super) target: Target,
    pub(super) note: String,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.baseline.map(|(_, theirs)| self.ours / theirs)
    }

    /// The figure that is judged and its bound.
    fn judged(&self) -> Option<(f64, f64)> {
        match self.target {
            Target::AtMost(bound) | Target::AtLeast(bound) => Some((self.ours, bound)),
            Target::Share(bound) | Target::ShareAtLeast(bound) => self.ratio().map(|ratio| (ratio, bound)),
            Target::None => None,
        }
    }

    fn is_met(&self) -> Option<bool> {
        let (value, bound) = self.judged()?;
        Some(match self.target {
            Target::AtLeast(_) | Target::ShareAtLeast(_) => value >= bound,
            _ => value <= bound,
        })
    }

    fn verdict(&self) -> String {
        match (self.judged(), self.is_met()) {
            (Some((value, bound)), Some(true)) => format!("met ({:.0} % of it)", value / bound * 100.0),
            (Some((value, bound)), _) => format!("missed by {:.0} %", (value / bound - 1.0).abs() * 100.0),
            _ => "–".to_owned(),
        }
    }

    fn target_text(&self) -> String {
        match self.target {
            Target::AtMost(most) => format!("≤ {}", figure(most, self.unit)),
            Target::AtLeast(least) => format!("≥ {}", figure(least, self.unit)),
            Target::Share(most) => format!("≤ {most} ×"),
            Target::ShareAtLeast(least) => format!("≥ {least} ×"),
            Target::None => "–".to_owned(),
        }
    }
}

/// What the figures were measured on.
pub(super) struct Machine {
    cores: usize,
    processor: Option<String>,
    /// Programs that wanted a core in the last minute before, on average.
    load: Option<f64>,
}

impl Machine {
    pub(super) fn look() -> Self {
        let read = |path| std::fs::read_to_string(path).ok();
        let processor = read("/proc/cpuinfo").and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("model name"))?;
            Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
        });
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor,
            load: read("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok()),
        }
    }

    fn text(&self) -> String {
        let processor = self.processor.as_deref().unwrap_or("unknown processor");
        let mut text = format!("{} cores, {processor}", self.cores);
        if let Some(load) = self.load.filter(|load| *load > 0.5) {
            text.push_str(&format!("; other programs were running (load {load:.1}), so times are too high"));
        }
        text
    }
}

pub(super) fn print(machine: &Machine, rows: &[Row]) {
    let header = ["what", "ours", "baseline", "ratio", "target", "verdict", ""].map(str::to_owned);
    let lines: Vec<[String; 7]> = rows.iter().map(cells).collect();
    let width = |column: usize| {
        std::iter::once(&header).chain(&lines).map(|cells| cells[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    for cells in std::iter::once(&header).chain(&lines) {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            // Numbers to the right, words to the left.
            let pad = " ".repeat(widths[column] - cell.chars().count());
            let (before, after) = if (1..5).contains(&column) { (pad.as_str(), "") } else { ("", pad.as_str()) };
            text.push_str(&format!("{before}{cell}{after}  "));
        }
        println!("{}", text.trim_end());
    }
    println!("\n{}", machine.text());
}

fn cells(row: &Row) -> [String; 7] {
    let dash = || "–".to_owned();
    let baseline = row.baseline.map_or_else(dash, |(_, theirs)| figure(theirs, row.unit));
    let mut notes: Vec<&str> = row.baseline.iter().map(|(name, _)| *name).collect();
    notes.extend((!row.note.is_empty()).then_some(row.note.as_str()));
    [
        row.name.clone(),
        figure(row.ours, row.unit),
        baseline,
        row.ratio().map_or_else(dash, |ratio| format!("{ratio:.2} ×")),
        row.target_text(),
        row.verdict(),
        notes.join("; "),
    ]
}

/// Three digits that count.
fn figure(value: f64, unit: &str) -> String {
    match unit {
        "ms" if value >= 1000.0 => format!("{:.2} s", value / 1000.0),
        _ if value >= 100.0 => format!("{value:.0} {unit}"),
        _ if value >= 10.0 => format!("{value:.1} {unit}"),
        _ if value >= 1.0 => format!("{value:.2} {unit}"),
        _ => format!("{value:.3} {unit}"),
    }
}

pub(super) fn json(machine: &Machine, rows: &[Row]) -> Value {
    let of_row = |row: &Row| {
        json!({
            "name": row.name,
            "value": row.ours,
            "unit": row.unit,
            "baseline": row.baseline.map(|(name, value)| json!({ "name": name, "value": value })),
            "ratio": row.ratio(),
            "target": row.judged().map(|(_, bound)| bound),
            "met": row.is_met(),
            "note": row.note,
        })
    };
    json!({
        "machine": { "cores": machine.cores, "processor": machine.processor, "load": machine.load },
        "rows": rows.iter().map(of_row).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, baseline: Option<f64>, target: Target) -> Row {
        let baseline = baseline.map(|theirs| ("other", theirs));
        Row { name: "x".to_owned(), ours, unit: "ms", baseline, target, note: String::new() }
    }

    #[test]
    fn verdicts_say_by_how_much() {
        assert_eq!(row(50.0, None, Target::AtMost(100.0)).verdict(), "met (50 % of it)");
        assert_eq!(row(130.0, None, Target::AtMost(100.0)).verdict(), "missed by 30 %");
        assert_eq!(row(30.0, Some(100.0), Target::Share(0.6)).verdict(), "met (50 % of it)");
        assert_eq!(row(90.0, Some(100.0), Target::Share(0.6)).verdict(), "missed by 50 %");
        assert_eq!(row(6.0, None, Target::AtLeast(5.0)).verdict(), "met (120 % of it)");
        assert_eq!(row(4.0, None, Target::AtLeast(5.0)).verdict(), "missed by 20 %");
        assert_eq!(row(90.0, Some(100.0), Target::ShareAtLeast(0.6)).verdict(), "met (150 % of it)");
        assert_eq!(row(30.0, Some(100.0), Target::ShareAtLeast(0.6)).verdict(), "missed by 50 %");
        assert_eq!(row(90.0, None, Target::None).verdict(), "–");
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(figure(12_345.0, "ms"), "12.35 s");
        assert_eq!(figure(0.04123, "ms"), "0.041 ms");
        assert_eq!(figure(281.4, "MB"), "281 MB");
    }
}
