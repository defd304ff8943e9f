//! Looking at a running Redis: how it is set and how it does. Over a connection of its own, so that it tells what is there
//! and not what the breaker thinks of it; for those who run the service, never for a request.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{AsyncConnectionConfig, Cmd, RedisError};
use tokio::time::timeout;

use super::address::Address;
use super::link::is_answer;

/// All of it, from the connection to the last answer: whoever looks does not wait for something that hangs.
const PATIENCE: Duration = Duration::from_secs(4);

/// Settings whose values are secrets.
const SECRETS: [&str; 3] = ["requirepass", "masterauth", "tls-key-file-pass"];
/// What stands in their place where they are set.
const KEPT: &str = "(set)";

/// What a Redis says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedisInspection {
    /// Where it is, without user and password.
    pub location: String,
    /// `CONFIG GET *`, with `(set)` in the place of passwords. Empty where Redis does not let us read it.
    pub config: BTreeMap<String, String>,
    /// The text of `INFO all`; empty where Redis does not let us read it.
    pub info: String,
    /// How much its clock is ahead of this machine's, in milliseconds; none where it does not let us ask.
    pub clock_ahead_ms: Option<i64>,
}

/// Redis could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location} cannot be reached: {reason}")]
pub struct RedisUnreachable {
    /// Where it is, without user and password.
    pub location: String,
    /// What was reported.
    pub reason: String,
}

/// Asks the Redis at `url` for its settings, its figures and its clock: of a Cluster one node, of Sentinels their master. What it refuses to tell is left out: access lists of
/// providers often forbid `CONFIG`.
///
/// # Errors
/// When it cannot be reached, or does not answer within seconds.
pub async fn inspect_redis(url: &str) -> Result<RedisInspection, RedisUnreachable> {
    inspect(url, true).await
}

/// Asks the Redis at `url` for its figures alone.
///
/// # Errors
/// As [`inspect_redis`] does.
pub async fn redis_info(url: &str) -> Result<RedisInspection, RedisUnreachable> {
    inspect(url, false).await
}

async fn inspect(url: &str, settings: bool) -> Result<RedisInspection, RedisUnreachable> {
    let address = Address::parse(url).map_err(|error| RedisUnreachable {
        location: "Redis".to_owned(),
        reason: format!("its address is wrong: {error}"),
    })?;
    let location = address.shown().to_owned();
    let unreachable = |reason: String| RedisUnreachable { location: location.clone(), reason };
    match timeout(PATIENCE, ask(&address, settings)).await {
        Ok(Ok(inspection)) => Ok(RedisInspection { location, ..inspection }),
        Ok(Err(error)) => Err(unreachable(described(&error))),
        Err(_) => Err(unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

async fn ask(address: &Address, settings: bool) -> Result<RedisInspection, RedisError> {
    // The one time limit is the caller's, over all of it.
    let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
    let mut connection = address.one().await?.get_multiplexed_async_connection_with_config(&config).await?;
    let mut inspection = RedisInspection::default();
    if settings {
        let command = Cmd::new().arg("CONFIG").arg("GET").arg("*").to_owned();
        inspection.config = allowed(command.query_async(&mut connection).await)?.unwrap_or_default();
        for name in SECRETS {
            if let Some(value) = inspection.config.get_mut(name).filter(|value| !value.is_empty()) {
                KEPT.clone_into(value);
            }
        }
        let before = unix_ms();
        let time: Option<(i64, i64)> = allowed(redis::cmd("TIME").query_async(&mut connection).await)?;
        inspection.clock_ahead_ms =
            time.map(|(seconds, micros)| seconds * 1000 + micros / 1000 - i64::midpoint(before, unix_ms()));
    }
    let command = Cmd::new().arg("INFO").arg("all").to_owned();
    inspection.info = allowed(command.query_async(&mut connection).await)?.unwrap_or_default();
    Ok(inspection)
}

/// Nothing where Redis refuses, as access lists and renamed commands make it do.
fn allowed<T>(answer: Result<T, RedisError>) -> Result<Option<T>, RedisError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_answer(&error) && error.code() != Some("NOAUTH") => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is wrong, without the address. Redis' own words have none, nor have those about its certificate; the system's may.
pub(super) fn described(error: &RedisError) -> String {
    match error.detail().filter(|_| is_answer(error)) {
        Some(detail) => detail.to_owned(),
        None if error.is_connection_refusal() => "connection refused".to_owned(),
        None => of_encryption(error).map_or_else(|| error.category().to_owned(), ToString::to_string),
    }
}

/// What failed about the encryption, where that is what failed.
fn of_encryption(error: &RedisError) -> Option<&rustls::Error> {
    // The client keeps it shared, around an error of input and output, around that of the encryption.
    let shared = error.source()?.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    shared.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref()
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use docassist_testing::RedisServer;
    use redis::Client;

    use super::*;

    #[tokio::test]
    async fn a_redis_tells_how_it_is_set_and_how_it_does() {
        let Some(server) = RedisServer::start(&["--maxmemory", "64mb"]) else { return };
        let mut open = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        let command = Cmd::new().arg("CONFIG").arg(&["SET", "requirepass", "a-password"]).to_owned();
        command.query_async::<()>(&mut open).await.unwrap();
        let url = |user: &str| format!("redis://{user}@127.0.0.1:{}/", server.port());
        let told = inspect_redis(&url(":a-password")).await.unwrap();
        assert_eq!(told.config.get("maxmemory").map(String::as_str), Some("67108864"));
        assert_eq!(told.config.get("requirepass").map(String::as_str), Some("(set)"));
        assert!(told.info.contains("\nused_memory:") && told.info.contains("redis_version:"));
        assert!(told.clock_ahead_ms.unwrap().abs() < 5000);
        let figures = redis_info(&url(":a-password")).await.unwrap();
        assert!(figures.config.is_empty() && !figures.info.is_empty());

        let refused = inspect_redis(&url(":wrong-word")).await.unwrap_err();
        assert!(!refused.to_string().contains("wrong-word"), "{refused}");
        let refused = inspect_redis(&server.url()).await.unwrap_err();
        assert!(refused.reason.contains("uthentication"), "{refused}");

        let client = Client::open(url(":a-password")).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let rules = ["SETUSER", "watcher", "on", ">pw", "~*", "+@all", "-config"];
        Cmd::new().arg("ACL").arg(&rules).to_owned().query_async::<()>(&mut connection).await.unwrap();
        let told = inspect_redis(&url("watcher:pw")).await.unwrap();
        assert!(told.config.is_empty() && !told.info.is_empty(), "{told:?}");
    }

    #[tokio::test]
    async fn a_redis_that_is_silent_or_not_there_is_unreachable() {
        let gone = inspect_redis("redis://:hunter2@127.0.0.1:1/").await.unwrap_err();
        assert_eq!(gone.to_string(), "Redis 127.0.0.1:1 cannot be reached: connection refused");
        let wrong = inspect_redis("http://:hunter2@127.0.0.1/").await.unwrap_err();
        assert!(!wrong.to_string().contains("hunter2"), "{wrong}");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = inspect_redis(&format!("redis://{}/", listener.local_addr().unwrap())).await.unwrap_err();
        assert!(silent.reason.contains("within 4 s"), "{silent}");
    }
}
