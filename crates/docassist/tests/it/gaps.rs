//! `gaps`.

use serde_json::Value;

use crate::world::{AS_OF, World};

#[test]
fn pages_join_to_the_whole_and_totals_stay() {
    let world = World::synced();
    for analysis in ["orphaned", "undocumented", "missing-decisions", "stale", "dangling", "outdated-docs"] {
        let whole = world.ask(&["gaps", analysis, "--limit", "1000"]);
        assert_eq!(whole["next"], Value::Null);
        let mut items: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut command = vec!["gaps", analysis, "--limit", "3"];
            if let Some(cursor) = &cursor {
                command.extend(["--cursor", cursor]);
            }
            let page = world.ask(&command);
            for (name, value) in page.as_object().unwrap() {
                if name != "items" && name != "next" {
                    assert_eq!(value, &whole[name], "{analysis}: {name} changes from page to page");
                }
            }
            assert!(page["items"].as_array().unwrap().len() <= 3);
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(Value::from(items.clone()), whole["items"], "{analysis}");
        assert_eq!(items.len() as u64, whole["total"].as_u64().unwrap(), "{analysis}");
    }
}

#[test]
fn what_is_not_shown_is_counted_with_the_command_that_shows_it() {
    let world = World::synced();
    let table = world.table(&["gaps", "orphaned", "--limit", "4"]);
    assert!(table.starts_with("27 tickets without a commit or pull request\n"), "{table}");
    let more = format!("… 23 more: docassist gaps orphaned --format table --as-of {AS_OF} --limit 27\n");
    assert!(table.contains(&more), "{table}");
    let whole = world.table(&["gaps", "orphaned", "--limit", "27"]);
    assert!(whole.contains("DOC-50") && !whole.contains(" more: "), "{whole}");
    let page = world.table(&["gaps", "orphaned", "--limit", "4", "--cursor", "orphaned.8"]);
    assert!(page.contains("… 15 more: docassist gaps orphaned --limit 4 "), "{page}");
}

#[test]
fn everything_at_a_glance() {
    let world = World::synced();
    insta::assert_snapshot!("gaps_table", world.table(&["gaps"]));
    insta::assert_snapshot!("gaps_md", world.markdown(&["gaps"]));
}

#[test]
fn each_analysis_in_a_table() {
    let world = World::synced();
    for analysis in ["orphaned", "undocumented", "missing-decisions", "stale", "dangling", "outdated-docs"] {
        insta::assert_snapshot!(format!("gaps_{analysis}_table"), world.table(&["gaps", analysis, "--limit", "3"]));
    }
}

#[test]
fn an_empty_window_says_how_old_the_data_is() {
    let world = World::synced();
    let table = world.done(&["gaps", "orphaned", "--format", "table", "--as-of", "2026-01-01"]);
    assert!(table.contains("The newest commit is of 2024-02-01, the newest ticket is of 2024-02-11"), "{table}");
    assert!(table.contains("next: docassist gaps orphaned --as-of 2024-02-11"), "{table}");
    let all = world.done(&["gaps", "--format", "table", "--as-of", "2026-01-01"]);
    assert!(all.contains("older than 90 days") && all.contains("next: docassist gaps --as-of 2024-02-01"), "{all}");
}

#[test]
fn without_tickets_nothing_is_said_of_which_exist() {
    let mut world = World::empty();
    for number in 1..=12 {
        world.repository.write("src/lib.rs", format!("// {number}\n")).commit(&format!("DOC-{number} Change"));
    }
    world.done(&["sync", "git", "product", "-q"]);
    let table = world.table(&["gaps", "dangling"]);
    assert!(table.starts_with("12 tickets referred to, and no tickets are synced to compare with\n"), "{table}");
    assert!(!world.table(&["gaps"]).contains("do not exist"));
}
