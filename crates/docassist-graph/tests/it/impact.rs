//! Impact, risk, reviewers.

use docassist_graph::Lookup;
use docassist_graph::analysis::impact::DiffRequest;
use docassist_model::findings::impact::Level;
use docassist_model::{ChangeStatus, FileChange};
use docassist_testing::{commit, organisation, page, ticket};
use proptest::prelude::*;

use crate::{day, file, graph};

#[test]
fn co_change_counts_small_commits_that_touch_both() {
    let many: Vec<String> = (0..60).map(|n| format!("src/many{n}.rs")).collect();
    let org = organisation()
        .repository("app")
        .commit(commit("1").at("2024-01-01").files(["src/a.rs", "src/b.rs"]))
        .commit(commit("2").at("2024-01-02").files(["src/a.rs", "src/b.rs", "src/c.rs"]))
        .commit(commit("3").at("2024-01-03").file("src/a.rs"))
        .commit(commit("sweep").at("2024-01-04").file("src/a.rs").files(many.iter().map(String::as_str)))
        .commit(commit("merge").at("2024-01-05").merge());
    let graph = graph(&org);
    let answer = graph.impact_of_file(file(&graph, "src/a.rs"), day("2024-06-01"), 100);
    let found: Vec<(&str, u64, f64)> =
        answer.body.co_changed.iter().map(|c| (c.path.as_str(), c.together, c.confidence)).collect();
    assert_eq!(found, [("src/b.rs", 2, 0.6667), ("src/c.rs", 1, 0.3333)]);
    assert_eq!(answer.body.commits, 4, "the sweep is history all the same");
    assert!(answer.completeness.notes.iter().any(|note| note.contains("leaves out 1 commit of more than 50 files")));
}

#[test]
fn reviewers_are_never_the_author_never_a_bot_and_not_gone() {
    let org = organisation()
        .repository("app")
        .commit(commit("1").author("Gone").at("2020-01-01").file("src/a.rs"))
        .commit(commit("2").author("Ann").reviewer("Rita").at("2024-05-01").file("src/a.rs"))
        .commit(commit("3").author("Bob").at("2024-05-02").file("src/a.rs"))
        .commit(commit("4").author("dependabot[bot]").at("2024-05-03").file("src/a.rs"))
        .commit(commit("5").author("Near").at("2024-05-03").file("src/other.rs"));
    let graph = graph(&org);
    let Lookup::Found(ann) = graph.find_people("Ann") else { panic!("Ann is known") };
    let files = [file(&graph, "src/a.rs")];
    let answer = graph.reviewers(&files, &ann, day("2024-06-01"), 10);
    let names: Vec<&str> = answer.body.reviewers.iter().map(|reviewer| reviewer.name.as_str()).collect();
    assert_eq!(names, ["Rita", "Bob", "Near"]);
    assert!(answer.body.reviewers.iter().all(|reviewer| !reviewer.reasons.is_empty()));
    // Years later everybody is gone: then they are named, and that is said.
    let late = graph.reviewers(&files, &[], day("2029-06-01"), 10);
    assert!(late.body.reviewers.len() >= 4);
    assert!(late.completeness.notes.iter().any(|note| note.contains("gone for a year")), "{:?}", late.completeness);
}

#[test]
fn somebody_with_two_addresses_is_suggested_once() {
    let org = organisation()
        .repository("app")
        .commit(commit("1").author("Ann Lee <old@example.org>").at("2024-05-01").file("src/a.rs"))
        .commit(commit("2").author("Ann Lee <new@example.org>").at("2024-05-02").file("src/a.rs"));
    let graph = graph(&org);
    let answer = graph.reviewers(&[file(&graph, "src/a.rs")], &[], day("2024-06-01"), 10).body;
    let found: Vec<(&str, f64)> = answer.reviewers.iter().map(|r| (r.email.as_str(), r.score)).collect();
    assert_eq!(found, [("new@example.org", 1.0)]);
}

#[test]
fn a_commit_misses_the_files_that_usually_come_along() {
    let mut org = organisation().repository("app").project("P");
    for n in 1..=4 {
        org = org.commit(commit("both").author("Ann").at(&format!("2024-01-0{n}")).files(["src/a.rs", "docs/a.md"]));
    }
    let org = org.tip(["src/a.rs", "docs/a.md"]).page(page("docs/a.md").mentions("src/a.rs")).commit(
        commit("P-1 one")
            .id("abcd000000000000000000000000000000000000")
            .author("Bob")
            .at("2024-01-09")
            .file("src/a.rs"),
    );
    let graph = graph(&org);
    let Lookup::Found(id) = graph.find_commit("abcd") else { panic!("the commit is known") };
    let answer = graph.impact_of_commit(id, day("2024-06-01"), 10).body;
    let missing = &answer.change.co_change_missing;
    assert_eq!((missing[0].path.as_str(), missing[0].with.as_str(), missing[0].together), ("docs/a.md", "src/a.rs", 4));
    assert_eq!(answer.change.reviewers[0].name, "Ann");
    assert_eq!(answer.change.tickets[0].key, "P-1");
    assert_eq!(answer.change.documents[0].page, "docs/a.md");
}

