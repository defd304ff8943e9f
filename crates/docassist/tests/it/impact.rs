//! `impact` and `reviewers`.

use crate::world::World;

#[test]
fn a_file_in_a_table() {
    let world = World::synced();
    insta::assert_snapshot!("impact_file_table", world.table(&["impact", "file", "src/engine.rs"]));
    insta::assert_snapshot!("impact_files_table", world.table(&["impact", "file", "src/engine.rs", "tests/start.rs"]));
}

#[test]
fn a_ticket_and_a_commit_for_people() {
    let world = World::synced();
    let commit = world.repository.resolve("HEAD~4").to_hex();
    insta::assert_snapshot!("impact_ticket_table", world.table(&["impact", "ticket", "doc-2"]));
    insta::assert_snapshot!("impact_commit_table", world.table(&["impact", "commit", &commit]));
    insta::assert_snapshot!("impact_commit_md", world.markdown(&["impact", "commit", &commit[..8]]));
}

#[test]
fn reviewers_are_never_the_author() {
    let world = World::synced();
    let answer = world.ask(&["reviewers", "src/engine.rs", "--author", "ann"]);
    let names: Vec<&str> =
        answer["reviewers"].as_array().unwrap().iter().map(|reviewer| reviewer["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Bob"]);
    let table = world.table(&["reviewers", "src/engine.rs", "--author", "ann"]);
    assert!(table.contains("by Ann <") && table.contains("wrote 4 commits"), "{table}");
}

#[test]
fn a_change_that_is_not_committed() {
    let mut world = World::synced();
    let unchanged = world.table(&["impact", "diff", "-C", "product"]);
    assert!(unchanged.contains("Nothing has changed."), "{unchanged}");
    world.repository.append("src/engine.rs", "pub fn more() {}\n").write("src/new.rs", "// new\n");
    let answer = world.ask(&["impact", "diff", "-C", "product/src"]);
    let files: Vec<&str> = answer["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(files, ["src/engine.rs", "src/new.rs"]);
    assert!(answer["co_change_missing"].as_array().unwrap().iter().any(|file| file["path"] == "src/lib.rs"));
    let table = world.table(&["impact", "diff", "-C", "product"]);
    assert!(table.contains("Usually changed as well") && table.contains("src/lib.rs"), "{table}");
    let range = world.run_in("product", &["impact", "diff", "HEAD~2..HEAD", "--json"]);
    assert!(range.out.contains("\"range\":\"HEAD~2..HEAD\""), "{}{}", range.out, range.err);
}

#[test]
fn paths_are_taken_from_where_one_is() {
    let world = World::synced();
    for (folder, path) in
        [("product", "src/engine.rs"), ("product/src", "engine.rs"), ("product/docs", "../src/engine.rs")]
    {
        let run = world.run_in(folder, &["rel", "file", path, "--json"]);
        assert!(run.out.contains("\"path\":\"src/engine.rs\""), "{folder}: {}{}", run.out, run.err);
    }
    // A path from the root is what it says, wherever one is.
    let run = world.run_in("product/docs", &["impact", "file", "src/lib.rs", "--json"]);
    assert!(run.out.contains("\"path\":\"src/lib.rs\""), "{}{}", run.out, run.err);
    let absolute = world.path("product/src/lib.rs");
    let run = world.run(&["impact", "file", absolute.to_str().unwrap(), "--json"]);
    assert!(run.out.contains("\"path\":\"src/lib.rs\""), "{}{}", run.out, run.err);
}

#[test]
fn a_limit_cuts_lists_and_no_number() {
    let world = World::synced();
    let whole = world.ask(&["impact", "ticket", "DOC-2"]);
    let cut = world.ask(&["impact", "ticket", "DOC-2", "--limit", "1"]);
    assert_eq!((cut["commits"].as_array().unwrap().len(), whole["commits"].as_array().unwrap().len()), (1, 4));
    assert_eq!(cut["totals"], whole["totals"]);
    assert_eq!(cut["blast_radius"], whole["blast_radius"]);
    let table = world.table(&["impact", "ticket", "DOC-2", "--limit", "1"]);
    assert!(table.contains("… 3 more: docassist impact ticket DOC-2 "), "{table}");
}
