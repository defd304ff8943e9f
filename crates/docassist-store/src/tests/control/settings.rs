//! How sources are brought up to date, webhooks, and what is made once.

use std::collections::BTreeMap;

use docassist_model::{Forge, OrgSlug, SourceKind, SourceSettings, Webhook};
use serde_json::json;

use crate::{NewJob, SealedFor, StoreError};

use super::{Backend, at, organisation, scope, slug};

pub(super) fn settings(source: &str) -> SourceSettings {
    SourceSettings {
        source: source.to_owned(),
        kind: SourceKind::Git,
        request: json!({"location": "https://example.org/repo.git", "branch": null}),
        secret: Some(vec![0, 255]),
        every: Some(60),
        due: Some(at(100)),
    }
}

pub(super) fn webhook(id: &str, org: &str, source: &str) -> Webhook {
    Webhook {
        id: id.to_owned(),
        org: slug(org),
        source: source.to_owned(),
        forge: Forge::Gitlab,
        secret: vec![1, 2, 3],
        created: at(40),
    }
}

pub(super) fn settings_are_kept_and_replaced(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let acme = scope("acme");
    let by_hand = SourceSettings { secret: None, every: None, due: None, kind: SourceKind::Docs, ..settings("b") };
    store.put_settings(&acme, &settings("b")).unwrap();
    store.put_settings(&acme, &settings("a")).unwrap();
    store.put_settings(&acme, &by_hand).unwrap();
    store.put_settings(&scope("beta"), &settings("c")).unwrap();
    assert_eq!(store.settings(&acme, "a").unwrap(), Some(settings("a")));
    assert_eq!(store.settings(&acme, "c").unwrap(), None);
    assert_eq!(store.all_settings(&acme).unwrap(), [settings("a"), by_hand]);
    assert!(store.delete_settings(&acme, "a").unwrap());
    assert!(!store.delete_settings(&acme, "a").unwrap());
    assert!(!store.delete_settings(&acme, "c").unwrap());
    assert_eq!(store.all_settings(&acme).unwrap().len(), 1);
}

pub(super) fn due_settings_are_taken_and_moved(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let due = |source: &str, due, every| SourceSettings { due, every, ..settings(source) };
    for (org, settings) in [
        ("acme", due("late", Some(at(90)), Some(60))),
        ("beta", due("first", Some(at(80)), Some(u32::MAX))),
        ("acme", due("now", Some(at(100)), None)),
        ("acme", due("later", Some(at(101)), Some(60))),
        ("acme", due("never", None, Some(60))),
    ] {
        store.put_settings(&scope(org), &settings).unwrap();
    }
    assert_eq!(store.take_due(at(79), 9).unwrap(), []);
    assert_eq!(store.take_due(at(100), 0).unwrap(), []);
    let taken = store.take_due(at(100), 2).unwrap();
    assert_eq!(
        taken,
        [
            (slug("beta"), due("first", Some(at(100 + i64::from(u32::MAX))), Some(u32::MAX))),
            (slug("acme"), due("late", Some(at(160)), Some(60)))
        ]
    );
    assert_eq!(store.settings(&scope("acme"), "late").unwrap(), Some(taken[1].1.clone()));
    // Without a period it is due once.
    assert_eq!(store.take_due(at(100), usize::MAX).unwrap(), [(slug("acme"), due("now", None, None))]);
    assert_eq!(store.take_due(at(100), usize::MAX).unwrap(), []);
}

pub(super) fn each_due_setting_is_taken_once(backend: &dyn Backend) {
    const SOURCES: usize = 60;
    let stores = [backend.open(), backend.open(), backend.open()];
    organisation(&*stores[0], "acme");
    for number in 0..SOURCES {
        stores[0].put_settings(&scope("acme"), &settings(&format!("{number:02}"))).unwrap();
    }
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    std::thread::scope(|threads| {
        let handles: Vec<_> = stores
            .iter()
            .map(|store| {
                threads.spawn(|| {
                    let mut taken = Vec::new();
                    loop {
                        let due = store.take_due(at(100), 7).unwrap();
                        if due.is_empty() {
                            return taken;
                        }
                        taken.extend(due.into_iter().map(|(_, settings)| settings.source));
                    }
                })
            })
            .collect();
        for handle in handles {
            for source in handle.join().unwrap() {
                *taken.entry(source).or_default() += 1;
            }
        }
    });
    assert_eq!((taken.len(), taken.values().sum::<usize>()), (SOURCES, SOURCES));
}

