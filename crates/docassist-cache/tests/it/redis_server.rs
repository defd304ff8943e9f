//! The test's own Redis, with what the cache's tests ask of it.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use docassist_cache::RedisConfig;
use docassist_testing::{Authority, Issued};
use redis::{Connection, FromRedisValue};

pub(crate) struct RedisServer(docassist_testing::RedisServer);

impl RedisServer {
    /// None where there is no redis-server; the test is then to return.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        docassist_testing::RedisServer::start(arguments).map(Self)
    }

    /// One that takes encrypted connections as well.
    pub(crate) fn encrypted(arguments: &[&str], authority: &Authority, issued: &Issued) -> Option<Self> {
        docassist_testing::RedisServer::encrypted(arguments, authority, issued).map(Self)
    }

    /// A Sentinel that watches over `master` by the name `main`.
    pub(crate) fn sentinel(master: &Self) -> Option<Self> {
        let sentinel = docassist_testing::RedisServer::sentinel().map(Self)?;
        sentinel.run::<()>(&format!("SENTINEL MONITOR main 127.0.0.1 {} 1", master.port()));
        sentinel.run::<()>("SENTINEL SET main down-after-milliseconds 500 failover-timeout 2000");
        Some(sentinel)
    }

    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig::new(self.url())
    }

    pub(crate) fn try_connect(&self) -> Option<Connection> {
        redis::Client::open(self.url()).unwrap().get_connection_with_timeout(Duration::from_secs(1)).ok()
    }

    /// Runs a command, its words separated by spaces.
    pub(crate) fn run<T: FromRedisValue>(&self, command: &str) -> T {
        self.try_run(command).expect("redis is up and answers")
    }

    /// Nothing where the server does not answer: it ends its connections when it becomes the master, and one of them may
    /// be the one that asks.
    pub(crate) fn try_run<T: FromRedisValue>(&self, command: &str) -> Option<T> {
        let mut words = command.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        for word in words {
            command.arg(word);
        }
        command.query(&mut self.try_connect()?).ok()
    }
}

impl Deref for RedisServer {
    type Target = docassist_testing::RedisServer;

    fn deref(&self) -> &docassist_testing::RedisServer {
        &self.0
    }
}

impl DerefMut for RedisServer {
    fn deref_mut(&mut self) -> &mut docassist_testing::RedisServer {
        &mut self.0
    }
}
