//! What refers to what, and that equal records give equal graphs.

use docassist_model::Commit;
use docassist_testing::{commit, organisation, page, ticket};
use proptest::prelude::*;

use crate::{all, day, graph};

fn projects(subjects: impl Iterator<Item = String>) -> Vec<String> {
    let mut org = organisation().repository("app");
    for (n, subject) in subjects.enumerate() {
        let when = docassist_model::Timestamp::from_unix(1_600_000_000 + n as i64).to_string();
        org = org.commit(commit(&subject).at(&when).file("a.rs"));
    }
    graph(&org).projects()
}

#[test]
fn prefixes_are_learnt_only_without_tickets() {
    let subjects = || (1..=20).map(|n| format!("KAFKA-{n} and UTF-8"));
    assert_eq!(projects(subjects()), ["KAFKA"]);
    assert_eq!(projects((1..=9).map(|n| format!("KAFKA-{n}"))), Vec::<String>::new(), "too few");
    let mut org = organisation().repository("app").tracker("jira").ticket(ticket("P-1").created("2020-01-01"));
    org = org.repository("app2");
    for (n, subject) in subjects().enumerate() {
        org = org.commit(commit(&subject).at(&format!("2024-01-{:02}", n + 1)).file("a.rs"));
    }
    assert_eq!(graph(&org).projects(), ["P"]);
}

#[test]
fn references_come_from_subjects_bodies_pages_and_tickets() {
    let org = organisation()
        .repository("app")
        .commit(commit("one").body("Fixes p-1.").at("2024-01-01").file("a.rs"))
        .page(page("README.md").line("P-1 and P-7"))
        .tracker("jira")
        .ticket(ticket("P-1").created("2023-01-01"))
        .ticket(ticket("P-2").created("2023-01-01").comment("Ann", "like P-1"));
    let export = graph(&org).export();
    let refers: Vec<&String> = export.iter().filter(|line| line.contains(r#""edge":"refers""#)).collect();
    assert_eq!(refers.len(), 4, "{refers:#?}");
    assert!(refers.iter().any(|line| line.contains(r#""to":"ticket:P-7""#) && line.contains(r#""dangling":true"#)));
    assert!(refers.iter().any(|line| line.contains(r#""from":"ticket:P-2""#)));
    assert!(export.is_sorted());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// The order in which commits arrive, and what numbers their paths and people get by it, do not matter.
    #[test]
    fn equal_records_give_equal_graphs(order in Just((0..14_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let commits: Vec<Commit> = (0..14)
            .map(|n| {
                let path = format!("src/f{}.rs", n % 5);
                let author = ["Ann", "Bob", "Cy"][n % 3];
                let mut builder = commit(&format!("P-{n} x")).author(author).reviewer("Rita").at(&format!("2024-01-{:02}", n / 2 + 1));
                builder = if n % 6 == 5 { builder.renamed("src/f0.rs", "src/f9.rs") } else { builder.file(&path) };
                builder.build()
            })
            .collect();
        let build = |order: &[usize]| {
            let org = organisation().repository("app").commits(order.iter().map(|&at| commits[at].clone()));
            let org = org.tip(["src/f1.rs", "src/f9.rs"]);
            graph(&org.tracker("jira").ticket(ticket("P-3").created("2023-01-01")))
        };
        let (plain, shuffled) = (build(&(0..14).collect::<Vec<_>>()), build(&order));
        prop_assert_eq!(plain.digest(), shuffled.digest());
        let gaps = |graph: &docassist_graph::Graph| graph.dangling(day("2025-01-01"), &all()).unwrap();
        prop_assert_eq!(gaps(&plain), gaps(&shuffled));
    }
}
