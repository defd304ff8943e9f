//! Where Redis is: one server, the master that Sentinels name, or a Cluster.
//!
//! Every command of ours touches one key, so that a Cluster needs no hash tags: an organisation's answers are spread over
//! all of its nodes. What is broadcast reaches every node of a Cluster, whichever it was sent to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo as _, Pipeline, RedisError,
    RedisResult, TlsCertificates, TlsMode,
};

use super::link::is_answer;
use super::tls;

/// A Cluster's client looks again where a key is, and tries so often; whoever asked has its own deadline.
const RETRIES: u32 = 2;
/// The client's own patience with a node, above all deadlines of ours.
const NODE_PATIENCE: Duration = Duration::from_secs(2);

/// An address that cannot be used. It never repeats the address, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidAddress(String);

impl InvalidAddress {
    pub(super) fn new(detail: String) -> Self {
        Self(detail)
    }
}

impl std::fmt::Display for InvalidAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<RedisError> for InvalidAddress {
    fn from(error: RedisError) -> Self {
        // Its other parts may be of the address.
        Self(error.category().to_owned())
    }
}

/// An address that was understood.
#[derive(Clone)]
pub(crate) struct Address {
    kind: Arc<Kind>,
    /// Hosts and ports, without user and password.
    shown: String,
}

enum Kind {
    One(Client),
    Sentinel {
        sentinels: Vec<ConnectionAddr>,
        builder: Box<dyn Fn(Vec<ConnectionAddr>) -> RedisResult<SentinelClientBuilder> + Send + Sync>,
        /// Which one is asked first: another one each time, since one that is away may not say so.
        next: AtomicUsize,
    },
    Cluster {
        client: Box<ClusterClient>,
        nodes: Vec<Client>,
        next: AtomicUsize,
    },
}

impl Address {
    /// `redis://[user:password@]host[:port][/database]`, `redis+unix:///path`,
    /// `redis+sentinel://[user:password@]host:port,host:port/master[/database]` (user and password are the master's), or
    /// `redis+cluster://[user:password@]host:port,host:port`; `rediss…` in their place where all of it is encrypted, with
    /// [parameters](tls::parameters).
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidAddress> {
        let (url, tls) = tls::parameters(url)?;
        let scheme = if tls.is_some() { "rediss" } else { "redis" };
        let of_kind = |kind: &str| url.strip_prefix(scheme)?.strip_prefix(kind)?.strip_prefix("://");
        if let Some(rest) = of_kind("+cluster") {
            return Self::cluster(rest, scheme, tls);
        }
        if let Some(rest) = of_kind("+sentinel") {
            return Self::sentinel(rest, scheme, tls);
        }
        let client = client(url, tls.as_ref())?;
        let shown = format!("Redis {}", client.get_connection_info().addr());
        Ok(Self { kind: Arc::new(Kind::One(client)), shown })
    }

    fn cluster(rest: &str, scheme: &str, tls: Option<TlsCertificates>) -> Result<Self, InvalidAddress> {
        let (user, hosts) = rest.rsplit_once('@').unwrap_or(("", rest));
        let hosts = hosts.trim_end_matches('/');
        let urls: Vec<String> = hosts.split(',').map(|host| node(scheme, user, host, "")).collect();
        let nodes = urls.iter().map(|url| client(url, tls.as_ref())).collect::<RedisResult<Vec<Client>>>()?;
        let mut builder = ClusterClient::builder(urls)
            .retries(RETRIES)
            .connection_timeout(NODE_PATIENCE)
            .response_timeout(NODE_PATIENCE);
        if let Some(certificates) = tls {
            builder = builder.certs(certificates);
        }
        let kind = Kind::Cluster { client: Box::new(builder.build()?), nodes, next: AtomicUsize::new(0) };
        Ok(Self { kind: Arc::new(kind), shown: format!("Redis Cluster {hosts}") })
    }

