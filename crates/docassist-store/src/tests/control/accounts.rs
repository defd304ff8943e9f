//! Organisations, users and memberships.

use docassist_model::{Member, Membership, Organisation, Role, User, UserId};

use super::{ALL, Backend, at, organisation, scope, slug, user};
use crate::tests::refused;
use crate::{NewAuditEntry, NewUser, StoreError};

pub(super) fn organisations_are_made_once_and_listed_in_order(backend: &dyn Backend) {
    let store = backend.open();
    assert_eq!((store.org_count().unwrap(), store.org(&slug("acme")).unwrap()), (0, None));
    let acme = organisation(&*store, "acme");
    let other = Organisation { name: "Another".to_owned(), ..acme.clone() };
    assert!(!store.create_org(&other).unwrap());
    assert_eq!(store.org(&slug("acme")).unwrap(), Some(acme.clone()));
    for name in ["zoo", "b-2", "b", "b2"] {
        organisation(&*store, name);
    }
    let names = |after: Option<&str>, limit| -> Vec<String> {
        let orgs = store.orgs(after.map(slug).as_ref(), limit).unwrap();
        orgs.into_iter().map(|org| org.slug.to_string()).collect()
    };
    assert_eq!(names(None, usize::MAX), ["acme", "b", "b-2", "b2", "zoo"]);
    assert_eq!(names(None, 2), ["acme", "b"]);
    assert_eq!(names(Some("b"), 2), ["b-2", "b2"]);
    assert_eq!(names(Some("zoo"), 2), Vec::<String>::new());
    assert_eq!(names(None, 0), Vec::<String>::new());
    assert_eq!(backend.open().org_count().unwrap(), 5);
}

pub(super) fn a_deleted_organisation_leaves_its_audit_entries_only(backend: &dyn Backend) {
    let store = backend.open();
    let ann = user(&*store, "ann@example.org");
    for name in ["acme", "globex"] {
        organisation(&*store, name);
        store.set_member(&scope(name), ann, Role::Admin).unwrap();
        store.create_key(&super::keys::key(name, name, ann), &[1; 32]).unwrap();
        super::jobs::enqueue(&*store, name, "repo");
        store.put_settings(&scope(name), &super::settings::settings("repo")).unwrap();
        store.create_webhook(&super::settings::webhook(name, name, "repo")).unwrap();
        super::audit::append(&*store, Some(name), "member.set");
    }
    assert!(store.delete_org(&scope("acme")).unwrap());
    assert!(!store.delete_org(&scope("acme")).unwrap());
    let acme = scope("acme");
    assert_eq!(store.org(&slug("acme")).unwrap(), None);
    assert_eq!(store.members(&acme).unwrap(), []);
    assert_eq!(store.keys(&acme).unwrap(), []);
    assert_eq!(store.key("acme").unwrap(), None);
    assert_eq!(store.jobs(&acme, None, ALL).unwrap(), []);
    assert_eq!(store.all_settings(&acme).unwrap(), []);
    assert_eq!(store.webhook("acme").unwrap(), None);
    assert_eq!(store.audit(&acme, ALL).unwrap().len(), 1);

    let globex = scope("globex");
    assert_eq!(store.memberships(ann).unwrap(), [Membership { org: slug("globex"), role: Role::Admin }]);
    assert_eq!(store.keys(&globex).unwrap().len(), 1);
    assert_eq!(store.job_load().unwrap(), (1, 0));
    assert_eq!(store.all_settings(&globex).unwrap().len(), 1);
    assert_eq!(store.webhooks(&globex).unwrap().len(), 1);

    // Another one of the same name has nothing of it.
    organisation(&*store, "acme");
    assert_eq!(store.audit(&acme, ALL).unwrap(), []);
    super::audit::append(&*store, Some("acme"), "org.create");
    assert_eq!(store.audit(&acme, ALL).unwrap().len(), 1);
    assert_eq!(store.audit_of_service(ALL).unwrap().len(), 3);
}

pub(super) fn users_are_found_by_number_and_by_address(backend: &dyn Backend) {
    let store = backend.open();
    let new =
        NewUser { email: "Ann@Example.ORG", name: "Ann", password_hash: "hash 1", operator: true, created: at(20) };
    let ann = store.create_user(&new).unwrap().unwrap();
    assert_eq!(store.create_user(&NewUser { email: "ann@example.org", ..new.clone() }).unwrap(), None);
    let expected = User {
        id: ann,
        email: "ann@example.org".to_owned(),
        name: "Ann".to_owned(),
        operator: true,
        disabled: false,
        created: at(20),
    };
    assert_eq!(store.user(ann).unwrap(), Some(expected.clone()));
    let found = store.user_by_email("ANN@example.org").unwrap();
    assert_eq!(found, Some((expected, "hash 1".to_owned())));
    assert_eq!(store.user_by_email("bob@example.org").unwrap(), None);
    for unknown in [0, ann.0 + 1, u64::MAX] {
        assert_eq!(store.user(UserId(unknown)).unwrap(), None);
    }
    let bob = user(&*store, "bob@example.org");
    let numbers =
        |after, limit| -> Vec<UserId> { store.users(after, limit).unwrap().into_iter().map(|user| user.id).collect() };
    assert_eq!(numbers(None, usize::MAX), [ann, bob]);
    assert_eq!(numbers(None, 1), [ann]);
    assert_eq!(numbers(Some(ann), 9), [bob]);
    assert_eq!(store.user_count().unwrap(), 2);
}

