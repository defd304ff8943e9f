//! Pages and decision records, of repositories and of folders.

use docassist_model::{Decision, Page, SourceId, Timestamp};
use postgres::GenericClient;
use postgres::types::Type;
use rustc_hash::FxHashMap;

use super::bulk::Table;
use super::intern::take_long_numbers;
use super::{rows, sources};
use crate::derived::{Hash, hash, outline, page_hash};
use crate::postgres::fault::Inner;
use crate::postgres::text;
use crate::settlement::Settlement;
use crate::{DocsFinish, Outcome, PageChanges, Source};

/// Ends a sync; see [`crate::Writer::finish_docs`].
pub(super) fn finish(
    client: &mut impl GenericClient,
    org: i64,
    source: &Source,
    finish: &DocsFinish<'_>,
) -> Inner<Outcome> {
    let mut outcome = Outcome::default();
    (outcome.pages_upserted, outcome.pages_removed) = change(client, org, source.id, &finish.pages)?;
    outcome.decisions_changed = match finish.decisions {
        Some(decisions) => replace_decisions(client, org, source.id, decisions)?,
        None => false,
    };
    if outcome.pages_upserted + outcome.pages_removed > 0 {
        sources::refresh_newest(client, org, source.id, "SELECT max(modified) FROM pages")?;
    }
    (outcome.sequence, outcome.changed) = sources::settle(
        client,
        org,
        source,
        &Settlement {
            location: finish.location,
            cursor: finish.cursor,
            projects: &source.projects,
            notes: finish.notes,
            synced: finish.synced,
            changed: outcome != Outcome::default(),
        },
    )?;
    Ok(outcome)
}

const PAGES: Table = Table {
    name: "pages",
    columns: &[
        ("n", Type::INT8),
        ("source", Type::INT4),
        ("hash", Type::BYTEA),
        ("path", Type::TEXT),
        ("modified", Type::INT8),
        ("content", Type::BYTEA),
        ("outline", Type::TEXT),
    ],
    conflict: "ON CONFLICT (org, n) DO UPDATE SET modified = excluded.modified, content = excluded.content, \
         outline = excluded.outline",
};
const TEXTS: Table = Table {
    name: "page_texts",
    columns: &[("n", Type::INT8), ("text", Type::TEXT)],
    conflict: "ON CONFLICT (org, n) DO UPDATE SET text = excluded.text",
};

/// Brings the pages of a source up to date and returns how many are new or differ, and how many went.
pub(super) fn change(
    client: &mut impl GenericClient,
    org: i64,
    source: SourceId,
    changes: &PageChanges<'_>,
) -> Inner<(u64, u64)> {
    const REMOVE: &str = "DELETE FROM pages WHERE org = $1 AND source = $2 AND hash = ANY($3)";
    const KEEP: &str = "DELETE FROM pages WHERE org = $1 AND source = $2 AND hash <> ALL($3)";
    let mut removed = 0;
    if !changes.removed.is_empty() {
        let gone: Vec<Hash> = changes.removed.iter().map(|path| hash(&[path.as_bytes()])).collect();
        let gone: Vec<&[u8]> = gone.iter().map(Hash::as_slice).collect();
        removed += client.execute(REMOVE, &[&org, &rows::id(source), &gone])?;
    }
    // The last of several pages of one path counts.
    let mut pages: FxHashMap<Hash, &Page> = FxHashMap::default();
    for page in changes.upserted {
        pages.insert(hash(&[page.path.as_bytes()]), page);
    }
    let upserted = upsert(client, org, source, &pages)?;
    if changes.replace_all {
        let kept: Vec<&[u8]> = pages.keys().map(Hash::as_slice).collect();
        removed += client.execute(KEEP, &[&org, &rows::id(source), &kept])?;
    }
    Ok((upserted, removed))
}

