use docassist_model::{Decision, DecisionStatus::*};

use super::*;
use crate::pages;

fn read(path: &str, text: &str) -> Option<Decision> {
    detect(&pages::parse(path, text.as_bytes(), None))
}

#[track_caller]
fn record(path: &str, text: &str) -> Decision {
    read(path, text).unwrap_or_else(|| panic!("no decision: {path}"))
}

/// A record in the usual folder with these lines below its title.
#[track_caller]
fn with(lines: &str) -> Decision {
    record("docs/adr/0004-use-x.md", &format!("# 4. Use x\n\n{lines}"))
}

#[test]
fn nygards_form() {
    let decision = record(
        "doc/adr/0005-help-comments.md",
        "# 5. Help comments\n\nDate: 2016-02-13\n\n## Status\n\nSuperseded by [9. Help scripts](0009-help-scripts.md)\n\n\
         Supersedes [2. Manual](0002-manual.md)\n\nAmends [3. Style](0003-style.md)\n\n## Context\n\nSee ALOY-12, aloy-12 and \
         commit 1a2b3c4d.\n\n## Decision\n\nSuperseded by nothing else, see [4](0004-x.md).\n",
    );
    assert_eq!(
        decision,
        Decision {
            path: "doc/adr/0005-help-comments.md".into(),
            number: Some(5),
            title: "Help comments".into(),
            status: Superseded,
            status_text: "Superseded by 9. Help scripts".into(),
            date: Some("2016-02-13".into()),
            supersedes: vec!["doc/adr/0002-manual.md".into()],
            superseded_by: vec!["doc/adr/0009-help-scripts.md".into()],
            tickets: vec!["ALOY-12".parse().unwrap()],
            commits: vec!["1a2b3c4d".into()],
        }
    );
}

#[test]
fn madr_with_a_list() {
    let decision = record(
        "docs/decisions/0004-use-x.md",
        "# Use x\n\n* Status: superseded by [ADR-0005](0005-use-y.md) <!-- optional -->\n* Deciders: A, B\n* Date: 2020-03-01\n\n\
         ## Context and Problem Statement\n",
    );
    assert_eq!((decision.number, decision.title.as_str(), decision.status), (Some(4), "Use x", Superseded));
    assert_eq!(decision.status_text, "superseded by ADR-0005");
    assert_eq!(decision.superseded_by, ["docs/decisions/0005-use-y.md"]);
    assert_eq!(decision.date.as_deref(), Some("2020-03-01"));
}

#[test]
fn madr_with_front_matter() {
    let decision = record(
        "docs/decisions/0004-use-x.md",
        "---\n# metadata\nstatus: \"accepted\"\ndate: 2023-07-01\ndeciders: A\n---\n# Use x\n\n## Decision Outcome\n",
    );
    assert_eq!((decision.status, decision.status_text.as_str()), (Accepted, "accepted"));
    assert_eq!(decision.date.as_deref(), Some("2023-07-01"));
    let decision = record("docs/decisions/0004-use-x.md", "---\nstatus: superseded by ADR-0005\n---\n# Use x\n");
    assert_eq!((decision.status, decision.superseded_by), (Superseded, vec!["ADR-0005".to_owned()]));
    let decision = record("docs/decisions/0004-use-x.md", "# Use x\n\n## Context and Problem Statement\n");
    assert_eq!((decision.status, decision.status_text.as_str()), (Unknown, ""));
}

