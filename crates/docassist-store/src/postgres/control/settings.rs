//! How sources are brought up to date, and values that are made once.

use docassist_model::{OrgSlug, SourceSettings, Timestamp};
use postgres::{Client, GenericClient, Row, Transaction};

use super::rows::{self, parameters};
use crate::postgres::fault::Inner;
use crate::postgres::text::stored;
use crate::{Reseal, SealedFor};

fn read(row: &Row) -> Inner<SourceSettings> {
    Ok(SourceSettings {
        source: rows::string(row, 0)?,
        kind: rows::kind(row, 1)?,
        request: serde_json::from_str(rows::plain(row, 2)?)?,
        secret: rows::optional_bytes(row, 3)?,
        every: rows::optional_number(row, 4)?,
        due: rows::optional_time(row, 5)?,
    })
}

/// Keeps settings of a source, replacing earlier ones.
pub(super) fn put(transaction: &mut Transaction<'_>, org: &OrgSlug, settings: &SourceSettings) -> Inner<()> {
    const SQL: &str = "INSERT INTO source_settings (org, source, kind, request, secret, every, due) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (org, source) DO UPDATE SET kind = excluded.kind, \
         request = excluded.request, secret = excluded.secret, every = excluded.every, due = excluded.due";
    let parameters = parameters![
        org.as_str() => TEXT,
        stored(&settings.source) => TEXT,
        settings.kind.as_str() => TEXT,
        serde_json::to_string(&settings.request)? => TEXT,
        settings.secret => BYTEA,
        settings.every.map(i64::from) => INT8,
        rows::instant(settings.due) => INT8,
    ];
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// Settings of a source.
pub(super) fn of_source(client: &mut Client, org: &OrgSlug, source: &str) -> Inner<Option<SourceSettings>> {
    const SQL: &str = "SELECT source, kind, request, secret, every, due FROM source_settings \
         WHERE org = $1 AND source = $2";
    rows::first(client, SQL, parameters![org.as_str() => TEXT, stored(source) => TEXT], read)
}

/// Settings of all sources of an organisation, in the order of their names.
pub(super) fn of_org(client: &mut Client, org: &OrgSlug) -> Inner<Vec<SourceSettings>> {
    const SQL: &str = "SELECT source, kind, request, secret, every, due FROM source_settings \
         WHERE org = $1 ORDER BY source";
    rows::all(client, SQL, parameters![org.as_str() => TEXT], read)
}

/// Forgets settings of a source.
pub(super) fn delete(transaction: &mut Transaction<'_>, org: &OrgSlug, source: &str) -> Inner<bool> {
    const SQL: &str = "DELETE FROM source_settings WHERE org = $1 AND source = $2";
    rows::changes(transaction, SQL, parameters![org.as_str() => TEXT, stored(source) => TEXT])
}

/// Whether a sync of any source is due.
pub(super) fn any_is_due(client: &mut Client, now: Timestamp) -> Inner<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM source_settings WHERE due <= $1)";
    rows::holds(client, SQL, parameters![now.unix() => INT8])
}

/// Settings whose sync is due, longest first, each with its next `due`. Without a period there is none. Those that another
/// process is just taking are its own.
pub(super) fn take_due(
    transaction: &mut Transaction<'_>,
    now: Timestamp,
    limit: usize,
) -> Inner<Vec<(OrgSlug, SourceSettings)>> {
    // In `numeric`, where the sum of two numbers is never too large.
    const SQL: &str = "WITH taken AS MATERIALIZED (\
         SELECT org AS its_org, source AS its_source, due AS since FROM source_settings WHERE due <= $1 \
         ORDER BY due, org, source LIMIT $2 FOR UPDATE SKIP LOCKED) \
         UPDATE source_settings SET due = CASE WHEN every IS NOT NULL \
         THEN least(every::numeric + $1, 9223372036854775807)::bigint END \
         FROM taken WHERE org = its_org AND source = its_source \
         RETURNING source, kind, request, secret, every, due, org, since";
    let parameters = parameters![now.unix() => INT8, rows::limit(limit) => INT8];
    let mut taken =
        rows::all(transaction, SQL, parameters, |row| Ok((rows::integer(row, 7)?, rows::org(row, 6)?, read(row)?)))?;
    // What is returned comes in any order.
    taken.sort_by(|(since, org, settings), (other_since, other_org, other)| {
        (since, org, &settings.source).cmp(&(other_since, other_org, &other.source))
    });
    Ok(taken.into_iter().map(|(_, org, settings)| (org, settings)).collect())
}

/// The value that was kept under a name.
pub(super) fn fixture(client: &mut impl GenericClient, name: &str) -> Inner<Option<Vec<u8>>> {
    const SQL: &str = "SELECT value FROM fixtures WHERE name = $1";
    rows::first(client, SQL, parameters![stored(name) => TEXT], |row| rows::bytes(row, 0))
}

/// Keeps a value under a name unless there is one, and returns the one that is there.
pub(super) fn fix(transaction: &mut Transaction<'_>, name: &str, value: &[u8]) -> Inner<Vec<u8>> {
    // It waits for whoever is just keeping another one, and the statement after it sees that one.
    const SQL: &str = "INSERT INTO fixtures (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    rows::execute(transaction, SQL, parameters![stored(name) => TEXT, value => BYTEA])?;
    rows::one(transaction, "SELECT value FROM fixtures WHERE name = $1", parameters![stored(name) => TEXT], |row| {
        rows::bytes(row, 0)
    })
}

/// Replaces a value, and every sealed secret; none where the value is another one.
pub(super) fn reseal(
    transaction: &mut Transaction<'_>,
    name: &str,
    old: &[u8],
    new: &[u8],
    seal: Reseal<'_>,
) -> Inner<Option<u64>> {
    const FIX: &str = "UPDATE fixtures SET value = $3 WHERE name = $1 AND value = $2";
    // Whose it is, what it is for, and its row's number where several are for the same.
    const SEALED: [(&str, &str); 3] = [
        (
            "SELECT org, source, secret, 0::bigint FROM source_settings WHERE secret IS NOT NULL FOR UPDATE",
            "UPDATE source_settings SET secret = $4 WHERE org = $1 AND source = $2 AND $3 = 0",
        ),
        (
            "SELECT org, source, secret, id FROM jobs WHERE secret IS NOT NULL FOR UPDATE",
            "UPDATE jobs SET secret = $4 WHERE org = $1 AND source = $2 AND id = $3",
        ),
        (
            "SELECT org, id, secret, n FROM webhooks FOR UPDATE",
            "UPDATE webhooks SET secret = $4 WHERE org = $1 AND id = $2 AND n = $3",
        ),
    ];
    if !rows::changes(transaction, FIX, parameters![stored(name) => TEXT, old => BYTEA, new => BYTEA])? {
        return Ok(None);
    }
    let mut count = 0;
    for (at, (select, update)) in SEALED.into_iter().enumerate() {
        let sealed = rows::all(transaction, select, &[], |row| {
            Ok((rows::org(row, 0)?, rows::string(row, 1)?, rows::bytes(row, 2)?, rows::integer(row, 3)?))
        })?;
        for (org, name, secret, number) in sealed {
            let purpose = if at == 2 { SealedFor::Webhook(&name) } else { SealedFor::Source(&name) };
            let secret = seal(&org, purpose, &secret)?;
            let parameters = parameters![
                org.as_str() => TEXT, stored(&name) => TEXT, number => INT8, secret.as_slice() => BYTEA
            ];
            count += rows::execute(transaction, update, parameters)?;
        }
    }
    Ok(Some(count))
}
