//! `status`.

use crate::world::World;

#[test]
fn sources_with_their_records() {
    let world = World::synced();
    let table = world.table(&["status"]);
    for part in ["2 sources in organisation default", "product", "commits 10", "tickets 29", "ticket projects  DOC"] {
        assert!(table.contains(part), "no {part}: {table}");
    }
    assert!(!table.contains("digest"));
    let digest = world.done(&["export", "graph", "--digest"]);
    assert!(world.table(&["status", "--digest"]).contains(digest.trim()));
}
