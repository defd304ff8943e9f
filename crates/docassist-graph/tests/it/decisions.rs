//! Decision records.

use docassist_graph::Lookup;
use docassist_model::DecisionStatus;
use docassist_testing::{commit, decision, organisation, ticket};

use crate::{all, day, graph};

#[test]
fn supersession_is_known_from_either_end() {
    let org = organisation()
        .repository("app")
        .commit(
            commit("P-1").id("abcdef1234000000000000000000000000000000").at("2024-01-01").file("docs/adr/0002-b.md"),
        )
        .decision(decision("docs/adr/0001-a.md").status(DecisionStatus::Superseded))
        .decision(decision("docs/adr/0002-b.md").supersedes("docs/adr/0001-a.md").ticket("P-1").commit("abcdef1234"))
        .decision(decision("docs/adr/0003-c.md").superseded_by("4"))
        .decision(decision("docs/adr/0004-d.md"))
        .tracker("jira")
        .ticket(ticket("P-1").created("2024-01-01"));
    let graph = graph(&org);
    let list = graph.decisions(day("2024-06-01"), &all()).unwrap().body;
    let items = &list.page.items;
    assert_eq!(
        items.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(),
        ["app/0001", "app/0002", "app/0003", "app/0004"]
    );
    assert_eq!(items[0].superseded_by, ["app/0002"]);
    assert_eq!(items[3].supersedes, ["app/0003"]);
    assert_eq!((items[1].tickets.len(), items[1].commits.len()), (1, 1));
    for text in ["app/0002", "2", "ADR-0002", "docs/adr/0002-b.md"] {
        assert!(matches!(graph.find_decision(text), Lookup::Found(id) if id.0 == 1), "{text}");
    }
    let Lookup::Found(id) = graph.find_decision("2") else { panic!("found above") };
    assert_eq!(graph.decision(id, day("2024-06-01")).body.history.len(), 1);
}
