//! A Cluster of three, and a master that a Sentinel names: the same as one server, and what one node's end does.

use std::net::TcpListener;
use std::time::Duration;

use docassist_cache::{Key, RedisConfig, Served, Tier, inspect_redis};

use crate::redis_server::RedisServer;
use crate::replicas::slowest;
use crate::store::{Store, replica, scope, until};

pub(crate) fn spare_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Three nodes, each with a third of all slots.
async fn cluster() -> Option<Vec<RedisServer>> {
    let mut nodes = Vec::new();
    let mut buses = Vec::new();
    for _ in 0..3 {
        // By default the nodes talk 10,000 ports above, which a spare one may not have.
        let bus = spare_port().to_string();
        let arguments = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "1000"];
        nodes.push(RedisServer::start(&[&arguments[..], &["--cluster-require-full-coverage", "no"]].concat())?);
        buses.push(bus);
    }
    for (at, node) in nodes.iter().enumerate() {
        let (first, last) = (at * 16384 / 3, (at + 1) * 16384 / 3 - 1);
        node.run::<()>(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
        let meet = format!("CLUSTER MEET 127.0.0.1 {} {}", node.port(), buses[at]);
        nodes[0].run::<()>(&meet);
    }
    let is_whole = |node: &RedisServer| {
        let info = node.run::<String>("CLUSTER INFO");
        info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
    };
    until("the cluster is whole", || nodes.iter().all(is_whole)).await;
    Some(nodes)
}

fn config(nodes: &[RedisServer]) -> RedisConfig {
    let hosts: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
    RedisConfig::new(format!("redis+cluster://{}", hosts.join(",")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_used_like_one_server() {
    let Some(nodes) = cluster().await else { return };
    let store = Store::new();
    let (one, two) = (replica(&store, config(&nodes)).await, replica(&store, config(&nodes)).await);
    println!("a cluster of three: {:?}", slowest(&store, &one, &two).await);
    // What one has computed the other finds, wherever it lies.
    let keys: Vec<Key> = (0..40).map(|n| Key::gaps_comprehensive(&scope(&format!("org-{n}")))).collect();
    for key in &keys {
        store.get(&one, key).await;
    }
    let all = || nodes.iter().map(|node| node.run::<u64>("DBSIZE")).collect::<Vec<_>>();
    until("all are written", || all().iter().sum::<u64>() >= 40).await;
    assert!(all().into_iter().all(|held| held > 0), "spread over all nodes: {:?}", all());
    let mut found = 0;
    for key in &keys {
        found += usize::from(store.get(&two, key).await.1.served == Served::Hit(Tier::Redis));
    }
    assert_eq!(found, keys.len());
    let told = inspect_redis(&config(&nodes).url).await.unwrap();
    assert!(told.location.starts_with("Redis Cluster 127.0.0.1:") && told.info.contains("cluster_enabled:1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_without_one_of_its_nodes_serves_what_the_others_have() {
    let Some(mut nodes) = cluster().await else { return };
    let store = Store::new();
    let one = replica(&store, config(&nodes)).await;
    let keys: Vec<Key> = (0..40).map(|n| Key::gaps_comprehensive(&scope(&format!("org-{n}")))).collect();
    for key in &keys {
        store.get(&one, key).await;
    }
    let config = config(&nodes);
    nodes[2].kill();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    // A replica that starts now learns of the cluster from the nodes that are left.
    let two = replica(&store, config).await;
    let mut found = 0;
    for key in &keys {
        let (version, outcome) = store.get(&two, key).await;
        assert_eq!(version, store.version(&scope("org-0")), "never wrong");
        found += usize::from(outcome.served == Served::Hit(Tier::Redis));
    }
    println!("without one of three nodes: {found} of {} found", keys.len());
    assert!(found > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_that_a_sentinel_names_is_used_and_the_next_one_after_it() {
    let Some(mut master) = RedisServer::start(&[]) else { return };
    let Some(standby) = RedisServer::start(&["--replicaof", "127.0.0.1", &master.port().to_string()]) else { return };
    let follows =
        || standby.try_run::<String>("INFO replication").is_some_and(|info| info.contains("master_link_status:up"));
    until("the standby follows", follows).await;
    let Some(sentinel) = RedisServer::sentinel(&master) else { return };
    let is_known = || sentinel.run::<String>("INFO sentinel").contains("slaves=1");
    until_slowly("the Sentinel knows the standby", is_known).await;

    let config = || RedisConfig::new(format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port()));
    let store = Store::new();
    let (one, two) = (replica(&store, config()).await, replica(&store, config()).await);
    println!("the master of a Sentinel: {:?}", slowest(&store, &one, &two).await);
    let keys = |server: &RedisServer| server.run::<u64>("DBSIZE");
    until("it is the master that is used", || keys(&master) > 0).await;

    master.kill();
    let leads = || standby.try_run::<String>("INFO replication").is_some_and(|info| info.contains("role:master"));
    until_slowly("the standby leads", leads).await;
    // Both find it by themselves.
    let is_used =
        || standby.try_run::<(String, u64)>("PUBSUB NUMSUB docassist:1:bumps").is_some_and(|told| told.1 >= 2);
    until_slowly("the new master is used", is_used).await;
    println!("its standby after a fail-over: {:?}", slowest(&store, &one, &two).await);
}

/// A fail-over takes seconds.
async fn until_slowly(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..300 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}: not within 30 s");
}
