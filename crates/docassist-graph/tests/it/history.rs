//! A file's history through renames.

use docassist_testing::{commit, organisation};

use crate::{day, file, graph};

fn subjects(org: &docassist_testing::builders::Organisation, path: &str) -> Vec<String> {
    let graph = graph(org);
    let answer = graph.relations_of_file(file(&graph, path), day("2030-01-01"), 1_000).body;
    answer.commits.into_iter().rev().map(|commit| commit.subject).collect()
}

#[test]
fn history_goes_on_under_earlier_names() {
    let org = organisation()
        .repository("app")
        .commit(commit("one").at("2024-01-01").added("a.rs", 1))
        .commit(commit("two").at("2024-01-02").renamed("a.rs", "b.rs"))
        .commit(commit("three").at("2024-01-03").file("b.rs"))
        .commit(commit("four").at("2024-01-04").renamed("b.rs", "c.rs"));
    assert_eq!(subjects(&org, "c.rs"), ["one", "two", "three", "four"]);
    let graph = graph(&org);
    let answer = graph.relations_of_file(file(&graph, "c.rs"), day("2030-01-01"), 10).body;
    assert_eq!(answer.renamed_from, ["b.rs", "a.rs"], "the latest first");
}

#[test]
fn a_path_that_is_used_anew_does_not_leak_into_what_was_moved_away() {
    let org = organisation()
        .repository("app")
        .commit(commit("one").at("2024-01-01").added("a.rs", 1))
        .commit(commit("move").at("2024-01-02").renamed("a.rs", "b.rs"))
        .commit(commit("anew").at("2024-01-03").added("a.rs", 1))
        .commit(commit("edit").at("2024-01-04").file("a.rs"));
    assert_eq!(subjects(&org, "b.rs"), ["one", "move"]);
    assert_eq!(subjects(&org, "a.rs"), ["one", "anew", "edit"], "both files had that path");
}

#[test]
fn edits_from_a_parallel_branch_belong_to_the_moved_file() {
    let org = organisation()
        .repository("app")
        .commit(commit("one").at("2024-01-01").added("a.rs", 1))
        .commit(commit("move").at("2024-01-02").renamed("a.rs", "b.rs"))
        .commit(commit("parallel edit").at("2024-01-03").file("a.rs"))
        .commit(commit("merge").at("2024-01-04").merge());
    assert_eq!(subjects(&org, "b.rs"), ["one", "move", "parallel edit"]);
}

#[test]
fn swaps_and_cycles_end() {
    let mut org =
        organisation().repository("app").commit(commit("one").at("2024-01-01").added("a.rs", 1).added("b.rs", 1));
    for n in 1..=9_u32 {
        let swap =
            commit(&format!("swap {n}")).at(&format!("2024-02-0{n}")).renamed("a.rs", "b.rs").renamed("b.rs", "a.rs");
        org = org.commit(swap);
    }
    assert_eq!(subjects(&org, "a.rs").len(), 10);
}

#[test]
fn as_of_cuts_history() {
    let org = organisation()
        .repository("app")
        .commit(commit("one").at("2024-01-01").added("a.rs", 1))
        .commit(commit("two").at("2024-01-05").file("a.rs"));
    let graph = graph(&org);
    let answer = graph.impact_of_file(file(&graph, "a.rs"), day("2024-01-02"), 10).body;
    assert_eq!(answer.commits, 1);
    assert_eq!(answer.last.unwrap().subject, "one");
}
