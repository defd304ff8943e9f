//! Encrypted connections: to one server, to the master that a Sentinel names, to a Cluster; and to nobody who only says
//! that he is the server.

use docassist_cache::{Key, RedisConfig, Served, Tier, inspect_redis};
use docassist_testing::Authority;

use crate::redis_server::RedisServer;
use crate::replicas::slowest;
use crate::store::{Store, replica, scope, until, until_stored};

/// What the servers of these tests are called.
const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

/// What one replica has computed another finds, and a sync is seen by both.
async fn is_used(url: &str) {
    let store = Store::new();
    let (one, two) = (replica(&store, RedisConfig::new(url)).await, replica(&store, RedisConfig::new(url)).await);
    let key = Key::gaps_comprehensive(&scope("acme"));
    until_stored(&store, &one, &key).await;
    assert_eq!(store.get(&two, &key).await.1.served, Served::Hit(Tier::Redis));
    println!("{}: {:?}", inspect_redis(url).await.unwrap().location, slowest(&store, &one, &two).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_good_certificate_is_used() {
    let authority = Authority::new();
    let Some(redis) = RedisServer::encrypted(&[], &authority, &authority.issue(&HOSTS)) else { return };
    let trusted = authority.certificate();
    for host in HOSTS {
        is_used(&format!("rediss://{host}:{}/?ssl_ca_certs={}", redis.encrypted_port(), trusted.display())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_another_certificate_is_not() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (good, elsewhere) = (authority.issue(&HOSTS), authority.issue(&["redis.example.org"]));
    let Some(redis) = RedisServer::encrypted(&[], &authority, &good) else { return };
    let Some(misnamed) = RedisServer::encrypted(&[], &authority, &elsewhere) else { return };
    let (ours, theirs) = (authority.certificate(), other.certificate());
    for (server, parameters, said) in [
        (&redis, format!("?ssl_ca_certs={}", theirs.display()), "UnknownIssuer"),
        // The system does not know the authority of a test.
        (&redis, String::new(), "UnknownIssuer"),
        (&misnamed, format!("?ssl_ca_certs={}", ours.display()), "not valid for name"),
    ] {
        let url = format!("rediss://:hunter2@localhost:{}/{parameters}", server.encrypted_port());
        let error = inspect_redis(&url).await.unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains("hunter2"), "{error}");
    }
    // Nor does an encrypted address speak to a port that is not.
    let plain = format!("rediss://localhost:{}/?ssl_ca_certs={}", redis.port(), ours.display());
    assert!(inspect_redis(&plain).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let authority = Authority::new();
    let (issued, client) = (authority.issue(&HOSTS), authority.issue(&["docassist"]));
    let Some(redis) = RedisServer::encrypted(&["--tls-auth-clients", "yes"], &authority, &issued) else { return };
    let trusting =
        format!("rediss://localhost:{}/?ssl_ca_certs={}", redis.encrypted_port(), authority.certificate().display());
    assert!(inspect_redis(&trusting).await.is_err());
    let (certificate, key) = (client.certificate.display(), client.key.display());
    is_used(&format!("{trusting}&ssl_certfile={certificate}&ssl_keyfile={key}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_that_a_sentinel_names_is_spoken_to_encrypted() {
    let authority = Authority::new();
    let issued = authority.issue(&HOSTS);
    let replication = ["--tls-replication", "yes"];
    let Some(master) = RedisServer::encrypted(&replication, &authority, &issued) else { return };
    let sentinel = [&["--sentinel"], &replication[..]].concat();
    let Some(sentinel) = RedisServer::encrypted(&sentinel, &authority, &issued) else { return };
    sentinel.run::<()>(&format!("SENTINEL MONITOR main 127.0.0.1 {} 1", master.encrypted_port()));
    let is_up = || sentinel.run::<String>("INFO sentinel").contains("status=ok");
    until("the Sentinel sees the master", is_up).await;
    let (at, trusted) = (sentinel.encrypted_port(), authority.certificate());
    is_used(&format!("rediss+sentinel://localhost:{at}/main?ssl_ca_certs={}", trusted.display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_of_a_cluster_are_spoken_to_encrypted() {
    let authority = Authority::new();
    let bus = crate::cluster::spare_port().to_string();
    let arguments = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", &bus];
    let Some(node) = RedisServer::encrypted(&arguments, &authority, &authority.issue(&HOSTS)) else { return };
    node.run::<()>("CLUSTER ADDSLOTSRANGE 0 16383");
    until("the cluster is whole", || node.run::<String>("CLUSTER INFO").contains("cluster_state:ok")).await;
    let (at, trusted) = (node.encrypted_port(), authority.certificate());
    is_used(&format!("rediss+cluster://127.0.0.1:{at}?ssl_ca_certs={}", trusted.display())).await;
}
