//! Laws of the simulation: nothing is lost, more memory never hurts, the same arguments give the same day.

use super::costs::Costs;
use super::fleet::{Found, Machine, Replica, Ring, Routing};
use super::load::{DAY, Event, Load};
use super::play::{Day, play};
use super::sizing::size;

const COSTS: Costs = Costs::MEASURED;
const ROUTINGS: [Routing; 2] = [Routing::ByOrganisation, Routing::InTurn];

fn machine(megabytes: u64) -> Machine {
    Machine { graph_bytes: megabytes * 1_000_000, processors: 4 }
}

fn day(organisations: u32, replicas: u32, routing: Routing, megabytes: u64) -> Day {
    play(&Load::new(organisations, 40, 7), replicas, routing, machine(megabytes), &COSTS)
}

#[test]
fn the_same_arguments_give_the_same_day_and_another_seed_another() {
    for routing in ROUTINGS {
        assert_eq!(day(300, 3, routing, 50), day(300, 3, routing, 50));
    }
    assert_ne!(Load::new(300, 40, 1).events, Load::new(300, 40, 2).events);
}

#[test]
fn every_question_is_counted_once() {
    let load = Load::new(500, 40, 3);
    for routing in ROUTINGS {
        for replicas in [1, 2, 5] {
            let day = play(&load, replicas, routing, machine(20), &COSTS);
            assert_eq!(day.questions(), load.questions());
            assert!(day.loads >= day.graphs_held, "what is held was loaded");
            assert!(day.p99_wait <= day.p99_of_waits);
        }
    }
}

#[test]
fn more_memory_never_finds_fewer_graphs() {
    for routing in ROUTINGS {
        let days: Vec<Day> = [1, 4, 16, 64, 256, 4096].map(|megabytes| day(500, 3, routing, megabytes)).into();
        for pair in days.windows(2) {
            assert!(pair[0].graphs_held <= pair[1].graphs_held, "{routing:?}");
            assert!(pair[0].hit_rate() <= pair[1].hit_rate() + 0.01, "{routing:?}: more is reloaded, and waited for");
            assert_eq!(pair[0].cached, pair[1].cached, "{routing:?}: finished answers do not depend on graphs");
        }
        assert!(days[0].hit_rate() < days[5].hit_rate(), "{routing:?}");
    }
}

#[test]
fn a_smaller_cache_holds_a_part_of_a_larger_one() {
    let (mut small, mut large) = (Replica::new(machine(10)), Replica::new(machine(25)));
    let mut random = super::random::Random::new(5);
    for now in 0..5000 {
        let org = random.below(60).min(random.below(60));
        let bytes = u64::from(org % 7 + 1) * 500_000;
        let found = |replica: &mut Replica| replica.ask(org, now, bytes, 0.0) == Found::Ready;
        let (in_small, in_large) = (found(&mut small), found(&mut large));
        assert!(in_large || !in_small, "{org} at {now}");
        assert!(small.bytes <= 10_000_000 && large.bytes <= 25_000_000);
    }
}

#[test]
fn routing_by_organisation_holds_each_graph_once() {
    let (routed, in_turn) = (day(400, 4, Routing::ByOrganisation, 4000), day(400, 4, Routing::InTurn, 4000));
    assert!(routed.graphs_held <= 400);
    assert!(in_turn.graphs_held > routed.graphs_held);
    assert!(in_turn.loads > routed.loads && in_turn.hit_rate() < routed.hit_rate());
    assert_eq!(in_turn.cached, routed.cached, "Redis is shared");
}

#[test]
fn a_replica_more_takes_over_a_share_and_moves_nothing_else() {
    let (before, after) = (Ring::new(7), Ring::new(8));
    let moved: Vec<u32> = (0..10_000).filter(|org| before.replica(*org) != after.replica(*org)).collect();
    assert!(moved.iter().all(|org| after.replica(*org) == 7));
    assert!((700..2_000).contains(&moved.len()), "{}", moved.len());
}

#[test]
fn loads_wait_for_each_other_and_whoever_comes_meanwhile_waits_for_the_rest() {
    let waits = |all, queued| Found::Waits { all, queued };
    let mut replica = Replica::new(Machine { graph_bytes: 100, processors: 2 });
    assert_eq!(replica.ask(1, 0, 10, 50.0), waits(50.0, 0.0));
    assert_eq!(replica.ask(2, 10, 10, 50.0), waits(90.0, 40.0), "one loader");
    assert_eq!(replica.ask(1, 30, 10, 50.0), waits(20.0, 0.0), "no second load");
    assert_eq!(replica.ask(1, 50, 10, 50.0), Found::Ready);
    replica.renew(1, 200, 50.0);
    replica.renew(9, 200, 50.0);
    assert_eq!((replica.ask(1, 210, 10, 50.0), replica.loads), (waits(40.0, 0.0), 3), "a sync renews what is held");
    assert_eq!(replica.ask(3, 1000, 1000, 1.0), waits(1.0, 0.0), "larger than all: alone");
    assert_eq!((replica.bytes, replica.holds()), (1000, 1));
    assert_eq!(replica.ask(4, 2000, 10, 1.0), waits(1.0, 0.0));
    assert_eq!((replica.bytes, replica.holds()), (10, 1), "and it goes like every other");
}

#[test]
fn a_day_has_its_rhythm_and_few_organisations_have_most() {
    let load = Load::new(2000, 40, 1);
    assert!(load.events.windows(2).all(|pair| pair[0] <= pair[1]));
    let hour = |hour: u32| {
        let within = |event: &&Event| event.at / (DAY / 24) == hour && event.question.is_some();
        load.events.iter().filter(within).count()
    };
    assert!(hour(10) > 8 * hour(3), "{} and {}", hour(10), hour(3));
    let mut sizes = load.commits.clone();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let of_largest: u64 = sizes[..200].iter().map(|commits| u64::from(*commits)).sum();
    assert!(of_largest * 2 > load.all_commits(), "a tenth has more than half");
    assert!(sizes[1000] < 1000, "the middle one is small: {}", sizes[1000]);
    assert!(load.commits.iter().all(|commits| (300..=1_000_000).contains(commits)));
}

#[test]
fn more_organisations_never_need_less() {
    let sized: Vec<_> = [10, 100, 1000].map(|count| size(&Load::new(count, 40, 1), machine(50), &COSTS)).into();
    for pair in sized.windows(2) {
        assert!(pair[0].routed.replicas <= pair[1].routed.replicas);
        assert!(pair[0].database_bytes < pair[1].database_bytes && pair[0].redis_bytes <= pair[1].redis_bytes);
        assert!(pair[0].index_bytes < pair[1].index_bytes);
    }
    assert!(sized.iter().all(|sized| sized.routed.replicas >= 2));
    let text = super::table::render(&sized, machine(50), &COSTS);
    let columns = |line: &str| line.matches('|').count();
    assert!(text.lines().filter(|line| line.starts_with('|')).all(|line| columns(line) == 5), "{text}");
}
