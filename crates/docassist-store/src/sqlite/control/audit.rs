//! The audit log. That entries are never changed or removed is the database's own rule (its triggers).

use docassist_model::{AuditEntry, OrgSlug};
use rusqlite::{Connection, Row, Transaction};

use super::rows;
use crate::sqlite::columns;
use crate::sqlite::fault::Inner;
use crate::{NewAuditEntry, Window};

fn read(row: &Row<'_>) -> Inner<AuditEntry> {
    let org = match columns::optional_text(row, 2)? {
        Some(_) => Some(columns::org(row, 2)?),
        None => None,
    };
    Ok(AuditEntry {
        id: columns::number(row, 0)?,
        time: columns::time(row, 1)?,
        org,
        actor: columns::text(row, 3)?.to_owned(),
        action: columns::text(row, 4)?.to_owned(),
        target: columns::text(row, 5)?.to_owned(),
        address: columns::text(row, 6)?.to_owned(),
        detail: columns::text(row, 7)?.to_owned(),
    })
}

/// Appends an entry.
pub(super) fn append(transaction: &Transaction<'_>, entry: &NewAuditEntry<'_>) -> Inner<()> {
    const SQL: &str = "INSERT INTO audit (time, org, actor, action, target, address, detail) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let org = entry.org.map(OrgSlug::as_str);
    let parameters = (entry.time.unix(), org, entry.actor, entry.action, entry.target, entry.address, entry.detail);
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// Entries of an organisation, newest first; of the one that has the slug now, if any has.
pub(super) fn of_org(connection: &Connection, org: &OrgSlug, window: Window) -> Inner<Vec<AuditEntry>> {
    const SQL: &str = "SELECT id, time, org, actor, action, target, address, detail FROM audit \
         WHERE org = ?1 AND id < ?2 AND id > ifnull((SELECT audit_after FROM orgs WHERE slug = ?1), 0) \
         ORDER BY id DESC LIMIT ?3";
    let (before, limit) = rows::window(window);
    rows::all(connection, SQL, (org.as_str(), before, limit), read)
}

/// Entries of the whole service, newest first.
pub(super) fn of_service(connection: &Connection, window: Window) -> Inner<Vec<AuditEntry>> {
    const SQL: &str = "SELECT id, time, org, actor, action, target, address, detail FROM audit \
         WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    rows::all(connection, SQL, rows::window(window), read)
}
