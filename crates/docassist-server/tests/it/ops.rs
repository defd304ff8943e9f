//! How the servers behind the service do, as its operators are told.

use docassist_app::{CacheConfig, Database, RedisConfig};
use docassist_testing::{PostgresServer, RedisServer};
use serde_json::json;

use crate::contract::check;
use crate::world::{OPERATOR, Setup, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_real_servers_are_as_documented() {
    let (Some(postgres), Some(redis)) = (PostgresServer::shared(), RedisServer::start(&["--maxmemory", "64mb"])) else {
        return;
    };
    let address = postgres.database();
    let world = World::with(|_| Setup {
        database: Database::at(&address, None).unwrap(),
        cache: CacheConfig { redis: Some(RedisConfig::new(redis.url())), ..CacheConfig::default() },
        ..Setup::default()
    });
    let token = world.log_in(OPERATOR);
    let document = docassist_server::api::document();
    let mut answers = Vec::new();
    for path in ["/api/v1/ops", "/api/v1/ops/postgres", "/api/v1/ops/redis", "/api/v1/ops/cache", "/api/v1/ops/qdrant"]
    {
        let answer = world.get(path).token(&token).send().await;
        check(&document, path, "get", &answer);
        answers.push(answer.expect(200));
    }
    let [overview, postgres, redis, cache, qdrant] = answers.as_slice() else { panic!("{}", answers.len()) };
    assert_eq!(
        (&postgres["state"], &redis["state"], &qdrant["state"]),
        (&json!("up"), &json!("up"), &json!("not_configured"))
    );
    assert_eq!(redis["figures"]["memory_max_bytes"], 64 << 20);
    assert_eq!(redis["figures"]["version"].as_str().map(str::is_empty), Some(false));
    let figures = &postgres["figures"];
    assert!(figures["connections"]["total"].as_u64() > Some(0), "{figures}");
    assert!(figures["tables"].as_array().unwrap().iter().any(|table| table["table"] == "docassist.commits"));
    assert_eq!(figures["statements_counted"], false);
    assert!(figures["statements_missing"].as_str().unwrap().contains("CREATE EXTENSION"), "{figures}");
    // One look at the servers for all of these questions.
    assert_eq!(overview["postgres"]["figures"], *figures);
    assert_eq!((&overview["as_of"], &overview["cache"]["families"]), (&postgres["as_of"], &cache["families"]));
    // Where a server is says nothing of who may log in there.
    let password = address.split(':').nth(2).and_then(|rest| rest.split('@').next()).unwrap();
    assert!(!overview.to_string().contains(password));
}
