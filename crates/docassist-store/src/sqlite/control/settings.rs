//! How sources are brought up to date, and values that are made once.

use docassist_model::{OrgSlug, SourceSettings, Timestamp};
use rusqlite::{Connection, Row, Transaction};

use super::rows;
use crate::sqlite::columns;
use crate::sqlite::fault::Inner;
use crate::{Reseal, SealedFor};

fn read(row: &Row<'_>) -> Inner<SourceSettings> {
    Ok(SourceSettings {
        source: columns::text(row, 0)?.to_owned(),
        kind: columns::kind(row, 1)?,
        request: serde_json::from_str(columns::text(row, 2)?)?,
        secret: columns::optional_blob(row, 3)?.map(<[u8]>::to_vec),
        every: columns::optional_number(row, 4)?,
        due: columns::optional_time(row, 5)?,
    })
}

/// Keeps settings of a source, replacing earlier ones.
pub(super) fn put(transaction: &Transaction<'_>, org: &OrgSlug, settings: &SourceSettings) -> Inner<()> {
    const SQL: &str = "INSERT INTO source_settings (org, source, kind, request, secret, every, due) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (org, source) DO UPDATE SET kind = excluded.kind, \
         request = excluded.request, secret = excluded.secret, every = excluded.every, due = excluded.due";
    let parameters = (
        org.as_str(),
        &settings.source,
        settings.kind.as_str(),
        serde_json::to_string(&settings.request)?,
        &settings.secret,
        settings.every,
        rows::time(settings.due),
    );
    rows::execute(transaction, SQL, parameters)?;
    Ok(())
}

/// Settings of a source.
pub(super) fn of_source(connection: &Connection, org: &OrgSlug, source: &str) -> Inner<Option<SourceSettings>> {
    const SQL: &str = "SELECT source, kind, request, secret, every, due FROM source_settings \
         WHERE org = ?1 AND source = ?2";
    rows::first(connection, SQL, (org.as_str(), source), read)
}

/// Settings of all sources of an organisation, in the order of their names.
pub(super) fn of_org(connection: &Connection, org: &OrgSlug) -> Inner<Vec<SourceSettings>> {
    const SQL: &str = "SELECT source, kind, request, secret, every, due FROM source_settings \
         WHERE org = ?1 ORDER BY source";
    rows::all(connection, SQL, [org.as_str()], read)
}

/// Forgets settings of a source.
pub(super) fn delete(transaction: &Transaction<'_>, org: &OrgSlug, source: &str) -> Inner<bool> {
    const SQL: &str = "DELETE FROM source_settings WHERE org = ?1 AND source = ?2";
    rows::changes(transaction, SQL, (org.as_str(), source))
}

/// Whether a sync of any source is due.
pub(super) fn any_is_due(connection: &Connection, now: Timestamp) -> Inner<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM source_settings WHERE due <= ?1)";
    Ok(rows::count(connection, SQL, [now.unix()])? > 0)
}

/// Settings whose sync is due, longest first, each with its next `due`. Without a period there is none.
pub(super) fn take_due(
    transaction: &Transaction<'_>,
    now: Timestamp,
    limit: usize,
) -> Inner<Vec<(OrgSlug, SourceSettings)>> {
    const DUE: &str = "SELECT source, kind, request, secret, every, due, org FROM source_settings WHERE due <= ?1 \
         ORDER BY due, org, source LIMIT ?2";
    const MOVE: &str = "UPDATE source_settings SET due = ?3 WHERE org = ?1 AND source = ?2";
    let mut taken =
        rows::all(transaction, DUE, (now.unix(), rows::limit(limit)), |row| Ok((columns::org(row, 6)?, read(row)?)))?;
    for (org, settings) in &mut taken {
        settings.due = settings.every.map(|every| Timestamp::from_unix(now.unix().saturating_add(every.into())));
        rows::execute(transaction, MOVE, (org.as_str(), &settings.source, rows::time(settings.due)))?;
    }
    Ok(taken)
}

/// The value that was kept under a name.
pub(super) fn fixture(connection: &Connection, name: &str) -> Inner<Option<Vec<u8>>> {
    const SQL: &str = "SELECT value FROM fixtures WHERE name = ?1";
    rows::first(connection, SQL, [name], |row| Ok(columns::blob(row, 0)?.to_vec()))
}

/// Keeps a value under a name unless there is one, and returns the one that is there.
pub(super) fn fix(transaction: &Transaction<'_>, name: &str, value: &[u8]) -> Inner<Vec<u8>> {
    const SQL: &str = "INSERT INTO fixtures (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    rows::execute(transaction, SQL, (name, value))?;
    rows::one(transaction, "SELECT value FROM fixtures WHERE name = ?1", [name], |row| {
        Ok(columns::blob(row, 0)?.to_vec())
    })
}

/// Replaces a value, and every sealed secret; none where the value is another one.
pub(super) fn reseal(
    transaction: &Transaction<'_>,
    name: &str,
    old: &[u8],
    new: &[u8],
    seal: Reseal<'_>,
) -> Inner<Option<u64>> {
    const FIX: &str = "UPDATE fixtures SET value = ?3 WHERE name = ?1 AND value = ?2";
    // Whose it is, what it is for, and its row's number where several are for the same.
    const SEALED: [(&str, &str); 3] = [
        (
            "SELECT org, source, secret, 0 FROM source_settings WHERE secret IS NOT NULL",
            "UPDATE source_settings SET secret = ?4 WHERE org = ?1 AND source = ?2 AND ?3 = 0",
        ),
        (
            "SELECT org, source, secret, id FROM jobs WHERE secret IS NOT NULL",
            "UPDATE jobs SET secret = ?4 WHERE org = ?1 AND source = ?2 AND id = ?3",
        ),
        (
            "SELECT org, id, secret, n FROM webhooks",
            "UPDATE webhooks SET secret = ?4 WHERE org = ?1 AND id = ?2 AND n = ?3",
        ),
    ];
    if !rows::changes(transaction, FIX, (name, old, new))? {
        return Ok(None);
    }
    let mut count = 0;
    for (at, (select, update)) in SEALED.into_iter().enumerate() {
        let sealed = rows::all(transaction, select, [], |row| {
            let name = columns::text(row, 1)?.to_owned();
            Ok((columns::org(row, 0)?, name, columns::blob(row, 2)?.to_vec(), columns::integer(row, 3)?))
        })?;
        for (org, name, secret, number) in sealed {
            let purpose = if at == 2 { SealedFor::Webhook(&name) } else { SealedFor::Source(&name) };
            let secret = seal(&org, purpose, &secret)?;
            count += rows::execute(transaction, update, (org.as_str(), &name, number, secret))?;
        }
    }
    Ok(Some(count))
}
