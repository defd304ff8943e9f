//! Statements and the values that their rows are read into.
//!
//! A statement is sent with the types of its parameters, which makes it one round trip: preparing it would be another one,
//! and a cache of prepared ones is lost with every connection behind a pooler.

use docassist_model::{JobId, OrgSlug, SourceKind, Timestamp, UserId};
use postgres::types::{ToSql, Type};
use postgres::{GenericClient, Row};

use crate::Window;
use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text;

/// Values of a statement, each with its type.
pub(super) type Parameters<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// The values of a statement's parameters: `parameters![id => INT8, name => TEXT]`.
macro_rules! parameters {
    ($($value:expr => $type:ident),* $(,)?) => {
        &[$((&$value as &(dyn ::postgres::types::ToSql + Sync), ::postgres::types::Type::$type)),*]
    };
}
pub(super) use parameters;

/// All rows of a query.
pub(super) fn all<T>(
    client: &mut impl GenericClient,
    sql: &str,
    parameters: Parameters<'_>,
    read: impl FnMut(&Row) -> Inner<T>,
) -> Inner<Vec<T>> {
    client.query_typed(sql, parameters)?.iter().map(read).collect()
}

/// The first row of a query that has few.
pub(super) fn first<T>(
    client: &mut impl GenericClient,
    sql: &str,
    parameters: Parameters<'_>,
    read: impl FnOnce(&Row) -> Inner<T>,
) -> Inner<Option<T>> {
    client.query_typed(sql, parameters)?.first().map(read).transpose()
}

/// The first row of a query that always has one.
pub(super) fn one<T>(
    client: &mut impl GenericClient,
    sql: &str,
    parameters: Parameters<'_>,
    read: impl FnOnce(&Row) -> Inner<T>,
) -> Inner<T> {
    first(client, sql, parameters, read)?.ok_or_else(|| Fault::Malformed("a row is missing".to_owned()))
}

/// The number that a query yields.
pub(super) fn count(client: &mut impl GenericClient, sql: &str, parameters: Parameters<'_>) -> Inner<u64> {
    one(client, sql, parameters, |row| read_number(row, 0))
}

/// Whether a query says so.
pub(super) fn holds(client: &mut impl GenericClient, sql: &str, parameters: Parameters<'_>) -> Inner<bool> {
    one(client, sql, parameters, |row| flag(row, 0))
}

/// Executes a statement and returns how many rows it changed, without those that go along.
pub(super) fn execute(client: &mut impl GenericClient, sql: &str, parameters: Parameters<'_>) -> Inner<u64> {
    Ok(client.execute_typed(sql, parameters)?)
}

/// Executes a statement and returns whether it changed a row.
pub(super) fn changes(client: &mut impl GenericClient, sql: &str, parameters: Parameters<'_>) -> Inner<bool> {
    Ok(execute(client, sql, parameters)? > 0)
}

/// A number as PostgreSQL keeps it. Those beyond its range name nothing.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as PostgreSQL takes it.
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
pub(super) fn instant(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::unix)
}

/// A text that [`text::stored`] wrote.
pub(super) fn string(row: &Row, index: usize) -> Inner<String> {
    Ok(text::original(row.try_get(index)?).into_owned())
}

/// The same where it may be missing.
pub(super) fn optional_string(row: &Row, index: usize) -> Inner<Option<String>> {
    Ok(row.try_get::<_, Option<&str>>(index)?.map(|stored| text::original(stored).into_owned()))
}

/// A text of ours: a name of something, JSON.
pub(super) fn plain(row: &Row, index: usize) -> Inner<&str> {
    Ok(row.try_get(index)?)
}

pub(super) fn flag(row: &Row, index: usize) -> Inner<bool> {
    Ok(row.try_get(index)?)
}

pub(super) fn integer(row: &Row, index: usize) -> Inner<i64> {
    Ok(row.try_get(index)?)
}

pub(super) fn bytes(row: &Row, index: usize) -> Inner<Vec<u8>> {
    Ok(row.try_get(index)?)
}

pub(super) fn optional_bytes(row: &Row, index: usize) -> Inner<Option<Vec<u8>>> {
    Ok(row.try_get(index)?)
}

/// A number without a sign: an id, a count.
pub(super) fn read_number<T: TryFrom<i64>>(row: &Row, index: usize) -> Inner<T> {
    narrowed(row.try_get(index)?, index)
}

/// A number without a sign, if there is one.
pub(super) fn optional_number<T: TryFrom<i64>>(row: &Row, index: usize) -> Inner<Option<T>> {
    row.try_get::<_, Option<i64>>(index)?.map(|value| narrowed(value, index)).transpose()
}

fn narrowed<T: TryFrom<i64>>(value: i64, index: usize) -> Inner<T> {
    value.try_into().map_err(|_| Fault::Malformed(format!("column {index} is {value}")))
}

pub(super) fn time(row: &Row, index: usize) -> Inner<Timestamp> {
    Ok(Timestamp::from_unix(row.try_get(index)?))
}

pub(super) fn optional_time(row: &Row, index: usize) -> Inner<Option<Timestamp>> {
    Ok(row.try_get::<_, Option<i64>>(index)?.map(Timestamp::from_unix))
}

pub(super) fn org(row: &Row, index: usize) -> Inner<OrgSlug> {
    slug(plain(row, index)?)
}

pub(super) fn optional_org(row: &Row, index: usize) -> Inner<Option<OrgSlug>> {
    row.try_get::<_, Option<&str>>(index)?.map(slug).transpose()
}

fn slug(slug: &str) -> Inner<OrgSlug> {
    slug.parse().map_err(|_| Fault::Malformed(format!("organisation `{slug}`")))
}

pub(super) fn kind(row: &Row, index: usize) -> Inner<SourceKind> {
    let kind = plain(row, index)?;
    SourceKind::from_name(kind).ok_or_else(|| Fault::Malformed(format!("source of kind `{kind}`")))
}
