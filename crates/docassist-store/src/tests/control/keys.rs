//! API keys.

use docassist_model::{ApiKey, Role, UserId};

use super::{Backend, at, organisation, scope, slug, user};

pub(super) fn key(id: &str, org: &str, user: UserId) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        org: slug(org),
        user,
        name: "CI".to_owned(),
        scope: Role::Member,
        created: at(100),
        expires: Some(at(900)),
        last_used: None,
        revoked: None,
    }
}

pub(super) fn keys_are_found_with_their_hash(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let ann = user(&*store, "ann@example.org");
    let first = key("aaaa", "acme", ann);
    let endless = ApiKey { expires: None, created: at(50), scope: Role::Viewer, ..key("bbbb", "acme", ann) };
    store.create_key(&first, &[7; 32]).unwrap();
    store.create_key(&endless, &[8; 32]).unwrap();
    assert_eq!(store.key("aaaa").unwrap(), Some((first.clone(), [7; 32])));
    assert_eq!(store.key("bbbb").unwrap(), Some((endless.clone(), [8; 32])));
    assert_eq!(store.key("AAAA").unwrap(), None);
    // A public part is one key's.
    assert!(store.create_key(&first, &[9; 32]).is_err());
    assert_eq!(store.key("aaaa").unwrap(), Some((first, [7; 32])));
}

pub(super) fn keys_are_listed_newest_first(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let ann = user(&*store, "ann@example.org");
    for (id, org, created) in [("b", "acme", 2), ("a", "acme", 2), ("c", "acme", 1), ("d", "beta", 9)] {
        store.create_key(&ApiKey { created: at(created), ..key(id, org, ann) }, &[1; 32]).unwrap();
    }
    let ids: Vec<_> = store.keys(&scope("acme")).unwrap().into_iter().map(|key| key.id).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

pub(super) fn a_key_is_revoked_once_and_stays(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let ann = user(&*store, "ann@example.org");
    store.create_key(&key("aaaa", "acme", ann), &[1; 32]).unwrap();
    assert!(!store.revoke_key(&scope("beta"), "aaaa", at(5)).unwrap());
    assert!(!store.revoke_key(&scope("acme"), "none", at(5)).unwrap());
    assert!(store.revoke_key(&scope("acme"), "aaaa", at(6)).unwrap());
    assert!(!store.revoke_key(&scope("acme"), "aaaa", at(7)).unwrap());
    assert_eq!(store.key("aaaa").unwrap().unwrap().0.revoked, Some(at(6)));
}

pub(super) fn use_is_noted_to_the_minute(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let ann = user(&*store, "ann@example.org");
    store.create_key(&key("aaaa", "acme", ann), &[1; 32]).unwrap();
    let used = || store.key("aaaa").unwrap().unwrap().0.last_used;
    for (now, expected) in [(119, 60), (60, 60), (120, 120), (100, 120), (1_000_000_019, 1_000_000_000 - 40)] {
        store.touch_key("aaaa", at(now)).unwrap();
        assert_eq!(used(), Some(at(expected)), "{now}");
    }
    store.touch_key("none", at(1)).unwrap();
}
