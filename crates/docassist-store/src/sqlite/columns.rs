//! Columns of a row, borrowed where they are texts: scans allocate nothing per row.

use docassist_model::{OrgSlug, SourceId, SourceKind, Timestamp};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::fault::{Fault, Inner};

fn unexpected(value: ValueRef<'_>, index: usize) -> Fault {
    Fault::Malformed(format!("column {index} has a value of type {}", value.data_type()))
}

pub(super) fn text<'a>(row: &'a Row<'_>, index: usize) -> Inner<&'a str> {
    Ok(row.get_ref(index)?.as_str()?)
}

pub(super) fn optional_text<'a>(row: &'a Row<'_>, index: usize) -> Inner<Option<&'a str>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        value => Ok(Some(value.as_str()?)),
    }
}

pub(super) fn flag(row: &Row<'_>, index: usize) -> Inner<bool> {
    Ok(integer(row, index)? != 0)
}

pub(super) fn blob<'a>(row: &'a Row<'_>, index: usize) -> Inner<&'a [u8]> {
    Ok(row.get_ref(index)?.as_blob()?)
}

pub(super) fn optional_blob<'a>(row: &'a Row<'_>, index: usize) -> Inner<Option<&'a [u8]>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        value => Ok(Some(value.as_blob()?)),
    }
}

pub(super) fn integer(row: &Row<'_>, index: usize) -> Inner<i64> {
    match row.get_ref(index)? {
        ValueRef::Integer(value) => Ok(value),
        value => Err(unexpected(value, index)),
    }
}

/// A number without a sign: an id, a size, a count.
pub(super) fn number<T: TryFrom<i64>>(row: &Row<'_>, index: usize) -> Inner<T> {
    let value = integer(row, index)?;
    value.try_into().map_err(|_| Fault::Malformed(format!("column {index} is {value}")))
}

/// A number without a sign, if there is one.
pub(super) fn optional_number<T: TryFrom<i64>>(row: &Row<'_>, index: usize) -> Inner<Option<T>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        _ => number(row, index).map(Some),
    }
}

pub(super) fn source(row: &Row<'_>, index: usize) -> Inner<SourceId> {
    number(row, index).map(SourceId)
}

pub(super) fn time(row: &Row<'_>, index: usize) -> Inner<Timestamp> {
    integer(row, index).map(Timestamp::from_unix)
}

pub(super) fn optional_time(row: &Row<'_>, index: usize) -> Inner<Option<Timestamp>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(value) => Ok(Some(Timestamp::from_unix(value))),
        value => Err(unexpected(value, index)),
    }
}

pub(super) fn org(row: &Row<'_>, index: usize) -> Inner<OrgSlug> {
    let slug = text(row, index)?;
    slug.parse().map_err(|_| Fault::Malformed(format!("organisation `{slug}`")))
}

pub(super) fn kind(row: &Row<'_>, index: usize) -> Inner<SourceKind> {
    let kind = text(row, index)?;
    SourceKind::from_name(kind).ok_or_else(|| Fault::Malformed(format!("source of kind `{kind}`")))
}
