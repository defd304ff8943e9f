//! Vectors in a table beside the records, for all processes.

use docassist_model::TenantScope;
use postgres::{GenericClient, Transaction};
use rustc_hash::FxHashMap;

use super::{PostgresStore, rows};
use crate::postgres::fault::Inner;
use crate::postgres::text;
use crate::vectors::{BATCH, in_order, original, stored};
use crate::{ContentHash, Result, VectorStore};

/// Hashes that one statement takes, and rows that one transaction removes.
const HASHES: usize = 10_000;

/// Enters the organisation, which then is not removed before the transaction has ended; `None` where there is none.
fn hold(transaction: &mut Transaction<'_>, scope: &TenantScope) -> Inner<Option<i64>> {
    const SQL: &str = "SELECT id FROM tenants WHERE slug = $1 FOR KEY SHARE";
    let Some(row) = transaction.query_opt(SQL, &[&scope.org().as_str()])? else { return Ok(None) };
    let org = rows::value(&row, 0)?;
    rows::enter(transaction, org)?;
    Ok(Some(org))
}

/// Removes rows of those that `which` selects, a part of them, locking them in the order in which others write them.
fn remove(client: &mut impl GenericClient, org: i64, which: &str, model: &str, hashes: &[&[u8]]) -> Inner<u64> {
    let sql = format!(
        "WITH gone AS MATERIALIZED (SELECT model, hash FROM vectors WHERE org = $1 AND {which} \
         ORDER BY model, hash LIMIT {HASHES} FOR UPDATE) \
         DELETE FROM vectors USING gone WHERE vectors.org = $1 AND vectors.model = gone.model AND vectors.hash = gone.hash"
    );
    Ok(client.execute(&sql, &[&org, &model, &hashes])?)
}

impl VectorStore for PostgresStore {
    fn vectors(&self, scope: &TenantScope, model: &str, hashes: &[ContentHash]) -> Result<Vec<Option<Vec<f32>>>> {
        const SQL: &str = "SELECT found.* FROM unnest($3::bytea[]) AS wanted (hash) CROSS JOIN LATERAL \
             (SELECT hash, vector FROM vectors WHERE org = $1 AND model = $2 AND vectors.hash = wanted.hash LIMIT 1) AS found";
        let model = text::stored(model);
        let mut found: FxHashMap<ContentHash, Vec<f32>> = FxHashMap::default();
        for part in hashes.chunks(BATCH) {
            let part: Vec<&[u8]> = part.iter().map(<[u8; 32]>::as_slice).collect();
            let read = self.read(scope, |transaction, org| {
                let rows = transaction.query(SQL, &[&org, &model.as_ref(), &part])?;
                let vector = |row| Ok((rows::bytes(row, 0)?.try_into().ok(), original(rows::bytes(row, 1)?)));
                rows.iter().map(vector).collect::<Inner<Vec<(Option<ContentHash>, Option<Vec<f32>>)>>>()
            })?;
            found.extend(read.unwrap_or_default().into_iter().filter_map(|(hash, vector)| Some((hash?, vector?))));
        }
        Ok(hashes.iter().map(|hash| found.get(hash).cloned()).collect())
    }

    fn keep_vectors(&self, scope: &TenantScope, model: &str, vectors: &[(ContentHash, Vec<f32>)]) -> Result<()> {
        const SQL: &str = "INSERT INTO vectors (org, model, hash, vector) \
             SELECT $1, $2, hash, vector FROM unnest($3::bytea[], $4::bytea[]) AS new (hash, vector) \
             ON CONFLICT (org, model, hash) DO UPDATE SET vector = excluded.vector \
             WHERE length(vectors.vector) <> length(excluded.vector)";
        let model = text::stored(model);
        for batch in in_order(vectors).chunks(BATCH) {
            let (hashes, bytes): (Vec<&[u8]>, Vec<Vec<u8>>) =
                batch.iter().map(|(hash, vector)| (hash.as_slice(), stored(vector))).unzip();
            self.database.write(false, |transaction| {
                if let Some(org) = hold(transaction, scope)? {
                    transaction.execute(SQL, &[&org, &model.as_ref(), &hashes, &bytes])?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn vector_count(&self, scope: &TenantScope) -> Result<u64> {
        let counted = self.read(scope, |transaction, org| {
            let row = transaction.query_one("SELECT count(*) FROM vectors WHERE org = $1", &[&org])?;
            rows::number(&row, 0)
        })?;
        Ok(counted.unwrap_or_default())
    }

    fn prune_vectors(&self, scope: &TenantScope, model: &str, keep: &dyn Fn(&ContentHash) -> bool) -> Result<u64> {
        const FIND: &str = "SELECT hash FROM vectors WHERE org = $1 AND model = $2";
        const OTHERS: &str = "model <> $2 AND $3::bytea[] IS NOT NULL";
        let model = text::stored(model);
        let there = self.read(scope, |transaction, org| {
            let rows = transaction.query(FIND, &[&org, &model.as_ref()])?;
            rows.iter().map(|row| Ok(rows::bytes(row, 0)?.to_vec())).collect::<Inner<Vec<_>>>()
        })?;
        let kept = |hash: &[u8]| hash.try_into().is_ok_and(|hash| keep(&hash));
        let refused: Vec<_> = there.unwrap_or_default().into_iter().filter(|hash| !kept(hash)).collect();
        let remove = |which: &str, hashes: &[&[u8]]| {
            self.database.write(false, |transaction| match hold(transaction, scope)? {
                Some(org) => remove(transaction, org, which, model.as_ref(), hashes),
                None => Ok(0),
            })
        };
        let mut removed = 0;
        for part in refused.chunks(HASHES) {
            let part: Vec<&[u8]> = part.iter().map(Vec::as_slice).collect();
            removed += remove("model = $2 AND hash = ANY($3)", &part)?;
        }
        loop {
            match remove(OTHERS, &[])? {
                0 => return Ok(removed),
                others => removed += others,
            }
        }
    }
}