pub(super) fn passwords_and_switches_are_changed(backend: &dyn Backend) {
    let store = backend.open();
    let ann = user(&*store, "ann@example.org");
    assert!(store.set_password(ann, "hash 2").unwrap());
    assert!(store.set_disabled(ann, true).unwrap());
    let (found, hash) = store.user_by_email("ann@example.org").unwrap().unwrap();
    assert_eq!((found.disabled, hash.as_str()), (true, "hash 2"));
    assert!(store.set_disabled(ann, false).unwrap());
    assert!(!store.user(ann).unwrap().unwrap().disabled);
    let nobody = UserId(99);
    assert!(!store.set_password(nobody, "hash").unwrap());
    assert!(!store.set_disabled(nobody, true).unwrap());
}

pub(super) fn members_have_one_role_at_a_time(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let bob = user(&*store, "bob@example.org");
    let ann = user(&*store, "ann@example.org");
    store.set_member(&scope("beta"), ann, Role::Viewer).unwrap();
    store.set_member(&scope("acme"), bob, Role::Viewer).unwrap();
    store.set_member(&scope("acme"), ann, Role::Member).unwrap();
    store.set_member(&scope("acme"), ann, Role::Admin).unwrap();
    store.set_disabled(bob, true).unwrap();
    let member = |user, email: &str, role, disabled| Member {
        user,
        email: email.to_owned(),
        name: "Ann".to_owned(),
        role,
        disabled,
    };
    assert_eq!(
        store.members(&scope("acme")).unwrap(),
        [member(ann, "ann@example.org", Role::Admin, false), member(bob, "bob@example.org", Role::Viewer, true)]
    );
    let (acme, beta) = (slug("acme"), slug("beta"));
    let expected = [Membership { org: acme, role: Role::Admin }, Membership { org: beta.clone(), role: Role::Viewer }];
    assert_eq!(store.memberships(ann).unwrap(), expected);
    assert!(store.remove_member(&scope("acme"), ann).unwrap());
    assert!(!store.remove_member(&scope("acme"), ann).unwrap());
    assert_eq!(store.memberships(ann).unwrap(), [Membership { org: beta, role: Role::Viewer }]);
    assert_eq!(store.members(&scope("acme")).unwrap().len(), 1);
}

pub(super) fn a_membership_ends_with_its_keys(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    organisation(&*store, "beta");
    let (ann, bob) = (user(&*store, "ann@example.org"), user(&*store, "bob@example.org"));
    store.set_member(&scope("acme"), ann, Role::Admin).unwrap();
    for (id, org, user) in [("1", "acme", ann), ("2", "acme", bob), ("3", "beta", ann)] {
        store.create_key(&super::keys::key(id, org, user), &[1; 32]).unwrap();
    }
    store.remove_member(&scope("acme"), ann).unwrap();
    assert_eq!(store.key("1").unwrap(), None);
    assert!(store.key("2").unwrap().is_some() && store.key("3").unwrap().is_some());
    // An operator has keys without being a member.
    assert!(!store.remove_member(&scope("acme"), bob).unwrap());
    assert!(store.key("2").unwrap().is_some());
}

pub(super) fn a_deleted_user_leaves_no_membership_and_no_number(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let ann = user(&*store, "ann@example.org");
    store.set_member(&scope("acme"), ann, Role::Admin).unwrap();
    store.create_key(&super::keys::key("1", "acme", ann), &[1; 32]).unwrap();
    super::audit::append(&*store, Some("acme"), "user.delete");
    assert!(store.delete_user(ann).unwrap());
    assert!(!store.delete_user(ann).unwrap());
    assert_eq!((store.user(ann).unwrap(), store.user_count().unwrap()), (None, 0));
    assert_eq!(store.members(&scope("acme")).unwrap(), []);
    assert_eq!(store.key("1").unwrap(), None);
    assert_eq!(store.audit(&scope("acme"), ALL).unwrap().len(), 1);
    assert_ne!(user(&*store, "ann@example.org"), ann);
}

pub(super) fn nothing_is_kept_for_those_who_do_not_exist(backend: &dyn Backend) {
    let store = backend.open();
    organisation(&*store, "acme");
    let ann = user(&*store, "ann@example.org");
    let (acme, nowhere, nobody) = (scope("acme"), scope("nowhere"), UserId(99));
    let errors = [
        refused(store.set_member(&nowhere, ann, Role::Admin)),
        refused(store.set_member(&acme, nobody, Role::Admin)),
        refused(store.create_key(&super::keys::key("1", "acme", nobody), &[1; 32])),
        refused(store.create_key(&super::keys::key("1", "nowhere", ann), &[1; 32])),
        refused(store.enqueue_job(&nowhere, &super::jobs::new("repo"))),
        refused(store.put_settings(&nowhere, &super::settings::settings("repo"))),
        refused(store.create_webhook(&super::settings::webhook("1", "nowhere", "repo"))),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::UnknownOwner), "{error:?}");
    }
    assert_eq!(store.job_load().unwrap(), (0, 0));
    // The audit log takes entries about anything.
    let entry = NewAuditEntry {
        time: at(1),
        org: Some(&slug("nowhere")),
        actor: "system",
        action: "org.delete",
        target: "nowhere",
        address: "",
        detail: "",
    };
    store.append_audit(&entry).unwrap();
}