#[test]
fn a_diff_is_judged_like_a_commit() {
    let mut org = organisation().repository("app");
    for n in 1..=4 {
        org = org.commit(commit("both").author("Ann").at(&format!("2024-01-0{n}")).files(["src/a.rs", "src/b.rs"]));
    }
    let graph = graph(&org.tip(["src/a.rs", "src/b.rs"]).project("P"));
    let Lookup::Found(repo) = graph.find_repo("app") else { panic!("the repository is known") };
    let changed = |path: &str, status| FileChange {
        path: path.into(),
        from: None,
        status,
        additions: 5,
        deletions: 1,
        binary: false,
    };
    let request = DiffRequest {
        repo,
        range: "HEAD and the work tree".into(),
        files: vec![changed("src/a.rs", ChangeStatus::Modified), changed("src/new.rs", ChangeStatus::Added)],
        text: "feature/P-7-thing".into(),
        authors: vec![],
    };
    let answer = graph.impact_of_diff(&request, day("2024-06-01"), 10).body;
    assert_eq!(answer.change.files.len(), 2);
    assert_eq!(answer.change.co_change_missing[0].path, "src/b.rs");
    assert_eq!(answer.change.reviewers[0].name, "Ann");
    assert_eq!(answer.change.tickets[0].key, "P-7");
}

#[test]
fn a_ticket_s_impact_is_that_of_its_commits() {
    let org = organisation()
        .repository("app")
        .commit(commit("P-1 a").author("Ann").at("2024-01-01").modified("src/a.rs", 10, 2))
        .commit(commit("P-1 b").author("Bob").at("2024-01-02").modified("src/a.rs", 1, 1).modified("web/x.ts", 4, 0))
        .page(page("docs/p.md").line("about P-1"))
        .tracker("jira")
        .ticket(ticket("P-1").created("2023-12-01").epic("P-2").link("Blocks", "P-3"))
        .ticket(ticket("P-2").kind("Epic").created("2023-12-01"))
        .ticket(ticket("P-4").created("2023-12-01").description("see P-1"));
    let graph = graph(&org);
    let Lookup::Found(key) = graph.find_ticket("p-1") else { panic!("the ticket is known") };
    let answer = graph.impact_of_ticket(key, day("2024-06-01"), 10).unwrap().body;
    assert_eq!((answer.additions, answer.deletions, answer.implemented), (15, 3, true));
    let files: Vec<(&str, u64)> = answer.files.iter().map(|f| (f.path.as_str(), f.commits)).collect();
    assert_eq!(files, [("src/a.rs", 2), ("web/x.ts", 1)]);
    assert_eq!((answer.blast_radius.files, answer.blast_radius.lines, answer.blast_radius.level), (2, 18, Level::Low));
    let linked: Vec<(&str, &str)> = answer.linked.iter().map(|l| (l.kind.as_str(), l.key.as_str())).collect();
    assert_eq!(linked, [("Blocks", "P-3"), ("Epic", "P-2")]);
    assert_eq!(answer.linked[0].summary, None, "a link to a ticket that is not known stays a link");
    let mentions: Vec<(&str, &str)> = answer.mentioned_in.iter().map(|m| (m.kind, m.reference.as_str())).collect();
    assert_eq!(mentions, [("ticket", "P-4"), ("page", "docs/p.md")]);
    assert_eq!(graph.impact_of_ticket(key, day("2023-11-01"), 10), None, "it did not exist yet");
}

proptest! {
    /// Whatever the history, a risk is within bounds, has the level of its score, and is the sum of its factors.
    #[test]
    fn every_point_of_risk_is_explained(days in proptest::collection::vec((0..1_500_u32, 0..6_usize, 1..40_u32, any::<bool>()), 1..40)) {
        let paths = ["src/a.rs", "Cargo.toml", "api/x.proto", "src/lib.rs", "tests/a.rs", "README.md"];
        let mut org = organisation().repository("app");
        for (n, (days, path, lines, bug)) in days.iter().enumerate() {
            let when = docassist_model::Timestamp::from_unix(1_600_000_000 + i64::from(*days) * 86_400).to_string();
            let subject = if *bug { format!("P-1 {n}") } else { format!("{n}") };
            let author = ["Ann", "Bob", "Cy"][n % 3];
            org = org.commit(commit(&subject).author(author).at(&when).modified(paths[*path], *lines, *lines).file("src/a.rs"));
        }
        let graph = graph(&org.tracker("jira").ticket(ticket("P-1").kind("Bug").created("2020-01-01")));
        let answer = graph.impact_of_file(file(&graph, "src/a.rs"), day("2025-01-01"), 10).body;
        let sum: f64 = answer.risk.factors.iter().map(|factor| factor.value).sum();
        prop_assert!(answer.risk.score <= 100 && sum <= 100.5);
        prop_assert!((f64::from(answer.risk.score) - sum).abs() <= 0.5 + 1e-9);
        prop_assert_eq!(answer.risk.level, Level::of(answer.risk.score));
        prop_assert!(answer.risk.factors.iter().all(|factor| factor.value > 0.0 && !factor.why.is_empty()));
        let shares: f64 = answer.reviewers.iter().map(|reviewer| reviewer.score).sum();
        prop_assert!(shares <= 1.01);
    }
}
