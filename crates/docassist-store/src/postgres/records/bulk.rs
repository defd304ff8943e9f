//! Many rows at once: statements whose parameters are columns.
//!
//! COPY cannot write a table that has row-level security. A detour of COPY through a temporary table writes every row twice;
//! arrays as parameters are decoded where they arrive and written once.

use bytes::{BufMut as _, BytesMut};
use postgres::GenericClient;
use postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::postgres::fault::{Fault, Inner};

/// A statement takes so many rows, or so many bytes of them (and at least one row); PostgreSQL has a limit of 1 GB for a
/// message, and both sides hold all of it in memory.
const ROWS: usize = 4_000;
const BYTES: usize = 8 << 20;

/// A table that rows are written into.
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// Its columns after `org` and their types.
    pub(super) columns: &'static [(&'static str, Type)],
    /// What [`Table::upsert`] does with a row that is there already.
    pub(super) conflict: &'static str,
}

impl Table {
    /// Takes `$1`, the organisation, and an array for each column. The arrays stand in the list of what is selected, where
    /// they are read in step; in FROM each of them would be written to memory once more.
    fn statement(&self, conflict: &str) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        let arrays: Vec<_> = (2..).zip(self.columns).map(|(n, (_, kind))| format!("unnest(${n}::{kind}[])")).collect();
        let (name, names, arrays) = (self.name, names.join(", "), arrays.join(", "));
        format!("INSERT INTO docassist.{name} (org, {names}) SELECT $1, {arrays} {conflict}")
    }

    /// Writes new `rows`, whose values stand in the order of the columns, and returns how many they are.
    pub(super) fn insert<C: GenericClient>(&self, client: &mut C, org: i64, rows: Feed<'_>) -> Inner<u64> {
        self.load("", client, org, rows)
    }

    /// The same where some may be there already: looking for each of them costs about as much as writing it. Returns how many
    /// were written.
    pub(super) fn upsert<C: GenericClient>(&self, client: &mut C, org: i64, rows: Feed<'_>) -> Inner<u64> {
        self.load(self.conflict, client, org, rows)
    }

    fn load<C: GenericClient>(&self, conflict: &str, client: &mut C, org: i64, rows: Feed<'_>) -> Inner<u64> {
        let (statement, mut written) = (self.statement(conflict), 0);
        let mut write = |columns: &[Column]| {
            let org: [&(dyn ToSql + Sync); 1] = [&org];
            let arrays = columns.iter().map(|column| column as &(dyn ToSql + Sync));
            written += client.execute(&statement, &org.into_iter().chain(arrays).collect::<Vec<_>>())?;
            Ok(())
        };
        let columns = self.columns.iter().map(|(_, kind)| Column::new(kind.clone())).collect();
        let mut taken = Rows { columns, write: &mut write };
        rows(&mut taken)?;
        taken.flush()?;
        Ok(written)
    }
}

/// What yields the rows of a load.
pub(super) type Feed<'a> = &'a mut dyn FnMut(&mut Rows<'_>) -> Inner<()>;

/// Takes the rows of a load.
pub(super) struct Rows<'a> {
    columns: Vec<Column>,
    write: &'a mut dyn FnMut(&[Column]) -> Inner<()>,
}

impl Rows<'_> {
    /// Takes one row: a value for each column.
    pub(super) fn row(&mut self, values: &[&(dyn ToSql + Sync)]) -> Inner<()> {
        debug_assert_eq!(values.len(), self.columns.len(), "a value for each column");
        let bytes: usize = self.columns.iter().map(|column| column.elements.len()).sum();
        if bytes >= BYTES || self.columns.first().is_some_and(|column| column.count >= ROWS) {
            self.flush()?;
        }
        self.columns.iter_mut().zip(values).try_for_each(|(column, value)| column.push(*value))
    }

    /// Writes what was taken.
    fn flush(&mut self) -> Inner<()> {
        if self.columns.iter().all(|column| column.count > 0) {
            (self.write)(&self.columns)?;
        }
        self.columns.iter_mut().for_each(Column::clear);
        Ok(())
    }
}

/// An array of one dimension, in PostgreSQL's binary form.
#[derive(Debug)]
struct Column {
    kind: Type,
    count: usize,
    has_null: bool,
    /// Each with its length before it.
    elements: BytesMut,
}

impl Column {
    fn new(kind: Type) -> Self {
        Self { kind, count: 0, has_null: false, elements: BytesMut::new() }
    }

    fn clear(&mut self) {
        (self.count, self.has_null) = (0, false);
        self.elements.clear();
    }

    fn push(&mut self, value: &(dyn ToSql + Sync)) -> Inner<()> {
        const NULL: i32 = -1;
        let malformed = |error| Fault::Malformed(format!("a value of type {}: {error}", self.kind));
        let start = self.elements.len();
        self.elements.put_i32(NULL);
        match value.to_sql_checked(&self.kind, &mut self.elements).map_err(malformed)? {
            IsNull::Yes => self.has_null = true,
            IsNull::No => {
                let length = self.elements.len() - start - size_of::<i32>();
                let length = i32::try_from(length).map_err(|_| Fault::Malformed("a value of over 2 GB".to_owned()))?;
                self.elements[start..start + size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
            }
        }
        self.count += 1;
        Ok(())
    }
}

impl ToSql for Column {
    /// The form is that of `array_recv` in PostgreSQL's source: dimensions, whether there are nulls, the type; for each
    /// dimension its size and the number of its first element; the elements.
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.put_i32(1);
        out.put_i32(i32::from(self.has_null));
        out.put_u32(self.kind.oid());
        out.put_i32(i32::try_from(self.count)?);
        out.put_i32(1);
        out.extend_from_slice(&self.elements);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(ty.kind(), Kind::Array(_))
    }

    to_sql_checked!();
}
