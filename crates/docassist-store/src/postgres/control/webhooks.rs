//! Addresses that forges call.

use docassist_model::{Forge, OrgSlug, Webhook};
use postgres::{Client, Row, Transaction};

use super::rows::{self, parameters};
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text::stored;

fn read(row: &Row) -> Inner<Webhook> {
    let forge = rows::plain(row, 3)?;
    Ok(Webhook {
        id: rows::string(row, 0)?,
        org: rows::org(row, 1)?,
        source: rows::string(row, 2)?,
        forge: Forge::from_name(forge).ok_or_else(|| Fault::Malformed(format!("forge `{forge}`")))?,
        secret: rows::bytes(row, 4)?,
        created: rows::time(row, 5)?,
    })
}

/// Keeps a webhook.
pub(super) fn create(transaction: &mut Transaction<'_>, webhook: &Webhook) -> Inner<()> {
    const SQL: &str = "INSERT INTO webhooks (id, org, source, forge, secret, created) VALUES ($1, $2, $3, $4, $5, $6)";
    let parameters = parameters![
        stored(&webhook.id) => TEXT,
        webhook.org.as_str() => TEXT,
        stored(&webhook.source) => TEXT,
        webhook.forge.as_str() => TEXT,
        webhook.secret => BYTEA,
        webhook.created.unix() => INT8,
    ];
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// The webhook of that public name.
pub(super) fn by_id(client: &mut Client, id: &str) -> Inner<Option<Webhook>> {
    const SQL: &str = "SELECT id, org, source, forge, secret, created FROM webhooks WHERE id = $1";
    rows::first(client, SQL, parameters![stored(id) => TEXT], read)
}

/// Webhooks of an organisation, oldest first.
pub(super) fn of_org(client: &mut Client, org: &OrgSlug) -> Inner<Vec<Webhook>> {
    const SQL: &str = "SELECT id, org, source, forge, secret, created FROM webhooks WHERE org = $1 \
         ORDER BY created, n";
    rows::all(client, SQL, parameters![org.as_str() => TEXT], read)
}

/// Forgets a webhook.
pub(super) fn delete(transaction: &mut Transaction<'_>, org: &OrgSlug, id: &str) -> Inner<bool> {
    const SQL: &str = "DELETE FROM webhooks WHERE id = $1 AND org = $2";
    rows::changes(transaction, SQL, parameters![stored(id) => TEXT, org.as_str() => TEXT])
}

/// Forgets the webhooks of a source.
pub(super) fn delete_of_source(transaction: &mut Transaction<'_>, org: &OrgSlug, source: &str) -> Inner<bool> {
    const SQL: &str = "DELETE FROM webhooks WHERE org = $1 AND source = $2";
    rows::changes(transaction, SQL, parameters![org.as_str() => TEXT, stored(source) => TEXT])
}
