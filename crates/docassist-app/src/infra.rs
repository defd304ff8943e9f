//! What tuning and caching gain, measured on this machine: two PostgreSQL servers of the run's own with the same records, one
//! with default settings and one with those of `tune`, asked the same in turn; and answers from the cache against computed
//! ones.
//!
//! Servers are started from this machine's programs, listen on the loopback only, and end with the run, however that ends
//! (`keeper`). The records are real ones: those of an organisation, as often as it takes to be large.

mod cached;
mod claims;
mod figures;
mod folder;
mod keeper;
mod limits;
mod measure;
mod names;
mod random;
mod redis;
mod report;
mod server;
mod side;
mod statements;

use std::sync::Arc;
use std::time::Instant;

use docassist_model::{ErrorCode, Progress};
use docassist_ops::{Machine, Plan, Profile, plan, render};

pub use figures::{Comparison, Times, Verdict};
pub use report::{
    CachedAnswerTimes, Counts, Data, HitRate, Measured, Metric, Report, ServerCounts, SettingPair, Standing, State,
};

use crate::{App, AppError};
use cached::Cached;
use claims::RedisSettings;
use folder::Folder;
use limits::Limits;
use measure::{Bench, check};
use names::Names;
use redis::RedisServer;
use server::{PostgresServer, Programs};
use side::Side;

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Commits to load into each server, in whole copies of the organisation.
    pub commits: u64,
    /// The rules that the tuned settings are chosen by.
    pub profile: Profile,
    /// The machine that they are for.
    pub machine: Machine,
    /// Seconds instead of minutes.
    pub quick: bool,
}

impl App {
    /// Measures with this organisation's records.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where nothing is synced, [`ErrorCode::Unavailable`] where there is no PostgreSQL to start,
    /// [`ErrorCode::Cancelled`], and those of servers and stores.
    pub fn bench_infra(&self, request: &Request, progress: &dyn Progress) -> Result<Report, AppError> {
        let began = Instant::now();
        let mut names = Names::default();
        progress.phase("reading what is synced", None);
        self.store.project(&self.scope, &mut names)?;
        if names.commits.is_empty() && names.tickets.is_empty() && names.pages.is_empty() {
            let message = format!("nothing is synced in organisation `{}` to measure with", self.scope.org());
            return Err(AppError::new(ErrorCode::NotFound, message)
                .hint("Sync a repository first, the larger the better: docassist sync git PATH"));
        }
        check(progress)?;
        let programs = Programs::find()?;
        let plan = plan(request.machine, request.profile);
        let settings = rendered(&plan, "postgresql.conf")?;
        progress.phase("starting two PostgreSQL servers", None);
        let folder = Folder::new()?;
        let start = |name, settings: Option<&str>| {
            Side::open(PostgresServer::start(&programs, &folder, name, settings)?, folder.path())
        };
        let mut bench = Bench {
            source: self.store.as_ref(),
            scope: &self.scope,
            names: &names,
            limits: if request.quick { Limits::QUICK } else { Limits::FULL },
            progress,
            sides: [start("default", None)?, start("tuned", Some(&settings))?],
            copies: Vec::new(),
            loads: Default::default(),
            metrics: Vec::new(),
            notes: Vec::new(),
        };
        let mut report = bench.run(request, &programs)?;
        let redis = self.bench_answers(&mut report, &mut bench, &folder, &plan)?;
        report.seed = claims::measured(&report, &plan, &redis);
        report.notes.append(&mut bench.notes);
        report.seconds = began.elapsed().as_secs_f64();
        Ok(report)
    }

