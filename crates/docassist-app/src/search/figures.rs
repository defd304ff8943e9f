//! What an operator is told of the search index.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use docassist_model::{OrgSlug, TenantScope};
use docassist_search::index::Counts;

use super::{Followed, Search};

/// What this process has done since it started. Counters only grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    followed: AtomicU64,
    documents: AtomicU64,
    rebuilt: AtomicU64,
    failed: AtomicU64,
    nanos: AtomicU64,
    embedded: AtomicU64,
}

/// The search index of this process, in figures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SearchStats {
    /// Organisations that were searched or indexed here, with how much they have as of then.
    pub orgs: Vec<(OrgSlug, Counts)>,
    /// Times that an index was brought up to date.
    pub followed: u64,
    /// Documents that were indexed, changed or removed by that.
    pub documents: u64,
    /// Indexes that had to be built anew.
    pub rebuilt: u64,
    /// Times that it failed, the embedding included.
    pub failed: u64,
    /// Time that it took.
    pub took: Duration,
    /// Passages that were given a vector.
    pub embedded: u64,
    /// Organisations that wait to be indexed beside the requests.
    pub waiting: u64,
}

impl Search {
    /// What it has done, and how much there is. It opens no index.
    #[must_use]
    pub fn stats(&self) -> SearchStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let of = &self.counters;
        let orgs = self.orgs();
        let counted = orgs.iter().filter_map(|(slug, org)| Some((slug.clone(), org.lock().counts?)));
        let mut counted: Vec<(OrgSlug, Counts)> = counted.collect();
        counted.sort_by(|a, b| a.0.cmp(&b.0));
        SearchStats {
            orgs: counted,
            followed: read(&of.followed),
            documents: read(&of.documents),
            rebuilt: read(&of.rebuilt),
            failed: read(&of.failed),
            took: Duration::from_nanos(read(&of.nanos)),
            embedded: read(&of.embedded),
            waiting: self.waiting.get().map_or(0, |waiting| waiting()),
        }
    }

    /// Notes how much an organisation has.
    pub(super) fn count(&self, scope: &TenantScope) {
        // A figure that cannot be had now is told the next time.
        if let Ok(counts) = self.index.counts(scope) {
            self.org(scope).lock().counts = Some(counts);
        }
    }

    pub(super) fn count_followed(&self, scope: &TenantScope, followed: &Followed, took: Duration) {
        let of = &self.counters;
        of.followed.fetch_add(1, Ordering::Relaxed);
        of.documents.fetch_add(followed.changed + followed.removed, Ordering::Relaxed);
        of.rebuilt.fetch_add(u64::from(followed.rebuilt.is_some()), Ordering::Relaxed);
        of.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.count(scope);
    }

    pub(super) fn count_embedded(&self, scope: &TenantScope, passages: u64) {
        self.counters.embedded.fetch_add(passages, Ordering::Relaxed);
        self.count(scope);
    }

    pub(super) fn count_failure(&self) {
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
    }
}
