use std::sync::Arc;

use super::*;
use crate::stamp::{COUNTERS, KINDS};

fn stamp(number: u64) -> Stamp {
    Stamp { durable: [number; KINDS.len()], bumps: [0; COUNTERS] }
}

fn leader<'a>(flights: &'a Flights<u32>, key: &Arc<str>, number: u64) -> Leader<'a, u32> {
    match flights.join(key, stamp(number), 0) {
        Role::Leader(leader) => leader,
        Role::Follower(_) => panic!("somebody leads already"),
    }
}

fn follower(flights: &Flights<u32>, key: &Arc<str>, number: u64) -> Follower<u32> {
    match flights.join(key, stamp(number), 0) {
        Role::Leader(_) => panic!("nobody leads"),
        Role::Follower(follower) => follower,
    }
}

#[tokio::test]
async fn all_get_what_the_leader_found() {
    let flights = Flights::new();
    let key: Arc<str> = "k".into();
    let leading = leader(&flights, &key, 1);
    let waiting: Vec<_> = (0..3).map(|_| follower(&flights, &key, 1)).collect();
    leading.land(7);
    for waiting in waiting {
        assert_eq!(waiting.wait().await, Some(Ok(7)));
    }
    assert_eq!(flights.len(), 0);
}

#[tokio::test]
async fn another_stamp_is_another_flight() {
    let flights = Flights::new();
    let key: Arc<str> = "k".into();
    let old = leader(&flights, &key, 1);
    let new = leader(&flights, &key, 2);
    let waiting = follower(&flights, &key, 2);
    old.land(1);
    new.land(2);
    assert_eq!(waiting.wait().await, Some(Ok(2)));
}

#[tokio::test]
async fn a_dropped_leader_hands_over() {
    let flights = Flights::new();
    let key: Arc<str> = "k".into();
    let leading = leader(&flights, &key, 1);
    let waiting = follower(&flights, &key, 1);
    drop(leading);
    assert_eq!(waiting.wait().await, None);
    leader(&flights, &key, 1).land(8);
    assert_eq!(flights.len(), 0);
}

#[tokio::test]
async fn a_panicking_leader_tells() {
    let flights = Arc::new(Flights::new());
    let key: Arc<str> = "k".into();
    let waiting = {
        let leading = leader(&flights, &key, 1);
        let waiting = follower(&flights, &key, 1);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _leading = leading;
            panic!("as planned");
        }));
        assert!(caught.is_err());
        waiting
    };
    assert_eq!(waiting.wait().await, Some(Err(Crash)));
    assert_eq!(flights.len(), 0);
}
