//! The same work on both servers, turn by turn, so that what else the machine does meets both.

use std::time::{Duration, Instant};

use docassist_model::{ErrorCode, Progress, TenantScope};
use docassist_store::{Reading, Store, copy};

use super::figures::Comparison;
use super::limits::Limits;
use super::names::Names;
use super::random::Random;
use super::report::{Metric, State};
use super::side::{Side, scope};
use super::statements::{MAINTENANCE, Statement};
use crate::AppError;

/// How long a copy waits for the writer of its organisation: nobody else writes here.
const WAIT: Duration = Duration::from_secs(5);
/// The organisation that is loaded and removed again.
const EXTRA: &str = "bench-extra";

/// Times of both sides: those with default settings first.
type Pair = [Vec<f64>; 2];

/// Both servers, and what they are asked for.
pub(super) struct Bench<'a> {
    /// Where the records come from.
    pub(super) source: &'a dyn Store,
    /// Whose they are.
    pub(super) scope: &'a TenantScope,
    pub(super) names: &'a Names,
    pub(super) limits: Limits,
    pub(super) progress: &'a dyn Progress,
    /// Default settings first.
    pub(super) sides: [Side<'a>; 2],
    /// The organisations that the records were loaded into.
    pub(super) copies: Vec<TenantScope>,
    /// How long each load took.
    pub(super) loads: Pair,
    pub(super) metrics: Vec<Metric>,
    pub(super) notes: Vec<String>,
}

/// Asks whether to stop, and tells nothing: a copy's own phases are too many.
struct Silent<'a>(&'a dyn Progress);

