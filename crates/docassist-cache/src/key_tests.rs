use std::collections::HashSet;

use docassist_model::{OrgSlug, TenantScope, TicketKey};
use proptest::prelude::*;

use super::*;

fn scope(slug: &str) -> TenantScope {
    TenantScope::unchecked(slug.parse::<OrgSlug>().unwrap(), "a test")
}

fn ticket(key: &str) -> TicketKey {
    key.parse().unwrap()
}

fn file(path: &str) -> FileName<'_> {
    FileName { repo: None, path }
}

/// Every key of an organisation that the given text can appear in.
fn all(scope: &TenantScope, days: u32, text: &str) -> Vec<Key> {
    let named = FileName { repo: Some(text), path: text };
    vec![
        Key::gaps_comprehensive(scope),
        Key::gaps_orphaned(scope, days),
        Key::gaps_undocumented(scope),
        Key::gaps_missing_decisions(scope),
        Key::gaps_stale(scope, days),
        Key::impact_file(scope, file(text)),
        Key::impact_file(scope, named),
        Key::impact_ticket(scope, &ticket("ALOY-12")),
        Key::impact_commit(scope, text),
        Key::impact_reviewers(scope, &[file(text), file("x")]),
        Key::rel_ticket(scope, &ticket("ALOY-12")),
        Key::rel_developer(scope, text),
        Key::rel_file(scope, file(text)),
        Key::rel_repo(scope, text),
        Key::gaps_dangling(scope),
        Key::gaps_outdated_docs(scope),
        Key::rel_search(scope, text),
        Key::decisions(scope),
        Key::decision(scope, text),
    ]
}

#[test]
fn keys_have_the_text_of_the_contract() {
    let acme = scope("acme");
    for (key, expected) in [
        (Key::gaps_comprehensive(&acme), "gaps:comprehensive:acme"),
        (Key::gaps_orphaned(&acme, 90), "gaps:orphaned:acme:90"),
        (Key::gaps_undocumented(&acme), "gaps:undocumented:acme"),
        (Key::gaps_missing_decisions(&acme), "gaps:missing_decisions:acme"),
        (Key::gaps_stale(&acme, 30), "gaps:stale:acme:30"),
        (Key::impact_ticket(&acme, &ticket("ALOY-12")), "impact:ticket:acme:ALOY-12"),
        (Key::impact_commit(&acme, "0a1b"), "impact:commit:acme:0a1b"),
        (Key::rel_ticket(&acme, &ticket("ALOY-12")), "rel:ticket:acme:ALOY-12"),
        (Key::rel_developer(&acme, "a+b@example.org"), "rel:developer:acme:a+b@example.org"),
        (Key::rel_repo(&acme, "api"), "rel:repo:acme:api"),
        (Key::gaps_dangling(&acme), "gaps:dangling:acme"),
        (Key::gaps_outdated_docs(&acme), "gaps:outdated_docs:acme"),
        (Key::decisions(&acme), "rel:decisions:acme"),
        (Key::decision(&acme, "ADR-7"), "rel:decision:acme:ADR-7"),
    ] {
        assert_eq!(key.as_str(), expected);
    }
    for (key, prefix) in [
        (Key::impact_file(&acme, file("src/a.rs")), "impact:file:acme:"),
        (Key::impact_reviewers(&acme, &[file("src/a.rs")]), "impact:reviewers:acme:"),
        (Key::rel_file(&acme, file("src/a.rs")), "rel:file:acme:"),
        (Key::rel_search(&acme, "why two queues"), "rel:search:acme:"),
        (Key::gaps_stale(&acme, 30).with(&Params::new().set("cursor", "x")), "gaps:stale:acme:30:"),
    ] {
        let rest = key.as_str().strip_prefix(prefix).unwrap();
        assert!(rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()), "{key:?} is no {prefix} and a hash");
    }
}

/// Computed with another implementation. Keys outlive a release in Redis: their hashes must not change by accident.
#[test]
fn hashes_are_stable() {
    let acme = scope("acme");
    let key = Key::impact_file(&acme, FileName { repo: Some("api"), path: "src/a.rs" });
    assert_eq!(key.as_str(), "impact:file:acme:d2d8983410f4152d3474e2928fb52bfc");
    let key = Key::gaps_comprehensive(&acme).with(&Params::new().set("limit", 10).set("as_of", "2026-01-01"));
    assert_eq!(key.as_str(), "gaps:comprehensive:acme:44fa0badf17dd2cccb17b1c7e4b5590c");
}

