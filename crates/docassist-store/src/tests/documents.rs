//! What an index follows the store by: the list of documents, and documents by their keys.

use std::collections::BTreeMap;

use docassist_model::{Commit, Identity, ObjectId, Page, SourceId, SourceKind, Ticket, TicketKey, Timestamp};
use serde_json::{Value, json};

use super::builders::{commit, decision, end, git, id, ids, import, page, sync, ticket};
use super::{Backend, scope, writer};
use crate::{DocsFinish, DocumentKind, GitFinish, PageChanges, Reading, Store, Writer};

/// Documents by source, kind and key, with their fingerprints.
pub(super) type Documents = BTreeMap<(String, DocumentKind, String), u64>;

fn read<T>(store: &dyn Store, mut read: impl FnMut(&mut dyn Reading) -> T) -> T {
    let mut result = None;
    let there = store.read_whole(&scope(), &mut |reading| {
        result = Some(read(reading));
        Ok(())
    });
    assert!(there.unwrap());
    result.unwrap()
}

pub(super) fn documents(store: &dyn Store) -> Documents {
    read(store, |reading| {
        let mut documents = Documents::new();
        for source in reading.sources().to_vec() {
            let take = &mut |row: crate::DocumentRow<'_>| {
                let key = (source.name.clone(), row.kind, row.key.to_owned());
                assert_eq!(documents.insert(key, row.fingerprint), None);
            };
            reading.documents(source.id, take).unwrap();
        }
        documents
    })
}

/// What the whole records say that there is.
fn expected(store: &dyn Store) -> Vec<(String, DocumentKind, String)> {
    read(store, |reading| {
        let mut expected = Vec::new();
        for source in reading.sources().to_vec() {
            let mut add = |kind, key: &str| expected.push((source.name.clone(), kind, key.to_owned()));
            for commit in commits(reading, source.id) {
                add(DocumentKind::Commit, &commit.id.to_hex());
            }
            for ticket in tickets(reading, source.id) {
                add(DocumentKind::Ticket, ticket.key.as_str());
            }
            for page in reading.pages(source.id).unwrap() {
                add(DocumentKind::Page, &page.path);
            }
            for decision in reading.decisions(source.id).unwrap() {
                add(DocumentKind::Decision, &decision.path);
            }
        }
        expected.sort();
        expected
    })
}

fn commits(reading: &mut dyn Reading, source: SourceId) -> Vec<Commit> {
    let mut commits = Vec::new();
    let taken = reading.commits(source, &mut |batch| {
        commits.extend_from_slice(batch);
        Ok(())
    });
    taken.unwrap();
    commits
}

fn tickets(reading: &mut dyn Reading, source: SourceId) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    let taken = reading.tickets(source, &mut |ticket| {
        tickets.push(ticket.clone());
        Ok(())
    });
    taken.unwrap();
    tickets
}

/// Ends a sync of the folder `wiki`.
pub(super) fn wiki(writer: &mut dyn Writer, pages: &[Page]) -> SourceId {
    let source = writer.source(SourceKind::Docs, "wiki", "/wiki").unwrap().id;
    let finish = DocsFinish {
        location: "/wiki",
        cursor: &Value::Null,
        synced: Timestamp::from_unix(1),
        notes: &[],
        pages: PageChanges { replace_all: true, removed: &[], upserted: pages },
        decisions: None,
    };
    writer.finish_docs(source, finish).unwrap();
    source
}

pub(super) fn documents_are_those_that_are_read(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let repo = git(&mut *writer);
    writer.stage_commits(repo, &[commit(1, "one"), commit(2, "two")]).unwrap();
    let (pages, decisions) = ([page("adr/1.md", "decided")], [decision("adr/1.md", "quoted \"\u{e9}\" \\ path")]);
    let pages = PageChanges { upserted: &pages, ..Default::default() };
    writer.finish_git(repo, GitFinish { pages, decisions: Some(&decisions), ..end() }).unwrap();
    import(&mut *writer, "jira", false, &[ticket("ACME-1", "one"), ticket("ACME-2", "two")]);
    wiki(&mut *writer, &[page("a \"b\"\u{1}.md", "text"), page("c.md", "")]);
    let all = expected(&*store);
    assert_eq!(all.len(), 8);
    assert_eq!(documents(&*store).into_keys().collect::<Vec<_>>(), all);
    // What waits for its sync, and what stands in for another, is not there yet; what was removed is not there any more.
    writer.stage_commits(repo, &[commit(3, "three")]).unwrap();
    let shadow = writer.shadow(repo, &json!(1)).unwrap();
    writer.stage_commits(shadow.id, &[commit(1, "one"), commit(4, "four")]).unwrap();
    assert_eq!(documents(&*store).into_keys().collect::<Vec<_>>(), all);
    let none = read(&*store, |reading| {
        let mut found = 0;
        for source in [repo, shadow.id] {
            reading.commits_of(source, &ids(&[3, 4]), &mut |_| panic!("it is not visible")).unwrap();
        }
        reading.documents(shadow.id, &mut |_| found += 1).unwrap();
        found
    });
    assert_eq!(none, 0);
    writer.finish_git(repo, GitFinish { remove: &ids(&[2]), decisions: Some(&[]), ..end() }).unwrap();
    import(&mut *writer, "jira", true, &[ticket("ACME-2", "two")]);
    wiki(&mut *writer, &[]);
    let left = expected(&*store);
    assert_eq!(left.len(), 4);
    assert_eq!(documents(&*store).into_keys().collect::<Vec<_>>(), left);
}