impl Progress for Silent<'_> {
    fn phase(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Ends a run that somebody wants to end.
pub(super) fn check(progress: &dyn Progress) -> Result<(), AppError> {
    if progress.cancelled() {
        return Err(AppError::new(ErrorCode::Cancelled, "stopped")
            .hint("Both servers have ended, and their folder is removed."));
    }
    Ok(())
}

/// Which side comes first: each in turn.
fn order(turn: u32) -> [usize; 2] {
    if turn.is_multiple_of(2) { [0, 1] } else { [1, 0] }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Bench<'_> {
    /// Loads the records into both servers, under as many names as `copies` says.
    pub(super) fn load(&mut self, copies: u64) -> Result<(), AppError> {
        self.progress.phase("loading both servers", Some(copies * 2));
        let began = Instant::now();
        for number in 0..copies {
            if number > 0 && began.elapsed() > self.limits.loading {
                self.notes.push(format!(
                    "{number} of {copies} copies were loaded: loading ends after {} s",
                    self.limits.loading.as_secs()
                ));
                break;
            }
            let target = scope(&format!("bench-{number}"))?;
            for at in order(u32::try_from(number).unwrap_or_default()) {
                let took = self.load_copy(at, &target)?;
                self.loads[at].push(took);
                self.progress.advance(1);
            }
            self.copies.push(target);
        }
        Ok(())
    }

    fn load_copy(&mut self, at: usize, target: &TenantScope) -> Result<f64, AppError> {
        check(self.progress)?;
        let store = self.sides[at].store.as_ref();
        let silent = Silent(self.progress);
        let began = Instant::now();
        let read = self.source.read_whole(self.scope, &mut |reading: &mut dyn Reading| {
            copy(reading, store, target, true, WAIT, &silent).map(drop)
        });
        let took = milliseconds(began.elapsed());
        // Whoever stops it is told so in one way.
        check(self.progress)?;
        read?;
        Ok(took)
    }

    /// Milliseconds that reading a copy from where it is kept takes.
    pub(super) fn source_read(&self) -> Result<f64, AppError> {
        let began = Instant::now();
        self.source.read_whole(self.scope, &mut |reading| {
            for source in reading.sources().to_vec() {
                reading.commits(source.id, &mut |_| Ok(()))?;
                reading.tickets(source.id, &mut |_| Ok(()))?;
                reading.files(source.id)?;
                reading.pages(source.id)?;
            }
            Ok(())
        })?;
        Ok(milliseconds(began.elapsed()))
    }

    /// What can be read here, in the order of the report. Says what cannot.
    pub(super) fn statements(&mut self) -> Vec<Statement> {
        let (possible, not): (Vec<Statement>, Vec<Statement>) =
            Statement::all().partition(|statement| statement.obstacle(self.names).is_none());
        for statement in not {
            let reason = statement.obstacle(self.names).unwrap_or_default();
            self.notes.push(format!("{}: not measured, {reason}", statement.name().0));
        }
        possible
    }

    /// Runs each statement once on each side, without taking times.
    pub(super) fn once(&mut self, statements: &[Statement]) -> Result<(), AppError> {
        self.progress.phase("warming up", None);
        for statement in statements {
            for side in &mut self.sides {
                check(self.progress)?;
                statement.run(side, self.names, &self.copies, &mut Random::new(0))?;
            }
        }
        Ok(())
    }

    /// Statements whose data was read before.
    pub(super) fn warm(&mut self, statements: &[Statement]) -> Result<(), AppError> {
        for (place, statement) in statements.iter().enumerate() {
            let (id, about) = statement.name();
            self.progress.phase(&format!("warm: {about}"), Some(self.limits.warm.into()));
            let mut times = Pair::default();
            let began = Instant::now();
            // The turn before the first reads what the others find in memory.
            for turn in 0..=self.limits.warm {
                if turn > 2 && began.elapsed() > self.limits.statement {
                    break;
                }
                for at in order(turn) {
                    let mut random = Random::new((place as u64) << 32 | u64::from(turn));
                    for _ in 0..statement.repeats(self.limits.lookups) {
                        check(self.progress)?;
                        let took = statement.run(&mut self.sides[at], self.names, &self.copies, &mut random)?;
                        if turn > 0 {
                            times[at].push(milliseconds(took));
                        }
                    }
                }
                self.progress.advance(1);
            }
            self.add(id, about, State::Warm, &times);
        }
        Ok(())
    }

    /// Statements after a restart.
    pub(super) fn cold(&mut self, statements: &[Statement]) -> Result<(), AppError> {
        let groups: Vec<&[Statement]> =
            if self.limits.restart_for_each { statements.chunks(1).collect() } else { vec![statements] };
        self.progress.phase("cold, after restarts", Some(groups.len() as u64));
        for group in groups {
            let mut times: Vec<Pair> = vec![Pair::default(); group.len()];
            let began = Instant::now();
            for turn in 0..self.limits.cold {
                if turn > 1 && began.elapsed() > self.limits.statement {
                    break;
                }
                for at in order(turn) {
                    check(self.progress)?;
                    self.sides[at].restart(true)?;
                    for (place, (statement, times)) in group.iter().zip(&mut times).enumerate() {
                        let mut random = Random::new((place as u64) << 32 | 1 << 31 | u64::from(turn));
                        let took = statement.run(&mut self.sides[at], self.names, &self.copies, &mut random)?;
                        times[at].push(milliseconds(took));
                    }
                }
            }
            for (statement, times) in group.iter().zip(&times) {
                let (id, about) = statement.name();
                self.add(id, about, State::Cold, times);
            }
            self.progress.advance(1);
        }
        Ok(())
    }

    /// One more copy, its removal, and the maintenance that follows from it.
    pub(super) fn writing(&mut self) -> Result<(), AppError> {
        let extra = scope(EXTRA)?;
        self.progress.phase("loading, removal and maintenance", Some(self.limits.writing.into()));
        let (mut removals, mut maintenance) = (Pair::default(), vec![Pair::default(); MAINTENANCE.len()]);
        let began = Instant::now();
        for turn in 0..self.limits.writing {
            // Five kinds of work share the turn.
            if turn > 1 && began.elapsed() > self.limits.statement * 5 {
                break;
            }
            for at in order(turn) {
                let took = self.load_copy(at, &extra)?;
                self.loads[at].push(took);
                let began = Instant::now();
                self.sides[at].store.remove_org(&extra)?;
                removals[at].push(milliseconds(began.elapsed()));
                for ((what, _, _), times) in MAINTENANCE.iter().zip(&mut maintenance) {
                    check(self.progress)?;
                    times[at].push(milliseconds(self.sides[at].workload.maintain(*what)?));
                }
            }
            self.progress.advance(1);
        }
        let loads = std::mem::take(&mut self.loads);
        self.add("load", "a copy of the organisation, loaded", State::Writing, &loads);
        self.add("remove_org", "an organisation, removed", State::Writing, &removals);
        for ((_, id, about), times) in MAINTENANCE.iter().zip(&maintenance) {
            self.add(id, about, State::Writing, times);
        }
        Ok(())
    }

    fn add(&mut self, id: &'static str, about: &'static str, state: State, times: &Pair) {
        if let Some(comparison) = Comparison::of(&times[0], &times[1]) {
            self.metrics.push(Metric { id, about, state, comparison });
        }
    }
}
