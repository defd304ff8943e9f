//! Pages and decision records.

use docassist_model::{Decision, SourceKind, Timestamp};
use serde_json::Value;

use super::builders::{decision, page};
use super::{Backend, only, scope, writer};
use crate::{DocsFinish, PageChanges, Writer};

fn finish<'a>(pages: PageChanges<'a>, decisions: Option<&'a [Decision]>) -> DocsFinish<'a> {
    let (location, notes, synced) = ("/docs", &[], Timestamp::from_unix(1));
    DocsFinish { location, cursor: &Value::Null, synced, notes, pages, decisions }
}

pub(super) fn pages_follow_their_files(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = writer.source(SourceKind::Docs, "docs", "/docs").unwrap().id;
    let change = |writer: &mut dyn Writer, replace_all, removed: &[&str], upserted: &[_]| {
        let removed: Vec<String> = removed.iter().map(|&path| path.to_owned()).collect();
        let pages = PageChanges { replace_all, removed: &removed, upserted };
        let outcome = writer.finish_docs(source, finish(pages, None)).unwrap();
        (outcome.pages_upserted, outcome.pages_removed, outcome.sequence)
    };
    let (one, two) = (page("one.md", "first"), page("two.md", "second"));
    assert_eq!(change(&mut *writer, true, &[], &[one.clone(), two.clone()]), (2, 0, 1));
    assert_eq!(change(&mut *writer, true, &[], &[two.clone(), one.clone()]), (0, 0, 1));
    assert_eq!(store.page(&scope(), "docs", "one.md").unwrap(), Some(one.clone()));
    assert_eq!(store.page(&scope(), "docs", "three.md").unwrap(), None);
    assert_eq!(store.page(&scope(), "other", "one.md").unwrap(), None);

    let changed = page("one.md", "first, again");
    assert_eq!(change(&mut *writer, false, &["two.md"], std::slice::from_ref(&changed)), (1, 1, 2));
    assert_eq!(store.page(&scope(), "docs", "one.md").unwrap(), Some(changed.clone()));
    let mut retitled = changed;
    retitled.title = "Other".to_owned();
    retitled.modified = Some(Timestamp::from_unix(99));
    assert_eq!(change(&mut *writer, true, &[], std::slice::from_ref(&retitled)), (1, 0, 3));
    assert_eq!(store.page(&scope(), "docs", "one.md").unwrap(), Some(retitled));
    let status = store.sources(&scope()).unwrap().remove(0);
    assert_eq!((status.records.pages, status.newest), (1, Some(Timestamp::from_unix(99))));
    assert_eq!(change(&mut *writer, true, &[], &[]), (0, 1, 4));
    assert_eq!(only(&*store, &["page"]), Vec::<String>::new());
}

pub(super) fn decisions_are_replaced_as_a_list(backend: &dyn Backend) {
    let store = backend.open();
    let mut writer = writer(&*store);
    let source = writer.source(SourceKind::Docs, "docs", "/docs").unwrap().id;
    let list = [decision("b.md", "Second"), decision("a.md", "First")];
    let change = |writer: &mut dyn Writer, decisions| {
        let outcome = writer.finish_docs(source, finish(PageChanges::default(), decisions)).unwrap();
        (outcome.decisions_changed, outcome.sequence)
    };
    assert_eq!(change(&mut *writer, Some(&list[..])), (true, 1));
    assert_eq!(change(&mut *writer, Some(&list[..])), (false, 1));
    assert_eq!(change(&mut *writer, None), (false, 1));
    assert_eq!(writer.decisions(source).unwrap(), list);
    assert_eq!(only(&*store, &["decision"]).len(), 2);
    assert_eq!(change(&mut *writer, Some(&list[..1])), (true, 2));
    assert_eq!(writer.decisions(source).unwrap(), list[..1]);
    assert_eq!(store.sources(&scope()).unwrap()[0].records.decisions, 1);
    assert_eq!(change(&mut *writer, Some(&[])), (true, 3));
}
