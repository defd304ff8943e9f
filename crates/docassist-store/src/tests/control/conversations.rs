//! Questions and answers that go by a name.

use docassist_model::{Role, UserId};

use super::{Backend, at, organisation, scope, user};
use crate::tests::refused;
use crate::{ControlStore, ConversationHead, ConversationTurn, StoreError};

pub(super) fn turn(number: i64) -> ConversationTurn {
    ConversationTurn {
        question: format!("Why {number}?\u{0}"),
        answer: format!("Because of {number}\u{1}.\n"),
        asked: at(number),
    }
}

fn asked(store: &dyn ControlStore, org: &str, user: Option<UserId>, name: &str, newest: usize) -> Vec<i64> {
    let turns = store.turns(&scope(org), user, name, newest).unwrap();
    turns.iter().map(|turn| turn.asked.unix()).collect()
}

fn names(store: &dyn ControlStore, org: &str, user: Option<UserId>) -> Vec<String> {
    store.conversations(&scope(org), user).unwrap().into_iter().map(|head| head.name).collect()
}

pub(super) fn turns_are_told_oldest_first(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let (acme, ann) = (scope("acme"), Some(user(&*store, "ann@example.org")));
    assert_eq!(store.turns(&acme, ann, "talk", 9).unwrap(), []);
    assert_eq!(store.conversations(&acme, ann).unwrap(), []);
    for number in [3, 1, 2] {
        store.add_turn(&acme, ann, "talk", &turn(number)).unwrap();
    }
    store.add_turn(&acme, ann, "Talk", &turn(9)).unwrap();
    store.add_turn(&acme, ann, "talk", &turn(4)).unwrap();
    // In the order in which they were asked, whatever the clock said.
    let other = backend.open();
    assert_eq!(other.turns(&acme, ann, "talk", 9).unwrap(), [turn(3), turn(1), turn(2), turn(4)]);
    assert_eq!(other.turns(&acme, ann, "talk", 2).unwrap(), [turn(2), turn(4)]);
    assert_eq!(other.turns(&acme, ann, "talk", 0).unwrap(), []);
    assert_eq!(asked(&*other, "acme", ann, "Talk", usize::MAX), [9]);
    let heads = [
        ConversationHead { name: "talk".to_owned(), turns: 4, updated: at(4) },
        ConversationHead { name: "Talk".to_owned(), turns: 1, updated: at(9) },
    ];
    assert_eq!(other.conversations(&acme, ann).unwrap(), heads);
    assert!(store.remove_conversation(&acme, ann, "talk").unwrap());
    assert!(!store.remove_conversation(&acme, ann, "talk").unwrap());
    assert_eq!(names(&*other, "acme", ann), ["Talk"]);
    store.add_turn(&acme, ann, "talk", &turn(5)).unwrap();
    assert_eq!(asked(&*other, "acme", ann, "talk", 9), [5]);
    // A name is as long as somebody wants.
    let long = "x\u{0}y".repeat(5_000);
    store.add_turn(&acme, ann, &long, &turn(6)).unwrap();
    assert_eq!(names(&*other, "acme", ann)[0], long);
    assert_eq!(asked(&*other, "acme", ann, &long, 9), [6]);
}

pub(super) fn the_oldest_turns_and_conversations_go(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let (acme, ann) = (scope("acme"), Some(user(&*store, "ann@example.org")));
    for number in 1..=203 {
        store.add_turn(&acme, ann, "talk", &turn(number)).unwrap();
    }
    assert_eq!(asked(&*store, "acme", ann, "talk", usize::MAX), (4..=203).collect::<Vec<_>>());
    assert_eq!(store.conversations(&acme, ann).unwrap()[0].turns, 200);
    store.add_turn(&acme, None, "of another", &turn(1)).unwrap();
    // Of an earlier hour than all the others: it is the newest all the same.
    for number in 1..=199 {
        store.add_turn(&acme, ann, &format!("c{number}"), &turn(-number)).unwrap();
    }
    store.add_turn(&acme, ann, "talk", &turn(500)).unwrap();
    store.add_turn(&acme, ann, "c200", &turn(-500)).unwrap();
    let names = names(&*store, "acme", ann);
    assert_eq!((names.len(), names[0].as_str(), names[1].as_str(), names[199].as_str()), (200, "c200", "talk", "c2"));
    assert_eq!(store.turns(&acme, ann, "c1", 9).unwrap(), []);
    assert_eq!(store.conversations(&acme, None).unwrap().len(), 1);
}

