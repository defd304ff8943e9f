//! The fields that other programs rely on.

use serde_json::Value;

use crate::world::World;

/// Command and the fields of its answer, as the contract lists them. `a.b` is the field `b` of `a`, `a[].b` of every
/// element of `a`, which must have some.
const FIELDS: &[(&[&str], &str)] = &[
    (&["status"], "data sources[].name sources[].kind sources[].synced sources[].records nodes edges projects"),
    (
        &["gaps"],
        "summary.orphaned summary.undocumented summary.missing_decisions summary.stale summary.dangling summary.health \
         orphaned.items[].key undocumented.items[].sha stale.items[].key dangling.items[].key outdated_docs.total \
         missing_decisions.items[].key",
    ),
    (
        &["gaps", "orphaned"],
        "total next days by_class by_status by_priority by_assignee items[].key items[].summary items[].type \
         items[].status items[].priority items[].assignee items[].created items[].updated items[].class",
    ),
    (
        &["gaps", "undocumented"],
        "total next by_author by_repository total_lines items[].sha items[].repo items[].subject items[].author \
         items[].time items[].files items[].additions items[].deletions",
    ),
    (
        &["gaps", "missing-decisions"],
        "total next by_type items[].key items[].summary items[].type items[].status items[].commits items[].files \
         items[].significance",
    ),
    (
        &["gaps", "stale"],
        "total next by_status by_assignee items[].key items[].summary items[].status items[].priority \
         items[].assignee items[].updated items[].days_since_update",
    ),
    (&["gaps", "dangling"], "total next items[].key items[].commits[].sha"),
    (&["gaps", "outdated-docs"], "total next items[].page items[].line items[].path"),
    (
        &["impact", "file", "src/engine.rs"],
        "path repo exists renamed_from commits first.sha last.sha tickets[].key tickets[].summary tickets[].status \
         tickets[].commits people[].name people[].email people[].commits people[].lines people[].last \
         co_changed[].path co_changed[].together co_changed[].confidence dependents documents[].page documents[].line \
         reviewers[].name reviewers[].email reviewers[].score reviewers[].reasons risk.score risk.level \
         risk.factors[].name risk.factors[].value risk.factors[].why",
    ),
    (&["impact", "file", "src/engine.rs", "src/lib.rs"], "total next items[].path items[].risk.score items[].as_of"),
    (
        &["impact", "ticket", "DOC-2"],
        "ticket.key implemented commits[].sha files[].path additions deletions similar linked mentioned_in \
         people[].name blast_radius.level blast_radius.files blast_radius.lines blast_radius.areas",
    ),
    (
        &["impact", "commit", "HEAD"],
        "sha subject author time files[].path files[].kind files[].status files[].additions files[].deletions by_kind \
         tickets co_change_missing documents reviewers risk.score",
    ),
    (&["reviewers", "src/engine.rs", "--author", "Ann"], "paths repo author reviewers[].name reviewers[].score"),
    (
        &["rel", "ticket", "DOC-1"],
        "ticket.key commits[].sha pull_requests documents[].path files[].path developers[].name decisions[].id links \
         timeline[].time timeline[].kind timeline[].title timeline[].ref",
    ),
    (
        &["rel", "developer", "Bob"],
        "person.name person.emails stats.commits stats.pull_requests stats.reviews stats.tickets stats.files \
         stats.additions stats.deletions stats.first stats.last tickets[].key files[].path areas[].path areas[].share \
         timeline[].time",
    ),
    (
        &["rel", "file", "tests/start.rs"],
        "path commits[].sha developers[].name tickets[].key first.sha last.sha renamed_from",
    ),
    (
        &["rel", "repo", "product"],
        "repository stats.commits stats.authors stats.additions stats.deletions stats.files stats.first stats.last \
         top_contributors[].name tickets[].key activity[].month activity[].commits",
    ),
    (&["rel", "search", "engine"], "query total next by_kind items[].kind items[].ref items[].title"),
    (&["decisions"], "total next by_status items[].id items[].status items[].date items[].tickets"),
    (&["decisions", "show", "1"], "decision.id decision.status decision.supersedes history[].sha tickets[].key"),
];

/// The values at a path of fields.
fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for part in path.split('.') {
        let (name, all) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        let next: Vec<&Value> = found.iter().filter_map(|value| value.get(name)).collect();
        if next.len() < found.len() {
            return Vec::new();
        }
        found = if all { next.into_iter().flat_map(|list| list.as_array().unwrap()).collect() } else { next };
    }
    found
}

#[test]
fn every_answer_has_the_fields_of_the_contract() {
    let world = World::synced();
    let head = world.repository.head().to_hex();
    for (command, fields) in FIELDS {
        let command: Vec<&str> = command.iter().map(|word| if *word == "HEAD" { &head[..9] } else { word }).collect();
        let answer = world.ask(&command);
        for field in fields.split_whitespace().chain(["org", "as_of", "completeness.complete", "completeness.notes"]) {
            assert!(!at(&answer, field).is_empty(), "{command:?} has no {field}: {answer:#}");
        }
        assert_eq!(answer["org"], "default", "{command:?}");
        if command[0] != "status" {
            assert_eq!(answer["as_of"], "2024-03-01T23:59:59Z", "{command:?}");
        }
    }
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    let world = World::synced();
    let before = world.done(&["--json", "--as-of", "2024-03-01", "gaps", "stale"]);
    let after = world.done(&["gaps", "stale", "--json", "--as-of", "2024-03-01"]);
    assert_eq!(before, after);
    assert_eq!(before.lines().count(), 1, "where nobody looks, JSON is one line");
}

#[test]
fn settings_come_from_options_then_environment_then_file() {
    let world = World::synced();
    std::fs::create_dir(world.path("sub")).unwrap();
    std::fs::write(world.path("sub/settings"), "data = ../.docassist\nformat = md\norg = default\n").unwrap();
    // The file's path is relative to the file.
    let run = world.run(&["gaps", "--config", "sub/settings", "--as-of", "2024-03-01"]);
    assert!(run.out.starts_with("### Documentation health"), "{}{}", run.out, run.err);
    let nothing = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["sources"].as_array().unwrap().is_empty()
    };
    let arguments = ["status", "--config", "sub/settings", "--json"];
    assert!(!nothing(&mut world.command(&arguments)));
    assert!(nothing(world.command(&arguments).env("DOCASSIST_DATA", "elsewhere")));
    assert!(!nothing(world.command(&arguments).args(["--data", ".docassist"]).env("DOCASSIST_DATA", "elsewhere")));
}

#[test]
fn organisations_are_apart() {
    let world = World::synced();
    let other = world.ask(&["status", "--org", "other"]);
    assert_eq!((other["org"].as_str(), other["sources"].as_array().map(Vec::len)), (Some("other"), Some(0)));
    assert_eq!(world.run(&["rel", "ticket", "DOC-1", "--org", "other"]).status, 3);
}
