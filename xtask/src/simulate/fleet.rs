//! Replicas: which one is asked, and which graphs each holds.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::load::{DAY, MINUTE};
use super::random::mix;

/// Places of each replica on the ring: with so many the largest share is a tenth above the smallest or so.
const PLACES: u32 = 160;

/// What each replica has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Machine {
    /// `--graph-memory`.
    pub(super) graph_bytes: u64,
    pub(super) processors: u32,
}

/// How the load balancer chooses a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routing {
    /// By a consistent hash of the organisation.
    ByOrganisation,
    /// In turn.
    InTurn,
}

/// Consistent hashing: a replica more takes over its share, and moves nothing between the others.
pub(super) struct Ring(Vec<(u64, u32)>);

impl Ring {
    pub(super) fn new(replicas: u32) -> Self {
        let place = |replica: u32, place: u32| mix((u64::from(replica) << 32 | u64::from(place)) ^ 0x5bd1_e995);
        let mut places: Vec<(u64, u32)> =
            (0..replicas).flat_map(|replica| (0..PLACES).map(move |at| (place(replica, at), replica))).collect();
        places.sort_unstable();
        Self(places)
    }

    pub(super) fn replica(&self, org: u32) -> u32 {
        let hash = mix(u64::from(org) + 1);
        let at = self.0.partition_point(|(place, _)| *place < hash);
        self.0.get(at).or(self.0.first()).map_or(0, |(_, replica)| *replica)
    }
}

struct Held {
    bytes: u64,
    /// When it was asked for last, counted in uses.
    used: u64,
    /// When its load begins or has begun, and when it is, or was, ready.
    begins: f64,
    ready: f64,
}

/// What a request finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// The graph, ready.
    Ready,
    /// Nothing, or a graph that is being loaded: it waits for so many milliseconds, some of them until the load begins,
    /// since others are loaded first.
    Waits { all: f64, queued: f64 },
}

/// One replica.
pub(super) struct Replica {
    machine: Machine,
    held: FxHashMap<u32, Held>,
    /// Uses in their order; those that were followed by another of the same graph count no more.
    uses: VecDeque<(u32, u64)>,
    clock: u64,
    pub(super) bytes: u64,
    pub(super) most_bytes: u64,
    /// When each thread that loads is free again.
    loaders: Vec<f64>,
    pub(super) loads: u64,
    /// Processor milliseconds of each minute.
    busy: Vec<f64>,
}

impl Replica {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine,
            held: FxHashMap::default(),
            uses: VecDeque::new(),
            clock: 0,
            bytes: 0,
            most_bytes: 0,
            // Half of the processors: requests need the others.
            loaders: vec![0.0; (machine.processors / 2).max(1) as usize],
            loads: 0,
            busy: vec![0.0; (DAY / MINUTE) as usize],
        }
    }

    /// A request needs the graph of an organisation, which takes so long to load.
    pub(super) fn ask(&mut self, org: u32, now: u32, bytes: u64, load_ms: f64) -> Found {
        self.clock += 1;
        let found = |held: &Held| {
            let (all, queued) = (held.ready - f64::from(now), (held.begins - f64::from(now)).max(0.0));
            if all > 0.0 { Found::Waits { all, queued } } else { Found::Ready }
        };
        if let Some(held) = self.held.get_mut(&org) {
            held.used = self.clock;
            self.uses.push_back((org, self.clock));
            return found(held);
        }
        self.make_room(bytes);
        let (begins, ready) = self.load(now, load_ms);
        let held = Held { bytes, used: self.clock, begins, ready };
        let found = found(&held);
        self.held.insert(org, held);
        self.uses.push_back((org, self.clock));
        self.bytes += bytes;
        self.most_bytes = self.most_bytes.max(self.bytes);
        found
    }

    /// A sync of an organisation has ended: where its graph is held, the new one takes its place.
    pub(super) fn renew(&mut self, org: u32, now: u32, load_ms: f64) {
        if self.held.contains_key(&org) {
            let (begins, ready) = self.load(now, load_ms);
            if let Some(held) = self.held.get_mut(&org) {
                (held.begins, held.ready) = (begins, ready);
            }
        }
    }

    /// Notes processor time.
    pub(super) fn works(&mut self, now: u32, milliseconds: f64) {
        self.busy[(now / MINUTE) as usize] += milliseconds;
    }

    /// The busiest minute, as a share of all processors.
    pub(super) fn busiest(&self) -> f64 {
        let most = self.busy.iter().copied().fold(0.0, f64::max);
        most / (f64::from(MINUTE) * f64::from(self.machine.processors))
    }

    pub(super) fn holds(&self) -> usize {
        self.held.len()
    }

    fn load(&mut self, now: u32, load_ms: f64) -> (f64, f64) {
        self.loads += 1;
        self.works(now, load_ms);
        let mut first = 0;
        for at in 1..self.loaders.len() {
            if self.loaders[at] < self.loaders[first] {
                first = at;
            }
        }
        let begins = self.loaders[first].max(f64::from(now));
        self.loaders[first] = begins + load_ms;
        (begins, begins + load_ms)
    }

    /// Drops what was not asked for longest, until so much more fits. A graph above the whole budget is held alone.
    fn make_room(&mut self, bytes: u64) {
        while self.bytes + bytes > self.machine.graph_bytes {
            let Some((org, used)) = self.uses.pop_front() else { return };
            if self.held.get(&org).is_some_and(|held| held.used == used)
                && let Some(held) = self.held.remove(&org)
            {
                self.bytes -= held.bytes;
            }
        }
    }
}
