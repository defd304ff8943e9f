//! A thousand organisations in one process.

use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;

use docassist_testing::records::Shape;
use docassist_testing::{jira, nth_random};
use serde_json::{Value, json};

use crate::http::Client;
use crate::server::Server;
use crate::world::{AS_OF, generated, run};

const ORGS: u32 = 1000;
const COMMITS: u32 = 1000;
/// What one process may take.
const GIBIBYTE: u64 = 1 << 30;
const THREADS: usize = 4;

fn slug(number: u32) -> String {
    format!("org-{number}")
}

/// Syncs one organisation, and gives its records to all others. They are only read, so that they can be one file.
fn fill(data: &Path, server: &Server, orgs: u32) {
    let mut client = server.client();
    let default = data.join("orgs/default/records.db");
    for number in 0..orgs {
        client.with_json("POST", "/api/v1/orgs", &json!({ "slug": slug(number) })).expect(201);
        let folder = data.join("orgs").join(slug(number));
        std::fs::create_dir_all(&folder).unwrap();
        let target = folder.join("records.db");
        std::fs::hard_link(&default, &target).or_else(|_| std::fs::copy(&default, &target).map(drop)).unwrap();
    }
}

fn synced(data: &Path) {
    let source = generated("service-org", &Shape::small(COMMITS));
    run(data, &["-q", "sync", "git", "--name", "generated", source.to_str().unwrap()]);
    let tickets = data.join("tickets.jsonl");
    jira::write(&Shape::small(COMMITS), &tickets);
    run(data, &["-q", "sync", "tickets", tickets.to_str().unwrap()]);
}

/// A field of `/proc/PID/status`, in bytes; none where there is no such file.
fn status(server: &Server, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.split_whitespace().next()?.parse::<u64>().unwrap() << 10)
}

fn gaps(client: Client, number: u32) -> (Client, Value) {
    let mut client = client.in_org(&slug(number));
    let answer = client.get(&format!("/api/v1/gaps?as_of={AS_OF}")).expect(200).json();
    assert_eq!(answer["org"], slug(number).as_str());
    (client, answer)
}

/// What has to be equal for all.
fn summary(answer: &Value) -> &Value {
    assert!(answer["summary"].is_object(), "{answer:#}");
    &answer["summary"]
}

/// All organisations from 0 on, each once, in an order that looks random.
fn shuffled(round: u32) -> Vec<u32> {
    let mut all: Vec<u32> = (0..ORGS).collect();
    for at in (1..ORGS).rev() {
        all.swap(at as usize, nth_random(at + ORGS * round, at + 1) as usize);
    }
    all
}

#[test]
fn a_thousand_organisations_fit_into_a_gibibyte() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    synced(&data);
    let server = Server::start(&data, &[]);
    let begun = Instant::now();
    fill(&data, &server, ORGS);
    println!("{ORGS} organisations made in {:?}", begun.elapsed());
    let expected = summary(&server.ask(&format!("/api/v1/gaps?as_of={AS_OF}"))).clone();
    assert!(expected["undocumented"].as_u64().is_some(), "{expected:#}");
    for round in 0..2 {
        let begun = Instant::now();
        let order = shuffled(round);
        std::thread::scope(|scope| {
            for part in order.chunks(order.len() / THREADS) {
                let (mut client, expected) = (server.client(), &expected);
                scope.spawn(move || {
                    for number in part {
                        let answer;
                        (client, answer) = gaps(client, *number);
                        assert_eq!(summary(&answer), expected, "organisation {number}");
                    }
                });
            }
        });
        let resident = status(&server, "VmRSS").unwrap_or_default() >> 20;
        println!("round {round}: {:?}, {resident} MiB resident", begun.elapsed());
    }
    let (loads, drops) = (server.metric("docassist_graph_loads_total"), server.metric("docassist_graph_drops_total"));
    let Some(peak) = status(&server, "VmHWM") else { return };
    println!("peak {} MiB, {loads} loads, {drops} drops", peak >> 20);
    assert!(peak < GIBIBYTE, "{} MiB", peak >> 20);
    assert!(loads >= f64::from(ORGS));
    // The service has files left for its clients.
    let files = server.metric("process_open_fds");
    println!("{files} open files");
    assert!(files < 1000.0, "{files}");
}

#[test]
fn graphs_that_do_not_fit_come_back_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    synced(&data);
    let server = Server::start(&data, &["--graph-memory", "5M", "--cache-memory", "0"]);
    fill(&data, &server, 30);
    let expected = summary(&server.ask(&format!("/api/v1/gaps?as_of={AS_OF}"))).clone();
    let mut client = server.client();
    for number in (0..30).chain(0..30) {
        let answer;
        (client, answer) = gaps(client, number);
        assert_eq!(summary(&answer), &expected, "organisation {number}");
    }
    let text = server.get("/metrics").text();
    let held: f64 = values(&text, "docassist_graph_bytes{").sum();
    let (loads, drops) = (server.metric("docassist_graph_loads_total"), server.metric("docassist_graph_drops_total"));
    println!("{loads} loads, {drops} drops, {held} bytes held");
    assert!(drops > 0.0 && loads > 30.0 && held <= f64::from(5 << 20));
    assert_eq!(server.metric("docassist_graph_budget_bytes"), f64::from(5 << 20));
}

fn values<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    text.lines()
        .filter(move |line| line.starts_with(name))
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[test]
fn requests_for_one_organisation_load_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    synced(&data);
    let server = Server::start(&data, &[]);
    assert_eq!(server.metric("docassist_graph_loads_total"), 0.0);
    let together = Barrier::new(16);
    std::thread::scope(|scope| {
        for number in 0..16 {
            let (mut client, together) = (server.client(), &together);
            scope.spawn(move || {
                // Different questions, so that it is not the cache that makes them one.
                let path = format!("/api/v1/rel/repo/generated?limit={}", number + 1);
                together.wait();
                let answer = client.get(&path).expect(200).json();
                assert_eq!(answer["stats"]["commits"], COMMITS);
            });
        }
    });
    assert_eq!(server.metric("docassist_graph_loads_total"), 1.0);
}

#[test]
fn equal_requests_are_computed_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    synced(&data);
    let server = Server::start(&data, &[]);
    let together = Barrier::new(16);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            let (mut client, together) = (server.client(), &together);
            scope.spawn(move || {
                together.wait();
                client.get("/api/v1/gaps").expect(200);
            });
        }
    });
    assert_eq!(server.metric("docassist_cache_computations_total{family=\"gaps\"}"), 1.0);
}