pub(super) fn conversations_are_their_users_own(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "globex");
    let (ann, bob) = (user(&*store, "ann@example.org"), user(&*store, "bob@example.org"));
    let mut number = 0;
    for org in ["acme", "globex"] {
        for user in [Some(ann), Some(bob), None] {
            number += 1;
            store.add_turn(&scope(org), user, "talk", &turn(number)).unwrap();
        }
    }
    let all = |org: &str| [Some(ann), Some(bob), None].map(|user| asked(&*store, org, user, "talk", 9));
    assert_eq!(all("acme"), [[1], [2], [3]]);
    assert_eq!(all("globex"), [[4], [5], [6]]);
    assert!(store.remove_conversation(&scope("acme"), None, "talk").unwrap());
    assert_eq!(all("acme"), [vec![1], vec![2], vec![]]);
    assert_eq!(all("globex"), [[4], [5], [6]]);
    assert_eq!(names(&*store, "acme", Some(UserId(99))), Vec::<String>::new());
}

pub(super) fn conversations_go_with_what_they_belong_to(backend: &dyn Backend) {
    let store = backend.open();
    let (ann, bob) = (user(&*store, "ann@example.org"), user(&*store, "bob@example.org"));
    for org in ["acme", "globex"] {
        organisation(&*store, org);
        for user in [ann, bob] {
            store.set_member(&scope(org), user, Role::Member).unwrap();
            store.add_turn(&scope(org), Some(user), "talk", &turn(1)).unwrap();
        }
        store.add_turn(&scope(org), None, "talk", &turn(1)).unwrap();
    }
    let left = |org: &str| [Some(ann), Some(bob), None].map(|user| names(&*store, org, user).len());
    assert!(store.remove_member(&scope("globex"), bob).unwrap());
    assert_eq!((left("acme"), left("globex")), ([1, 1, 1], [1, 0, 1]));
    assert!(store.delete_user(ann).unwrap());
    assert_eq!((left("acme"), left("globex")), ([0, 1, 1], [0, 0, 1]));
    assert!(store.delete_org(&scope("acme")).unwrap());
    assert_eq!((left("acme"), left("globex")), ([0, 0, 0], [0, 0, 1]));
    organisation(&*store, "acme");
    assert_eq!(left("acme"), [0, 0, 0]);
    for (org, user) in [("acme", ann), ("nowhere", bob)] {
        let error = refused(store.add_turn(&scope(org), Some(user), "talk", &turn(1)));
        assert!(matches!(error, StoreError::UnknownOwner), "{error:?}");
    }
    // Organisations of the command line have records, and are nothing else.
    store.add_turn(&scope("nowhere"), None, "talk", &turn(7)).unwrap();
    assert_eq!(asked(&*store, "nowhere", None, "talk", 9), [7]);
    assert!(!store.delete_org(&scope("nowhere")).unwrap());
    assert_eq!(asked(&*store, "nowhere", None, "talk", 9), Vec::<i64>::new());
}

pub(super) fn many_may_talk_at_once(backend: &dyn Backend) {
    let (store, other) = (backend.open(), backend.open());
    organisation(&*store, "acme");
    let ann = Some(user(&*store, "ann@example.org"));
    std::thread::scope(|threads| {
        for (thread, store) in [&store, &other, &store, &other].into_iter().enumerate() {
            threads.spawn(move || {
                for number in 0..20 {
                    let own = format!("c{thread}-{number}");
                    for name in ["talk", &own] {
                        store.add_turn(&scope("acme"), ann, name, &turn(number)).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(asked(&*store, "acme", ann, "talk", 999).len(), 80);
    assert_eq!(names(&*store, "acme", ann).len(), 81);
}