/// Writes the pages that differ from the stored ones, and returns how many they are.
fn upsert(client: &mut impl GenericClient, org: i64, source: SourceId, pages: &FxHashMap<Hash, &Page>) -> Inner<u64> {
    const FIND: &str = "SELECT found.* FROM unnest($3::bytea[]) AS wanted (hash) CROSS JOIN LATERAL \
         (SELECT hash, n, content FROM pages WHERE org = $1 AND source = $2 AND pages.hash = wanted.hash LIMIT 1) AS found";
    if pages.is_empty() {
        return Ok(0);
    }
    let hashes: Vec<&[u8]> = pages.keys().map(Hash::as_slice).collect();
    let mut stored: FxHashMap<Vec<u8>, (i64, Vec<u8>)> = FxHashMap::default();
    for row in client.query(FIND, &[&org, &rows::id(source), &hashes])? {
        stored.insert(rows::bytes(&row, 0)?.to_vec(), (rows::value(&row, 1)?, rows::bytes(&row, 2)?.to_vec()));
    }
    let mut next = take_long_numbers(client, org, "next_page", pages.len().saturating_sub(stored.len()))?;
    let mut changed = Vec::new();
    for (path, page) in pages {
        let outline = serde_json::to_string(&outline(page))?;
        let content = page_hash(&outline, &page.text);
        let n = match stored.get(path.as_slice()) {
            Some((_, same)) if *same == content => continue,
            Some(&(n, _)) => n,
            None => {
                next += 1;
                next - 1
            }
        };
        changed.push((n, path, *page, outline, content));
    }
    if changed.is_empty() {
        return Ok(0);
    }
    PAGES.upsert(client, org, &mut |rows| {
        for (n, hash, page, outline, content) in &changed {
            let (path, modified) = (text::stored(&page.path), page.modified.map(Timestamp::unix));
            rows.row(&[
                n,
                &rows::id(source),
                &hash.as_slice(),
                &path.as_ref(),
                &modified,
                &content.as_slice(),
                outline,
            ])?;
        }
        Ok(())
    })?;
    TEXTS.upsert(client, org, &mut |rows| {
        for (n, _, page, _, _) in &changed {
            rows.row(&[n, &text::stored(&page.text).as_ref()])?;
        }
        Ok(())
    })?;
    Ok(changed.len() as u64)
}

/// A page with its text.
pub(super) fn page(client: &mut impl GenericClient, org: i64, source: &str, path: &str) -> Inner<Option<Page>> {
    const SQL: &str = "SELECT outline, text FROM sources JOIN pages ON pages.org = sources.org AND pages.source = sources.id \
         JOIN page_texts ON page_texts.org = pages.org AND page_texts.n = pages.n \
         WHERE sources.org = $1 AND sources.name = $2 AND pages.hash = $3";
    let hash = hash(&[path.as_bytes()]);
    let Some(row) = client.query_opt(SQL, &[&org, &text::stored(source).as_ref(), &hash.as_slice()])? else {
        return Ok(None);
    };
    let mut page: Page = serde_json::from_str(rows::value(&row, 0)?)?;
    page.text = rows::string(&row, 1)?.into_owned();
    Ok(Some(page))
}

/// The decision records of a source, as JSON.
fn bodies(client: &mut impl GenericClient, org: i64, source: SourceId) -> Inner<Vec<String>> {
    const SQL: &str = "SELECT body FROM decisions WHERE org = $1 AND source = $2 ORDER BY position";
    client.query(SQL, &[&org, &rows::id(source)])?.iter().map(|row| rows::value(row, 0)).collect()
}

/// The decision records of a source.
pub(super) fn decisions(client: &mut impl GenericClient, org: i64, source: SourceId) -> Inner<Vec<Decision>> {
    bodies(client, org, source)?.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
}

/// Replaces the decision records of a source and returns whether any differs.
pub(super) fn replace_decisions(
    client: &mut impl GenericClient,
    org: i64,
    source: SourceId,
    decisions: &[Decision],
) -> Inner<bool> {
    const INSERT: &str = "INSERT INTO decisions (org, source, position, body) \
         SELECT $1, $2, (position - 1)::int, body FROM unnest($3::text[]) WITH ORDINALITY AS new (body, position)";
    let new = decisions.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    if bodies(client, org, source)? == new {
        return Ok(false);
    }
    client.execute("DELETE FROM decisions WHERE org = $1 AND source = $2", &[&org, &rows::id(source)])?;
    client.execute(INSERT, &[&org, &rows::id(source), &new])?;
    Ok(true)
}
