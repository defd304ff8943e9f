//! Values of rows, and the organisation that a transaction is about.

use std::borrow::Cow;

use docassist_model::{ObjectId, OrgSlug, SourceId, SourceKind, Timestamp};
use postgres::types::FromSql;
use postgres::{GenericClient, Row};

use crate::postgres::fault::{Fault, Inner};
use crate::postgres::text;

/// What an organisation's records are as of.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    /// Its number.
    pub(super) org: i64,
    /// Its sequence.
    pub(super) sequence: u64,
}

/// The same of an organisation; `None` where it was never written.
pub(super) fn state(client: &mut impl GenericClient, org: &OrgSlug) -> Inner<Option<State>> {
    let row = client.query_opt("SELECT id, sequence FROM tenants WHERE slug = $1", &[&org.as_str()])?;
    row.map(|row| Ok(State { org: value(&row, 0)?, sequence: number(&row, 1)? })).transpose()
}

/// The organisation's number; `None` where it was never written.
pub(super) fn tenant(client: &mut impl GenericClient, org: &OrgSlug) -> Inner<Option<i64>> {
    let row = client.query_opt("SELECT id FROM tenants WHERE slug = $1", &[&org.as_str()])?;
    row.map(|row| value(&row, 0)).transpose()
}

/// All organisations that were ever written.
pub(in crate::postgres) fn organisations(client: &mut impl GenericClient) -> Inner<Vec<OrgSlug>> {
    let rows = client.query("SELECT slug FROM tenants ORDER BY slug COLLATE \"C\"", &[])?;
    let slug = |row: &Row| {
        let slug: &str = value(row, 0)?;
        slug.parse().map_err(|_| Fault::Malformed(format!("organisation `{slug}`")))
    };
    rows.iter().map(slug).collect()
}

/// Names the organisation that this transaction may see; row-level security keeps everything else out of it.
pub(super) fn enter(client: &mut impl GenericClient, tenant: i64) -> Inner<()> {
    client.execute("SELECT set_config('docassist.org', $1, true)", &[&tenant.to_string()])?;
    Ok(())
}

pub(super) fn value<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Inner<T> {
    Ok(row.try_get(index)?)
}

pub(super) fn string(row: &Row, index: usize) -> Inner<Cow<'_, str>> {
    Ok(text::original(row.try_get(index)?))
}

pub(super) fn optional_string(row: &Row, index: usize) -> Inner<Option<Cow<'_, str>>> {
    Ok(row.try_get::<_, Option<&str>>(index)?.map(text::original))
}

pub(super) fn bytes(row: &Row, index: usize) -> Inner<&[u8]> {
    Ok(row.try_get(index)?)
}

/// A number that is none of ours where it is negative or too large.
pub(super) fn number<T: TryFrom<i64>>(row: &Row, index: usize) -> Inner<T> {
    narrowed(row.try_get(index)?)
}

/// The same of a column of 32 bits.
pub(super) fn number32(row: &Row, index: usize) -> Inner<u32> {
    narrowed(i64::from(row.try_get::<_, i32>(index)?))
}

fn narrowed<T: TryFrom<i64>>(number: i64) -> Inner<T> {
    number.try_into().map_err(|_| Fault::Malformed(format!("number {number} is out of range")))
}

pub(super) fn source(row: &Row, index: usize) -> Inner<SourceId> {
    Ok(SourceId(number32(row, index)?))
}

pub(super) fn time(row: &Row, index: usize) -> Inner<Timestamp> {
    Ok(Timestamp::from_unix(row.try_get(index)?))
}

pub(super) fn optional_time(row: &Row, index: usize) -> Inner<Option<Timestamp>> {
    Ok(row.try_get::<_, Option<i64>>(index)?.map(Timestamp::from_unix))
}

pub(super) fn kind(row: &Row, index: usize) -> Inner<SourceKind> {
    let kind: &str = row.try_get(index)?;
    SourceKind::from_name(kind).ok_or_else(|| Fault::Malformed(format!("source of kind `{kind}`")))
}

pub(super) fn object_id(raw: &[u8]) -> Inner<ObjectId> {
    ObjectId::from_bytes(raw).ok_or_else(|| Fault::Malformed(format!("an object name of {} bytes", raw.len())))
}

/// A source's number as a parameter.
pub(super) fn id(source: SourceId) -> i32 {
    source.0.cast_signed()
}
