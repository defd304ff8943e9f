//! Figures from what servers say, and their samples.

use std::collections::BTreeSet;

use super::*;
use crate::doctor::RedisLive;
use crate::metrics::{METRICS, Origin};

fn redis() -> RedisFigures {
    let info = "# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:60\r\n# Stats\r\nkeyspace_hits:95\r\nkeyspace_misses:5\r\n\
                evicted_keys:7\r\nexpired_keys:3\r\nrejected_connections:0\r\ninstantaneous_ops_per_sec:1200\r\nused_memory:1048576\r\n\
                used_memory_rss:3145728\r\nmaxmemory:2147483648\r\nmaxmemory_policy:allkeys-lru\r\nmem_fragmentation_ratio:3.00\r\n\
                connected_clients:4\r\n# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=100\r\ndb1:keys=1,expires=0,avg_ttl=0\r\ndbx:keys=9\r\n";
    RedisFigures::from_info(&RedisLive::parse_info(info))
}

#[test]
fn redis_figures_come_from_info() {
    let figures = redis();
    assert_eq!(figures.hit_rate, Some(0.95));
    assert_eq!((figures.keys, figures.evicted_keys, figures.connected_clients), (13, 7, 4));
    assert_eq!((figures.memory_used_bytes, figures.memory_max_bytes), (1 << 20, 2 << 30));
    assert!((figures.memory_fragmentation_ratio - 3.0).abs() < 1e-9);
    assert_eq!(RedisFigures::from_info(&Default::default()), RedisFigures::default());
}

fn postgres() -> PostgresFigures {
    PostgresFigures {
        statements_counted: true,
        slowest: vec![SlowStatement { query_id: "42".into(), mean_ms: 150.0, ..SlowStatement::default() }],
        connections: Connections::new([("active".to_owned(), 3), ("idle".to_owned(), 4)].into(), 60),
        tables: vec![TableFigures {
            table: "acme.commits".into(),
            live_tuples: 10,
            dead_tuples: 2,
            bytes: 8192,
            last_autovacuum: None,
        }],
        unused_indexes: vec![UnusedIndex { index: "acme.old".into(), table: "acme.commits".into(), bytes: 16_384 }],
        replicas: vec![Replica { name: "standby".into(), lag_seconds: 0.5 }],
        ..PostgresFigures::default()
    }
}

fn qdrant() -> QdrantFigures {
    let of = |name: &str, status: &str, points| CollectionFigures {
        name: name.into(),
        status: status.into(),
        points,
        ..CollectionFigures::default()
    };
    QdrantFigures::new("1.17.1", vec![of("b", "green", 2), of("a", "red", 3)])
}

#[test]
fn sums_and_rates_are_the_seeds() {
    assert_eq!(PostgresFigures::hit_percent(95, 5), Some(95.0));
    assert_eq!(PostgresFigures::hit_percent(0, 0), None);
    assert_eq!(postgres().connections.total, 7);
    assert_eq!((qdrant().points, qdrant().collections[0].name.as_str()), (5, "a"));
}

#[test]
fn every_metric_of_a_backend_has_a_sample_with_its_labels() {
    let samples: Vec<Sample> = [redis().samples(), postgres().samples(), qdrant().samples()].concat();
    let sampled: BTreeSet<&str> = samples.iter().map(|sample| sample.metric.name).collect();
    for sample in &samples {
        assert_eq!(sample.labels.len(), sample.metric.labels.len(), "{}", sample.metric);
        assert!(sample.value.is_finite());
    }
    // Whether a server was reached is known to whoever asked it.
    for metric in METRICS.iter().filter(|metric| metric.origin != Origin::Service && !metric.name.ends_with("_up")) {
        assert!(sampled.contains(metric.name), "{metric} has no sample");
    }
}

#[test]
fn the_answers_schema_describes_every_field() {
    for schema in [
        schemars::schema_for!(PostgresFigures),
        schemars::schema_for!(RedisFigures),
        schemars::schema_for!(QdrantFigures),
    ] {
        let schema = serde_json::to_value(schema).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{name}");
        }
    }
}
