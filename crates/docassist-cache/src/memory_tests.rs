use std::sync::Arc;
use std::time::{Duration, Instant};

use docassist_model::TenantScope;

use super::*;
use crate::stamp::{COUNTERS, KINDS};

const TTL: Duration = Duration::from_secs(300);

fn stamp(number: u64) -> Stamp {
    Stamp { durable: [number; KINDS.len()], bumps: [0; COUNTERS] }
}

fn key(days: u32) -> Key {
    Key::gaps_stale(&TenantScope::unchecked("acme".parse().unwrap(), "a test"), days)
}

fn memory(capacity: u64) -> (Memory, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    (Memory::new(capacity, TTL, Arc::clone(&counters)), counters)
}

#[test]
fn only_the_same_stamp_is_fresh() {
    let (memory, _) = memory(1 << 20);
    let value = Value::new("text/plain", "x");
    assert!(matches!(memory.find(&key(1), &stamp(1), Instant::now()), Found::Nothing));
    assert!(memory.keep(&key(1), &value, stamp(1), TTL));
    assert!(matches!(memory.find(&key(1), &stamp(1), Instant::now()), Found::Fresh(found, _) if found == value));
    assert!(matches!(memory.find(&key(1), &stamp(2), Instant::now()), Found::Stale));
    assert!(matches!(memory.find(&key(1), &stamp(0), Instant::now()), Found::Stale));
}

#[test]
fn values_end() {
    let (memory, _) = memory(1 << 20);
    assert!(memory.keep(&key(1), &Value::new("", "x"), stamp(1), Duration::from_millis(5)));
    std::thread::sleep(Duration::from_millis(10));
    assert!(matches!(memory.find(&key(1), &stamp(1), Instant::now()), Found::Nothing));
}

#[test]
fn bytes_are_bounded_and_counted() {
    let capacity = 1 << 20;
    let (memory, counters) = memory(capacity);
    for days in 0..2000 {
        memory.keep(&key(days), &Value::new("", vec![0; 4096]), stamp(1), TTL);
    }
    memory.settle();
    let tier = &counters.family(Family::Gaps).memory;
    assert!(tier.bytes.get() <= capacity, "{} bytes", tier.bytes.get());
    assert!(tier.bytes.get() > capacity / 2);
    assert_eq!(tier.entries.get() + tier.evictions.get(), 2000);
    assert!(!memory.keep(&key(9999), &Value::new("", vec![0; 1 << 18]), stamp(1), TTL), "too large for one");
}

#[test]
fn replacing_a_value_is_no_eviction() {
    let (memory, counters) = memory(1 << 20);
    for number in 0..10 {
        memory.keep(&key(1), &Value::new("", vec![0; 100]), stamp(number), TTL);
    }
    memory.settle();
    let tier = &counters.family(Family::Gaps).memory;
    assert_eq!((tier.entries.get(), tier.evictions.get()), (1, 0));
    assert_eq!(tier.bytes.get(), weight(key(1).shared_text(), &Value::new("", vec![0; 100])) as u64);
}