pub(super) fn webhooks_are_found_by_their_public_name(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    for (id, org, source) in [("z", "acme", "repo"), ("y", "acme", "other"), ("x", "beta", "repo")] {
        store.create_webhook(&webhook(id, org, source)).unwrap();
    }
    let acme = scope("acme");
    assert_eq!(store.webhook("x").unwrap(), Some(webhook("x", "beta", "repo")));
    assert_eq!(store.webhook("w").unwrap(), None);
    assert_eq!(store.webhooks(&acme).unwrap(), [webhook("z", "acme", "repo"), webhook("y", "acme", "other")]);
    assert!(!store.delete_webhook(&acme, "x").unwrap());
    assert!(store.delete_webhook(&acme, "y").unwrap());
    assert!(!store.delete_webhook(&acme, "y").unwrap());
    // They go with the settings of their source, and without any as well.
    assert!(store.delete_settings(&acme, "repo").unwrap());
    assert_eq!(store.webhooks(&acme).unwrap(), []);
    assert_eq!(store.webhooks(&scope("beta")).unwrap().len(), 1);
}

pub(super) fn what_is_made_once_is_the_same_for_all(backend: &dyn Backend) {
    let stores = [backend.open(), backend.open(), backend.open(), backend.open()];
    let values = std::thread::scope(|threads| {
        let handles: Vec<_> = (0_u8..)
            .zip(&stores)
            .map(|(number, store)| threads.spawn(move || store.initialise("signing key", &[number; 32]).unwrap()))
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(values.iter().all(|value| *value == values[0]));
    assert_eq!(backend.open().initialise("signing key", &[]).unwrap(), values[0]);
    assert_eq!(stores[0].initialise("another", &[]).unwrap(), Vec::<u8>::new());
    stores[0].check().unwrap();
}

pub(super) fn everything_sealed_is_sealed_anew_or_nothing(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    for (org, source) in [("acme", "a"), ("acme", "b"), ("beta", "a")] {
        store.put_settings(&scope(org), &settings(source)).unwrap();
    }
    store.put_settings(&scope("beta"), &SourceSettings { secret: None, ..settings("open") }).unwrap();
    store.create_webhook(&webhook("1", "acme", "a")).unwrap();
    let job = NewJob { secret: Some(&[7]), ..super::jobs::new("a") };
    store.enqueue_job(&scope("beta"), &job).unwrap();
    assert_eq!(store.initialise("key", b"old").unwrap(), b"old");
    let seal = |org: &OrgSlug, sealed_for: SealedFor<'_>, sealed: &[u8]| {
        Ok([format!("{org} {sealed_for:?} ").as_bytes(), sealed].concat())
    };
    assert_eq!(store.reseal("key", b"other", b"new", &seal).unwrap(), None);
    assert_eq!(store.settings(&scope("acme"), "a").unwrap(), Some(settings("a")));
    let fails = |org: &OrgSlug, sealed_for: SealedFor<'_>, sealed: &[u8]| match sealed_for {
        SealedFor::Webhook(_) => Err(StoreError::Feed("no".into())),
        SealedFor::Source(_) => seal(org, sealed_for, sealed),
    };
    assert!(matches!(store.reseal("key", b"old", b"new", &fails), Err(StoreError::Feed(_))));
    assert_eq!(store.settings(&scope("acme"), "a").unwrap(), Some(settings("a")), "nothing was changed");
    assert_eq!(store.reseal("key", b"old", b"new", &seal).unwrap(), Some(5));
    assert_eq!(store.initialise("key", b"").unwrap(), b"new");
    let sealed = |text: &str, rest: &[u8]| Some([text.as_bytes(), rest].concat());
    let of = |org: &str, source: &str| store.settings(&scope(org), source).unwrap().unwrap().secret;
    assert_eq!(of("acme", "b"), sealed("acme Source(\"b\") ", &[0, 255]));
    assert_eq!(of("beta", "a"), sealed("beta Source(\"a\") ", &[0, 255]));
    assert_eq!(of("beta", "open"), None);
    assert_eq!(Some(store.webhook("1").unwrap().unwrap().secret), sealed("acme Webhook(\"1\") ", &[1, 2, 3]));
    let claimed = store.claim_job("me", at(200), at(300)).unwrap().unwrap();
    assert_eq!(claimed.secret, sealed("beta Source(\"a\") ", &[7]));
}
