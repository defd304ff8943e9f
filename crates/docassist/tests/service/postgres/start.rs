//! Starting beside a database that is not there yet: nobody has to care for the order.

use std::time::{Duration, Instant};

use docassist_testing::{PostgresServer, RedisServer};

use super::Cluster;
use crate::server::Server;

/// A database that is stopped, and replicas over it.
fn stopped() -> Option<(PostgresServer, Cluster)> {
    let mut postgres = PostgresServer::start(&[])?;
    let cluster = Cluster::new(&postgres);
    postgres.stop_gracefully();
    Some((postgres, cluster))
}

#[test]
fn a_service_that_is_started_before_its_database_and_redis_comes_up_by_itself() {
    let Some((mut postgres, cluster)) = stopped() else { return };
    let redis = RedisServer::later(&[]);
    let url = redis.as_ref().map(RedisServer::url);
    let arguments = url.as_deref().map(|url| vec!["--redis", url]).unwrap_or_default();
    let server = std::thread::scope(|scope| {
        // It returns when the service listens.
        let starting = scope.spawn(|| cluster.replica("one", &arguments));
        std::thread::sleep(Duration::from_secs(3));
        assert!(!starting.is_finished(), "it serves without its database");
        postgres.restart();
        let back = Instant::now();
        let server = starting.join().unwrap();
        println!("PostgreSQL: serving {:?} after the database came up", back.elapsed());
        assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
        server
    });
    let said = server.said();
    let waiting = said.lines().filter(|line| line.contains("waiting for the database")).count();
    assert!((1..=2).contains(&waiting) && said.contains("cannot be reached"), "{said}");
    assert!(!said.contains(&postgres.database()), "{said}");
    // Without Redis it is ready, and says what it lacks.
    let ready = server.anonymous().get("/health/ready").expect(200).json();
    if let Some(mut redis) = redis {
        assert_eq!(ready["status"], "degraded", "{ready:#}");
        redis.restart();
        server.poll("it uses Redis", Duration::from_secs(10), || {
            (server.anonymous().get("/health/ready").expect(200).json()["status"] == "ready").then_some(())
        });
    }
    server.synced("git", &cluster.world.git());
}

#[test]
fn a_database_that_does_not_come_is_told_after_the_time_that_was_set() {
    let Some((_postgres, cluster)) = stopped() else { return };
    for seconds in ["0", "2"] {
        let mut command = cluster.serve("one", &["--database-wait", seconds]);
        let begun = Instant::now();
        let output = command.output().unwrap();
        let (took, said) = (begun.elapsed(), String::from_utf8_lossy(&output.stderr).into_owned());
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot be reached") && said.contains("--database-wait"), "{said}");
        let least = Duration::from_secs(seconds.parse().unwrap());
        assert!(took >= least && took < least + Duration::from_secs(5), "{took:?}: {said}");
        if seconds == "2" {
            println!("{said}");
        }
    }
    // What waiting does not change is told at once.
    let mut command = cluster.serve("two", &[]);
    command.args(["--database", "mysql://somebody@somewhere/"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_password_that_is_wrong_is_not_waited_for() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let address = postgres.database();
    let (start, host) = address.split_once('@').unwrap();
    let (user, password) = start.rsplit_once(':').unwrap();
    let cluster = Cluster::over(&format!("{user}:wr0ng-{password}@{host}"));
    let mut command = cluster.serve("one", &[]);
    let begun = Instant::now();
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("password") && !said.contains(password), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_service_that_waits_ends_when_it_is_asked_to() {
    let Some((_postgres, cluster)) = stopped() else { return };
    let child = cluster.serve("one", &[]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    let status = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let asked = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
}

#[test]
fn replicas_that_start_at_once_make_the_tables_and_the_administrator_once() {
    let Some(postgres) = PostgresServer::shared() else { return };
    let cluster = Cluster::new(postgres);
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starting: Vec<_> =
            ["one", "two", "three"].map(|name| scope.spawn(|| cluster.replica(name, &[]))).into_iter().collect();
        starting.into_iter().map(|server| server.join().unwrap()).collect()
    });
    for server in &servers {
        assert_eq!(
            (&server.ask("/api/v1/users")["total"], &server.ask("/api/v1/orgs")["total"]),
            (&1.into(), &1.into())
        );
        server.anonymous().with_token(servers[0].token()).get("/api/v1/me").expect(200);
    }
    let made = servers.iter().filter(|server| server.said().contains("made the account")).count();
    assert_eq!(made, 1);
}
