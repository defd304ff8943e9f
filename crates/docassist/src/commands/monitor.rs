//! How the servers do, once or again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use docassist_app::Backends;
use docassist_app::monitor::{Figures, Reach, Told, read_now};
use docassist_model::ErrorCode;
use docassist_ops::monitor::{PostgresFigures, QdrantFigures, RedisFigures};
use serde::Serialize;

use super::{cache, laid_out};
use crate::cli::Format;
use crate::cli::watch::Monitor;
use crate::failure::Failure;
use crate::output::document::{Document, Section, path, right, text};
use crate::output::figures::{bytes, number};
use crate::output::screen::Screen;
use crate::output::streams;
use crate::settings::Settings;

/// Rows of each list: a view that is looked at again and again should fit a terminal.
const ROWS: usize = 5;

/// What everything told.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    figures: Figures,
    /// The cache of answers of a running service; `null` where none was named or it could not be asked.
    cache: Option<cache::Stats>,
    /// Why it could not be asked.
    cache_error: Option<String>,
}

/// Prints what servers tell.
pub(crate) fn run(settings: &Settings, arguments: &Monitor) -> Result<(), Failure> {
    let backends = arguments.servers.backends(&settings.database)?;
    if matches!(settings.database, docassist_app::Database::Files)
        && backends.redis.is_none()
        && backends.qdrant.is_none()
        && arguments.url.is_none()
    {
        return Err(Failure::usage(
            "nothing to look at is configured",
            "Name a server with --database, --redis or --qdrant, and a running service with --url.",
        ));
    }
    if arguments.watch {
        return watch(settings, arguments, &backends);
    }
    let report = read(arguments, &backends)?;
    show(settings, &report, None, &mut None)?;
    match report.silent() {
        silent if silent.is_empty() => Ok(()),
        silent => {
            Err(Failure::new(ErrorCode::Unavailable, format!("{} could not be asked", silent.join(" and ")), None))
        }
    }
}

fn read(arguments: &Monitor, backends: &Backends) -> Result<Report, Failure> {
    let figures = read_now(backends)?;
    let (cache, cache_error) = match arguments.url.as_deref().map(|url| cache::ask(url, arguments.token.as_deref())) {
        None => (None, None),
        Some(Ok(stats)) => (Some(stats), None),
        Some(Err(Failure::Told(error))) => (None, Some(error.message)),
        Some(Err(other)) => return Err(other),
    };
    Ok(Report { figures, cache, cache_error })
}

/// Until Ctrl-C: on a terminal in one place, else one block after the other.
fn watch(settings: &Settings, arguments: &Monitor, backends: &Backends) -> Result<(), Failure> {
    let every = Duration::from_secs(u64::from(arguments.every.get()));
    let stop = Stop::on_ctrl_c()?;
    let mut screen = match settings.format {
        Format::Json => None,
        _ => Screen::take()?,
    };
    let mut last: Option<Report> = None;
    while !stop.asked() {
        let began = Instant::now();
        let report = read(arguments, backends)?;
        show(settings, &report, last.as_ref(), &mut screen)?;
        last = Some(report);
        stop.wait(every.saturating_sub(began.elapsed()));
    }
    Ok(())
}

fn show(
    settings: &Settings,
    report: &Report,
    last: Option<&Report>,
    screen: &mut Option<Screen>,
) -> Result<(), Failure> {
    match (settings.format, screen) {
        (Format::Json, _) => streams::print_json(report)?,
        (_, Some(screen)) => screen.draw(&laid_out(settings, &report.document(last)))?,
        (_, None) => {
            // A block of many begins with an empty line.
            let between = if last.is_some() { "\n" } else { "" };
            streams::print(&format!("{between}{}", laid_out(settings, &report.document(last))))?;
        }
    }
    Ok(())
}

/// Whether somebody has had enough.
struct Stop(Arc<(AtomicBool, Mutex<()>, Condvar)>);

impl Stop {
    fn on_ctrl_c() -> Result<Self, Failure> {
        let shared = Arc::new((AtomicBool::new(false), Mutex::new(()), Condvar::new()));
        let told = Arc::clone(&shared);
        let handler = move || {
            told.0.store(true, Ordering::SeqCst);
            let _held = told.1.lock().unwrap_or_else(PoisonError::into_inner);
            told.2.notify_all();
        };
        ctrlc::set_handler(handler)
            .map_err(|error| Failure::new(ErrorCode::Internal, format!("signals cannot be handled: {error}"), None))?;
        Ok(Self(shared))
    }

    fn asked(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    fn wait(&self, time: Duration) {
        let held = self.0.1.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever was woken for nothing waits for the next turn a little less.
        if !self.asked() {
            drop(self.0.2.wait_timeout_while(held, time, |()| !self.asked()));
        }
    }
}

impl Report {
    /// Who is configured and does not answer.
    fn silent(&self) -> Vec<&'static str> {
        let states = [
            ("PostgreSQL", self.figures.postgres.state == Reach::Down),
            ("Redis", self.figures.redis.state == Reach::Down),
            ("Qdrant", self.figures.qdrant.state == Reach::Down),
            ("the service", self.cache_error.is_some()),
        ];
        states.into_iter().filter(|(_, down)| *down).map(|(name, _)| name).collect()
    }

