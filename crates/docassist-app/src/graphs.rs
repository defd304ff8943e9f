//! Graphs in memory, of as many organisations as a budget of bytes has room for.
//!
//! A graph is loaded when somebody asks for its organisation, one load at a time per organisation, and dropped when
//! others need the room, least recently used first. Whoever works with one keeps it: dropping ends only the hold here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use docassist_graph::{Graph, GraphBuilder};
use docassist_model::{OrgSlug, TenantScope};
use docassist_store::{Store, StoreError};

use crate::AppError;

/// Graphs of organisations.
pub struct Graphs {
    /// Bytes, as graphs count themselves.
    budget: u64,
    slots: Mutex<HashMap<OrgSlug, Arc<Slot>>>,
    /// Orders uses.
    clock: AtomicU64,
    loads: Permits,
    loaded: AtomicU64,
    dropped: AtomicU64,
}

/// One organisation's place. It stays as long as anybody waits for it.
pub(crate) struct Slot {
    held: Mutex<Option<Held>>,
    /// Held while a graph is loaded. Of Tokio, so that a task can wait for it without keeping a thread.
    pub(crate) loading: tokio::sync::Mutex<()>,
    used: AtomicU64,
}

#[derive(Clone)]
struct Held {
    graph: Arc<Graph>,
    bytes: u64,
    loaded: Instant,
    took: Duration,
}

/// What is held of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphState {
    /// The organisation.
    pub org: OrgSlug,
    /// The change sequence that the graph is of.
    pub sequence: u64,
    /// Bytes, as it counts itself.
    pub bytes: u64,
    /// Nodes of all kinds.
    pub nodes: u64,
    /// How long ago it was loaded.
    pub age: Duration,
    /// How long loading took.
    pub took: Duration,
}

/// What is held in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GraphStats {
    /// By organisation.
    pub held: Vec<GraphState>,
    /// Graphs loaded since the start.
    pub loaded: u64,
    /// Graphs dropped for want of room since the start.
    pub dropped: u64,
    /// Bytes that graphs may take.
    pub budget: u64,
}

impl Graphs {
    /// Loads at the same time over all organisations: each takes a core and, for a moment, memory for the records as well.
    const LOADS: usize = 2;

    /// Graphs in so many bytes. One that alone is larger is held all the same, and everything else dropped.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        Self {
            budget,
            slots: Mutex::default(),
            clock: AtomicU64::new(0),
            loads: Permits::new(Self::LOADS),
            loaded: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Graphs without a bound, for a program that works with one organisation.
    #[must_use]
    pub fn unbounded() -> Self {
        Self::new(u64::MAX)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<OrgSlug, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An organisation's place.
    pub(crate) fn slot(&self, scope: &TenantScope) -> Arc<Slot> {
        let slot = Arc::clone(self.slots().entry(scope.org().clone()).or_insert_with(|| {
            Arc::new(Slot {
                held: Mutex::default(),
                loading: tokio::sync::Mutex::default(),
                used: AtomicU64::default(),
            })
        }));
        slot.used.store(self.clock.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        slot
    }

    /// The graph of what is stored now, if it is here.
    pub(crate) fn current(
        &self,
        slot: &Slot,
        store: &dyn Store,
        scope: &TenantScope,
    ) -> Result<Option<Arc<Graph>>, AppError> {
        let held = slot.held().clone();
        // The sequence is read after the graph was taken: a change in between is seen.
        Ok(match held {
            Some(held) if held.graph.sequence() == store.sequence(scope)? => Some(held.graph),
            _ => None,
        })
    }

    /// Loads the graph. The caller holds `slot.loading`.
    pub(crate) fn load(&self, slot: &Slot, store: &dyn Store, scope: &TenantScope) -> Result<Arc<Graph>, AppError> {
        // Somebody else may have loaded it while the caller waited.
        if let Some(graph) = self.current(slot, store, scope)? {
            return Ok(graph);
        }
        let _permit = self.loads.take();
        // Two graphs of one organisation at a time are only needed by those who still use the old one.
        let old = slot.held().take();
        drop(old);
        let started = Instant::now();
        let project = || -> Result<_, StoreError> {
            let mut builder = GraphBuilder::default();
            let sequence = store.project(scope, &mut builder)?;
            Ok((builder, sequence))
        };
        // Reading takes seconds, in which a server can go, or a standby end what keeps it from following: once more then, from
        // whoever answers now.
        let (builder, sequence) = match project() {
            Err(StoreError::Unreachable { .. } | StoreError::Busy { .. }) => project()?,
            projected => projected?,
        };
        let graph = Arc::new(builder.build(scope.org().as_str(), sequence));
        let bytes = graph.memory_bytes() as u64;
        let held = Held { graph: Arc::clone(&graph), bytes, loaded: Instant::now(), took: started.elapsed() };
        *slot.held() = Some(held);
        self.loaded.fetch_add(1, Ordering::Relaxed);
        self.make_room(scope.org());
        Ok(graph)
    }

    /// The graph of what is stored now, loaded if need be. Blocks.
    pub(crate) fn get(&self, store: &dyn Store, scope: &TenantScope) -> Result<Arc<Graph>, AppError> {
        let slot = self.slot(scope);
        if let Some(graph) = self.current(&slot, store, scope)? {
            return Ok(graph);
        }
        let _loading = slot.loading.blocking_lock();
        self.load(&slot, store, scope)
    }

    /// Whether a graph of the organisation is here, of whatever state.
    pub(crate) fn holds(&self, scope: &TenantScope) -> bool {
        let slot = self.slots().get(scope.org()).map(Arc::clone);
        slot.is_some_and(|slot| slot.held().is_some())
    }

    /// Forgets an organisation's graph.
    pub fn forget(&self, scope: &TenantScope) {
        self.slots().remove(scope.org());
    }

    /// Drops the least recently used graphs until the rest fits, and never the one just loaded.
    fn make_room(&self, newest: &OrgSlug) {
        let mut slots = self.slots();
        let mut held: Vec<(u64, u64, OrgSlug)> = slots
            .iter()
            .filter_map(|(org, slot)| {
                let bytes = slot.held().as_ref()?.bytes;
                Some((slot.used.load(Ordering::Relaxed), bytes, org.clone()))
            })
            .collect();
        let mut total: u64 = held.iter().map(|(_, bytes, _)| bytes).sum();
        if total <= self.budget {
            return;
        }
        held.sort_unstable();
        for (_, bytes, org) in held {
            if total <= self.budget {
                break;
            }
            if org != *newest {
                // With its place: an organisation that nobody asks for takes no room at all.
                slots.remove(&org);
                total -= bytes;
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What is held.
    #[must_use]
    pub fn stats(&self) -> GraphStats {
        let slots: Vec<(OrgSlug, Arc<Slot>)> =
            self.slots().iter().map(|(org, slot)| (org.clone(), Arc::clone(slot))).collect();
        let mut held: Vec<GraphState> = slots
            .into_iter()
            .filter_map(|(org, slot)| {
                let held = slot.held().clone()?;
                Some(GraphState {
                    org,
                    sequence: held.graph.sequence(),
                    bytes: held.bytes,
                    nodes: held.graph.node_counts().sum(),
                    age: held.loaded.elapsed(),
                    took: held.took,
                })
            })
            .collect();
        held.sort_by(|a, b| a.org.cmp(&b.org));
        GraphStats {
            held,
            loaded: self.loaded.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            budget: self.budget,
        }
    }
}

impl Slot {
    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many may do something at a time.
struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

struct Permit<'a>(&'a Permits);

impl Permits {
    fn new(free: usize) -> Self {
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    fn take(&self) -> Permit<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
