//! Measuring what infrastructure gains.

use docassist_app::infra::{
    CachedAnswerTimes, HitRate, Measured, Metric, Report, Request, ServerCounts, SettingPair, State,
};

use super::Context;
use crate::cli::bench::{Bench, Infra};
use crate::failure::Failure;
use crate::output::document::{Document, Folding, Section, name, reasons, right, text};
use crate::output::figures::{bytes, count, number};
use crate::output::progress::SyncProgress;
use crate::output::{Present, View};

/// Measures and prints what was found.
pub(crate) fn run(context: &Context, what: Bench) -> Result<(), Failure> {
    let Bench::Infra(arguments) = what;
    let Infra { profile, quick, machine, .. } = arguments.as_ref();
    // The servers' data is among the temporary files, which is the disk that matters here.
    let machine = machine.size().machine(&std::env::temp_dir())?;
    let request = Request { commits: arguments.commits(), profile: (*profile).into(), machine, quick: *quick };
    let progress = SyncProgress::watched(context.settings.quiet, context.settings.verbose)?;
    let report = context.app.bench_infra(&request, progress.as_ref());
    progress.finish();
    context.print(&report?)
}

/// Milliseconds in the unit that fits: `12.3 µs`, `4.56 ms`, `1.23 s`.
fn time(milliseconds: f64) -> String {
    let (value, unit) = match milliseconds {
        ..0.1 => (milliseconds * 1000.0, "µs"),
        0.1..1000.0 => (milliseconds, "ms"),
        _ => (milliseconds / 1000.0, "s"),
    };
    let digits = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

fn share(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

fn gain(times: f64) -> String {
    if times >= 10.0 { format!("{times:.0} ×") } else { format!("{times:.1} ×") }
}

impl Present for Report {
    const OF_THE_GRAPH: bool = false;

    fn document(&self, _: &View<'_>) -> Document {
        let mut document = Document {
            title: "PostgreSQL with default settings and with those of `tune`, and answers from the cache".to_owned(),
            conditions: vec![format!("{} profile for {}", self.profile, self.machine), self.postgres.clone()],
            notes: self.notes.clone(),
            ..Document::default()
        };
        if self.quick {
            document.notes.push("a quick run: it shows that everything works, not how fast it is".to_owned());
        }
        let data = &self.data;
        document.add(
            Section::default()
                .fact(
                    "records",
                    format!(
                        "{} in {} of organisation {}, {}, {}",
                        count(data.commits, "commit"),
                        if data.copies == 1 { "1 copy".to_owned() } else { format!("{} copies", number(data.copies)) },
                        self.org,
                        count(data.tickets, "ticket"),
                        count(data.pages, "page")
                    ),
                )
                .fact("database", bytes(data.bytes))
                .fact("Redis", self.redis.clone())
                .fact("took", format!("{:.0} s", self.seconds)),
        );
        for (state, heading) in [
            (State::Warm, "Reading, warm"),
            (State::Cold, "Reading, cold"),
            (State::Writing, "Loading, removal and maintenance"),
        ] {
            document.add(times(heading, self.metrics.iter().filter(|metric| metric.state == state)));
        }
        document.add(counted(&self.counts.default, &self.counts.tuned, data.source_read));
        document.add(answers(&self.answers));
        document.add(hit_rates(&self.hit_rates));
        document.add(settings(&self.settings));
        document.add(seed(&self.seed));
        let mut method = Section::new("How it was measured").folding(Folding::Always);
        for line in &self.method {
            method = method.line(line.clone());
        }
        document.add(method);
        document
    }
}

fn times<'a>(heading: &str, metrics: impl Iterator<Item = &'a Metric>) -> Section {
    let columns = [
        name("metric"),
        right("default"),
        right("tuned"),
        right("ratio"),
        reasons("verdict", 14),
        right("p95").dispensable(2),
        right("runs").dispensable(3),
        text("what it is", 24).dispensable(1),
    ];
    let rows = metrics.map(|metric| {
        let both = &metric.comparison;
        vec![
            metric.id.to_owned(),
            time(both.default.median),
            time(both.tuned.median),
            format!("{:.2}", both.ratio),
            both.words(),
            format!("{} · {}", time(both.default.p95), time(both.tuned.p95)),
            both.default.runs.min(both.tuned.runs).to_string(),
            metric.about.to_owned(),
        ]
    });
    Section::new(heading).folding(Folding::Never).table(&columns, rows)
}

fn counted(default: &ServerCounts, tuned: &ServerCounts, source_read: f64) -> Section {
    let rate = |counts: &ServerCounts| counts.buffer_hit_rate.map_or_else(|| "unknown".to_owned(), share);
    Section::new("Counted meanwhile")
        .fact("pages found in shared buffers, warm", format!("{} → {}", rate(default), rate(tuned)))
        .fact(
            "spilled to files by sorts and hashes, warm",
            format!("{} → {}", bytes(default.spilled), bytes(tuned.spilled)),
        )
        .fact("of each load, reading the copy's source", time(source_read))
}

fn answers(answers: &[CachedAnswerTimes]) -> Section {
    let columns = [
        text("answer", 20),
        right("computed"),
        right("from memory"),
        right("gain"),
        right("from Redis"),
        right("gain"),
    ];
    let rows = answers.iter().map(|answer| {
        vec![
            answer.question.clone(),
            time(answer.computed.median),
            time(answer.memory.median),
            gain(answer.memory_gain),
            answer.redis.map(|redis| time(redis.median)).unwrap_or_default(),
            answer.redis_gain.map(gain).unwrap_or_default(),
        ]
    });
    Section::new("Answers, medians: computed from the graph in memory, and from the cache").table(&columns, rows)
}

fn hit_rates(rates: &[HitRate]) -> Section {
    let columns = [
        text("cache", 24),
        right("requests"),
        right("questions"),
        right("syncs"),
        right("memory"),
        right("Redis"),
        right("hit rate"),
    ];
    let rows = rates.iter().map(|rate| {
        vec![
            rate.setup.to_owned(),
            number(rate.requests),
            number(rate.questions as u64),
            number(rate.syncs),
            share(rate.memory),
            share(rate.redis),
            share(rate.total),
        ]
    });
    Section::new("Hit rates of answers, questions by Zipf's law, every sync makes all stale").table(&columns, rows)
}

fn settings(settings: &[SettingPair]) -> Section {
    let rows = settings.iter().map(|pair| vec![pair.name.clone(), pair.default.clone(), pair.tuned.clone()]);
    let columns = [text("setting", 20), text("default", 10), text("tuned", 10)];
    Section::new("Settings that differ").folding(Folding::Always).table(&columns, rows)
}

fn seed(rows: &[Measured]) -> Section {
    let columns = [
        reasons("metric", 10),
        reasons("before", 9),
        reasons("after", 10),
        reasons("claim", 12),
        reasons("verdict", 8),
        reasons("measured here", 36),
    ];
    let rows = rows.iter().map(|row| {
        vec![
            row.claim.metric.to_owned(),
            row.claim.before.to_owned(),
            row.claim.after_phase_2.to_owned(),
            row.claim.claim.to_owned(),
            row.standing.as_str().to_owned(),
            row.measured.clone(),
        ]
    });
    Section::new("The seed's table with measured values").folding(Folding::Never).table(&columns, rows)
}

#[cfg(test)]
mod tests {
    use super::{gain, time};

    #[test]
    fn times_have_the_unit_that_fits() {
        assert_eq!(
            [0.0012, 0.0999, 0.5, 12.34, 999.0, 1234.0].map(time),
            ["1.20 µs", "99.9 µs", "0.50 ms", "12.3 ms", "999 ms", "1.23 s"]
        );
        assert_eq!([2.34, 123.4].map(gain), ["2.3 ×", "123 ×"]);
    }
}
