//! `decisions`.

use crate::world::World;

#[test]
fn a_list_and_one_of_it() {
    let world = World::synced();
    let table = world.table(&["decisions"]);
    insta::assert_snapshot!("decisions_table", table);
    assert_eq!(table, world.table(&["decisions", "list"]));
    for id in ["1", "ADR-0001", "product/0001", "docs/adr/0001-use-one-engine.md"] {
        let shown = world.table(&["decisions", "show", id]);
        assert!(shown.starts_with("product/0001: Use one engine\n"), "{id}: {shown}");
        assert!(shown.contains("DOC-1") && shown.contains("accepted"), "{shown}");
    }
}

#[test]
fn limits_stand_before_and_after_list() {
    let world = World::synced();
    for command in [&["decisions", "--limit", "1"][..], &["decisions", "list", "--limit", "1"]] {
        let page = world.ask(command);
        assert_eq!((page["total"].as_u64(), page["items"].as_array().map(Vec::len)), (Some(2), Some(1)));
    }
}
