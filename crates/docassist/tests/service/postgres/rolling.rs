//! Restarting one replica after the other, under load: nobody is told no.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use docassist_testing::{PostgresServer, RedisServer};

use super::{Cluster, StopAtEnd};
use crate::http::{Answer, Client, Trouble};
use crate::server::Server;

/// Threads that ask.
const THREADS: usize = 6;

/// What a load balancer knows: where replicas are. One that is restarted has another address here, and the same one in
/// earnest.
struct Balancer {
    replicas: Mutex<[SocketAddr; 2]>,
    token: String,
    /// Requests that the second replica had to answer.
    retried: AtomicUsize,
    answered: AtomicUsize,
    lost: Mutex<Vec<String>>,
}

/// One who asks through the balancer: a replica first, and where that one does not answer or cannot just now, the other
/// one, once.
struct Asker<'a> {
    balancer: &'a Balancer,
    kept: Vec<(SocketAddr, Client)>,
}

impl Asker<'_> {
    fn try_at(&mut self, address: SocketAddr, path: &str) -> Result<Answer, Trouble> {
        let at = self.kept.iter().position(|(known, _)| *known == address).unwrap_or_else(|| {
            let client = Client::new(address).with_token(&self.balancer.token).in_org("default");
            self.kept.push((address, client));
            self.kept.len() - 1
        });
        self.kept[at].1.send("GET", path, &[], b"")
    }

    fn ask(&mut self, number: usize, path: &str) {
        let replicas = *self.balancer.replicas.lock().unwrap();
        let first = number % 2;
        let answer = match self.try_at(replicas[first], path) {
            Ok(answer) if answer.status != 503 => Ok(answer),
            // What it began is void: a request that only reads can be asked again, whatever became of it.
            Ok(_) | Err(Trouble::Refused | Trouble::Unanswered(_)) => {
                self.balancer.retried.fetch_add(1, Ordering::Relaxed);
                self.try_at(replicas[1 - first], path)
            }
            Err(trouble) => Err(trouble),
        };
        match answer {
            Ok(answer) if answer.status == 200 => {
                self.balancer.answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) => self.lose(path, &format!("{} {}", answer.status, answer.text())),
            Err(trouble) => self.lose(path, &format!("{trouble:?}")),
        }
    }

    fn lose(&self, path: &str, why: &str) {
        self.balancer.lost.lock().unwrap().push(format!("{path}: {why}"));
    }
}

/// Cached answers, computed ones, rows.
fn path(number: usize) -> String {
    match number % 4 {
        0 => "/api/v1/rel/repo/product".to_owned(),
        1 => format!("/api/v1/gaps?as_of=2024-03-01T00:00:{:02}Z", number / 4 % 60),
        2 => "/api/v1/jobs".to_owned(),
        _ => format!("/api/v1/rel/file?path=src/engine.rs&limit={}", 1 + number / 4 % 30),
    }
}

#[test]
fn two_replicas_that_are_restarted_in_turn_lose_no_request() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let redis = RedisServer::start(&[]);
    let url = redis.as_ref().map(RedisServer::url);
    let arguments = url.as_deref().map(|url| vec!["--redis", url]).unwrap_or_default();
    let cluster = Cluster::new(postgres);
    let names = ["one", "two"];
    let mut servers = names.map(|name| cluster.replica(name, &arguments));
    servers[0].synced("git", &cluster.world.git());
    let balancer = Balancer {
        replicas: Mutex::new(servers.each_ref().map(Server::address)),
        token: servers[0].token().to_owned(),
        retried: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
        lost: Mutex::default(),
    };
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (balancer, stop) = (&balancer, &stop);
            scope.spawn(move || {
                let mut asker = Asker { balancer, kept: Vec::new() };
                let mut number = thread;
                while !stop.load(Ordering::Relaxed) {
                    asker.ask(number, &path(number));
                    number += 1;
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
        }
        let _stop = StopAtEnd(&stop);
        std::thread::sleep(Duration::from_millis(500));
        for _ in 0..3 {
            for at in 0..2 {
                servers[at].terminate();
                let status = servers[at].wait(Duration::from_secs(20));
                assert!(status.success(), "{status}");
                servers[at] = cluster.replica(names[at], &arguments);
                balancer.replicas.lock().unwrap()[at] = servers[at].address();
                std::thread::sleep(Duration::from_millis(300));
            }
        }
    });
    let lost = balancer.lost.into_inner().unwrap();
    let (answered, retried) = (balancer.answered.into_inner(), balancer.retried.into_inner());
    println!(
        "rolling restarts, 6 in {:?} under {THREADS} threads: {answered} requests answered, {retried} of them by the \
         second replica, {} lost",
        begun.elapsed(),
        lost.len()
    );
    assert!(lost.is_empty(), "{} lost: {:#?}", lost.len(), &lost[..lost.len().min(5)]);
    assert!(answered > 1_000 && retried > 0, "{answered} {retried}");
}
