//! Stories.

use docassist_graph::Lookup;
use docassist_testing::{commit, decision, organisation, page, ticket};

use crate::{all, day, graph};

fn org() -> docassist_testing::builders::Organisation {
    organisation()
        .repository("app")
        .commit(commit("P-1 a").author("Ann").co_author("Cy").at("2024-01-10").modified("src/net/a.rs", 10, 2))
        .commit(commit("P-1 b").author("Bob").reviewer("Ann").at("2024-02-10").modified("src/ui/b.rs", 1, 1))
        .commit(commit("Merge P-1").author("Ann").at("2024-02-11").merge())
        .decision(decision("docs/adr/0001-x.md").title("Choose x").date("2024-01-05").ticket("P-1"))
        .page(page("docs/p.md").title("About").line("P-1").modified("2024-01-20"))
        .tip(["src/net/a.rs"])
        .tracker("jira")
        .ticket(ticket("P-1").summary("Build it").created("2024-01-01").status("Done").resolved("2024-03-01", "Fixed"))
}

#[test]
fn a_ticket_s_timeline_is_in_order_and_ends_at_as_of() {
    let graph = graph(&org());
    let Lookup::Found(key) = graph.find_ticket("P-1") else { panic!("the ticket is known") };
    let kinds = |text: &str| {
        let answer = graph.relations_of_ticket(key, day(text), 100).unwrap().body;
        answer.timeline.iter().map(|event| event.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds("2024-06-01"), ["created", "decision", "commit", "page", "commit", "commit", "resolved"]);
    assert_eq!(kinds("2024-01-15"), ["created", "decision", "commit"]);
    let answer = graph.relations_of_ticket(key, day("2024-06-01"), 100).unwrap().body;
    assert_eq!(answer.commits.len(), 3, "merges refer too");
    let people: Vec<(&str, u64)> = answer.developers.iter().map(|p| (p.name.as_str(), p.commits)).collect();
    assert_eq!(people, [("Ann", 1), ("Cy", 1), ("Bob", 1)], "merges are nobody's work");
    assert_eq!(answer.decisions[0].title, "Choose x");
}

#[test]
fn a_developer_s_work_is_authored_co_authored_and_reviewed() {
    let graph = graph(&org());
    let stats = |name: &str| {
        let Lookup::Found(people) = graph.find_people(name) else { panic!("{name} is known") };
        graph.relations_of_developer(&people, day("2024-06-01"), 100).body
    };
    let ann = stats("ann");
    assert_eq!((ann.stats.commits, ann.stats.reviews, ann.stats.tickets, ann.stats.files), (1, 1, 1, 1));
    assert_eq!((ann.stats.additions, ann.stats.deletions), (10, 2));
    assert_eq!(ann.areas[0].path, "src/net");
    assert_eq!(ann.timeline.iter().map(|event| event.kind).collect::<Vec<_>>(), ["review", "commit"]);
    assert_eq!(stats("Cy").stats.commits, 1);
}

#[test]
fn a_repository_s_months_have_no_holes() {
    let org = organisation()
        .repository("app")
        .commit(commit("a").at("2023-12-10").file("a.rs"))
        .commit(commit("b").at("2024-02-10").file("a.rs"));
    let graph = graph(&org);
    let Lookup::Found(repo) = graph.find_repo("app") else { panic!("the repository is known") };
    let answer = graph.relations_of_repository(repo, day("2024-06-01"), 100).body;
    let months: Vec<(&str, u64)> = answer.activity.iter().map(|m| (m.month.as_str(), m.commits)).collect();
    assert_eq!(months, [("2023-12", 1), ("2024-01", 0), ("2024-02", 1)]);
}

#[test]
fn search_finds_names_and_titles_by_all_words() {
    let graph = graph(&org());
    let kinds = |text: &str| {
        let answer = graph.search_names(text, day("2024-06-01"), &all()).unwrap().body;
        answer.page.items.iter().map(|found| (found.kind, found.reference.clone())).collect::<Vec<_>>()
    };
    assert_eq!(kinds("build it")[0], ("ticket", "P-1".to_owned()));
    assert_eq!(kinds("P-1")[0], ("ticket", "P-1".to_owned()), "an exact name comes first");
    assert_eq!(kinds("net/a.rs"), [("file", "src/net/a.rs".to_owned())]);
    assert_eq!(kinds("no such thing"), []);
    assert_eq!(kinds("   "), []);
}
