use std::pin::pin;

use docassist_model::SourceKind;
use futures_util::FutureExt as _;

use super::*;
use crate::key::Family;
use crate::stamp::{CurrentGenerations, Durable, InProcess, KINDS};

fn scope(slug: &str) -> TenantScope {
    TenantScope::unchecked(slug.parse().unwrap(), "a test")
}

fn registry() -> Registry {
    Registry::new(Arc::new(InProcess), None, true)
}

#[test]
fn a_bump_changes_the_stamp_of_its_organisation_alone() {
    let registry = registry();
    let (one, two) = (registry.org(&scope("one")), registry.org(&scope("two")));
    for kind in KINDS {
        let before = (one.stamp(Family::Gaps), two.stamp(Family::Gaps));
        registry.bump(&scope("one"), kind);
        assert_ne!(one.stamp(Family::Gaps), before.0);
        assert_eq!(two.stamp(Family::Gaps), before.1);
    }
}

#[test]
fn counters_never_repeat_after_they_were_lost() {
    let before = registry();
    before.bump(&scope("one"), SourceKind::Git);
    let lost = before.org(&scope("one")).bumps();
    std::thread::sleep(Duration::from_micros(10));
    // All memory of it is gone, here and in Redis.
    let after = registry();
    after.bump(&scope("one"), SourceKind::Git);
    assert!(after.org(&scope("one")).bumps()[0] > lost[0]);
}

#[test]
fn bumps_within_a_microsecond_differ() {
    let registry = registry();
    let org = registry.org(&scope("one"));
    let mut last = 0;
    for _ in 0..10_000 {
        registry.bump(&scope("one"), SourceKind::Docs);
        let now = org.bumps()[number(SourceKind::Docs)];
        assert!(now > last);
        last = now;
    }
}

/// However often they are bumped while Redis is away.
#[test]
fn what_is_to_be_published_is_listed_once() {
    let registry = registry();
    for _ in 0..1000 {
        registry.bump(&scope("one"), SourceKind::Git);
        registry.bump(&scope("two"), SourceKind::Git);
    }
    assert_eq!(registry.take_unpublished().len(), 2);
    registry.bump(&scope("one"), SourceKind::Git);
    assert_eq!(registry.take_unpublished().len(), 1);
    let alone = Registry::new(Arc::new(InProcess), None, false);
    alone.bump(&scope("one"), SourceKind::Git);
    assert!(alone.take_unpublished().is_empty(), "nobody would ever take it");
}

#[tokio::test]
async fn a_lease_ends() {
    let registry = Registry::new(Arc::new(InProcess), Some(Duration::from_millis(20)), false);
    let org = registry.org(&scope("one"));
    let current = || registry.is_current(&org.known(), registry.now());
    assert!(!current());
    registry.look(&[Arc::clone(&org)]).await.unwrap();
    assert!(current());
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert!(!current());
}

/// Answers when it is told to, with the number that was there when it was asked.
#[derive(Default)]
struct Slow {
    number: AtomicU64,
    go: Notify,
}

impl Generations for Slow {
    fn current<'a>(&'a self, scopes: &'a [TenantScope]) -> CurrentGenerations<'a> {
        let found = Durable::all(self.number.load(Ordering::SeqCst));
        Box::pin(async move {
            self.go.notified().await;
            Ok(vec![found; scopes.len()])
        })
    }
}

/// The look saw the store before the sync; nothing may be served or computed as if it had seen it.
#[tokio::test]
async fn a_look_that_began_before_a_bump_confirms_nothing() {
    let source = Arc::new(Slow::default());
    let registry = Registry::new(Arc::clone(&source) as _, None, false);
    let org = registry.org(&scope("one"));
    let orgs = [Arc::clone(&org)];
    let mut look = pin!(registry.look(&orgs));
    assert!(look.as_mut().now_or_never().is_none());
    source.number.store(1, Ordering::SeqCst);
    registry.bump(&scope("one"), SourceKind::Git);
    source.go.notify_one();
    look.await.unwrap();
    assert!(!registry.is_current(&org.known(), registry.now()));
    source.go.notify_one();
    registry.look(&orgs).await.unwrap();
    assert!(registry.is_current(&org.known(), registry.now()));
    assert_eq!(org.stamp(Family::Gaps).durable(), Durable::all(1));
}

/// The same for what was heard: another replica's counter never stands beside the durable number from before its sync.
#[tokio::test]
async fn news_is_taken_over_with_a_look_that_began_later() {
    let source = Arc::new(Slow::default());
    let registry = Registry::new(Arc::clone(&source) as _, None, false);
    let org = registry.org(&scope("one"));
    let orgs = [Arc::clone(&org)];
    let mut look = pin!(registry.look(&orgs));
    assert!(look.as_mut().now_or_never().is_none());
    source.number.store(1, Ordering::SeqCst);
    registry.hear(&org, &[9, 0, 0, 0], true);
    source.go.notify_one();
    look.await.unwrap();
    assert_eq!((org.bumps()[0], registry.is_current(&org.known(), registry.now())), (0, false));
    source.go.notify_one();
    registry.look(&orgs).await.unwrap();
    assert_eq!((org.bumps()[0], org.stamp(Family::Gaps).durable()), (9, Durable::all(1)));
    assert!(registry.is_current(&org.known(), registry.now()));
}

/// A tenant more costs what the service can afford, and a look through all of them is not in the way of requests.
#[test]
fn a_hundred_thousand_organisations() {
    let registry = registry();
    let scopes: Vec<TenantScope> = (0..100_000).map(|number| scope(&format!("org-{number}"))).collect();
    for scope in &scopes {
        registry.touch(&registry.org(scope), registry.now());
    }
    let began = Instant::now();
    assert_eq!(registry.in_use().len(), scopes.len());
    println!("a look through 100,000 organisations: {:?}", began.elapsed());
    assert!(size_of::<OrgState>() <= 320, "{} bytes", size_of::<OrgState>());
}
