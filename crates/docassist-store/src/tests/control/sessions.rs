//! Sessions and refresh tokens.

use docassist_model::{Timestamp, UserId};

use super::{Backend, at, user};
use crate::tests::refused;
use crate::{ControlStore, NewToken, Rotation, StoreError};

/// The end of every token that does not say another.
const END: i64 = 1_000;

fn token(number: u8) -> [u8; 32] {
    [number; 32]
}

fn begin(store: &dyn ControlStore, user: UserId, number: u8) {
    let hash = token(number);
    store.begin_session(user, NewToken { hash: &hash, now: at(1), expires: at(END) }).unwrap();
}

fn rotate_at(store: &dyn ControlStore, old: u8, next: u8, now: i64, expires: Timestamp) -> Rotation {
    let hash = token(next);
    store.rotate_token(&token(old), NewToken { hash: &hash, now: at(now), expires }).unwrap()
}

fn rotate(store: &dyn ControlStore, old: u8, next: u8) -> Rotation {
    rotate_at(store, old, next, 2, at(END))
}

pub(super) fn a_token_is_good_once(backend: &dyn Backend) {
    let store = backend.open();
    let ann = user(&*store, "ann@example.org");
    begin(&*store, ann, 1);
    begin(&*store, ann, 100);
    assert_eq!(rotate(&*store, 1, 2), Rotation::Rotated(ann));
    assert_eq!(rotate(&*store, 2, 3), Rotation::Rotated(ann));
    assert_eq!(rotate(&*store, 9, 10), Rotation::Refused);
    // Somebody has a copy: the session ends, with the token that is still good; others of the user go on.
    assert_eq!(rotate(&*store, 1, 4), Rotation::Reused(ann));
    for number in [1, 2, 3, 4] {
        assert_eq!(rotate(&*store, number, 50), Rotation::Refused);
    }
    assert_eq!(rotate(&*store, 100, 101), Rotation::Rotated(ann));
}

pub(super) fn of_two_who_hand_in_a_token_one_is_served(backend: &dyn Backend) {
    let stores = [backend.open(), backend.open()];
    let ann = user(&*stores[0], "ann@example.org");
    for round in 0..20_u8 {
        begin(&*stores[0], ann, round);
        let results = std::thread::scope(|threads| {
            let handles: Vec<_> = stores
                .iter()
                .zip([100, 200])
                .map(|(store, next)| threads.spawn(move || rotate(&**store, round, next + round)))
                .collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(results.contains(&Rotation::Rotated(ann)) && results.contains(&Rotation::Reused(ann)), "{results:?}");
    }
}

pub(super) fn a_token_ends(backend: &dyn Backend) {
    let store = backend.open();
    let ann = user(&*store, "ann@example.org");
    begin(&*store, ann, 1);
    assert_eq!(rotate_at(&*store, 1, 2, END, at(END + 100)), Rotation::Refused);
    assert_eq!(rotate_at(&*store, 1, 2, END - 1, at(END + 100)), Rotation::Rotated(ann));
    // One that has ended says nothing any more, used or not: it may be forgotten at any time.
    assert_eq!(rotate_at(&*store, 1, 3, END, at(END + 100)), Rotation::Refused);
    assert_eq!(rotate_at(&*store, 2, 3, END, at(END + 100)), Rotation::Rotated(ann));
}

pub(super) fn sessions_are_ended(backend: &dyn Backend) {
    let store = backend.open();
    let (ann, bob) = (user(&*store, "ann@example.org"), user(&*store, "bob@example.org"));
    for (user, number) in [(ann, 1), (ann, 2), (ann, 3), (bob, 4)] {
        begin(&*store, user, number);
    }
    assert_eq!(rotate(&*store, 1, 11), Rotation::Rotated(ann));
    // Any of its tokens names a session.
    assert!(store.end_session(&token(1)).unwrap());
    assert!(!store.end_session(&token(11)).unwrap());
    assert_eq!(rotate(&*store, 11, 12), Rotation::Refused);
    assert_eq!(rotate(&*store, 2, 22), Rotation::Rotated(ann));
    store.end_sessions_of(ann).unwrap();
    assert_eq!(rotate(&*store, 22, 23), Rotation::Refused);
    assert_eq!(rotate(&*store, 3, 33), Rotation::Refused);
    assert_eq!(rotate(&*store, 4, 44), Rotation::Rotated(bob));
}

pub(super) fn sessions_end_with_what_they_rest_on(backend: &dyn Backend) {
    let store = backend.open();
    let ann = user(&*store, "ann@example.org");
    begin(&*store, ann, 1);
    store.set_password(ann, "another").unwrap();
    assert_eq!(rotate(&*store, 1, 2), Rotation::Refused);

    begin(&*store, ann, 3);
    store.set_disabled(ann, true).unwrap();
    assert_eq!(rotate(&*store, 3, 4), Rotation::Refused);
    let hash = token(5);
    let new = NewToken { hash: &hash, now: at(1), expires: at(END) };
    assert!(matches!(refused(store.begin_session(ann, new)), StoreError::UnknownOwner));
    store.set_disabled(ann, false).unwrap();
    for number in [3, 5] {
        assert_eq!(rotate(&*store, number, 6), Rotation::Refused);
    }

    begin(&*store, ann, 7);
    store.delete_user(ann).unwrap();
    assert_eq!(rotate(&*store, 7, 8), Rotation::Refused);
    assert!(matches!(refused(store.begin_session(ann, new)), StoreError::UnknownOwner));
}

pub(super) fn ended_tokens_are_forgotten(backend: &dyn Backend) {
    let store = backend.open();
    let ann = user(&*store, "ann@example.org");
    begin(&*store, ann, 1);
    begin(&*store, ann, 2);
    assert_eq!(rotate_at(&*store, 2, 3, 2, at(END + 1)), Rotation::Rotated(ann));
    assert_eq!(store.purge_sessions(at(END)).unwrap(), 0);
    assert_eq!(store.purge_sessions(at(END + 1)).unwrap(), 2);
    assert!(!store.end_session(&token(1)).unwrap());
    assert_eq!(rotate(&*store, 3, 4), Rotation::Rotated(ann));
}