    /// The part about the cache: answers over the tuned server.
    fn bench_answers(
        &self,
        report: &mut Report,
        bench: &mut Bench<'_>,
        folder: &Folder,
        plan: &Plan,
    ) -> Result<RedisSettings, AppError> {
        let mut settings = RedisSettings::default();
        let redis = if RedisServer::is_installed() {
            if let Some(default) = RedisServer::start(folder, "redis-default", None)? {
                settings.default_memory = default.setting("maxmemory");
            }
            RedisServer::start(folder, "redis", Some(&rendered(plan, "redis.conf")?))?
        } else {
            None
        };
        match &redis {
            Some(server) => {
                settings.tuned_memory = server.setting("maxmemory");
                settings.policy = server.setting("maxmemory-policy");
                report.redis = "with the redis.conf of `tune`".to_owned();
            }
            None => {
                report.redis = "none: no redis-server in PATH that starts".to_owned();
                bench.notes.push("Redis: not measured, there is no redis-server in PATH that starts".to_owned());
            }
        }
        let Some(scope) = bench.copies.first().cloned() else { return Ok(settings) };
        let cached = Cached {
            store: Arc::clone(&bench.sides[1].store) as Arc<dyn docassist_store::Store>,
            data: folder.path(),
            scope,
            names: bench.names,
            redis: redis.as_ref().map(RedisServer::url),
            limits: bench.limits,
            progress: bench.progress,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime
            .map_err(|error| AppError::new(ErrorCode::Internal, format!("no threads can be started: {error}")))?;
        (report.answers, report.hit_rates) =
            runtime.block_on(async { Ok::<_, AppError>((cached.times().await?, cached.hit_rates().await?)) })?;
        Ok(settings)
    }
}

impl Bench<'_> {
    /// Everything that is measured of the two servers.
    fn run(&mut self, request: &Request, programs: &Programs) -> Result<Report, AppError> {
        let limits = self.limits;
        for side in &mut self.sides {
            side.prepare(limits.keys, limits.jobs)?;
        }
        let commits = self.names.commits.len() as u64;
        let wanted = if commits == 0 { 1 } else { request.commits.div_ceil(commits).max(1) };
        if wanted > limits.copies {
            self.notes.push(format!(
                "{wanted} copies of {commits} commits would make {} commits; {} are loaded at most",
                request.commits, limits.copies
            ));
        }
        self.load(wanted.min(limits.copies))?;
        let source_read = self.source_read()?;
        for side in &mut self.sides {
            check(self.progress)?;
            // As a server is some time after a load: cleaned, with statistics, and everything written.
            side.workload.maintain(docassist_store::Maintenance::Vacuum)?;
            side.workload.maintain(docassist_store::Maintenance::Analyze)?;
            side.restart(false)?;
        }
        let statements = self.statements();
        // Counted is what a server does that has run for some time.
        self.once(&statements)?;
        for side in &mut self.sides {
            side.workload.reset_counts()?;
        }
        self.warm(&statements)?;
        let counts = [self.counts(0)?, self.counts(1)?];
        let settings = self.differences()?;
        self.cold(&statements)?;
        self.writing()?;
        for side in &self.sides {
            self.notes.extend(side.notes().iter().cloned());
        }
        let copies = self.copies.len() as u64;
        Ok(Report {
            org: self.scope.org().to_string(),
            machine: request.machine,
            profile: request.profile,
            quick: request.quick,
            postgres: programs.version.clone(),
            redis: String::new(),
            seconds: 0.0,
            data: Data {
                copies,
                commits: commits * copies,
                commits_wanted: request.commits,
                tickets: self.names.tickets.len() as u64 * copies,
                pages: self.names.pages.len() as u64 * copies,
                bytes: self.sides[0].workload.size()?,
                source_read,
            },
            method: self.method(),
            settings,
            metrics: std::mem::take(&mut self.metrics),
            counts: Counts { default: counts[0], tuned: counts[1] },
            restart: Times::of(&self.sides[1].restarts),
            answers: Vec::new(),
            hit_rates: Vec::new(),
            seed: Vec::new(),
            notes: Vec::new(),
        })
    }

    fn counts(&mut self, at: usize) -> Result<ServerCounts, AppError> {
        let counted = self.sides[at].workload.counted()?;
        let all = counted.hits + counted.reads;
        let buffer_hit_rate = (all > 0).then(|| counted.hits as f64 / all as f64);
        Ok(ServerCounts { buffer_hit_rate, spilled: counted.spilled })
    }

    fn differences(&mut self) -> Result<Vec<SettingPair>, AppError> {
        // Where each server is, not how it is set.
        const PLACES: [&str; 8] = [
            "config_file",
            "data_directory",
            "external_pid_file",
            "hba_file",
            "ident_file",
            "port",
            "transaction_deferrable",
            "application_name",
        ];
        let default = self.sides[0].workload.settings()?;
        let tuned = self.sides[1].workload.settings()?;
        let differ = |(name, tuned): (&String, &String)| {
            let default = default.get(name).cloned().unwrap_or_else(|| "–".to_owned());
            let is_other = default != *tuned && !PLACES.contains(&name.as_str());
            is_other.then(|| SettingPair { name: name.clone(), default, tuned: tuned.clone() })
        };
        Ok(tuned.iter().filter_map(differ).collect())
    }

    /// How it was measured.
    fn method(&self) -> Vec<String> {
        let limits = self.limits;
        let forgets = self.sides.iter().all(|side| side.forgets);
        let cold = if forgets {
            "cold: after a restart, and the server's files dropped from the system's page cache \
             (POSIX_FADV_DONTNEED; the disk's own cache stays)"
        } else {
            "cold: after a restart; the system's page cache was kept, since it does not drop files when asked"
        };
        let each = if limits.restart_for_each {
            "each statement has restarts of its own"
        } else {
            "all statements come after one restart, so that later ones find what earlier ones have read"
        };
        vec![
            "both servers on this machine, at the same time, fsync on; the sides are asked in turn, so that what else the machine \
             does meets both"
                .to_owned(),
            format!("{cold}; {each}"),
            format!(
                "up to {} turns warm ({} look-ups each), {} cold, {} writing; medians, in milliseconds",
                limits.warm, limits.lookups, limits.cold, limits.writing
            ),
            "ratio: tuned ÷ default; no gain: |ratio − 1| is less than the mean of both sides' interquartile ranges as parts of \
             their medians (with fewer than eight runs, of their whole ranges), and at least 3 % (25 % with fewer than five)"
                .to_owned(),
            "statements of the product run as its own role, under row-level security; those of an operator as a superuser, over \
             all copies"
                .to_owned(),
        ]
    }
}

/// A file of the deployment, as `tune` writes it.
fn rendered(plan: &Plan, path: &str) -> Result<String, AppError> {
    let file = render(plan).into_iter().find(|file| file.path == path);
    file.map(|file| file.text).ok_or_else(|| AppError::new(ErrorCode::Internal, format!("`tune` writes no {path}")))
}
