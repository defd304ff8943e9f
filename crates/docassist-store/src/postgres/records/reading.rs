//! Reads records whole.

use docassist_model::{
    Commit, Decision, FileEntry, Identity, ObjectId, OrgSlug, Page, RecordSink, SourceId, Ticket, TicketKey,
};
use postgres::types::ToSql;
use postgres::{Row, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{project, rows, sources};
use crate::postgres::fault::{Fault, Inner};
use crate::reading::{BATCH, Names, Unknown};
use crate::{DocumentKind, DocumentRow, Reading, Result, Source};
use crate::{derived, encoding};

/// Rows that are in memory at a time: whole records are large.
const PART: i32 = 1_000;
/// The same of pages and tickets, whose texts may be long.
const PART_OF_TEXTS: i32 = 200;
/// The same of what is a few bytes each.
const PART_OF_NUMBERS: i32 = 10_000;
/// Keys that one statement takes.
const KEYS: usize = 200;

/// What a transaction sees of an organisation.
pub(in crate::postgres) struct PostgresReading<'a, 'b> {
    transaction: &'a mut Transaction<'b>,
    location: &'a str,
    org: i64,
    sequence: u64,
    sources: Vec<Source>,
}

impl<'a, 'b> PostgresReading<'a, 'b> {
    /// Begins to read the organisation; `None` where it was never written.
    pub(in crate::postgres) fn new(
        transaction: &'a mut Transaction<'b>,
        location: &'a str,
        org: &OrgSlug,
    ) -> Inner<Option<Self>> {
        let Some(org) = rows::tenant(transaction, org)? else { return Ok(None) };
        rows::enter(transaction, org)?;
        // As long as it takes, also where the reader waits for somebody else between two rows.
        transaction
            .batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")?;
        let mut sources = sources::all(transaction, org)?;
        sources.sort_unstable_by_key(|source| source.id);
        let sequence = sources::sequence(transaction, org)?;
        Ok(Some(Self { transaction, location, org, sequence, sources }))
    }

    /// Calls `take` with every row of a query about the source, `part` of them in memory at a time.
    fn each(&mut self, source: SourceId, part: i32, sql: &str, take: &mut dyn FnMut(&Row) -> Inner<()>) -> Result<()> {
        let result = (|| {
            let parameters: [&(dyn ToSql + Sync); 2] = [&self.org, &rows::id(source)];
            let portal = self.transaction.bind(sql, &parameters)?;
            loop {
                let rows = self.transaction.query_portal(&portal, part)?;
                for row in &rows {
                    take(row)?;
                }
                if rows.len() < usize::try_from(part).unwrap_or_default() {
                    return Ok(());
                }
            }
        })();
        result.map_err(|fault: Fault| fault.at(self.location))
    }

    /// The values that `read` makes of the rows.
    fn all<T>(&mut self, source: SourceId, part: i32, sql: &str, read: impl Fn(&Row) -> Inner<T>) -> Result<Vec<T>> {
        let mut values = Vec::new();
        self.each(source, part, sql, &mut |row| {
            values.push(read(row)?);
            Ok(())
        })?;
        Ok(values)
    }

    /// Calls `take` with the rows that a query about the source has for each part of `keys`. These are a parameter of the
    /// query, the third, as one array.
    fn each_of<K: ToSql + Sync + Copy + Ord>(
        &mut self,
        source: SourceId,
        mut keys: Vec<K>,
        sql: &str,
        mut take: impl FnMut(&mut Transaction<'_>, i64, &[Row]) -> Inner<()>,
    ) -> Result<()> {
        keys.sort_unstable();
        // A key that is named twice might fall into two parts.
        keys.dedup();
        let result = (|| {
            let statement = self.transaction.prepare(sql)?;
            for part in keys.chunks(KEYS) {
                let rows = self.transaction.query(&statement, &[&self.org, &rows::id(source), &part])?;
                take(self.transaction, self.org, &rows)?;
            }
            Ok(())
        })();
        result.map_err(|fault: Fault| fault.at(self.location))
    }

    /// The fingerprints of the identities of a source as `.mailmap` has them.
    fn authors(&mut self, source: SourceId) -> Result<FxHashMap<u32, u64>> {
        const SQL: &str = "SELECT id, canonical_name, canonical_email FROM identities \
             WHERE org = $1 AND source = $2 AND canonical_email IS NOT NULL";
        let mut authors = FxHashMap::default();
        self.each(source, PART_OF_NUMBERS, SQL, &mut |row| {
            let fingerprint = derived::author_fingerprint(&rows::string(row, 1)?, &rows::string(row, 2)?);
            authors.insert(rows::number32(row, 0)?, fingerprint);
            Ok(())
        })?;
        Ok(authors)
    }

    fn names(&mut self, source: SourceId) -> Result<Names> {
        const IDENTITIES: &str = "SELECT id, name, email FROM identities WHERE org = $1 AND source = $2";
        const PATHS: &str = "SELECT id, path FROM paths WHERE org = $1 AND source = $2";
        let mut names = Names::default();
        self.each(source, PART, IDENTITIES, &mut |row| {
            names.identities.insert(rows::number32(row, 0)?, identity(row, 1)?);
            Ok(())
        })?;
        self.each(source, PART, PATHS, &mut |row| {
            names.paths.insert(rows::number32(row, 0)?, rows::string(row, 1)?.into());
            Ok(())
        })?;
        Ok(names)
    }
}

fn identity(row: &Row, first: usize) -> Inner<Identity> {
    Ok(Identity { name: rows::string(row, first)?.into_owned(), email: rows::string(row, first + 1)?.into_owned() })
}

/// Looks up what the commits in some rows refer to.
fn learn(transaction: &mut Transaction<'_>, org: i64, commits: &[Row], names: &mut Names) -> Inner<()> {
    const IDENTITIES: &str = "SELECT id, name, email FROM identities WHERE org = $1 AND id = ANY($2)";
    const PATHS: &str = "SELECT id, path FROM paths WHERE org = $1 AND id = ANY($2)";
    let mut unknown = Unknown::default();
    for row in commits {
        let people = [rows::number32(row, 2)?, rows::number32(row, 3)?];
        names.unknown(people, rows::bytes(row, 7)?, rows::bytes(row, 8)?, &mut unknown)?;
    }
    let numbers = |numbers: &FxHashSet<u32>| numbers.iter().map(|number| number.cast_signed()).collect::<Vec<_>>();
    for row in transaction.query(IDENTITIES, &[&org, &numbers(&unknown.identities)])? {
        names.identities.insert(rows::number32(&row, 0)?, identity(&row, 1)?);
    }
    for row in transaction.query(PATHS, &[&org, &numbers(&unknown.paths)])? {
        names.paths.insert(rows::number32(&row, 0)?, rows::string(&row, 1)?.into());
    }
    Ok(())
}

fn page(row: &Row) -> Inner<Page> {
    let mut page: Page = serde_json::from_str(rows::value(row, 0)?)?;
    page.text = rows::string(row, 1)?.into_owned();
    Ok(page)
}

fn commit(row: &Row, names: &mut Names) -> Inner<Commit> {
    let id = rows::bytes(row, 0)?;
    Ok(Commit {
        id: rows::object_id(id)?,
        parents: rows::bytes(row, 1)?.chunks(id.len().max(1)).map(rows::object_id).collect::<Inner<_>>()?,
        author: names.identity(rows::number32(row, 2)?)?,
        committer: names.identity(rows::number32(row, 3)?)?,
        authored: rows::time(row, 4)?,
        time: rows::time(row, 5)?,
        message: rows::string(row, 6)?.into_owned(),
        credits: names.credits(rows::bytes(row, 7)?)?,
        changes: names.changes(rows::bytes(row, 8)?)?,
    })
}

impl Reading for PostgresReading<'_, '_> {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn sources(&self) -> &[Source] {
        &self.sources
    }

    fn commits(&mut self, source: SourceId, take: &mut dyn FnMut(&[Commit]) -> Result<()>) -> Result<()> {
        const SQL: &str = "SELECT id, parents, author, committer, authored, time, message, credits, changes \
             FROM commits JOIN commit_texts USING (org, n) WHERE commits.org = $1 AND source = $2 \
             AND n <= (SELECT visible_commit FROM sources WHERE org = $1 AND id = $2) ORDER BY n";
        let mut names = self.names(source)?;
        let mut batch = Vec::with_capacity(BATCH);
        self.each(source, PART, SQL, &mut |row| {
            batch.push(commit(row, &mut names)?);
            if batch.len() == BATCH {
                take(&batch)?;
                batch.clear();
            }
            Ok(())
        })?;
        if batch.is_empty() { Ok(()) } else { take(&batch) }
    }

    fn identities(&mut self, source: SourceId) -> Result<Vec<(Identity, Identity)>> {
        const SQL: &str = "SELECT name, email, canonical_name, canonical_email FROM identities \
             WHERE org = $1 AND source = $2 AND canonical_email IS NOT NULL";
        self.all(source, PART, SQL, |row| Ok((identity(row, 0)?, identity(row, 2)?)))
    }

    fn files(&mut self, source: SourceId) -> Result<Vec<FileEntry>> {
        const SQL: &str = "SELECT paths.path, kind, size FROM files \
             JOIN paths ON paths.org = files.org AND paths.id = files.path WHERE files.org = $1 AND files.source = $2";
        self.all(source, PART, SQL, |row| {
            Ok(FileEntry {
                path: rows::string(row, 0)?.into_owned(),
                kind: encoding::kind(i64::from(rows::value::<i16>(row, 1)?))?,
                size: rows::number(row, 2)?,
            })
        })
    }

    fn pages(&mut self, source: SourceId) -> Result<Vec<Page>> {
        const SQL: &str = "SELECT outline, text FROM pages JOIN page_texts USING (org, n) \
             WHERE pages.org = $1 AND source = $2 ORDER BY path COLLATE \"C\"";
        self.all(source, PART_OF_TEXTS, SQL, page)
    }

    fn decisions(&mut self, source: SourceId) -> Result<Vec<Decision>> {
        const SQL: &str = "SELECT body FROM decisions WHERE org = $1 AND source = $2 ORDER BY position";
        self.all(source, PART, SQL, |row| Ok(serde_json::from_str(rows::value(row, 0)?)?))
    }

    fn tickets(&mut self, source: SourceId, take: &mut dyn FnMut(&Ticket) -> Result<()>) -> Result<()> {
        const SQL: &str = "SELECT body FROM tickets JOIN ticket_bodies USING (org, n) \
             WHERE tickets.org = $1 AND source = $2 ORDER BY n";
        self.each(source, PART_OF_TEXTS, SQL, &mut |row| Ok(take(&serde_json::from_str(rows::value(row, 0)?)?)?))
    }

    fn documents(&mut self, source: SourceId, take: &mut dyn FnMut(DocumentRow<'_>)) -> Result<()> {
        const COMMITS: &str = "SELECT id, author FROM commits WHERE org = $1 AND source = $2 \
             AND n <= (SELECT visible_commit FROM sources WHERE org = $1 AND id = $2)";
        // The hashes of contents are there, and they are those that the other backend computes.
        const TICKETS: &str = "SELECT key, hash FROM tickets WHERE org = $1 AND source = $2";
        const PAGES: &str = "SELECT path, content FROM pages WHERE org = $1 AND source = $2";
        const DECISIONS: &str = "SELECT body FROM decisions WHERE org = $1 AND source = $2";
        let authors = self.authors(source)?;
        self.each(source, PART_OF_NUMBERS, COMMITS, &mut |row| {
            let id = rows::object_id(rows::bytes(row, 0)?)?;
            let author = authors.get(&rows::number32(row, 1)?).copied().unwrap_or_default();
            let fingerprint = derived::commit_fingerprint(&id, author);
            take(DocumentRow { kind: DocumentKind::Commit, key: &id.to_hex(), fingerprint });
            Ok(())
        })?;
        self.each(source, PART_OF_NUMBERS, TICKETS, &mut |row| {
            let fingerprint = derived::fingerprint(rows::bytes(row, 1)?);
            take(DocumentRow { kind: DocumentKind::Ticket, key: rows::value(row, 0)?, fingerprint });
            Ok(())
        })?;
        self.each(source, PART_OF_NUMBERS, PAGES, &mut |row| {
            let fingerprint = derived::fingerprint(rows::bytes(row, 1)?);
            take(DocumentRow { kind: DocumentKind::Page, key: &rows::string(row, 0)?, fingerprint });
            Ok(())
        })?;
        self.each(source, PART, DECISIONS, &mut |row| {
            let body = rows::value(row, 0)?;
            let (key, fingerprint) = (derived::decision_path(body)?, derived::body_fingerprint(body));
            take(DocumentRow { kind: DocumentKind::Decision, key: &key, fingerprint });
            Ok(())
        })
    }

    fn commits_of(
        &mut self,
        source: SourceId,
        ids: &[ObjectId],
        take: &mut dyn FnMut(&Commit) -> Result<()>,
    ) -> Result<()> {
        // One look into the index for each; see `intern.rs`.
        const SQL: &str = "SELECT found.id, parents, author, committer, authored, time, message, credits, changes \
             FROM unnest($3::bytea[]) AS wanted (id) CROSS JOIN LATERAL \
             (SELECT * FROM commits WHERE org = $1 AND source = $2 AND commits.id = wanted.id LIMIT 1) AS found \
             CROSS JOIN LATERAL (SELECT message FROM commit_texts WHERE org = $1 AND n = found.n LIMIT 1) AS texts \
             WHERE found.n <= (SELECT visible_commit FROM sources WHERE org = $1 AND id = $2)";
        let mut names = Names::default();
        let ids = ids.iter().map(ObjectId::as_bytes).collect();
        self.each_of(source, ids, SQL, |transaction, org, rows| {
            learn(transaction, org, rows, &mut names)?;
            rows.iter().try_for_each(|row| Ok(take(&commit(row, &mut names)?)?))
        })
    }

    fn tickets_of(
        &mut self,
        source: SourceId,
        keys: &[TicketKey],
        take: &mut dyn FnMut(&Ticket) -> Result<()>,
    ) -> Result<()> {
        const SQL: &str = "SELECT body FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL \
             (SELECT n, source FROM tickets WHERE org = $1 AND tickets.key = wanted.key LIMIT 1) AS found \
             CROSS JOIN LATERAL (SELECT body FROM ticket_bodies WHERE org = $1 AND n = found.n LIMIT 1) AS bodies \
             WHERE found.source = $2";
        let keys = keys.iter().map(TicketKey::as_str).collect();
        self.each_of(source, keys, SQL, |_, _, rows| {
            rows.iter().try_for_each(|row| Ok(take(&serde_json::from_str(rows::value(row, 0)?)?)?))
        })
    }

    fn pages_of(
        &mut self,
        source: SourceId,
        paths: &[String],
        take: &mut dyn FnMut(&Page) -> Result<()>,
    ) -> Result<()> {
        const SQL: &str = "SELECT outline, text FROM unnest($3::bytea[]) AS wanted (hash) CROSS JOIN LATERAL \
             (SELECT n, outline FROM pages WHERE org = $1 AND source = $2 AND pages.hash = wanted.hash LIMIT 1) AS found \
             CROSS JOIN LATERAL (SELECT text FROM page_texts WHERE org = $1 AND n = found.n LIMIT 1) AS texts";
        let hashes: Vec<_> = paths.iter().map(|path| derived::hash(&[path.as_bytes()])).collect();
        self.each_of(source, hashes.iter().map(<[u8; 16]>::as_slice).collect(), SQL, |_, _, rows| {
            rows.iter().try_for_each(|row| Ok(take(&page(row)?)?))
        })
    }

    fn project(&mut self, sink: &mut dyn RecordSink) -> Result<u64> {
        project::project(self.transaction, self.org, sink).map_err(|fault| fault.at(self.location))
    }
}
