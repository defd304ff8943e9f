use super::*;

fn scope(slug: &str) -> TenantScope {
    TenantScope::unchecked(slug.parse().unwrap(), "a test")
}

fn registry() -> Registry {
    Registry::new(Arc::new(InProcess), None)
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
fn every_family_depends_on_what_the_contract_says() {
    for family in Family::ALL {
        for kind in KINDS {
            assert!(family.depends_on(kind), "{family} {}", kind.as_str());
        }
    }
}

#[test]
fn counters_never_repeat_after_they_were_lost() {
    let before = registry();
    before.bump(&scope("one"), SourceKind::Git);
    let lost = before.org(&scope("one")).bumps();
    // All memory of it is gone, here and in Redis.
    let after = registry();
    after.bump(&scope("one"), SourceKind::Git);
    let again = after.org(&scope("one")).bumps();
    assert!(again[0] > lost[0] || now_micros() == lost[0]);
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

#[test]
fn merging_is_by_maximum() {
    let registry = registry();
    let org = registry.org(&scope("one"));
    assert!(org.is_news(&[1, 0, 5, 0]));
    org.merge(&[1, 0, 5, 0]);
    assert!(!org.is_news(&[1, 0, 5, 0]));
    org.merge(&[3, 0, 2, 0]);
    assert_eq!(org.bumps(), [3, 0, 5, 0]);
}

#[tokio::test]
async fn an_earlier_look_does_not_overwrite_a_later_one() {
    let registry = registry();
    let org = registry.org(&scope("one"));
    org.found(Look { order: 2, began: 2 }, Durable::all(6));
    org.found(Look { order: 1, began: 1 }, Durable::all(5));
    assert_eq!(org.stamp(Family::Gaps).durable(), Durable::all(6));
}

#[tokio::test]
async fn a_lease_ends() {
    let registry = Registry::new(Arc::new(InProcess), Some(Duration::from_millis(20)));
    let org = registry.org(&scope("one"));
    assert!(!registry.touch(&org));
    registry.look(&[Arc::clone(&org)]).await.unwrap();
    assert!(registry.touch(&org));
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert!(!registry.touch(&org));
}