#[test]
fn the_status_is_found_in_free_forms() {
    for text in [
        "## Status\n\nAccepted\n",
        "## Status: Accepted\n",
        "Status\n------\n\nAccepted\n\nContext\n-------\n",
        "## 1. Status\n\n✅ Accepted\n",
        "## Status\n\n:white_check_mark: **Accepted**\n",
        "## Status\n\n- [ ] Rejected\n- [x] Accepted\n",
        "## Status\n\n~~Proposed~~ Accepted\n",
        "## Status\n\n<!-- Proposed | Accepted\n| Rejected -->\nAccepted\n",
        "**Status**: Accepted\n",
        "**Status:** Accepted\n",
        "*Status:* Accepted  \n",
        "<b>Status:</b> Accepted\n",
        "Status: Accepted\n",
        "> Status: Accepted\n",
        "- **Status:** Accepted\n",
        "**Status**:\n\nAccepted\n",
        "| Status | Accepted |\n|--------|----------|\n",
        "|  |  |\n|---|---|\n| **Status** | Accepted |\n",
        "| Date | Status | By |\n|---|---|---|\n| 2020-01-01 | Accepted | A |\n",
        "![Status](https://img.shields.io/badge/status-Accepted-green)\n",
        "## Status\n\n![x](https://img.shields.io/badge/Status-Accepted-green.svg)\n",
    ] {
        let decision = with(text);
        assert_eq!((decision.status, decision.status_text.as_str()), (Accepted, "Accepted"), "{text}");
    }
    for (path, text) in [
        ("docs/adr/0001-x.adoc", "= X\n:status: Accepted\n"),
        ("docs/adr/0001-x.adoc", "= X\n\nStatus:: Accepted\n"),
        ("docs/adr/0001-x.adoc", "= X\n\n== Status\n\nAccepted\n"),
        ("docs/adr/0001-x.adoc", "= X\n\n|===\n| Status | Accepted\n|===\n"),
        ("docs/adr/0001-x.rst", "1. X\n====\n\n:Status: Accepted\n"),
        ("docs/adr/0001-x.rst", "1. X\n====\n\nStatus\n------\n\n**Accepted**\n"),
        ("docs/adr/0001-x.txt", "X\n===\n\nStatus: Accepted\n"),
    ] {
        let decision = record(path, text);
        assert_eq!(
            (decision.status, decision.status_text.as_str(), decision.title.as_str()),
            (Accepted, "Accepted", "X"),
            "{text}"
        );
    }
}

#[test]
fn the_words_of_a_status_are_understood() {
    for (text, status) in [
        ("Accepted", Accepted),
        ("ACCEPTED Implemented", Accepted),
        ("Approved (by vote on 3/25/21)", Accepted),
        ("Decided", Accepted),
        ("Partially accepted", Accepted),
        ("In effect since May", Accepted),
        ("Partly superseded", Accepted),
        ("Proposed", Proposed),
        ("PROPOSED Not Implemented", Proposed),
        ("Draft", Proposed),
        ("In review", Proposed),
        ("Not yet accepted", Proposed),
        ("Rejected", Rejected),
        ("Declined in favour of ADR 3", Rejected),
        ("Abandoned", Rejected),
        ("Deprecated", Deprecated),
        ("Accepted, then deprecated", Deprecated),
        ("Superceded by 5", Superseded),
        ("Replaced by ADR-5", Superseded),
        ("On hold", Unknown),
        ("Unacceptedly", Unknown),
        ("", Unknown),
    ] {
        assert_eq!(status::state_of(text), status, "{text}");
    }
}

#[test]
fn what_replaces_what() {
    let by = |lines: &str| with(lines).superseded_by;
    assert_eq!(by("## Status\n\nSuperseded by ADR-0005\n"), ["ADR-0005"]);
    assert_eq!(by("## Status\n\nSuperseded by ADR 5.\n"), ["ADR-5"]);
    assert_eq!(by("Status: Superseded by 0005-use-y.md\n"), ["docs/adr/0005-use-y.md"]);
    assert_eq!(
        by("Status: Accepted\nSuperseded by: [5](./0005-use-y.md), [6](../rfc/0006-z.md)\n"),
        ["docs/adr/0005-use-y.md", "docs/rfc/0006-z.md"]
    );
    assert_eq!(
        by("> Superseded by [ADR-5](0005-use-y.md)\n\nStatus: superseded by ADR-0005\n"),
        ["docs/adr/0005-use-y.md"]
    );
    assert_eq!(
        by("## Status\n\nAccepted\n\n## Superseded by\n\n- [ADR-5](0005-use-y.md)\n"),
        ["docs/adr/0005-use-y.md"]
    );
    assert_eq!(by("## Status\n\nSuperseded\n"), Vec::<String>::new());
    assert_eq!(by("## Status\n\nAmended by [5](0005-use-y.md)\n"), Vec::<String>::new());
    assert_eq!(by("Status: Accepted\nSuperseded by: N/A\n"), Vec::<String>::new());
    let replaced = with("## Status\n\nAccepted, supersedes [ADR-3](0003-use-w.md) and ADR-0002\n");
    assert_eq!((replaced.status, replaced.supersedes), (Accepted, vec!["docs/adr/0003-use-w.md".to_owned()]));
    assert_eq!(with("Status: Accepted (supersedes 3)\n").supersedes, ["3"]);
    let both = with("## Status\n\nSupersedes [3](0003-w.md), superseded by [5](0005-y.md)\n");
    assert_eq!(
        (both.supersedes, both.superseded_by),
        (vec!["docs/adr/0003-w.md".to_owned()], vec!["docs/adr/0005-y.md".to_owned()])
    );
    assert_eq!(both.status, Superseded);
    let rst = record("docs/adr/0004-x.rst", "X\n=\n\nStatus\n------\n\nSuperseded by `ADR 5 <0005-y.rst>`_\n");
    assert_eq!(rst.superseded_by, ["docs/adr/0005-y.rst"]);
    let adoc = record("docs/adr/0004-x.adoc", "= X\n\nStatus:: superseded by xref:0005-y.adoc[5]\n");
    assert_eq!(adoc.superseded_by, ["docs/adr/0005-y.adoc"]);
}

