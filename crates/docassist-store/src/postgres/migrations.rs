//! Making the tables, and bringing those of an older version up to date.
//!
//! Migrations run in one transaction under a lock, so that any number of processes may start at once. A version expands
//! before a later one contracts: programs of the version before go on working on the new tables, which is what makes an
//! upgrade without a pause possible.

use std::cmp::Ordering;

use postgres::{Client, GenericClient};

use super::fault::{Fault, Inner};
use crate::{Result, StoreError};

/// Each step from one format version to the next; their number is the version that this program knows.
const MIGRATIONS: &[&str] = &[
    concat!(include_str!("migrations/0001_records.sql"), include_str!("migrations/0001_control.sql")),
    concat!(include_str!("migrations/0002_records.sql"), include_str!("migrations/0002_control.sql")),
];
/// The lock of who migrates: "docassist" in no particular way.
const LOCK: i64 = 0x646f_6361_7373_0001;

/// The version that this program knows.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Brings the database to the version that this program knows.
pub(super) fn run(client: &mut Client, location: &str) -> Result<()> {
    let found = migrate(client, MIGRATIONS).map_err(|fault| fault.at(location))?;
    let known = known();
    if found > known {
        return Err(StoreError::Newer { location: location.to_owned(), found, known });
    }
    Ok(())
}

/// Whether the database is of the version that this program knows; changes nothing.
pub(super) fn check(client: &mut impl GenericClient, location: &str) -> Result<()> {
    let found = version(client).map_err(|fault| fault.at(location))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match found.cmp(&known) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(StoreError::Newer { location: location.to_owned(), found, known }),
        Ordering::Less => {
            let detail = format!("its tables are of version {found}, not {known}: start this version once");
            Err(StoreError::Damaged { location: location.to_owned(), detail })
        }
    }
}

/// Runs the migrations that are missing and returns the version that the database has then.
fn migrate(client: &mut Client, migrations: &[&str]) -> Inner<i64> {
    // Looking takes no lock: nearly always there is nothing to do, and a standby could not do it.
    let version = version(client)?;
    let steps = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if version >= steps {
        return Ok(version);
    }
    let mut transaction = client.transaction()?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    transaction.batch_execute(
        "CREATE SCHEMA IF NOT EXISTS docassist; \
         CREATE TABLE IF NOT EXISTS docassist.format (only_row boolean PRIMARY KEY CHECK (only_row), version bigint NOT NULL); \
         INSERT INTO docassist.format VALUES (true, 0) ON CONFLICT DO NOTHING",
    )?;
    let version: i64 = transaction.query_one("SELECT version FROM docassist.format", &[])?.try_get(0)?;
    for step in migrations.iter().skip(usize::try_from(version).unwrap_or_default()) {
        transaction.batch_execute(step)?;
    }
    let version = version.max(steps);
    transaction.execute("UPDATE docassist.format SET version = $1", &[&version])?;
    transaction.commit()?;
    Ok(version)
}

/// The version of the tables that are there; 0 where there are none.
pub(super) fn version(client: &mut impl GenericClient) -> Inner<i64> {
    let there: bool = client.query_one("SELECT to_regclass('docassist.format') IS NOT NULL", &[])?.try_get(0)?;
    if !there {
        return Ok(0);
    }
    let version: i64 = client.query_one("SELECT version FROM docassist.format", &[])?.try_get(0)?;
    if version < 0 {
        return Err(Fault::Malformed(format!("format version {version}")));
    }
    Ok(version)
}
