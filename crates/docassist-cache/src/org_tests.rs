use std::sync::atomic::AtomicBool;

use super::*;

fn org() -> OrgState {
    OrgState::new(TenantScope::unchecked("one".parse().unwrap(), "a test"))
}

#[test]
fn an_earlier_look_does_not_overwrite_a_later_one() {
    let org = org();
    org.found(Look { order: 2, began: 2 }, Durable::all(6));
    org.found(Look { order: 1, began: 1 }, Durable::all(5));
    assert_eq!(org.stamp(Family::Gaps).durable(), Durable::all(6));
}

#[test]
fn merging_is_by_maximum() {
    let org = org();
    for (order, theirs, expected) in [(1, [1, 0, 5, 0], [1, 0, 5, 0]), (3, [3, 0, 2, 0], [3, 0, 5, 0])] {
        org.hear(&theirs, true, || order);
        org.found(Look { order: order + 1, began: 1 }, Durable::default());
        assert_eq!(org.bumps(), expected);
    }
    assert!(org.hear(&[3, 0, 2, 0], true, || panic!("no news")), "ours are ahead");
    assert!(!org.hear(&[3, 0, 5, 0], true, || panic!("no news")));
}

#[test]
fn values_in_redis_are_judged_only_when_its_counters_are_known() {
    let org = org();
    org.hear(&[1, 0, 0, 0], false, || 1);
    assert!(!org.known().joined, "a message is not all that Redis holds");
    org.hear(&[0; COUNTERS], true, || panic!("no news"));
    assert!(org.known().joined);
}

/// Each change sets both halves to one number; no reader may see two numbers.
#[test]
fn what_was_changed_together_is_read_together() {
    let org = org();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for number in 1..200_000 {
                org.hear(&[number; COUNTERS], true, || number * 2);
                org.found(Look { order: number * 2 + 1, began: number }, Durable::all(number));
            }
            stop.store(true, Ordering::Release);
        });
        let mut last = 0;
        while !stop.load(Ordering::Acquire) {
            let known = org.known();
            let stamp = known.stamp(Family::Gaps);
            assert!(stamp.bumps.iter().chain(&stamp.durable).all(|number| *number == stamp.bumps[0]), "{stamp:?}");
            assert!(known.confirmed == 0 || known.confirmed == stamp.bumps[0]);
            assert!(stamp.bumps[0] >= last);
            last = stamp.bumps[0];
        }
    });
}

#[test]
fn a_clock_that_is_behind_does_not_give_two_replicas_one_number() {
    assert_eq!(raised(5, 7), 7);
    let steps: std::collections::HashSet<u64> = (0..50).map(|_| raised(1 << 50, 7)).collect();
    assert!(steps.iter().all(|step| *step > 1 << 50));
    assert!(steps.len() > 25, "{} of 50 differ", steps.len());
}
