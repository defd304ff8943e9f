use docassist_model::{Comment, Heading, ObjectId, Page, PageFormat, Ticket, TicketKey, Timestamp};
use proptest::prelude::*;

use super::*;

fn origin() -> Origin {
    Origin { source: "docs".into(), repository: Some("alloy".into()), ..Origin::default() }
}

/// A page whose headings are the lines that begin with `#`.
fn page(text: &str) -> Page {
    let headings = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(index, line)| Heading {
            level: u8::try_from(line.bytes().take_while(|&b| b == b'#').count().min(6)).unwrap(),
            text: line.trim_matches(['#', ' ']).to_owned(),
            line: u32::try_from(index + 1).unwrap(),
        })
        .collect();
    Page {
        path: "docs/guide.md".into(),
        title: "Guide".into(),
        format: PageFormat::Markdown,
        headings,
        links: vec![],
        tickets: vec![],
        paths: vec![],
        text: text.into(),
        modified: Some(Timestamp::from_unix(1_700_000_000)),
    }
}

fn passages(text: &str) -> Vec<Passage> {
    page_passages(&page(text), &origin(), Budget::default())
}

fn lines_of(passage: &Passage) -> (u32, u32) {
    match &passage.address {
        Address::Lines { first, last, .. } => (*first, *last),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_is_cut_at_its_headings_which_stay_with_the_passage() {
    let found = passages("# Guide\n\nIntro.\n\n## Install\n\nRun it.\n\n### Linux\n\nUse apt.\n\n## Use\n\nType.\n");
    let seen: Vec<(Vec<String>, &str, (u32, u32))> =
        found.iter().map(|p| (p.headings.clone(), p.text.as_str(), lines_of(p))).collect();
    assert_eq!(
        seen,
        [
            (vec![], "Intro.", (3, 3)),
            (vec!["Install".into()], "Run it.", (7, 7)),
            (vec!["Install".into(), "Linux".into()], "Use apt.", (11, 11)),
            (vec!["Use".into()], "Type.", (15, 15)),
        ]
    );
    assert_eq!(found[0].title, "Guide");
    assert_eq!(found[0].repository.as_deref(), Some("alloy"));
}

#[test]
fn code_and_tables_stay_whole_and_long_prose_is_cut_at_sentences() {
    let code = format!("```sh\n{}```\n", "echo one two three\n\n".repeat(80));
    let table = format!("| a | b |\n|---|---|\n{}", "| one two | three |\n".repeat(60));
    let prose = "This sentence has exactly seven words here. ".repeat(60);
    let found = passages(&format!("# Guide\n\n{code}\n{table}\n{prose}\n"));
    assert_eq!(found.iter().filter(|p| p.text == code.trim_end()).count(), 1, "the code block");
    assert_eq!(found.iter().filter(|p| p.text == table.trim_end()).count(), 1, "the table");
    let rest: Vec<_> = found.iter().filter(|p| p.text.starts_with("This")).collect();
    assert!(rest.len() >= 2);
    for passage in rest {
        assert!(passage.text.ends_with("here."), "{}", passage.text);
        assert!(passage.text.split_whitespace().count() <= Budget::default().words);
    }
}

#[test]
fn a_changed_section_keeps_every_identity_and_changes_one_hash() {
    let before = passages("# Guide\n\nIntro.\n\n## A\n\nFirst.\n\n## B\n\nSecond.\n");
    let after = passages("# Guide\n\nIntro.\n\n## A\n\nFirst, edited.\nOn two lines.\n\n## B\n\nSecond.\n");
    let ids = |passages: &[Passage]| passages.iter().map(|p| p.id).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after));
    let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a.hash != b.hash).map(|(a, _)| &a.text).collect();
    assert_eq!(changed, ["First."]);
    assert_ne!(lines_of(&before[2]), lines_of(&after[2]), "it moved");
}

#[test]
fn identities_differ_between_sources_documents_and_kinds() {
    let one = passages("# Guide\n\nText.\n");
    let mut elsewhere = page("# Guide\n\nText.\n");
    elsewhere.path = "docs/other.md".into();
    let other = page_passages(&elsewhere, &origin(), Budget::default());
    let mut source = origin();
    source.source = "wiki".into();
    let third = page_passages(&page("# Guide\n\nText.\n"), &source, Budget::default());
    assert!(one[0].id != other[0].id && one[0].id != third[0].id);
    assert_eq!(one[0].hash, third[0].hash, "equal text has equal vectors");
}

fn ticket() -> Ticket {
    let comment =
        |body: &str, at: i64| Comment { author: None, created: Some(Timestamp::from_unix(at)), body: body.into() };
    Ticket {
        key: "ALOY-12".parse::<TicketKey>().unwrap(),
        summary: "Cache is stale".into(),
        description: "After a sync the cache is stale.".into(),
        type_name: "Bug".into(),
        status: "Done".into(),
        category: docassist_model::StatusCategory::Done,
        priority: None,
        assignee: None,
        reporter: Some(docassist_model::Account { name: "Ada".into(), email: None }),
        created: Timestamp::from_unix(1),
        updated: Timestamp::from_unix(9),
        resolved: None,
        resolution: None,
        parent: None,
        epic: None,
        labels: vec!["cache".into()],
        components: vec!["core".into()],
        fix_versions: vec![],
        affects_versions: vec![],
        links: vec![],
        comments: vec![comment("Seen it too.", 5), comment("Fixed by stamps.", 7)],
        custom: std::collections::BTreeMap::default(),
    }
}