/// The keys of the documents that differ.
pub(super) fn differing(before: &Documents, after: &Documents) -> Vec<String> {
    assert_eq!(before.len(), after.len());
    let differs = |(key, fingerprint): &(&(String, DocumentKind, String), &u64)| before[*key] != **fingerprint;
    after.iter().filter(differs).map(|((_, _, key), _)| key.clone()).collect()
}

pub(super) fn a_fingerprint_changes_with_its_document_alone(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let repo = git(&mut *writer);
    let two = Commit { author: super::builders::identity("Dee"), ..commit(2, "two") };
    writer.stage_commits(repo, &[commit(1, "one"), two]).unwrap();
    writer
        .finish_git(repo, GitFinish { decisions: Some(&[decision("a.md", "x"), decision("b.md", "y")]), ..end() })
        .unwrap();
    import(&mut *writer, "jira", false, &[ticket("ACME-1", "one"), ticket("ACME-2", "two")]);
    wiki(&mut *writer, &[page("a.md", "text"), page("b.md", "text")]);
    let mut before = documents(&*store);
    let mut changed = |expected: &[&str]| {
        let after = documents(&*store);
        assert_eq!(differing(&before, &after), expected);
        before = after;
    };
    changed(&[]);
    // A comment is in no column.
    let mut edited = ticket("ACME-2", "two");
    edited.comments[0].body.push('!');
    import(&mut *writer, "jira", false, &[ticket("ACME-1", "one"), edited]);
    changed(&["ACME-2"]);
    wiki(&mut *writer, &[page("a.md", "text"), page("b.md", "another text")]);
    changed(&["b.md"]);
    wiki(&mut *writer, &[Page { modified: None, ..page("a.md", "text") }, page("b.md", "another text")]);
    changed(&["a.md"]);
    let decisions = [decision("a.md", "x"), decision("b.md", "z")];
    writer.finish_git(repo, GitFinish { decisions: Some(&decisions), ..end() }).unwrap();
    changed(&["b.md"]);
    let canonical = |recorded: &Identity| match recorded.name.as_str() {
        "Dee" => Identity { name: "Deirdre".to_owned(), ..recorded.clone() },
        _ => recorded.clone(),
    };
    writer.finish_git(repo, GitFinish { canonical: &canonical, mailmap_changed: true, ..end() }).unwrap();
    changed(&[&id(2).to_hex()]);
}

pub(super) fn documents_are_fetched_by_their_keys(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let shape = docassist_testing::records::Shape::small(1_500);
    let history: Vec<Commit> = docassist_testing::records::History::new(&shape).collect();
    sync(&mut *writer, &history);
    let repo = git(&mut *writer);
    let of_jira: Vec<Ticket> = (1..=700).map(|number| ticket(&format!("ACME-{number}"), "text")).collect();
    import(&mut *writer, "jira", false, &of_jira);
    import(&mut *writer, "other", false, &[ticket("GLO-1", "of another source")]);
    let pages: Vec<Page> = (0..500).map(|number| page(&format!("{number}\u{1}.md"), "text\u{0}")).collect();
    let docs = wiki(&mut *writer, &pages);
    let jira = writer.source(SourceKind::Tickets, "jira", "/tickets.json").unwrap().id;
    read(&*store, |reading| {
        // In any order, twice, and with what is not there.
        let mut ids: Vec<ObjectId> = history.iter().rev().chain(&history).map(|commit| commit.id).collect();
        ids.push(id(0));
        let mut found = Vec::new();
        let taken = reading.commits_of(repo, &ids, &mut |commit| {
            found.push(commit.clone());
            Ok(())
        });
        taken.unwrap();
        let mut expected = commits(reading, repo);
        assert_eq!(expected.len(), 1_500);
        found.sort_by_key(|commit| commit.id);
        expected.sort_by_key(|commit| commit.id);
        assert_eq!(found, expected);

        let mut keys: Vec<TicketKey> = of_jira.iter().rev().chain(&of_jira).map(|ticket| ticket.key.clone()).collect();
        keys.extend(["GLO-1".parse().unwrap(), "ACME-9999".parse().unwrap()]);
        let mut found = Vec::new();
        let taken = reading.tickets_of(jira, &keys, &mut |ticket| {
            found.push(ticket.clone());
            Ok(())
        });
        taken.unwrap();
        let mut expected = tickets(reading, jira);
        found.sort_by(|one, other| one.key.cmp(&other.key));
        expected.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(found, expected);

        let mut paths: Vec<String> = pages.iter().rev().chain(&pages).map(|page| page.path.clone()).collect();
        paths.push("gone.md".to_owned());
        let mut found = Vec::new();
        let taken = reading.pages_of(docs, &paths, &mut |page| {
            found.push(page.clone());
            Ok(())
        });
        taken.unwrap();
        found.sort_by(|one, other| one.path.cmp(&other.path));
        assert_eq!(found, reading.pages(docs).unwrap());

        // What the caller says ends it.
        let stop = || Err(crate::StoreError::Cancelled);
        let ended = reading.tickets_of(jira, &keys, &mut |_| stop());
        assert!(matches!(ended, Err(crate::StoreError::Cancelled)));
        reading.pages_of(docs, &[], &mut |_| stop()).unwrap();
    });
}
