//! The audit log.

use docassist_model::AuditEntry;

use super::{ALL, Backend, at, organisation, scope, slug};
use crate::{ControlStore, NewAuditEntry, Window};

pub(super) fn append(store: &dyn ControlStore, org: Option<&str>, action: &str) {
    let org = org.map(slug);
    let entry = NewAuditEntry {
        time: at(30),
        org: org.as_ref(),
        actor: "user:ann@example.org",
        action,
        target: "bob@example.org",
        address: "192.0.2.7",
        detail: "role viewer",
    };
    store.append_audit(&entry).unwrap();
}

pub(super) fn entries_are_told_newest_first(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    for (org, action) in [
        (None, "auth.login"),
        (Some("acme"), "member.set"),
        (Some("beta"), "member.set"),
        (Some("acme"), "key.create"),
        (Some("acme"), "key.revoke"),
    ] {
        append(&*store, org, action);
    }
    let all = store.audit_of_service(ALL).unwrap();
    let actions = |entries: &[AuditEntry]| entries.iter().map(|entry| entry.action.clone()).collect::<Vec<_>>();
    assert_eq!(actions(&all), ["key.revoke", "key.create", "member.set", "member.set", "auth.login"]);
    assert!(all.is_sorted_by(|a, b| a.id > b.id));
    assert_eq!(
        all[1],
        AuditEntry {
            id: all[1].id,
            time: at(30),
            org: Some(slug("acme")),
            actor: "user:ann@example.org".to_owned(),
            action: "key.create".to_owned(),
            target: "bob@example.org".to_owned(),
            address: "192.0.2.7".to_owned(),
            detail: "role viewer".to_owned(),
        }
    );
    assert_eq!(all[4].org, None);
    let acme = store.audit(&scope("acme"), ALL).unwrap();
    assert_eq!(actions(&acme), ["key.revoke", "key.create", "member.set"]);
    let window = |before, limit| store.audit(&scope("acme"), Window { before, limit }).unwrap();
    assert_eq!(window(None, 1), acme[..1]);
    assert_eq!(window(Some(acme[0].id), 1), acme[1..2]);
    assert_eq!(window(Some(acme[2].id), 5), []);
    assert_eq!(window(Some(u64::MAX), 5), acme);
    assert_eq!(store.audit_of_service(Window { before: Some(all[2].id), limit: 9 }).unwrap(), all[3..]);
}
