//! Tells on stderr what a sync is doing, and stops it when the user says so.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use docassist_app::AppError;
use docassist_model::{ErrorCode, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::figures::{bytes, number};
use super::streams;

/// A phase whose name ends so counts bytes.
const IN_BYTES: &str = " (bytes)";
/// Exit status of a program that was interrupted: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A line that changes, for people who watch.
    Bar,
    /// A line for each phase that has ended, for logs.
    Lines,
    Silent,
}

/// The progress of one sync.
pub(crate) struct SyncProgress {
    style: Style,
    stopping: AtomicBool,
    done: AtomicU64,
    phase: Mutex<Option<Phase>>,
}

struct Phase {
    name: String,
    in_bytes: bool,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl SyncProgress {
    /// Tells as much as `quiet`, `verbose` and the kind of stderr ask for. Ctrl-C asks it to stop; a second one ends the
    /// program at once, which loses nothing that was stored.
    pub(crate) fn watched(quiet: bool, verbose: bool) -> Result<Arc<Self>, AppError> {
        let style = match (quiet, streams::stderr_is_terminal()) {
            (true, _) => Style::Silent,
            (false, true) => Style::Bar,
            (false, false) if verbose => Style::Lines,
            (false, false) => Style::Silent,
        };
        let progress = Arc::new(Self {
            style,
            stopping: AtomicBool::new(false),
            done: AtomicU64::new(0),
            phase: Mutex::new(None),
        });
        let told = Arc::clone(&progress);
        let handler = move || {
            if told.stopping.swap(true, Ordering::SeqCst) {
                std::process::exit(INTERRUPTED);
            }
            told.say("stopping; once more to stop at once");
        };
        ctrlc::set_handler(handler).map_err(|error| AppError {
            code: ErrorCode::Internal,
            message: format!("signals cannot be handled: {error}"),
            hint: None,
            candidates: Vec::new(),
            public: None,
        })?;
        Ok(progress)
    }

    /// Ends the last phase.
    pub(crate) fn finish(&self) {
        self.end(&mut self.phase());
    }

    fn phase(&self) -> MutexGuard<'_, Option<Phase>> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, text: &str) {
        match self.phase().as_ref().and_then(|phase| phase.bar.as_ref()) {
            Some(bar) => bar.suspend(|| streams::say(text)),
            None => streams::say(text),
        }
    }

    fn end(&self, slot: &mut Option<Phase>) {
        let Some(phase) = slot.take() else { return };
        if let Some(bar) = phase.bar {
            bar.finish_and_clear();
        }
        if self.style == Style::Silent {
            return;
        }
        let done = self.done.load(Ordering::Relaxed);
        let amount = match (done, phase.in_bytes) {
            (0, _) => String::new(),
            (n, true) => format!(": {}", bytes(n)),
            (n, false) => format!(": {}", number(n)),
        };
        let elapsed = phase.started.elapsed();
        // What took no time is nothing to wait for, and its line nothing to read.
        if self.style == Style::Lines || elapsed > Duration::from_millis(500) {
            streams::say(&format!("{}{amount} in {:.1} s", phase.name, elapsed.as_secs_f64()));
        }
    }
}

impl Progress for SyncProgress {
    fn phase(&self, name: &str, total: Option<u64>) {
        let mut phase = self.phase();
        self.end(&mut phase);
        self.done.store(0, Ordering::Relaxed);
        let in_bytes = name.ends_with(IN_BYTES);
        let name = super::clean::clean(name.strip_suffix(IN_BYTES).unwrap_or(name));
        let bar = (self.style == Style::Bar).then(|| bar(&name, total, in_bytes));
        *phase = Some(Phase { name, in_bytes, started: Instant::now(), bar });
    }

    fn advance(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
        if self.style == Style::Bar
            && let Some(bar) = self.phase().as_ref().and_then(|phase| phase.bar.as_ref())
        {
            bar.inc(by);
        }
    }

    fn cancelled(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

fn bar(name: &str, total: Option<u64>, in_bytes: bool) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg}{state}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let style = style.with_key("state", move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let seconds = state.elapsed().as_secs();
        // Nobody can be told that a line of progress cannot be written.
        let _ = out.write_str(&described(state.pos(), total, in_bytes, state.per_sec(), seconds));
    });
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    bar.set_style(style);
    bar.set_message(name.to_owned());
    // Elapsed time moves on even where nothing else does.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// What stands behind a phase's name: `: 2,048 of 2,718 (75 %), 437/s, 2 s left`. What is not known is left out.
fn described(done: u64, total: Option<u64>, in_bytes: bool, per_second: f64, seconds: u64) -> String {
    let amount = |n: u64| if in_bytes { bytes(n) } else { number(n) };
    if done == 0 {
        let of = total.map(|total| format!(": {}", amount(total))).unwrap_or_default();
        return format!("{of}, {seconds} s");
    }
    let rate = amount(per_second.max(0.0).round() as u64);
    match total {
        Some(total) => {
            let left = total.saturating_sub(done) as f64 / per_second.max(f64::MIN_POSITIVE);
            // An estimate of days is none.
            let left = if left < 360_000.0 { format!(", {left:.0} s left") } else { String::new() };
            let share = done.min(total) * 100 / total.max(1);
            format!(": {} of {} ({share} %), {rate}/s{left}", amount(done), amount(total))
        }
        None => format!(": {}, {rate}/s, {seconds} s", amount(done)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_in_words() {
        assert_eq!(described(0, Some(2_718), false, 0.0, 3), ": 2,718, 3 s");
        assert_eq!(described(2_048, Some(2_718), false, 437.08, 4), ": 2,048 of 2,718 (75 %), 437/s, 2 s left");
        assert_eq!(described(1_500_000, None, true, 500_000.0, 3), ": 1.5 MB, 500 kB/s, 3 s");
        assert_eq!(described(0, None, false, 0.0, 1), ", 1 s");
        assert_eq!(described(5, Some(10), false, 0.0, 1), ": 5 of 10 (50 %), 0/s");
    }
}
