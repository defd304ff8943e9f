//! What every backend of the control store must do, written once and instantiated for each.

mod accounts;
mod audit;
mod conversations;
mod jobs;
mod keys;
mod postgres;
mod sessions;
mod settings;
mod sqlite;

use docassist_model::{OrgSlug, Organisation, TenantScope, Timestamp, UserId};

use crate::{ControlStore, NewUser, Window};

/// A place for rows that outlives the stores opened on it. Each store stands for a process.
trait Backend {
    fn open(&self) -> Box<dyn ControlStore>;
}

fn slug(name: &str) -> OrgSlug {
    name.parse().unwrap()
}

fn scope(name: &str) -> TenantScope {
    TenantScope::unchecked(slug(name), "a test")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

/// All of a long list.
const ALL: Window = Window { before: None, limit: usize::MAX };

fn organisation(store: &dyn ControlStore, name: &str) -> Organisation {
    let org = Organisation { slug: slug(name), name: format!("The {name}"), created: at(10) };
    assert!(store.create_org(&org).unwrap());
    org
}

fn user(store: &dyn ControlStore, email: &str) -> UserId {
    let user = NewUser { email, name: "Ann", password_hash: "argon2…", operator: false, created: at(20) };
    store.create_user(&user).unwrap().unwrap()
}