#[test]
fn dates_come_in_many_forms() {
    for (text, date) in [
        ("Date: 2018-03-01\n", Some("2018-03-01")),
        ("* Date: 2018/03/01\n", Some("2018-03-01")),
        ("**Date:** 1 March 2018\n", Some("2018-03-01")),
        ("Date: March 1st, 2018\n", Some("2018-03-01")),
        ("Datum: 01.03.2018\n", Some("2018-03-01")),
        ("| Date | 2018-03-01 |\n|---|---|\n", Some("2018-03-01")),
        ("## Date\n\n2018-03-01\n", Some("2018-03-01")),
        ("## Status\n\nAccepted (2018-03-01)\n", Some("2018-03-01")),
        ("Last updated: 2018-03-01T10:00:00Z\n", Some("2018-03-01")),
        ("Date: 2018-13-01\n", None),
        ("Date: 3/1/2018\n", None),
        ("Date: YYYY-MM-DD\n", None),
        ("Text of 2018-03-01.\n", None),
    ] {
        assert_eq!(with(text).date.as_deref(), date, "{text}");
    }
    let decision = record("docs/adr/20180301-use-x.md", "# Use x\n");
    assert_eq!((decision.number, decision.date.as_deref()), (None, Some("2018-03-01")));
}

#[test]
fn numbers_and_titles_are_taken_apart() {
    for (path, heading, number, title) in [
        ("docs/adr/0001-use-x.md", "1. Use x", Some(1), "Use x"),
        ("docs/adr/0001-use-x.md", "ADR-0001: Use x", Some(1), "Use x"),
        ("docs/adr/0001-use-x.md", "ADR 1 - Use x", Some(1), "Use x"),
        ("docs/adr/0001-use-x.md", "[ADR-1] Use x", Some(1), "Use x"),
        ("docs/adr/0001-use-x.md", "ADR: Use x", Some(1), "Use x"),
        ("docs/adr/0001-use-x.md", "1 Use x", Some(1), "Use x"),
        ("docs/adr/0001-use-x.md", "Architecture Decision Record: Use x", Some(1), "Use x"),
        ("docs/adr/0001-use-x.md", "3 tiers", Some(1), "3 tiers"),
        ("docs/adr/0001-use-x.md", "2020-01-01 plan", Some(1), "2020-01-01 plan"),
        ("docs/adr/0001-use-x.md", "ADR for x", Some(1), "ADR for x"),
        ("docs/adr/0001-use-x.md", "ADRs", Some(1), "ADRs"),
        ("docs/adr/0001-use-x.md", "Status", Some(1), "use x"),
        ("docs/adr/ADR-007.md", "Use x", Some(7), "Use x"),
        ("docs/adr/adr_007_use_x.md", "Use x", Some(7), "Use x"),
        ("docs/adr/0007-use-x/README.md", "Use x", Some(7), "Use x"),
        ("docs/adr/use-x.md", "ADR-12: Use x", Some(12), "Use x"),
    ] {
        let decision = record(path, &format!("# {heading}\n\nStatus: accepted\n"));
        assert_eq!((decision.number, decision.title.as_str()), (number, title), "{path} {heading}");
    }
    assert_eq!(record("docs/adr/0001-use-x.md", "text").title, "use x");
}