    fn document(&self, last: Option<&Self>) -> Document {
        let title = match self.silent() {
            silent if silent.is_empty() => "All servers answer".to_owned(),
            silent => format!("{} does not answer", silent.join(", ")),
        };
        let mut document =
            Document { title, conditions: vec![format!("at {}", self.figures.as_of)], ..Document::default() };
        let earlier = last.map(|last| &last.figures);
        for section in postgres(&self.figures.postgres) {
            document.add(section);
        }
        document.add(redis(&self.figures.redis, earlier.and_then(|earlier| earlier.redis.figures.as_ref())));
        if let Some(stats) = &self.cache {
            for section in stats.sections("Cache of answers") {
                document.add(section);
            }
        }
        if let Some(error) = &self.cache_error {
            document.add(Section::new("Cache of answers").fact("state", error.clone()));
        }
        document.add(qdrant(&self.figures.qdrant));
        document
    }
}

/// A section that begins with where it is and how; empty where it is not configured.
fn begun<T>(heading: &str, told: &Told<T>) -> Section {
    let section = Section::new(heading);
    if told.state == Reach::NotConfigured {
        return section;
    }
    let error = told.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let location = told.location.clone().unwrap_or_default();
    section.fact("state", format!("{}, {location}{error}", told.state.as_str()))
}

fn postgres(told: &Told<PostgresFigures>) -> Vec<Section> {
    let mut first = begun("PostgreSQL", told);
    let Some(figures) = &told.figures else { return vec![first] };
    let states: Vec<String> =
        figures.connections.by_state.iter().map(|(state, count)| format!("{state} {}", number(*count))).collect();
    let (connections, most) = (number(figures.connections.total), number(figures.connections.max));
    let lag = figures.replicas.iter().map(|replica| format!("{} {:.1} s", replica.name, replica.lag_seconds));
    let oldest = figures.oldest_transaction_seconds.map(|seconds| format!("{seconds:.0} s")).unwrap_or_default();
    let of_buffers = figures.buffer_hit_percent.map(|percent| format!("{percent:.1} %")).unwrap_or_default();
    first = first
        .fact("connections", format!("{connections} of {most} ({})", states.join(", ")))
        .fact("buffer hit rate", of_buffers)
        .fact("database", bytes(figures.database_bytes))
        .fact("oldest transaction", oldest)
        .fact("replicas behind", lag.collect::<Vec<_>>().join(", "))
        .fact(
            "slow statements",
            figures.statements_missing.as_ref().map(|what| format!("not counted: {what}")).unwrap_or_default(),
        );
    let milliseconds = |ms: f64| if ms < 10_000.0 { format!("{ms:.0} ms") } else { format!("{:.0} s", ms / 1000.0) };
    let slowest = figures.slowest.iter().map(|of| {
        let query = of.query.split_whitespace().collect::<Vec<_>>().join(" ");
        vec![milliseconds(of.mean_ms), number(of.calls), milliseconds(of.total_ms), query]
    });
    let columns = [right("mean"), right("calls"), right("in all"), text("statement", 20)];
    let slowest = Section::new("Slowest statements, mean above 100 ms").table(&columns, slowest);
    let dead = figures.tables.iter().filter(|of| of.dead_tuples > 0).take(ROWS).map(|of| {
        let cleaned = of.last_autovacuum.clone().unwrap_or_else(|| "never".to_owned());
        vec![of.table.clone(), number(of.dead_tuples), number(of.live_tuples), bytes(of.bytes), cleaned]
    });
    let columns = [path("table", 12), right("dead"), right("rows"), right("size"), text("last autovacuum", 5)];
    let dead = Section::new("Most dead rows").table(&columns, dead);
    let shown = figures.unused_indexes.iter().take(ROWS);
    let unused = shown.map(|of| vec![of.index.clone(), of.table.clone(), bytes(of.bytes)]);
    let heading = format!("Indexes that nothing used ({})", number(figures.unused_indexes.len() as u64));
    let unused = Section::new(heading).table(&[path("index", 12), path("table", 12), right("size")], unused);
    vec![first, slowest, dead, unused]
}

fn redis(told: &Told<RedisFigures>, last: Option<&RedisFigures>) -> Section {
    let section = begun("Redis", told);
    let Some(figures) = &told.figures else { return section };
    let mut rate = figures.hit_rate.map(|rate| format!("{:.1} %", rate * 100.0)).unwrap_or_default();
    if let Some(last) = last {
        let (hits, misses) = (figures.hits.saturating_sub(last.hits), figures.misses.saturating_sub(last.misses));
        if hits + misses > 0 {
            rate.push_str(&format!(", {:.1} % since last shown", hits as f64 * 100.0 / (hits + misses) as f64));
        }
    }
    let most = match figures.memory_max_bytes {
        0 => "without a limit".to_owned(),
        most => format!("of {} ({})", bytes(most), figures.maxmemory_policy),
    };
    section
        .fact("hit rate", rate)
        .fact("memory", format!("{} {most}", bytes(figures.memory_used_bytes)))
        .fact(
            "of the system",
            format!("{}, ratio {:.2}", bytes(figures.memory_resident_bytes), figures.memory_fragmentation_ratio),
        )
        .fact(
            "keys",
            format!(
                "{}; {} evicted, {} expired",
                number(figures.keys),
                number(figures.evicted_keys),
                number(figures.expired_keys)
            ),
        )
        .fact(
            "connections",
            format!("{}; {} refused", number(figures.connected_clients), number(figures.rejected_connections)),
        )
        .fact("commands", format!("{} a second", number(figures.operations_per_second)))
}

fn qdrant(told: &Told<QdrantFigures>) -> Section {
    let section = begun("Qdrant", told);
    let Some(figures) = &told.figures else { return section };
    let rows = figures.collections.iter().map(|of| {
        vec![of.name.clone(), of.status.clone(), number(of.points), number(of.indexed_vectors), number(of.segments)]
    });
    let columns = [text("collection", 10), text("status", 5), right("points"), right("indexed"), right("segments")];
    section.fact("version", figures.version.clone()).fact("points", number(figures.points)).table(&columns, rows)
}
