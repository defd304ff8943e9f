//! What people type.

use docassist_graph::{Lookup, Nearest};
use docassist_testing::{commit, organisation, ticket};

use crate::graph;

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