    fn sentinel(rest: &str, scheme: &str, tls: Option<TlsCertificates>) -> Result<Self, InvalidAddress> {
        let (user, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (hosts, name) = place.split_once('/').unwrap_or((place, ""));
        let (master, database) = name.split_once('/').unwrap_or((name, ""));
        if master.is_empty() {
            return Err(InvalidAddress::new("it names no master after the Sentinels".to_owned()));
        }
        // Sentinels are asked without the master's password.
        let addresses =
            hosts.split(',').map(|host| Ok(node(scheme, "", host, "").into_connection_info()?.addr().clone()));
        let sentinels = addresses.collect::<RedisResult<Vec<ConnectionAddr>>>()?;
        // Host and port are what Sentinels say; the rest of such an address is what is needed.
        let info = node(scheme, user, "master", database).into_connection_info()?;
        let (settings, name) = (info.redis_settings().clone(), master.to_owned());
        let builder = move |sentinels: Vec<ConnectionAddr>| {
            let mut builder = SentinelClientBuilder::new(sentinels, &name, SentinelServerType::Master)?
                .set_client_to_redis_db(settings.db());
            if let Some(user) = settings.username() {
                builder = builder.set_client_to_redis_username(user);
            }
            if let Some(password) = settings.password() {
                builder = builder.set_client_to_redis_password(password);
            }
            if let Some(certificates) = &tls {
                builder = builder
                    .set_client_to_redis_tls_mode(TlsMode::Secure)
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates.clone());
            }
            Ok(builder)
        };
        // Certificates that are none show here.
        builder(sentinels.clone())?.build()?;
        let shown = format!("Redis {master} of the Sentinels {hosts}");
        let kind = Kind::Sentinel { sentinels, builder: Box::new(builder), next: AtomicUsize::new(0) };
        Ok(Self { kind: Arc::new(kind), shown })
    }

    /// Hosts and ports, without user and password.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether a part of it can fail while the rest goes on.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(*self.kind, Kind::Cluster { .. })
    }

    /// What tells whether it answers.
    pub(crate) fn probe(&self) -> Cmd {
        match *self.kind {
            // Asked of all nodes at once, a `PING` would fail for one that is away.
            Kind::Cluster { .. } => Cmd::new().arg("EXISTS").arg("docassist:probe").to_owned(),
            _ => redis::cmd("PING"),
        }
    }

    /// A server for what is said to one of them: messages, and questions about itself.
    pub(crate) async fn one(&self) -> RedisResult<Client> {
        match &*self.kind {
            Kind::One(client) => Ok(client.clone()),
            Kind::Sentinel { sentinels, builder, next } => {
                let mut sentinels = sentinels.clone();
                let first = next.fetch_add(1, Ordering::Relaxed) % sentinels.len();
                sentinels.rotate_left(first);
                builder(sentinels)?.build()?.async_get_client().await
            }
            Kind::Cluster { nodes, next, .. } => {
                let at = next.fetch_add(1, Ordering::Relaxed) % nodes.len();
                Ok(nodes[at].clone())
            }
        }
    }

    /// A connection for commands. Deadlines are those of whoever asks.
    pub(crate) async fn connect(&self, config: &AsyncConnectionConfig) -> RedisResult<Connection> {
        match &*self.kind {
            Kind::Cluster { client, .. } => Ok(Connection::Cluster(client.get_async_connection().await?)),
            _ => {
                let client = self.one().await?;
                Ok(Connection::One(client.get_multiplexed_async_connection_with_config(config).await?))
            }
        }
    }
}

/// The client of one server.
fn client(url: &str, tls: Option<&TlsCertificates>) -> RedisResult<Client> {
    match tls {
        Some(certificates) => Client::build_with_tls(url, certificates.clone()),
        None => Client::open(url),
    }
}

/// The address of one server.
fn node(scheme: &str, user: &str, host: &str, database: &str) -> String {
    let at = if user.is_empty() { "" } else { "@" };
    format!("{scheme}://{user}{at}{host}/{database}")
}

