//! The audit log. That entries are never changed or removed is the database's own rule (its trigger).

use docassist_model::{AuditEntry, OrgSlug};
use postgres::{Client, Row, Transaction};

use super::rows::{self, parameters};
use crate::postgres::fault::Inner;
use crate::postgres::text::stored;
use crate::{NewAuditEntry, Window};

fn read(row: &Row) -> Inner<AuditEntry> {
    Ok(AuditEntry {
        id: rows::read_number(row, 0)?,
        time: rows::time(row, 1)?,
        org: rows::optional_org(row, 2)?,
        actor: rows::string(row, 3)?,
        action: rows::string(row, 4)?,
        target: rows::string(row, 5)?,
        address: rows::string(row, 6)?,
        detail: rows::string(row, 7)?,
    })
}

/// Appends an entry.
pub(super) fn append(transaction: &mut Transaction<'_>, entry: &NewAuditEntry<'_>) -> Inner<()> {
    const SQL: &str = "INSERT INTO audit (time, org, actor, action, target, address, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let parameters = parameters![
        entry.time.unix() => INT8,
        entry.org.map(OrgSlug::as_str) => TEXT,
        stored(entry.actor) => TEXT,
        stored(entry.action) => TEXT,
        stored(entry.target) => TEXT,
        stored(entry.address) => TEXT,
        stored(entry.detail) => TEXT,
    ];
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// Entries of an organisation, newest first; of the one that has the slug now, if any has.
pub(super) fn of_org(client: &mut Client, org: &OrgSlug, window: Window) -> Inner<Vec<AuditEntry>> {
    const SQL: &str = "SELECT id, time, org, actor, action, target, address, detail FROM audit \
         WHERE org = $1 AND id < $2 AND id > coalesce((SELECT audit_after FROM orgs WHERE slug = $1), 0) \
         ORDER BY id DESC LIMIT $3";
    let (before, limit) = rows::window(window);
    rows::all(client, SQL, parameters![org.as_str() => TEXT, before => INT8, limit => INT8], read)
}

/// Entries of the whole service, newest first.
pub(super) fn of_service(client: &mut Client, window: Window) -> Inner<Vec<AuditEntry>> {
    const SQL: &str = "SELECT id, time, org, actor, action, target, address, detail FROM audit \
         WHERE id < $1 ORDER BY id DESC LIMIT $2";
    let (before, limit) = rows::window(window);
    rows::all(client, SQL, parameters![before => INT8, limit => INT8], read)
}
