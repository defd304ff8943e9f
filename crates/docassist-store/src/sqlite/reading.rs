//! Reads records whole.

use docassist_model::{Commit, Decision, FileEntry, Identity, ObjectId, Page, RecordSink, SourceId, Ticket, TicketKey};
use rusqlite::types::ToSql;
use rusqlite::{Row, Transaction};
use rustc_hash::FxHashMap;

use super::fault::{Fault, Inner};
use super::{columns, project, sources};
use crate::reading::{BATCH, Names, Unknown};
use crate::{DocumentKind, DocumentRow, Reading, Result, Source};
use crate::{derived, encoding};

/// What a transaction sees.
pub(super) struct SqliteReading<'a> {
    transaction: &'a Transaction<'a>,
    location: &'a str,
    sequence: u64,
    sources: Vec<Source>,
}

impl<'a> SqliteReading<'a> {
    pub(super) fn new(transaction: &'a Transaction<'a>, location: &'a str) -> Inner<Self> {
        let mut sources = sources::all(transaction)?;
        sources.sort_unstable_by_key(|source| source.id);
        Ok(Self { transaction, location, sequence: sources::sequence(transaction)?, sources })
    }

    /// Runs `read` in this state.
    fn run<T>(&self, read: impl FnOnce(&Transaction<'_>) -> Inner<T>) -> Result<T> {
        read(self.transaction).map_err(|fault| fault.at(self.location))
    }

    /// Calls `take` with the row of each of `keys`, in the order of the table: `find` has the row's number for the source
    /// and a key, `read` the row of a number.
    fn each_of<K: ToSql>(
        &self,
        source: SourceId,
        keys: impl Iterator<Item = K>,
        find: &str,
        read: &str,
        take: &mut dyn FnMut(&Row<'_>) -> Inner<()>,
    ) -> Result<()> {
        self.run(|transaction| {
            let mut find = transaction.prepare_cached(find)?;
            let mut numbers = Vec::new();
            for key in keys {
                let mut rows = find.query((source.0, key))?;
                if let Some(row) = rows.next()? {
                    numbers.push(columns::integer(row, 0)?);
                }
            }
            numbers.sort_unstable();
            numbers.dedup();
            let mut read = transaction.prepare_cached(read)?;
            for n in numbers {
                let mut rows = read.query([n])?;
                while let Some(row) = rows.next()? {
                    take(row)?;
                }
            }
            Ok(())
        })
    }

    /// The fingerprints of the identities of a source as `.mailmap` has them.
    fn authors(&self, source: SourceId) -> Result<FxHashMap<u32, u64>> {
        const SQL: &str = "SELECT id, canonical_name, canonical_email FROM identities \
             WHERE source = ?1 AND canonical_email IS NOT NULL";
        let mut authors = FxHashMap::default();
        self.each(source, SQL, &mut |row| {
            let fingerprint = derived::author_fingerprint(columns::text(row, 1)?, columns::text(row, 2)?);
            authors.insert(columns::number(row, 0)?, fingerprint);
            Ok(())
        })?;
        Ok(authors)
    }

    /// Calls `take` with every row of a query about the source.
    fn each(&self, source: SourceId, sql: &str, take: &mut dyn FnMut(&Row<'_>) -> Inner<()>) -> Result<()> {
        let result = (|| {
            let mut statement = self.transaction.prepare_cached(sql)?;
            let mut rows = statement.query([source.0])?;
            while let Some(row) = rows.next()? {
                take(row)?;
            }
            Ok(())
        })();
        result.map_err(|fault: Fault| fault.at(self.location))
    }

    /// The values that `read` makes of the rows.
    fn all<T>(&self, source: SourceId, sql: &str, read: impl Fn(&Row<'_>) -> Inner<T>) -> Result<Vec<T>> {
        let mut values = Vec::new();
        self.each(source, sql, &mut |row| {
            values.push(read(row)?);
            Ok(())
        })?;
        Ok(values)
    }

    fn names(&self, source: SourceId) -> Result<Names> {
        const IDENTITIES: &str = "SELECT id, name, email FROM identities WHERE source = ?1";
        const PATHS: &str = "SELECT id, path FROM paths WHERE source = ?1";
        let mut names = Names::default();
        self.each(source, IDENTITIES, &mut |row| {
            names.identities.insert(columns::number(row, 0)?, identity(row, 1)?);
            Ok(())
        })?;
        self.each(source, PATHS, &mut |row| {
            names.paths.insert(columns::number(row, 0)?, columns::text(row, 1)?.into());
            Ok(())
        })?;
        Ok(names)
    }
}

fn identity(row: &Row<'_>, first: usize) -> Inner<Identity> {
    Ok(Identity { name: columns::text(row, first)?.to_owned(), email: columns::text(row, first + 1)?.to_owned() })
}

fn object_id(raw: &[u8]) -> Inner<ObjectId> {
    ObjectId::from_bytes(raw).ok_or_else(|| Fault::Malformed(format!("an object name of {} bytes", raw.len())))
}

/// Looks up what the commit in a row refers to.
fn learn(transaction: &Transaction<'_>, row: &Row<'_>, names: &mut Names) -> Inner<()> {
    let people = [columns::number(row, 2)?, columns::number(row, 3)?];
    let mut unknown = Unknown::default();
    names.unknown(people, columns::blob(row, 7)?, columns::blob(row, 8)?, &mut unknown)?;
    let mut find = transaction.prepare_cached("SELECT name, email FROM identities WHERE id = ?1")?;
    for id in unknown.identities {
        let mut rows = find.query([id])?;
        if let Some(row) = rows.next()? {
            names.identities.insert(id, identity(row, 0)?);
        }
    }
    let mut find = transaction.prepare_cached("SELECT path FROM paths WHERE id = ?1")?;
    for id in unknown.paths {
        let mut rows = find.query([id])?;
        if let Some(row) = rows.next()? {
            names.paths.insert(id, columns::text(row, 0)?.into());
        }
    }
    Ok(())
}

fn page(row: &Row<'_>) -> Inner<Page> {
    let mut page: Page = serde_json::from_str(columns::text(row, 0)?)?;
    columns::text(row, 1)?.clone_into(&mut page.text);
    Ok(page)
}

fn commit(row: &Row<'_>, names: &mut Names) -> Inner<Commit> {
    let id = columns::blob(row, 0)?;
    Ok(Commit {
        id: object_id(id)?,
        parents: columns::blob(row, 1)?.chunks(id.len().max(1)).map(object_id).collect::<Inner<_>>()?,
        author: names.identity(columns::number(row, 2)?)?,
        committer: names.identity(columns::number(row, 3)?)?,
        authored: columns::time(row, 4)?,
        time: columns::time(row, 5)?,
        message: columns::text(row, 6)?.to_owned(),
        credits: names.credits(columns::blob(row, 7)?)?,
        changes: names.changes(columns::blob(row, 8)?)?,
    })
}

impl Reading for SqliteReading<'_> {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn sources(&self) -> &[Source] {
        &self.sources
    }

    fn commits(&mut self, source: SourceId, take: &mut dyn FnMut(&[Commit]) -> Result<()>) -> Result<()> {
        const SQL: &str = "SELECT id, parents, author, committer, authored, time, message, credits, changes \
             FROM commits JOIN commit_texts USING (n) \
             WHERE source = ?1 AND n <= (SELECT visible_commit FROM sources WHERE id = ?1) ORDER BY n";
        let mut names = self.names(source)?;
        let mut batch = Vec::with_capacity(BATCH);
        self.each(source, SQL, &mut |row| {
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
             WHERE source = ?1 AND canonical_email IS NOT NULL";
        self.all(source, SQL, |row| Ok((identity(row, 0)?, identity(row, 2)?)))
    }

    fn files(&mut self, source: SourceId) -> Result<Vec<FileEntry>> {
        const SQL: &str = "SELECT paths.path, kind, size FROM files JOIN paths ON paths.id = files.path \
             WHERE paths.source = ?1";
        self.all(source, SQL, |row| {
            Ok(FileEntry {
                path: columns::text(row, 0)?.to_owned(),
                kind: encoding::kind(columns::integer(row, 1)?)?,
                size: columns::number(row, 2)?,
            })
        })
    }

    fn pages(&mut self, source: SourceId) -> Result<Vec<Page>> {
        const SQL: &str = "SELECT outline, text FROM pages JOIN page_texts USING (n) WHERE source = ?1 ORDER BY path";
        self.all(source, SQL, page)
    }

    fn decisions(&mut self, source: SourceId) -> Result<Vec<Decision>> {
        const SQL: &str = "SELECT body FROM decisions WHERE source = ?1 ORDER BY position";
        self.all(source, SQL, |row| Ok(serde_json::from_str(columns::text(row, 0)?)?))
    }

    fn tickets(&mut self, source: SourceId, take: &mut dyn FnMut(&Ticket) -> Result<()>) -> Result<()> {
        const SQL: &str = "SELECT body FROM tickets JOIN ticket_bodies USING (n) WHERE source = ?1 ORDER BY n";
        self.each(source, SQL, &mut |row| Ok(take(&serde_json::from_str(columns::text(row, 0)?)?)?))
    }

    fn documents(&mut self, source: SourceId, take: &mut dyn FnMut(DocumentRow<'_>)) -> Result<()> {
        const COMMITS: &str = "SELECT id, author FROM commits \
             WHERE source = ?1 AND n <= (SELECT visible_commit FROM sources WHERE id = ?1)";
        // Texts only of rows that were written before fingerprints were kept.
        const TICKETS: &str = "SELECT key, fingerprint, CASE WHEN fingerprint IS NULL THEN \
             (SELECT body FROM ticket_bodies WHERE n = tickets.n) END FROM tickets WHERE source = ?1 ORDER BY n";
        const PAGES: &str = "SELECT path, fingerprint, outline, CASE WHEN fingerprint IS NULL THEN \
             (SELECT text FROM page_texts WHERE n = pages.n) END FROM pages WHERE source = ?1";
        const DECISIONS: &str = "SELECT body FROM decisions WHERE source = ?1";
        let authors = self.authors(source)?;
        self.each(source, COMMITS, &mut |row| {
            let (id, author) = (object_id(columns::blob(row, 0)?)?, columns::number(row, 1)?);
            let author = authors.get(&author).copied().unwrap_or_default();
            let fingerprint = derived::commit_fingerprint(&id, author);
            take(DocumentRow { kind: DocumentKind::Commit, key: &id.to_hex(), fingerprint });
            Ok(())
        })?;
        self.each(source, TICKETS, &mut |row| {
            let fingerprint = match row.get::<_, Option<i64>>(1)? {
                Some(kept) => kept.cast_unsigned(),
                None => derived::body_fingerprint(columns::text(row, 2)?),
            };
            take(DocumentRow { kind: DocumentKind::Ticket, key: columns::text(row, 0)?, fingerprint });
            Ok(())
        })?;
        self.each(source, PAGES, &mut |row| {
            let fingerprint = match row.get::<_, Option<i64>>(1)? {
                Some(kept) => kept.cast_unsigned(),
                None => derived::page_fingerprint(columns::text(row, 2)?, columns::text(row, 3)?),
            };
            take(DocumentRow { kind: DocumentKind::Page, key: columns::text(row, 0)?, fingerprint });
            Ok(())
        })?;
        self.each(source, DECISIONS, &mut |row| {
            let body = columns::text(row, 0)?;
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
        // Only what is visible is there.
        const FIND: &str = "SELECT n FROM commit_ids WHERE source = ?1 AND id = ?2";
        const READ: &str = "SELECT id, parents, author, committer, authored, time, message, credits, changes \
             FROM commits JOIN commit_texts USING (n) WHERE n = ?1";
        let mut names = Names::default();
        let transaction = self.transaction;
        self.each_of(source, ids.iter().map(ObjectId::as_bytes), FIND, READ, &mut |row| {
            learn(transaction, row, &mut names)?;
            Ok(take(&commit(row, &mut names)?)?)
        })
    }

    fn tickets_of(
        &mut self,
        source: SourceId,
        keys: &[TicketKey],
        take: &mut dyn FnMut(&Ticket) -> Result<()>,
    ) -> Result<()> {
        const FIND: &str = "SELECT n FROM tickets WHERE source = ?1 AND key = ?2";
        const READ: &str = "SELECT body FROM ticket_bodies WHERE n = ?1";
        self.each_of(source, keys.iter().map(TicketKey::as_str), FIND, READ, &mut |row| {
            Ok(take(&serde_json::from_str(columns::text(row, 0)?)?)?)
        })
    }

    fn pages_of(
        &mut self,
        source: SourceId,
        paths: &[String],
        take: &mut dyn FnMut(&Page) -> Result<()>,
    ) -> Result<()> {
        const FIND: &str = "SELECT n FROM pages WHERE source = ?1 AND path = ?2";
        const READ: &str = "SELECT outline, text FROM pages JOIN page_texts USING (n) WHERE n = ?1";
        self.each_of(source, paths.iter(), FIND, READ, &mut |row| Ok(take(&page(row)?)?))
    }

    fn project(&mut self, sink: &mut dyn RecordSink) -> Result<u64> {
        project::project(self.transaction, sink).map_err(|fault| fault.at(self.location))
    }
}
