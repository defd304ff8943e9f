//! Gaps.

use docassist_model::DecisionStatus;
use docassist_testing::{commit, decision, organisation, page, ticket};

use crate::{all, day, graph};

#[test]
fn orphaned_tickets_are_those_of_the_window_that_no_commit_refers_to() {
    let org = organisation()
        .repository("app")
        .commit(commit("P-1 fix").at("2024-05-02").file("src/a.rs"))
        .commit(commit("Merge P-2").at("2024-05-03").merge())
        .commit(commit("P-3 later").at("2024-07-01").file("src/a.rs"))
        .tracker("jira")
        .ticket(ticket("P-1").created("2024-05-01"))
        .ticket(ticket("P-2").created("2024-05-01"))
        .ticket(ticket("P-3").created("2024-05-01").priority("Minor"))
        .ticket(
            ticket("P-4").created("2024-05-02").priority("Minor").status("Closed").resolved("2024-05-03", "Won't Fix"),
        )
        .ticket(ticket("P-5").created("2024-05-02").priority("Blocker").status("Done"))
        .ticket(ticket("P-6").created("2024-01-01"))
        .ticket(ticket("P-7").created("2024-06-20"));
    let graph = graph(&org);
    let answer = graph.orphaned(day("2024-06-01"), 90, &all()).unwrap().body;
    let keys: Vec<(&str, &str)> = answer.page.items.iter().map(|i| (i.key.as_str(), i.class.as_str())).collect();
    // By priority, then newest. A merge's reference counts; a later commit's does not, nor does a ticket before or after.
    assert_eq!(keys, [("P-5", "done_unlinked"), ("P-4", "not_applicable"), ("P-3", "never_started")]);
    assert_eq!(answer.page.total, 3);
    assert_eq!(answer.by_class.iter().map(|(_, n)| n).sum::<u64>(), 3);
    let later = graph.orphaned(day("2024-07-02"), 90, &all()).unwrap().body;
    assert!(later.page.items.iter().all(|item| item.key != "P-3"), "referred to by then");
}

#[test]
fn the_window_is_open_at_its_beginning_and_closed_at_its_end() {
    let org = organisation()
        .tracker("jira")
        .ticket(ticket("P-1").created("2024-05-01T00:00:00Z"))
        .ticket(ticket("P-2").created("2024-05-01T00:00:01Z"))
        .ticket(ticket("P-3").created("2024-05-11T00:00:00Z"))
        .ticket(ticket("P-4").created("2024-05-11T00:00:01Z"));
    let as_of = "2024-05-11T00:00:00Z".parse().unwrap();
    let answer = graph(&org).orphaned(as_of, 10, &all()).unwrap().body;
    let mut keys: Vec<&str> = answer.page.items.iter().map(|item| item.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["P-2", "P-3"]);
}

#[test]
fn undocumented_changes_have_no_page_and_no_ticket() {
    let org = organisation()
        .repository("app")
        .project("P")
        .commit(commit("silent").at("2024-05-02").modified("src/a.rs", 3, 1).file("tests/a.rs"))
        .commit(commit("with page").at("2024-05-02").file("src/a.rs").file("README.md"))
        .commit(commit("P-9 with ticket, if dangling").at("2024-05-02").file("src/a.rs"))
        .commit(commit("only tests").at("2024-05-02").file("tests/a.rs"))
        .commit(commit("Revert \"silent\"").at("2024-05-02").file("src/a.rs"))
        .commit(commit("bump").author("dependabot[bot]").at("2024-05-02").file("src/a.rs"))
        .commit(commit("merge").at("2024-05-02").merge())
        .commit(commit("old").at("2023-05-02").file("src/a.rs"))
        .commit(commit("silent too").at("2024-05-03").author("Bob").modified("src/b.rs", 5, 0));
    let answer = graph(&org).undocumented(day("2024-06-01"), 90, &all()).unwrap().body;
    let subjects: Vec<&str> = answer.page.items.iter().map(|item| item.subject.as_str()).collect();
    assert_eq!(subjects, ["silent too", "silent"]);
    assert_eq!(answer.page.items[1].files, 2);
    assert_eq!(answer.by_author.iter().count(), 2);
    assert_eq!(answer.total_lines, answer.page.items.iter().map(|item| item.additions + item.deletions).sum::<u64>());
}

#[test]
fn features_without_a_decision_are_ordered_by_significance() {
    let org = organisation()
        .repository("app")
        .commit(commit("P-1 small").at("2024-05-01").file("src/a.rs"))
        .commit(
            commit("P-2 large")
                .at("2024-05-02")
                .file("src/a.rs")
                .file("Cargo.toml")
                .file("api/schema.proto")
                .file("web/x.ts"),
        )
        .commit(commit("P-3 decided").at("2024-05-02").file("src/c.rs"))
        .commit(commit("P-4 a bug").at("2024-05-02").file("src/c.rs"))
        .decision(decision("docs/adr/0001-x.md").status(DecisionStatus::Accepted).ticket("P-3"))
        .tracker("jira")
        .ticket(ticket("P-1").kind("User Story").created("2024-01-01"))
        .ticket(ticket("P-2").kind("New Feature").created("2024-01-01"))
        .ticket(ticket("P-3").kind("Epic").created("2024-01-01"))
        .ticket(ticket("P-4").kind("Bug").created("2024-01-01"))
        .ticket(ticket("P-5").kind("Story").created("2024-01-01"));
    let graph = graph(&org);
    let now = graph.missing_decisions(day("2024-06-01"), &all()).unwrap().body;
    let keys: Vec<(&str, u64)> = now.page.items.iter().map(|item| (item.key.as_str(), item.files)).collect();
    assert_eq!(keys, [("P-2", 4), ("P-1", 1)]);
    assert!(now.page.items[0].significance > now.page.items[1].significance + 30.0);
    let before = graph.missing_decisions(day("2024-05-01"), &all()).unwrap().body;
    let keys: Vec<&str> = before.page.items.iter().map(|item| item.key.as_str()).collect();
    assert_eq!(keys, ["P-1"], "the second was not built yet");
}

