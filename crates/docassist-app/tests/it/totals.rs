//! Totals are over all matches, whatever is shown; pages join to the whole.

use docassist_app::{GapQuery, Question};
use docassist_model::Timestamp;
use docassist_model::findings::{Answer, Counts, Page};
use docassist_testing::fixture::GitFixture;
use proptest::prelude::*;
use serde::Serialize;

use crate::organisation::Organisation;

/// Commits and tickets enough that every list has several pages.
fn organisation() -> Organisation {
    let mut repository = GitFixture::new();
    for n in 1..=24_u32 {
        repository.write(&format!("src/f{}.rs", n % 7), format!("{n}\n"));
        let message = match n % 4 {
            0 => format!("P-{n} change"),
            1 => format!("P-{} dangling", n + 1_000),
            _ => "plain".to_owned(),
        };
        repository.commit(&message);
    }
    repository.write("docs/guide.md", "See `src/f1.rs`, `src/f2.rs` and `src/f3.rs`.\n");
    for number in 1..=5 {
        repository.write(&format!("docs/adr/000{number}-x.md"), format!("# {number}. X\n\n## Status\n\nAccepted\n"));
    }
    repository.commit("docs");
    for n in 1..=3 {
        std::fs::remove_file(repository.path().join(format!("src/f{n}.rs"))).unwrap();
    }
    repository.commit("remove");
    let lines: String = (1..=40)
        .map(|n| {
            let (kind, status) = (["Bug", "Story", "Epic"][n % 3], [("Open", "new"), ("Closed", "done")][n % 2]);
            let assignee = ["Ann", "Bob"][n % 2];
            let priority = ["High", "Low", "Odd"][n % 3];
            format!(
                "{}\n",
                serde_json::json!({"key": format!("P-{n}"), "fields": {
                    "summary": format!("ticket {n}"), "issuetype": {"name": kind}, "priority": {"name": priority},
                    "status": {"name": status.0, "statusCategory": {"key": status.1}},
                    "assignee": {"displayName": assignee},
                    "created": format!("2024-01-01T12:{:02}:00.000+0000", n), "updated": format!("2024-01-01T13:{:02}:00.000+0000", n),
                }})
            )
        })
        .collect();
    let file = repository.path().join(".git/tickets.jsonl");
    std::fs::write(&file, lines).unwrap();
    let organisation = Organisation::new();
    organisation.sync(&repository);
    organisation.import(file, false);
    organisation
}

type Ask = Box<dyn Fn(&GapQuery) -> (u64, Vec<String>, Option<String>, Vec<Counts>)>;

fn parts<B: Serialize, T: Serialize>(
    answer: &Answer<B>,
    page: &Page<T>,
    counts: &[&Counts],
) -> (u64, Vec<String>, Option<String>, Vec<Counts>) {
    let value = serde_json::to_value(answer).unwrap();
    assert_eq!(value["total"], page.total, "the total is in the JSON");
    let items = page.items.iter().map(|item| serde_json::to_string(item).unwrap()).collect();
    (page.total, items, page.next.clone(), counts.iter().map(|counts| (*counts).clone()).collect())
}

fn lists(organisation: &std::rc::Rc<Organisation>) -> Vec<(&'static str, Ask)> {
    macro_rules! list {
        ($name:literal, $method:ident, $($count:ident),*) => {{
            let organisation = std::rc::Rc::clone(organisation);
            let ask: Ask = Box::new(move |query| {
                let answer = organisation.app.$method(query).unwrap();
                parts(&answer, &answer.body.page, &[$(&answer.body.$count),*])
            });
            ($name, ask)
        }};
    }
    let search: Ask = {
        let organisation = std::rc::Rc::clone(organisation);
        Box::new(move |query| {
            let answer = organisation.app.search_names("t", query).unwrap();
            parts(&answer, &answer.body.page, &[&answer.body.by_kind])
        })
    };
    vec![
        list!("orphaned", orphaned, by_class, by_status, by_priority, by_assignee),
        list!("undocumented", undocumented, by_author, by_repository),
        list!("missing-decisions", missing_decisions, by_type),
        list!("stale", stale, by_status, by_assignee),
        list!("dangling", dangling, by_project),
        list!("outdated-docs", outdated_docs, by_page),
        list!("decisions", decisions, by_status),
        ("search", search),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn pages_join_to_the_whole_and_totals_stay(limits in proptest::collection::vec(1..9_usize, 8), late in 0..400_i64) {
        thread_local! {
            static ORGANISATION: std::rc::Rc<Organisation> = std::rc::Rc::new(organisation());
        }
        let organisation = ORGANISATION.with(std::rc::Rc::clone);
        let as_of = Timestamp::from_unix(1_704_110_400 + 26 * 3_600 + late * 86_400);
        for ((name, ask), limit) in lists(&organisation).into_iter().zip(limits) {
            let query = |limit: usize, cursor: Option<String>| GapQuery {
                question: Question { as_of: Some(as_of), limit: Some(limit) },
                days: Some(300),
                cursor,
            };
            let (total, whole, end, counts) = ask(&query(10_000, None));
            prop_assert_eq!(total as usize, whole.len(), "{}", name);
            prop_assert_eq!(end, None, "{}", name);
            for count in &counts {
                prop_assert_eq!(count.sum(), total, "{}: counts are over all matches", name);
            }
            let (mut joined, mut cursor) = (Vec::new(), None);
            loop {
                let (page_total, items, next, page_counts) = ask(&query(limit, cursor));
                prop_assert_eq!(page_total, total, "{}", name);
                prop_assert_eq!(&page_counts, &counts, "{}", name);
                prop_assert!(items.len() <= limit);
                joined.extend(items);
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            prop_assert_eq!(joined, whole, "{}", name);
        }
    }
}

#[test]
fn the_lists_of_this_test_are_not_empty() {
    let organisation = std::rc::Rc::new(organisation());
    let question = Question { as_of: Some(Timestamp::from_unix(1_704_110_400 + 60 * 86_400)), limit: Some(100) };
    for (name, ask) in lists(&organisation) {
        let (total, ..) = ask(&GapQuery { question, days: Some(90).filter(|_| name != "stale"), cursor: None });
        assert!(total >= 3, "{name}: {total}");
    }
}

#[test]
fn a_cursor_of_another_list_is_refused() {
    let organisation = organisation();
    for cursor in ["stale.3", "orphaned.x", "orphaned", "", "orphaned.-1"] {
        let query = GapQuery { cursor: Some(cursor.to_owned()), ..GapQuery::default() };
        assert!(organisation.app.orphaned(&query).is_err(), "{cursor}");
    }
}
