//! Answers from the cache against computed ones, and how many come from it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docassist_cache::{Breaker, Config, RedisConfig, Replicas, Served, Tier};
use docassist_model::{ErrorCode, Progress, SourceKind, TenantScope};
use docassist_store::Store;

use super::figures::{Times, ratio};
use super::limits::Limits;
use super::measure::check;
use super::names::Names;
use super::random::{Random, Zipf};
use super::report::{CachedAnswerTimes, HitRate};
use crate::{Answers, AppError, GapQuery, Graphs, PathQuery, Query, Question};

/// How long a value may take to arrive in Redis, and a connection to it to be made.
const ARRIVAL: Duration = Duration::from_secs(3);
/// How long a bump may take to be heard by another process.
const HEARING: Duration = Duration::from_millis(50);

/// What answers are computed from, and where they may be kept.
pub(super) struct Cached<'a> {
    pub(super) store: Arc<dyn Store>,
    pub(super) data: &'a Path,
    pub(super) scope: TenantScope,
    pub(super) names: &'a Names,
    /// The address of Redis.
    pub(super) redis: Option<String>,
    pub(super) limits: Limits,
    pub(super) progress: &'a dyn Progress,
}

/// Questions about an organisation, each once, the kinds mixed.
fn questions(names: &Names, most: usize) -> Vec<Query> {
    let (gaps, question) = (GapQuery::default, Question::default());
    let mut all = vec![
        Query::Comprehensive(question),
        Query::Orphaned(gaps()),
        Query::Undocumented(gaps()),
        Query::MissingDecisions(gaps()),
        Query::Stale(gaps()),
        Query::Dangling(gaps()),
        Query::OutdatedDocs(gaps()),
    ];
    // What is asked for most is not what comes first.
    let mut order = Random::new(7);
    let mut shuffled = |count: usize| {
        let mut places: Vec<usize> = (0..count).collect();
        places.sort_by_cached_key(|_| order.next());
        places
    };
    let files = shuffled(names.files.len());
    let tickets = shuffled(names.tickets.len());
    let people = shuffled(names.people.len());
    let commits = shuffled(names.commits.len());
    for at in 0..most {
        let file = files.get(at).and_then(|at| names.files.get(*at)).map(|(source, path)| {
            let paths = PathQuery { paths: vec![path.clone()], repo: Some(names.source(*source).to_owned()) };
            Query::ImpactOfFiles(paths, question)
        });
        let ticket = tickets.get(at).and_then(|at| names.tickets.get(*at)).cloned();
        let person = people.get(at).and_then(|at| names.people.get(*at)).cloned();
        let commit = commits.get(at).and_then(|at| names.commits.get(*at));
        all.extend(file);
        all.extend(ticket.map(|key| Query::RelTicket(key, question)));
        all.extend(person.map(|who| Query::RelDeveloper(who, question)));
        all.extend(commit.map(|(_, id)| Query::ImpactOfCommit(id.to_string(), question)));
        if all.len() >= most {
            break;
        }
    }
    all.truncate(most);
    all
}

/// The questions whose times are shown: one of each kind that the seed wants cached.
fn shown(names: &Names) -> Vec<(&'static str, Query)> {
    type IsOfKind = fn(&Query) -> bool;
    let of_kind = |wanted: IsOfKind| questions(names, 40).into_iter().find(wanted);
    let kinds: [(&str, IsOfKind); 5] = [
        ("comprehensive gaps", |query| matches!(query, Query::Comprehensive(_))),
        ("impact of a file", |query| matches!(query, Query::ImpactOfFiles(..))),
        ("impact of a commit", |query| matches!(query, Query::ImpactOfCommit(..))),
        ("relationships of a ticket", |query| matches!(query, Query::RelTicket(..))),
        ("relationships of a developer", |query| matches!(query, Query::RelDeveloper(..))),
    ];
    kinds.into_iter().filter_map(|(name, wanted)| Some((name, of_kind(wanted)?))).collect()
}

