//! Many rows at once: COPY into a table of the session's own, and from there into place in one statement.
//!
//! COPY cannot write a table that has row-level security, so that rows make this detour through memory that is neither
//! logged nor shared; it costs far less than a statement per row.

use postgres::GenericClient;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::{ToSql, Type};

use crate::postgres::fault::Inner;

/// A table that rows are copied into.
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// Its columns after `org` and their types.
    pub(super) columns: &'static [(&'static str, Type)],
    /// What happens to a row that is there already; nothing without it (there cannot be one).
    pub(super) conflict: &'static str,
}

impl Table {
    fn column_names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// Writes `rows`, whose values stand in the order of the columns, and returns how many were written.
    pub(super) fn load<C: GenericClient>(
        &self,
        client: &mut C,
        org: i64,
        rows: &mut dyn FnMut(&mut Rows<'_, '_>) -> Inner<()>,
    ) -> Inner<u64> {
        let (name, columns) = (self.name, self.column_names());
        // The session has one for each kind of row, made when first needed and emptied before it is filled again.
        client.batch_execute(&format!(
            "CREATE TEMPORARY TABLE IF NOT EXISTS loading_{name} AS SELECT {columns} FROM docassist.{name} WITH NO DATA; \
             TRUNCATE pg_temp.loading_{name}"
        ))?;
        let types: Vec<Type> = self.columns.iter().map(|(_, kind)| kind.clone()).collect();
        let copy = client.copy_in(&format!("COPY pg_temp.loading_{name} ({columns}) FROM STDIN BINARY"))?;
        let mut writer = BinaryCopyInWriter::new(copy, &types);
        rows(&mut Rows { writer: &mut writer })?;
        if writer.finish()? == 0 {
            return Ok(0);
        }
        let (conflict, insert) = (self.conflict, format!("INSERT INTO docassist.{name} (org, {columns})"));
        let sql = format!("{insert} SELECT $1, {columns} FROM pg_temp.loading_{name} {conflict}");
        Ok(client.execute(&sql, &[&org])?)
    }
}

/// Takes the rows of a load.
pub(super) struct Rows<'a, 'b> {
    writer: &'a mut BinaryCopyInWriter<'b>,
}

impl Rows<'_, '_> {
    /// Takes one row.
    pub(super) fn row(&mut self, values: &[&(dyn ToSql + Sync)]) -> Inner<()> {
        Ok(self.writer.write(values)?)
    }
}
