//! Statements and the values that their rows are read into.

use docassist_model::{JobId, Timestamp, UserId};
use rusqlite::{Connection, Params, Row};

use crate::Window;
use crate::sqlite::columns;
use crate::sqlite::fault::{Fault, Inner};

/// All rows of a query.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl Fn(&Row<'_>) -> Inner<T>,
) -> Inner<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(read(row)?);
    }
    Ok(values)
}

/// The first row of a query that has few.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Inner<T>,
) -> Inner<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let value = rows.next()?.map(read).transpose()?;
    // To its end: only there does a statement that writes say that it broke a reference.
    while rows.next()?.is_some() {}
    Ok(value)
}

/// The first row of a query that always has one.
pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Inner<T>,
) -> Inner<T> {
    first(connection, sql, parameters, read)?.ok_or_else(|| Fault::Malformed("a row is missing".to_owned()))
}

/// The number that a query yields.
pub(super) fn count(connection: &Connection, sql: &str, parameters: impl Params) -> Inner<u64> {
    one(connection, sql, parameters, |row| columns::number(row, 0))
}

/// Executes a statement and returns how many rows it changed, without those that go along.
pub(super) fn execute(connection: &Connection, sql: &str, parameters: impl Params) -> Inner<u64> {
    Ok(connection.prepare_cached(sql)?.execute(parameters)? as u64)
}

/// Executes a statement and returns whether it changed a row.
pub(super) fn changes(connection: &Connection, sql: &str, parameters: impl Params) -> Inner<bool> {
    Ok(execute(connection, sql, parameters)? > 0)
}

/// A number as SQLite keeps it. Those beyond its range name nothing.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as SQLite takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A window as parameters: the number that entries stay below, and how many.
pub(super) fn window(window: Window) -> (i64, i64) {
    (window.before.map_or(i64::MAX, number), limit(window.limit))
}

/// A user's number as a parameter.
pub(super) fn user(id: UserId) -> i64 {
    number(id.0)
}

/// A job's number as a parameter.
pub(super) fn job(id: JobId) -> i64 {
    number(id.0)
}

/// An instant that may be missing, as a parameter.
pub(super) fn time(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::unix)
}
