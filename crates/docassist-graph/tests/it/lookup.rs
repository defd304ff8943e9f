//! What people type.

use docassist_graph::{Lookup, Nearest};
use docassist_testing::{commit, organisation, ticket};

use crate::{all, day, graph};

fn org() -> docassist_testing::builders::Organisation {
    organisation()
        .repository("app")
        .commit(
            commit("a")
                .id("aaaa000000000000000000000000000000000000")
                .at("2024-01-01")
                .files(["src/a.rs", "lib/x/util.rs"]),
        )
        .commit(commit("b").id("aaab000000000000000000000000000000000000").at("2024-01-02").file("web/util.rs"))
        .tip(["src/a.rs", "lib/x/util.rs", "web/util.rs"])
        .repository("site")
        .commit(commit("c").at("2024-01-03").file("src/a.rs"))
        .tip(["src/a.rs"])
        .tracker("jira")
        .ticket(ticket("P-12").created("2024-01-01"))
}

#[test]
fn the_end_of_a_path_will_do_where_it_is_clear() {
    let graph = graph(&org());
    assert!(matches!(graph.find_file("x/util.rs", None), Lookup::Found(_)));
    assert!(matches!(graph.find_file("util.rs", None), Lookup::Ambiguous(names) if names.len() == 2));
    assert!(matches!(graph.find_file("src/a.rs", None), Lookup::Ambiguous(names) if names.len() == 2));
    let Lookup::Found(repo) = graph.find_repo("site") else { panic!("the repository is known") };
    assert!(matches!(graph.find_file("src/a.rs", Some(repo)), Lookup::Found(_)));
    assert!(matches!(graph.find_file("src/aa.rs", None), Lookup::Missing(Nearest(names)) if names[0] == "src/a.rs"));
}

#[test]
fn prefixes_of_commits_and_keys_in_any_case_will_do() {
    let graph = graph(&org());
    assert!(matches!(graph.find_commit("aaaa"), Lookup::Found(_)));
    assert!(matches!(graph.find_commit("AAAB0000"), Lookup::Found(_)));
    assert!(matches!(graph.find_commit("aaa"), Lookup::Missing(_)), "three digits are no name");
    assert!(matches!(graph.find_commit("zzzz"), Lookup::Missing(_)));
    assert!(matches!(graph.find_ticket("p-12"), Lookup::Found(_)));
    assert!(matches!(graph.find_ticket("P-13"), Lookup::Missing(Nearest(names)) if names == ["P-12"]));
}

#[test]
fn a_repository_that_was_never_read_to_its_end_is_not_there_yet() {
    let begun = graph(&org().repository("begun").never_synced());
    assert_eq!(begun.digest(), graph(&org()).digest());
    assert!(matches!(begun.find_repo("begun"), Lookup::Missing(_)));
    // It is told of all the same, and only where everything is asked about.
    let told = |notes: &[String]| notes.iter().any(|note| note.contains("the sync of begun was interrupted"));
    let gaps = begun.undocumented(day("2024-02-01"), 90, &all()).unwrap();
    assert!(told(&gaps.completeness.notes), "{:?}", gaps.completeness);
    let Lookup::Found(site) = begun.find_repo("site") else { panic!("the repository is known") };
    let answer = begun.relations_of_repository(site, day("2024-02-01"), 5);
    assert!(!told(&answer.completeness.notes), "{:?}", answer.completeness);
    // One whose later sync was interrupted stays.
    let later = graph(&org().repository("later").interrupted());
    assert!(matches!(later.find_repo("later"), Lookup::Found(_)));
}