#[test]
fn every_family_depends_on_what_the_contract_says() {
    for family in Family::ALL {
        for kind in [SourceKind::Git, SourceKind::Tickets, SourceKind::Docs] {
            assert!(family.depends_on(kind), "{family} {}", kind.as_str());
        }
    }
}

#[test]
fn keys_are_in_the_family_that_begins_their_text() {
    for key in all(&scope("acme"), 30, "x") {
        let first = key.as_str().split(':').next().unwrap();
        assert!(key.family().as_str().starts_with(first), "{key:?}");
    }
}

#[test]
fn parameters_are_a_set() {
    let acme = scope("acme");
    let one = Params::new().set("limit", 10).set("cursor", "x");
    let two = Params::new().set("cursor", "x").set("limit", 99).set("limit", 10);
    assert_eq!(Key::gaps_comprehensive(&acme).with(&one), Key::gaps_comprehensive(&acme).with(&two));
    assert_eq!(Key::gaps_comprehensive(&acme).with(&Params::new()), Key::gaps_comprehensive(&acme));
    let absent = Params::new().set_some("limit", None::<u32>);
    assert_eq!(absent, Params::new());
}

#[test]
fn files_are_a_set() {
    let acme = scope("acme");
    let one = Key::impact_reviewers(&acme, &[file("b"), file("a"), file("b")]);
    assert_eq!(one, Key::impact_reviewers(&acme, &[file("a"), file("b")]));
    assert_ne!(one, Key::impact_reviewers(&acme, &[file("ab")]));
}

#[test]
fn text_cannot_imitate_another_key() {
    let acme = scope("acme");
    let params = Params::new().set("limit", 1);
    let imitated = Key::rel_developer(&acme, "a").with(&params);
    let tail = imitated.as_str().strip_prefix("rel:developer:acme:").unwrap();
    assert_ne!(Key::rel_developer(&acme, tail).as_str(), imitated.as_str());
    let long = "x".repeat(300);
    let hashed = Key::rel_developer(&acme, &long);
    assert!(hashed.as_str().len() < 100);
    let tail = hashed.as_str().strip_prefix("rel:developer:acme:").unwrap();
    assert_ne!(Key::rel_developer(&acme, tail).as_str(), hashed.as_str());
}

proptest! {
    #[test]
    fn different_questions_have_different_keys(
        days in 0u32..3, first in ".{0,12}", second in ".{0,12}", value in "[a-c:,=]{0,4}", other in "[a-c:,=]{0,4}",
    ) {
        let acme = scope("acme");
        let plain: HashSet<String> = all(&acme, days, &first).iter().map(|key| key.as_str().to_owned()).collect();
        prop_assert_eq!(plain.len(), all(&acme, days, &first).len());
        if first != second {
            prop_assert_ne!(Key::rel_developer(&acme, &first), Key::rel_developer(&acme, &second));
            prop_assert_ne!(Key::rel_search(&acme, &first), Key::rel_search(&acme, &second));
            prop_assert_ne!(Key::impact_file(&acme, file(&first)), Key::impact_file(&acme, file(&second)));
        }
        let one = Params::new().set("a", &value).set("b", &other);
        let two = Params::new().set("a", format!("{value}{other}")).set("b", "");
        if !other.is_empty() {
            prop_assert_ne!(Key::gaps_comprehensive(&acme).with(&one), Key::gaps_comprehensive(&acme).with(&two));
        }
    }

    #[test]
    fn no_key_of_one_organisation_equals_one_of_another(
        one in "[a-z0-9]{1,6}", two in "[a-z0-9]{1,6}", days in 0u32..3, text in ".{0,12}", limit in 0u32..3,
    ) {
        prop_assume!(one != two);
        let (one, two) = (scope(&one), scope(&two));
        let mut theirs: HashSet<String> = HashSet::new();
        // The other one may also name the first in every free text.
        for text in [text.clone(), one.org().to_string(), format!("{}:{text}", one.org())] {
            for key in all(&two, days, &text) {
                theirs.insert(key.as_str().to_owned());
                theirs.insert(key.with(&Params::new().set("limit", limit)).as_str().to_owned());
            }
        }
        for key in all(&one, days, &text) {
            prop_assert!(!theirs.contains(key.as_str()));
            prop_assert!(!theirs.contains(key.with(&Params::new().set("limit", limit)).as_str()));
        }
    }
}