#[test]
fn stale_work_is_ordered_by_how_long_it_lies() {
    let org = organisation()
        .tracker("jira")
        .ticket(ticket("P-1").status("Open").created("2024-01-01").updated("2024-04-01"))
        .ticket(ticket("P-2").status("In Progress").created("2024-01-01").updated("2024-03-01"))
        .ticket(ticket("P-3").status("Closed").created("2024-01-01").updated("2024-01-01"))
        .ticket(ticket("P-4").status("Open").created("2024-01-01").updated("2024-05-20"));
    let answer = graph(&org).stale(day("2024-06-01"), 30, &all()).unwrap().body;
    let found: Vec<(&str, i64)> = answer.page.items.iter().map(|i| (i.key.as_str(), i.days_since_update)).collect();
    assert_eq!(found.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["P-2", "P-1"]);
    assert!(found[0].1 >= 91 && found[0].1 <= 92, "{found:?}");
}

#[test]
fn dangling_references_are_of_known_projects_and_of_their_time() {
    let org = organisation()
        .repository("app")
        .commit(commit("P-9 and UTF-8 and Q-1").at("2024-05-01").file("a.rs"))
        .commit(commit("p-9 again, and P-2 before its time").at("2024-05-02").file("a.rs"))
        .tracker("jira")
        .ticket(ticket("P-1").created("2024-01-01"))
        .ticket(ticket("P-2").created("2024-05-20"));
    let graph = graph(&org);
    let keys = |text: &str| {
        let answer = graph.dangling(day(text), &all()).unwrap().body;
        answer.page.items.iter().map(|item| (item.key.clone(), item.commits_total)).collect::<Vec<_>>()
    };
    assert_eq!(keys("2024-06-01"), [("P-9".to_owned(), 2)]);
    assert_eq!(keys("2024-05-02"), [("P-9".to_owned(), 2), ("P-2".to_owned(), 1)]);
    assert_eq!(keys("2024-05-01"), [("P-9".to_owned(), 1)]);
}

#[test]
fn pages_that_name_files_which_are_gone_are_outdated() {
    let org = organisation()
        .repository("app")
        .commit(commit("add").at("2024-01-01").added("src/old.rs", 3).added("src/moved.rs", 3).added("src/here.rs", 3))
        .commit(commit("remove").at("2024-02-01").deleted("src/old.rs", 3).renamed("src/moved.rs", "src/new.rs"))
        .tip(["src/here.rs", "src/new.rs", "README.md", "CHANGELOG.md"])
        .page(page("README.md").line("see").mentions("src/old.rs").mentions("src/here.rs").mentions("src/never.rs"))
        .page(page("docs/guide.md").mentions("src/moved.rs"))
        .page(page("CHANGELOG.md").mentions("src/old.rs"));
    let answer = graph(&org).outdated_docs(day("2024-06-01"), &all()).unwrap().body;
    let found: Vec<_> =
        answer.page.items.iter().map(|i| (i.page.as_str(), i.path.as_str(), i.renamed_to.as_deref())).collect();
    assert_eq!(found, [("README.md", "src/old.rs", None), ("docs/guide.md", "src/moved.rs", Some("src/new.rs"))]);
    assert_eq!(answer.page.items[0].removed_in.as_ref().unwrap().subject, "remove");
}

#[test]
fn health_is_the_mean_of_what_can_be_measured() {
    let empty = graph(&organisation()).comprehensive(day("2024-06-01"));
    assert_eq!((empty.body.summary.health, empty.body.summary.health_parts.len()), (100, 0));
    assert!(!empty.completeness.complete, "nothing is synced, and that is said");
    let org = organisation()
        .repository("app")
        .commit(commit("P-1 x").at("2024-05-20").file("src/a.rs"))
        .commit(commit("silent").at("2024-05-21").file("src/a.rs"))
        .tracker("jira")
        .ticket(ticket("P-1").kind("Bug").status("Done").created("2024-05-01").updated("2024-05-21"))
        .ticket(ticket("P-2").kind("Bug").status("Open").created("2024-05-01").updated("2024-05-21"));
    let summary = graph(&org).comprehensive(day("2024-06-01")).body.summary;
    let parts: Vec<(&str, u8)> = summary.health_parts.iter().map(|part| (part.name, part.percent)).collect();
    assert_eq!(
        parts,
        [("changes_explained", 50), ("open_work_fresh", 100), ("references_resolved", 100), ("tickets_with_code", 100)]
    );
    assert_eq!(summary.health, 88, "350 ÷ 4 = 87.5, rounded");
}