impl Cached<'_> {
    /// A process of the service: its own memory, and Redis if `redis`.
    async fn process(&self, memory_bytes: u64, redis: bool) -> Result<Answers, AppError> {
        let redis = self.redis.as_ref().filter(|_| redis).map(RedisConfig::new);
        let has_redis = redis.is_some();
        let config = Config { memory_bytes, replicas: Some(Replicas::default()), redis, ..Config::default() };
        let graphs = Arc::new(Graphs::unbounded());
        let answers = Answers::open(config, Arc::clone(&self.store), graphs, (None, None), self.data.to_owned())?;
        let began = Instant::now();
        while has_redis && answers.stats().redis.breaker != Breaker::Closed {
            if began.elapsed() > ARRIVAL {
                return Err(AppError::new(ErrorCode::Unavailable, "the Redis of this run does not answer"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(answers)
    }

    /// The times of some answers.
    pub(super) async fn times(&self) -> Result<Vec<CachedAnswerTimes>, AppError> {
        let shown = shown(self.names);
        self.progress.phase("answers, computed and from the cache", Some(shown.len() as u64));
        let with_redis = self.redis.is_some();
        let near = self.process(Config::default().memory_bytes, with_redis).await?;
        // Without room in memory every hit is one of Redis.
        let far = if with_redis { Some(self.process(0, true).await?) } else { None };
        let mut times = Vec::new();
        for (name, query) in shown {
            let (mut computed, mut memory, mut redis) = (Vec::new(), Vec::new(), Vec::new());
            for run in 0..=self.limits.questions {
                check(self.progress)?;
                near.clear(&self.scope);
                let (took, served) = self.ask(&near, &query).await?;
                // The first loads the graph.
                if run > 0 && matches!(served, Served::Computed(_)) {
                    computed.push(took);
                }
                let (took, served) = self.ask(&near, &query).await?;
                if served == Served::Hit(Tier::Memory) {
                    memory.push(took);
                }
            }
            if let Some(far) = &far {
                self.wait_for(far, &query).await?;
                for _ in 0..self.limits.questions {
                    let (took, served) = self.ask(far, &query).await?;
                    if served == Served::Hit(Tier::Redis) {
                        redis.push(took);
                    }
                }
            }
            if let (Some(computed), Some(memory)) = (Times::of(&computed), Times::of(&memory)) {
                let redis = Times::of(&redis);
                times.push(CachedAnswerTimes {
                    question: name.to_owned(),
                    memory_gain: ratio(computed.median, memory.median),
                    redis_gain: redis.map(|redis| ratio(computed.median, redis.median)),
                    computed,
                    memory,
                    redis,
                });
            }
            self.progress.advance(1);
        }
        Ok(times)
    }

    async fn ask(&self, answers: &Answers, query: &Query) -> Result<(f64, Served), AppError> {
        let query = query.clone();
        let began = Instant::now();
        let (_, outcome) = answers.get(&self.scope, query).await?;
        Ok((began.elapsed().as_secs_f64() * 1000.0, outcome.served))
    }

    /// Until Redis has the answer: values are handed to it in the background.
    async fn wait_for(&self, answers: &Answers, query: &Query) -> Result<(), AppError> {
        let began = Instant::now();
        while began.elapsed() < ARRIVAL {
            if self.ask(answers, query).await?.1 == Served::Hit(Tier::Redis) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// How many answers come from the cache, where two processes are asked in turn.
    pub(super) async fn hit_rates(&self) -> Result<Vec<HitRate>, AppError> {
        let mut rates = vec![self.hit_rate("memory of two processes", false).await?];
        if self.redis.is_some() {
            rates.push(self.hit_rate("memory of two processes and Redis", true).await?);
        }
        Ok(rates)
    }

    async fn hit_rate(&self, setup: &'static str, redis: bool) -> Result<HitRate, AppError> {
        let questions = questions(self.names, self.limits.population);
        let memory = Config::default().memory_bytes;
        let processes = [self.process(memory, redis).await?, self.process(memory, redis).await?];
        for process in &processes {
            process.clear(&self.scope);
        }
        self.progress.phase(&format!("hit rate: {setup}"), Some(self.limits.requests.into()));
        let (zipf, mut random) = (Zipf::new(questions.len()), Random::new(11));
        let (mut requests, mut syncs, mut in_memory, mut in_redis) = (0_u32, 0, 0_u32, 0_u32);
        let began = Instant::now();
        for number in 1..=self.limits.requests {
            check(self.progress)?;
            if began.elapsed() > self.limits.requesting {
                break;
            }
            let Some(query) = questions.get(zipf.next(&mut random)) else { break };
            let process = &processes[usize::from(number % 2 == 0)];
            // A question that can only fail has no answer to keep.
            let Ok((_, outcome)) = process.get(&self.scope, query.clone()).await else { continue };
            requests += 1;
            match outcome.served {
                Served::Hit(Tier::Memory) => in_memory += 1,
                Served::Hit(Tier::Redis) => in_redis += 1,
                Served::Computed(_) => {}
            }
            self.progress.advance(1);
            if number % self.limits.requests_per_sync == 0 && number < self.limits.requests {
                self.sync(&processes, redis).await;
                syncs += 1;
            }
        }
        let share = |part: u32| ratio(f64::from(part), f64::from(requests.max(1)));
        Ok(HitRate {
            setup,
            questions: questions.len(),
            requests: requests.into(),
            syncs,
            memory: share(in_memory),
            redis: share(in_redis),
            total: share(in_memory + in_redis),
        })
    }

    /// What the cache hears when a sync has ended. Redis tells the other process; without it, that learns it from the store,
    /// for which it stands here that it is told.
    async fn sync(&self, processes: &[Answers; 2], redis: bool) {
        for process in processes.iter().take(if redis { 1 } else { 2 }) {
            (process.invalidation())(&self.scope, SourceKind::Git);
        }
        tokio::time::sleep(HEARING).await;
    }
}