#[test]
fn records_are_told_from_other_pages() {
    let plain = "# Use x\n\nText.\n";
    let with_status = "# Use x\n\nStatus: accepted\n\nText.\n";
    let full = "# Use x\n\nStatus: accepted\n\n## Context\n\n## Decision\n";
    for (path, text, expected) in [
        ("docs/adr/0001-use-x.md", plain, true),
        ("doc/architecture/decisions/0001-use-x.md", plain, true),
        ("docs/decisions/use-x.md", plain, false),
        ("docs/decisions/use-x.md", with_status, true),
        ("docs/adr/backend/0001-use-x.md", plain, true),
        ("Docs/ADRs/001_x.rst", "X\n=\n", true),
        ("architecture/adr-001-use-x.md", plain, true),
        ("ADR-001.md", plain, true),
        ("docs/guide/0001-use-x.md", with_status, false),
        ("docs/guide/use-x.md", with_status, false),
        ("docs/guide/use-x.md", full, true),
        ("docs/guide/use-x.md", "# Use x\n\n## Context\n\n## Decision\n", false),
        ("rfcs/0001-use-x.md", plain, false),
        ("rfcs/0001-use-x.md", with_status, true),
        ("docs/adr/README.md", full, false),
        ("docs/adr/index.md", full, false),
        ("docs/adr/template.md", full, false),
        ("docs/adr/adr-template.md", full, false),
        ("docs/adr/0000-template.md", full, false),
        ("docs/adr/0003-use-a-template-engine.md", plain, true),
        ("docs/adr/0001-x.md", "# {short title, of problem and solution}\n\nStatus: accepted\n", false),
        ("docs/adr/0001-x.md", "# Use x\n\nStatus: {proposed | rejected | accepted}\n", false),
        (
            "docs/adr/x.md",
            "# X\n\n* Status: [proposed | rejected | accepted | deprecated | … | superseded by [ADR-5](5.md)]\n",
            false,
        ),
        ("docs/adr/x.md", "---\nstatus: \"{proposed | accepted\"\n---\n# X\n", false),
        (
            "docs/adr/x.md",
            "# X\n\n## Status\n\nWhat is the status, such as proposed, accepted, rejected, deprecated?\n",
            false,
        ),
        ("docs/adr/x.md", "# X\n\n```\nStatus: accepted\n```\n", false),
        ("src/main.md", "", false),
    ] {
        assert_eq!(read(path, text).is_some(), expected, "{path}: {text}");
    }
}

#[test]
fn commits_are_words_of_hexadecimal_digits() {
    assert_eq!(
        commits("In 1a2b3c4, `DEADBEEF1`, https://x.example/commit/0a0a0a0a0a. Again 1a2b3c4."),
        ["1a2b3c4", "deadbeef1", "0a0a0a0a0a"]
    );
    for text in [
        "1234567",
        "abcdefa",
        "1a2b3c",
        "g1a2b3c4",
        "1a2b3c4_x",
        "550e8400-e29b-41d4-a716-446655440000",
        "#1a2b3c4d",
        &"1a".repeat(33),
    ] {
        assert_eq!(commits(text), Vec::<String>::new(), "{text}");
    }
}

/// Each of these would take minutes if anything were searched anew for each repetition.
#[test]
fn hostile_records_take_linear_time() {
    for unit in
        ["[", "](", "[a](b.md) ", "superseded by ", "<", "<!--", "| a ", "~~", "a: ", "Status:\n", "1-", "`", "\n"]
    {
        let long = unit.repeat((1 << 20) / unit.len());
        for text in [
            format!("# X\n\nStatus: {long}"),
            format!("# X\n\n## Status\n\n{long}"),
            format!("# {long}"),
            format!("Superseded by: {long}"),
        ] {
            let _ = read("docs/adr/0001-x.md", &text);
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_page_is_judged(text in "(# |## |Status|Date|: ?|\\||---\n|<!--|-->|\\[|\\]|\\(|\\)|superseded by |ADR-|0005|2018|-|\n|é|\\*|`|>|[a-z]{1,5}|\\.md|/|\\.\\.|~~|```\n){0,80}") {
        for path in ["docs/adr/0001-x.md", "docs/adr/x.rst", "docs/adr/0001-x.adoc", "adr-1.txt", "a.md", ""] {
            if let Some(decision) = read(path, &text) {
                proptest::prop_assert!(decision.date.is_none_or(|date| date.len() == 10));
                proptest::prop_assert!(!decision.superseded_by.contains(&decision.path));
            }
        }
    }
}
