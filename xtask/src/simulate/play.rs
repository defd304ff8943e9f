//! A day over a number of replicas.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::costs::Costs;
use super::fleet::{Found, Machine, Replica, Ring, Routing};
use super::load::{DAY, Load, MINUTE};

/// How long answers are kept, in milliseconds: the default of `--cache-ttl`.
const TTL: u32 = 300 * 1000;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Day {
    pub(super) replicas: u32,
    /// Questions that a finished answer was there for.
    pub(super) cached: u64,
    /// Questions that were computed with a graph that was there.
    pub(super) graph_hits: u64,
    /// Questions that waited for a graph.
    pub(super) waited: u64,
    pub(super) loads: u64,
    /// Of all questions, in milliseconds.
    pub(super) p99_wait: f64,
    /// Of those that waited, in milliseconds.
    pub(super) p99_of_waits: f64,
    /// Of all questions, the part until the load began: what more replicas would save.
    pub(super) p99_queued: f64,
    /// Graphs in memory at the end, over all replicas, and the bytes of them at their most.
    pub(super) graphs_held: u64,
    pub(super) graph_bytes: u64,
    /// The busiest minute of the busiest replica, as a share of its processors.
    pub(super) busiest: f64,
    /// Records that were read from the database for loads, in the busiest minute, for each second.
    pub(super) most_loaded_a_second: f64,
    /// Answers that were kept at the same time, at most.
    pub(super) most_answers: u64,
}

impl Day {
    pub(super) fn questions(&self) -> u64 {
        self.cached + self.graph_hits + self.waited
    }

    /// Of the questions that needed a graph, those that found it.
    pub(super) fn hit_rate(&self) -> f64 {
        self.graph_hits as f64 / (self.graph_hits + self.waited).max(1) as f64
    }
}

struct Answer {
    until: u32,
    generation: u32,
}

/// Plays it. Pure.
pub(super) fn play(load: &Load, replicas: u32, routing: Routing, machine: Machine, costs: &Costs) -> Day {
    let ring = Ring::new(replicas);
    let mut fleet: Vec<Replica> = (0..replicas).map(|_| Replica::new(machine)).collect();
    let mut generations = vec![0_u32; load.commits.len()];
    // Shared by all replicas: what Redis has.
    let mut answers: FxHashMap<u64, Answer> = FxHashMap::default();
    let mut ends: VecDeque<u32> = VecDeque::new();
    let (mut waits, mut queues): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut loaded = vec![0_u64; (DAY / MINUTE) as usize];
    let mut day = Day { replicas, ..Day::default() };
    let mut turn = 0_u32;
    for event in &load.events {
        let (now, org) = (event.at, event.org);
        let records = load.records(org);
        let load_ms = records as f64 * costs.load_us_per_record / 1000.0;
        let Some(question) = event.question else {
            generations[org as usize] += 1;
            let mut reloads = 0;
            for replica in &mut fleet {
                let loads = replica.loads;
                replica.renew(org, now, load_ms);
                reloads += replica.loads - loads;
            }
            loaded[(now / MINUTE) as usize] += reloads * records;
            continue;
        };
        let at = match routing {
            Routing::ByOrganisation => ring.replica(org),
            Routing::InTurn => {
                turn = (turn + 1) % replicas;
                turn
            }
        };
        let replica = &mut fleet[at as usize];
        while ends.front().is_some_and(|end| *end <= now) {
            ends.pop_front();
        }
        let key = u64::from(org) << 32 | u64::from(question);
        let generation = generations[org as usize];
        let kept = answers.get(&key).filter(|answer| answer.until > now);
        if kept.is_some_and(|answer| answer.generation == generation) {
            day.cached += 1;
            replica.works(now, costs.cached_us / 1000.0);
            continue;
        }
        if kept.is_none() {
            ends.push_back(now + TTL);
            day.most_answers = day.most_answers.max(ends.len() as u64);
        }
        answers.insert(key, Answer { until: now + TTL, generation });
        replica.works(now, costs.computed_us / 1000.0);
        let loads = replica.loads;
        match replica.ask(org, now, (records as f64 * costs.graph_bytes_per_record) as u64, load_ms) {
            Found::Ready => day.graph_hits += 1,
            Found::Waits { all, queued } => {
                day.waited += 1;
                waits.push(all);
                queues.push(queued);
            }
        }
        loaded[(now / MINUTE) as usize] += (replica.loads - loads) * records;
    }
    waits.sort_by(f64::total_cmp);
    queues.sort_by(f64::total_cmp);
    day.loads = fleet.iter().map(|replica| replica.loads).sum();
    day.graphs_held = fleet.iter().map(|replica| replica.holds() as u64).sum();
    day.graph_bytes = fleet.iter().map(|replica| replica.most_bytes).sum();
    day.busiest = fleet.iter().map(Replica::busiest).fold(0.0, f64::max);
    day.most_loaded_a_second = loaded.into_iter().max().unwrap_or_default() as f64 / 60.0;
    day.p99_of_waits = percentile(&waits, 0, 0.99);
    day.p99_wait = percentile(&waits, day.questions() - day.waited, 0.99);
    day.p99_queued = percentile(&queues, day.questions() - day.waited, 0.99);
    day
}

/// Of `zeros` times nothing and these, which are sorted.
fn percentile(sorted: &[f64], zeros: u64, share: f64) -> f64 {
    let all = zeros + sorted.len() as u64;
    let at = ((all as f64 * share).ceil() as u64).saturating_sub(1);
    let found = at.checked_sub(zeros).and_then(|at| usize::try_from(at).ok()).and_then(|at| sorted.get(at));
    found.copied().unwrap_or_default()
}