#[test]
fn a_ticket_gives_its_description_and_each_comment() {
    let found = ticket_passages(&ticket(), &origin(), Budget::default());
    let seen: Vec<(PassageKind, Option<u32>, &str, i64)> = found
        .iter()
        .map(|p| match &p.address {
            Address::Ticket { comment, .. } => (p.kind, *comment, p.text.as_str(), p.time.unwrap().unix()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        seen,
        [
            (PassageKind::Ticket, None, "After a sync the cache is stale.", 9),
            (PassageKind::Comment, Some(1), "Seen it too.", 5),
            (PassageKind::Comment, Some(2), "Fixed by stamps.", 7),
        ]
    );
    assert_eq!(found[0].title, "ALOY-12: Cache is stale");
    assert_eq!(found[0].author.as_deref(), Some("Ada"));
    assert_eq!(found[0].labels, ["cache", "core", "status:Done", "type:Bug"]);
    let mut empty = ticket();
    empty.description.clear();
    empty.comments.clear();
    assert_eq!(ticket_passages(&empty, &origin(), Budget::default())[0].text, "Cache is stale");
}

#[test]
fn a_commit_gives_its_message_with_its_paths_and_a_merge_nothing() {
    let id = ObjectId::from_bytes(&[7; 20]).unwrap();
    let who = docassist_model::Identity { name: "Ada".into(), email: "ada@example.org".into() };
    let mut commit = docassist_model::Commit {
        id,
        parents: vec![id],
        author: who.clone(),
        committer: who,
        authored: Timestamp::from_unix(1),
        time: Timestamp::from_unix(2),
        message: "Stamp cache entries\n\nSo that none is stale.\n".into(),
        credits: vec![],
        changes: vec![docassist_model::FileChange {
            path: "src/cache.rs".into(),
            from: None,
            status: docassist_model::ChangeStatus::Modified,
            additions: 1,
            deletions: 0,
            binary: false,
        }],
    };
    let found = commit_passages(&commit, &origin(), Budget::default());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "Stamp cache entries\n\nSo that none is stale.\n\nChanges: src/cache.rs");
    assert_eq!(found[0].title, "Stamp cache entries");
    commit.parents.push(id);
    assert!(commit_passages(&commit, &origin(), Budget::default()).is_empty());
}

#[test]
fn code_gives_its_header_and_documented_items_with_their_names() {
    let rust = "//! Reads things from disk.\n\nuse std::fs;\n\n/// Opens a file that exists already.\n#[must_use]\npub fn open_file(path: &str) {}\n\n// x\nfn undocumented() {}\n";
    let found = code_passages("src/a.rs", rust, &origin(), Budget::default());
    let seen: Vec<(Vec<String>, &str)> = found.iter().map(|p| (p.headings.clone(), p.text.as_str())).collect();
    assert_eq!(
        seen,
        [
            (vec![], "//! Reads things from disk."),
            (
                vec!["open_file".to_owned()],
                "/// Opens a file that exists already.\n#[must_use]\npub fn open_file(path: &str) {}"
            ),
        ]
    );
    let python = "class Cache:\n    \"\"\"Keeps finished answers.\n\n    In memory.\n    \"\"\"\n    pass\n";
    let found = code_passages("a.py", python, &origin(), Budget::default());
    assert_eq!(found[0].headings, ["Cache"]);
    assert!(found[0].text.contains("Keeps finished answers"));
    let java = "/**\n * Sends the mail to everybody.\n */\n@Override\npublic void sendMail(String to) {\n}\n";
    let found = code_passages("A.java", java, &origin(), Budget::default());
    assert_eq!(found[0].headings, ["sendMail"]);
}

#[test]
fn binary_text_gives_nothing() {
    assert!(passages("# Guide\n\nText\0more").is_empty());
    assert!(code_passages("a.rs", "// a b c d\0", &origin(), Budget::default()).is_empty());
}

#[test]
fn a_huge_page_is_bounded() {
    let found = passages(&format!("# Guide\n\n{}", "x".repeat(3 << 20)));
    assert!(found.iter().all(|p| p.text.len() <= Budget::default().bytes));
    let many: String = (0..5_000).map(|n| format!("## H{n}\n\ntext {n}\n\n")).collect();
    assert_eq!(passages(&many).len(), MAX_PASSAGES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_passage_of_any_page_stands_in_it_at_its_lines(text in "(?s)([#`|>~*.a-zé\u{4e00} \\n-]{0,40}\\n){0,20}") {
        let all: Vec<&str> = text.split_inclusive('\n').collect();
        let found = passages(&text);
        let mut ids: Vec<_> = found.iter().map(|p| p.id).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), found.len());
        for passage in &found {
            let (first, last) = lines_of(passage);
            let lines = all[first as usize - 1..last as usize].concat();
            prop_assert!(lines.contains(&passage.text), "{:?} in {:?}", passage.text, lines);
        }
    }

    #[test]
    fn any_text_is_taken(text in "(?s).{0,400}", name in "[a-z]{1,4}\\.(rs|py|js|sql|html|ml|unknown)") {
        let _ = passages(&text);
        let _ = code_passages(&name, &text, &origin(), Budget { words: 8, small: 3, bytes: 64 });
        let mut hostile = page(&text);
        hostile.headings = vec![Heading { level: 0, text: "x".into(), line: 0 }, Heading { level: 9, text: String::new(), line: u32::MAX }];
        hostile.format = PageFormat::ReStructuredText;
        let _ = page_passages(&hostile, &origin(), Budget { words: 1, small: 0, bytes: 1 });
    }
}