/// A connection that any number of tasks share.
#[derive(Clone)]
pub(crate) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    pub(crate) async fn command<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        match self {
            Self::One(connection) => command.query_async(connection).await,
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }

    /// All of them, each with an answer of its own.
    pub(crate) async fn commands<T: FromRedisValue>(
        &mut self,
        commands: &mut Pipeline,
    ) -> RedisResult<Vec<RedisResult<T>>> {
        match self {
            Self::One(connection) => commands.ignore_errors().query_async(connection).await,
            Self::Cluster(connection) => {
                // A pipeline goes to one node. These go to many, at the same time.
                let ask = |command: &Cmd| {
                    let (command, mut connection) = (command.clone(), connection.clone());
                    async move { command.query_async::<T>(&mut connection).await }
                };
                let mut answers = join_all(commands.cmd_iter().map(ask)).await;
                // Where not one node has said a word it is as if one server had not.
                let is_silent = |answer: &RedisResult<T>| answer.as_ref().err().is_some_and(|error| !is_answer(error));
                match answers.iter().all(is_silent).then(|| answers.pop()) {
                    Some(Some(Err(error))) => Err(error),
                    _ => Ok(answers),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_and_shown_without_secrets() {
        for (url, shown) in [
            ("redis://:hunter2@cache:6380/1", "Redis cache:6380"),
            ("redis+cluster://ann:hunter2@a:7000,b:7001", "Redis Cluster a:7000,b:7001"),
            ("redis+cluster://a:7000/", "Redis Cluster a:7000"),
            ("redis+sentinel://:hunter2@a:26379,b:26379/main/2", "Redis main of the Sentinels a:26379,b:26379"),
            ("redis+sentinel://a:26379/main", "Redis main of the Sentinels a:26379"),
            ("rediss://:hunter2@cache:6380/1", "Redis cache:6380"),
            ("rediss+cluster://ann:hunter2@a:7000,b:7001", "Redis Cluster a:7000,b:7001"),
            ("rediss+sentinel://:hunter2@a:26379,b:26379/main/2", "Redis main of the Sentinels a:26379,b:26379"),
        ] {
            assert_eq!(Address::parse(url).unwrap().shown(), shown);
        }
        for bad in [
            "http://cache",
            "redis+sentinel://a:26379",
            "redis+cluster://",
            "redis+cluster://a:x",
            "",
            "rediss+cluster://a:x",
            "rediss+sentinel://a:26379",
            "rediss+other://a",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parameters_that_cannot_be_used_are_told_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let (garbage, missing) = (folder.path().join("garbage.pem"), folder.path().join("missing.pem"));
        let garbled = "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n";
        std::fs::write(&garbage, garbled).unwrap();
        let (garbage, missing) = (garbage.display(), missing.display());
        for (parameters, said) in [
            (format!("ssl_ca_certs={missing}"), format!("ssl_ca_certs {missing}: No such file")),
            (format!("ssl_ca_certs={garbage}"), String::new()),
            (format!("ssl_certfile={garbage}"), "belong together".to_owned()),
            (format!("ssl_certfile={garbage}&ssl_keyfile={garbage}"), String::new()),
            ("ssl_cert_reqs=none".to_owned(), "`ssl_cert_reqs` is no parameter of it".to_owned()),
            ("#insecure".to_owned(), "always verified".to_owned()),
            ("ssl_ca_certs=/no%20such%26file".to_owned(), "/no such&file: No such file".to_owned()),
        ] {
            for place in ["rediss://:hunter2@a:1/", "rediss+sentinel://:hunter2@a:1/main"] {
                let Err(error) = Address::parse(&format!("{place}?{parameters}")) else { panic!("{parameters}") };
                let error = error.to_string();
                assert!(error.contains(&said) && !error.contains("hunter2"), "{error}");
            }
        }
    }
}
