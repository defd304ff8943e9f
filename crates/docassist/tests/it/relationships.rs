//! `rel`.

use crate::world::World;

#[test]
fn stories_for_people() {
    let world = World::synced();
    insta::assert_snapshot!("rel_ticket_table", world.table(&["rel", "ticket", "DOC-1"]));
    insta::assert_snapshot!("rel_ticket_md", world.markdown(&["rel", "ticket", "DOC-1"]));
    insta::assert_snapshot!("rel_developer_table", world.table(&["rel", "developer", "bob"]));
    insta::assert_snapshot!("rel_file_table", world.table(&["rel", "file", "tests/start.rs"]));
    insta::assert_snapshot!("rel_repo_table", world.table(&["rel", "repo", "product"]));
}

#[test]
fn a_long_story_shows_how_it_began_and_ended() {
    let world = World::synced();
    let table = world.table(&["rel", "ticket", "DOC-2", "--limit", "4"]);
    let timeline = table.split("Timeline").nth(1).unwrap();
    assert!(timeline.contains("created") && timeline.contains("Round 3"), "{table}");
    assert!(timeline.contains("… 1 more: docassist rel ticket DOC-2 "), "{table}");
}

#[test]
fn names_are_searched() {
    let world = World::synced();
    let table = world.table(&["rel", "search", "engine", "--limit", "3"]);
    assert!(table.contains("matches for \"engine\"") && table.contains("src/engine.rs"), "{table}");
    // Words of their own and one text of several words are the same.
    assert_eq!(world.ask(&["rel", "search", "stop", "engine"]), world.ask(&["rel", "search", "stop engine"]));
    let more = table.lines().find(|line| line.contains(" more: ")).unwrap();
    assert!(more.contains("docassist rel search engine "), "{more}");
}
