//! Addresses that forges call.

use docassist_model::{Forge, OrgSlug, Webhook};
use rusqlite::{Connection, Row, Transaction};

use super::rows;
use crate::sqlite::columns;
use crate::sqlite::fault::{Fault, Inner};

fn read(row: &Row<'_>) -> Inner<Webhook> {
    let forge = columns::text(row, 3)?;
    Ok(Webhook {
        id: columns::text(row, 0)?.to_owned(),
        org: columns::org(row, 1)?,
        source: columns::text(row, 2)?.to_owned(),
        forge: Forge::from_name(forge).ok_or_else(|| Fault::Malformed(format!("forge `{forge}`")))?,
        secret: columns::blob(row, 4)?.to_vec(),
        created: columns::time(row, 5)?,
    })
}

/// Keeps a webhook.
pub(super) fn create(transaction: &Transaction<'_>, webhook: &Webhook) -> Inner<()> {
    const SQL: &str = "INSERT INTO webhooks (id, org, source, forge, secret, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let parameters = (
        &webhook.id,
        webhook.org.as_str(),
        &webhook.source,
        webhook.forge.as_str(),
        &webhook.secret,
        webhook.created.unix(),
    );
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// The webhook of that public name.
pub(super) fn by_id(connection: &Connection, id: &str) -> Inner<Option<Webhook>> {
    const SQL: &str = "SELECT id, org, source, forge, secret, created FROM webhooks WHERE id = ?1";
    rows::first(connection, SQL, [id], read)
}

/// Webhooks of an organisation, oldest first.
pub(super) fn of_org(connection: &Connection, org: &OrgSlug) -> Inner<Vec<Webhook>> {
    const SQL: &str = "SELECT id, org, source, forge, secret, created FROM webhooks WHERE org = ?1 \
         ORDER BY created, n";
    rows::all(connection, SQL, [org.as_str()], read)
}

/// Forgets the webhooks of a source.
pub(super) fn delete_of_source(transaction: &Transaction<'_>, org: &OrgSlug, source: &str) -> Inner<bool> {
    const SQL: &str = "DELETE FROM webhooks WHERE org = ?1 AND source = ?2";
    rows::changes(transaction, SQL, (org.as_str(), source))
}
