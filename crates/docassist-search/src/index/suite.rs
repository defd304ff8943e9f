//! What every index does: run for each of them by `suite!`.

use docassist_model::{TenantScope, Timestamp};

use super::*;
use crate::lexical::{query_terms, query_vector};
use crate::passage::{Address, PassageKind, sha256};

pub(crate) fn scope(org: &str) -> TenantScope {
    TenantScope::unchecked(org.parse().unwrap(), "a test")
}

/// A passage of document `document` that says `text`.
pub(crate) fn passage(source: &str, document: &str, text: &str) -> Passage {
    let digest = sha256(format!("{source}/{document}").as_bytes());
    Passage {
        id: PassageId(u128::from_str_radix(&digest[..32], 16).unwrap()),
        source: source.into(),
        document: document.into(),
        kind: PassageKind::Page,
        address: Address::Lines { path: document.into(), first: 1, last: 2 },
        title: document.into(),
        headings: vec!["Heading".into()],
        text: text.into(),
        time: Some(Timestamp::from_unix(1_000)),
        author: Some("Ada".into()),
        repository: Some("alloy".into()),
        labels: vec!["red".into(), "blue".into()],
        hash: sha256(text.as_bytes()),
    }
}

/// A vector of four dimensions that points mostly along one.
pub(crate) fn along(axis: usize) -> Vec<f32> {
    (0..4).map(|index| if index == axis { 2.0 } else { 0.2 }).collect()
}

pub(crate) fn find(index: &dyn Index, scope: &TenantScope, text: &str, filter: &Filter) -> Vec<String> {
    let mut vector = SparseVector::default();
    index.read_statistics(scope, &mut |statistics| vector = query_vector(&query_terms(text, statistics))).unwrap();
    let mut found = index.search(scope, &IndexQuery { sparse: &vector, dense: None, filter, limit: 50 }).unwrap();
    found.sort_by(|a, b| b.lexical.total_cmp(&a.lexical));
    let ids: Vec<PassageId> = found.iter().map(|candidate| candidate.id).collect();
    index.get(scope, &ids).unwrap().into_iter().map(|passage| passage.document).collect()
}

fn all(index: &dyn Index, scope: &TenantScope, text: &str) -> Vec<String> {
    find(index, scope, text, &Filter::default())
}

pub(crate) fn finds_by_terms_rarest_first(index: &dyn Index) {
    let scope = scope("one");
    let texts = [("a", "cache of answers"), ("b", "cache miss"), ("c", "queue of answers"), ("d", "zebra cache")];
    let passages = texts.map(|(document, text)| passage("docs", document, text));
    index.upsert(&scope, &entries(passages.to_vec())).unwrap();
    assert_eq!(all(index, &scope, "zebra cache")[0], "d");
    assert_eq!(all(index, &scope, "queues"), ["c"]);
    assert_eq!(all(index, &scope, "unicorn"), Vec::<String>::new());
    assert_eq!(index.counts(&scope).unwrap(), Counts { passages: 4, embedded: 0 });
}

pub(crate) fn scores_are_those_of_bm25(index: &dyn Index) {
    let scope = scope("one");
    let made =
        entries(vec![passage("docs", "a", "cache cache of answers"), passage("docs", "b", "queue with a longer text")]);
    index.upsert(&scope, &made).unwrap();
    index.commit(&scope, 1).unwrap();
    let (mut vector, mut average) = (SparseVector::default(), 0.0);
    index
        .read_statistics(&scope, &mut |statistics| {
            vector = query_vector(&query_terms("cache answers", statistics));
            average = statistics.average_length();
        })
        .unwrap();
    let query = IndexQuery { sparse: &vector, dense: None, filter: &Filter::default(), limit: 5 };
    let found = index.search(&scope, &query).unwrap();
    let expected = vector.dot(&made[0].terms.vector(crate::lexical::Bm25::default(), average));
    assert_eq!(found.len(), 1);
    assert!((found[0].lexical - expected).abs() < 1e-4, "{} {expected}", found[0].lexical);
}

pub(crate) fn finds_by_meaning_and_gives_both_scores(index: &dyn Index) {
    let scope = scope("one");
    let entry = |document: &str, text: &str, axis| Entry::new(passage("docs", document, text)).with_dense(along(axis));
    index.upsert(&scope, &[entry("a", "cache", 0), entry("b", "queue", 1), entry("c", "cache", 2)]).unwrap();
    index.upsert(&scope, &[Entry::new(passage("docs", "d", "queue"))]).unwrap();
    let mut vector = SparseVector::default();
    index.read_statistics(&scope, &mut |s| vector = query_vector(&query_terms("cache", s))).unwrap();
    let dense = along(1);
    let query = IndexQuery { sparse: &vector, dense: Some(&dense), filter: &Filter::default(), limit: 1 };
    let found = index.search(&scope, &query).unwrap();
    assert_eq!(found.len(), 2, "one by each vector");
    let of = |document: &str| {
        let id = passage("docs", document, "").id;
        found.iter().find(|candidate| candidate.id == id)
    };
    let by_meaning = of("b").unwrap();
    assert!((by_meaning.dense.unwrap() - 1.0).abs() < 1e-5 && by_meaning.lexical.abs() < f32::EPSILON);
    let by_terms = of("a").or_else(|| of("c")).unwrap();
    assert!(by_terms.lexical > 0.0, "{by_terms:?}");
    assert!(by_terms.dense.unwrap() > 0.0 && by_terms.dense.unwrap() < 0.9, "its cosine, though terms found it");
    let wrong = index
        .search(&scope, &IndexQuery { sparse: &vector, dense: Some(&[1.0]), filter: &Filter::default(), limit: 1 });
    assert!(matches!(wrong, Err(IndexError::Dimensions { got: 1, expected: 4 })), "{wrong:?}");
}

pub(crate) fn filters_by_every_field(index: &dyn Index) {
    let scope = scope("one");
    let mut special = passage("wiki", "special", "cache");
    special.kind = PassageKind::Comment;
    special.repository = Some("zookeeper".into());
    special.author = Some("Bob".into());
    special.labels = vec!["green".into()];
    special.time = Some(Timestamp::from_unix(2_000));
    let mut timeless = passage("docs", "timeless", "cache");
    timeless.time = None;
    timeless.author = None;
    timeless.repository = None;
    timeless.labels = vec![];
    index.upsert(&scope, &entries(vec![special, timeless, passage("docs", "usual", "cache")])).unwrap();
    let one = |filter: Filter| {
        let mut found = find(index, &scope, "cache", &filter);
        found.sort();
        let mut scrolled: Vec<String> =
            index.scroll(&scope, &filter, None, 10).unwrap().into_iter().map(|p| p.document).collect();
        scrolled.sort();
        assert_eq!(found, scrolled, "{filter:?}");
        found
    };
    let none = Filter::default;
    assert_eq!(one(Filter { kinds: vec![PassageKind::Comment], ..none() }), ["special"]);
    assert_eq!(one(Filter { sources: vec!["wiki".into()], ..none() }), ["special"]);
    assert_eq!(one(Filter { documents: vec!["usual".into(), "special".into()], ..none() }), ["special", "usual"]);
    assert_eq!(one(Filter { repositories: vec!["zookeeper".into()], ..none() }), ["special"]);
    assert_eq!(one(Filter { authors: vec!["Ada".into(), "Bob".into()], ..none() }), ["special", "usual"]);
    assert_eq!(one(Filter { labels: vec!["blue".into()], ..none() }), ["usual"]);
    assert_eq!(one(Filter { since: Some(Timestamp::from_unix(2_000)), ..none() }), ["special"]);
    assert_eq!(one(Filter { until: Some(Timestamp::from_unix(1_999)), ..none() }), ["usual"]);
    assert_eq!(
        one(Filter { kinds: vec![PassageKind::Comment], labels: vec!["blue".into()], ..none() }),
        Vec::<String>::new()
    );
    assert_eq!(one(none()), ["special", "timeless", "usual"]);
}

pub(crate) fn counts_facets(index: &dyn Index) {
    let scope = scope("one");
    let mut other = passage("wiki", "w", "text");
    other.labels = vec!["red".into()];
    index.upsert(&scope, &entries(vec![passage("docs", "a", "text"), passage("docs", "b", "text"), other])).unwrap();
    let count = |filter: &Filter, field| {
        let facets = index.facets(&scope, filter, field, 10).unwrap();
        facets.into_iter().map(|facet| (facet.value, facet.passages)).collect::<Vec<_>>()
    };
    let pair = |value: &str, count: u64| (value.to_owned(), count);
    assert_eq!(count(&Filter::default(), FacetField::Source), [pair("docs", 2), pair("wiki", 1)]);
    assert_eq!(count(&Filter::default(), FacetField::Labels), [pair("red", 3), pair("blue", 2)]);
    assert_eq!(
        count(&Filter { sources: vec!["wiki".into()], ..Filter::default() }, FacetField::Kind),
        [pair("page", 1)]
    );
}

pub(crate) fn what_is_removed_is_in_no_answer(index: &dyn Index) {
    let scope = scope("one");
    let made: Vec<Entry> = [("docs", "a"), ("docs", "b"), ("wiki", "a"), ("wiki", "c")]
        .map(|(source, document)| Entry::new(passage(source, document, "cache")).with_dense(along(0)))
        .to_vec();
    index.upsert(&scope, &made).unwrap();
    index.commit(&scope, 1).unwrap();
    let document = Selection::Document { source: "docs".into(), document: "a".into() };
    assert_eq!(index.remove(&scope, &document).unwrap(), 1);
    let mut left = all(index, &scope, "cache");
    left.sort();
    assert_eq!(left, ["a", "b", "c"]);
    assert_eq!(index.remove(&scope, &Selection::Source("wiki".into())).unwrap(), 2);
    assert_eq!(all(index, &scope, "cache"), ["b"]);
    let dense = along(0);
    let query =
        IndexQuery { sparse: &SparseVector::default(), dense: Some(&dense), filter: &Filter::default(), limit: 10 };
    assert_eq!(index.search(&scope, &query).unwrap().len(), 1, "by meaning neither");
    assert_eq!(index.get(&scope, &[made[0].passage.id]).unwrap(), []);
    assert_eq!(index.counts(&scope).unwrap(), Counts { passages: 1, embedded: 1 });
    assert_eq!(index.facets(&scope, &Filter::default(), FacetField::Source, 9).unwrap().len(), 1);
    assert_eq!(index.remove(&scope, &Selection::Passages(vec![made[1].passage.id, made[0].passage.id])).unwrap(), 1);
    index
        .read_statistics(&scope, &mut |statistics| {
            assert_eq!((statistics.passages(), statistics.distinct(), statistics.total_length()), (0, 0, 0));
        })
        .unwrap();
}

pub(crate) fn organisations_see_nothing_of_each_other(index: &dyn Index) {
    let (one, two) = (scope("one"), scope("two"));
    let shared = passage("docs", "a", "secret cache");
    index.upsert(&one, &[Entry::new(shared.clone()).with_dense(along(0))]).unwrap();
    let dense = along(0);
    let query =
        IndexQuery { sparse: &SparseVector::default(), dense: Some(&dense), filter: &Filter::default(), limit: 10 };
    assert_eq!(all(index, &two, "secret"), Vec::<String>::new());
    assert_eq!(index.search(&two, &query).unwrap(), []);
    assert_eq!(index.get(&two, &[shared.id]).unwrap(), []);
    assert_eq!(index.vectors(&two, &[shared.id]).unwrap(), []);
    assert_eq!(index.scroll(&two, &Filter::default(), None, 10).unwrap(), []);
    assert_eq!(index.facets(&two, &Filter::default(), FacetField::Source, 10).unwrap(), []);
    assert_eq!(index.without_dense(&two, 10).unwrap(), []);
    assert_eq!(index.counts(&two).unwrap().passages, 0);
    assert_eq!(index.remove(&two, &Selection::Source("docs".into())).unwrap(), 0);
    assert_eq!(index.set_dense(&two, &[(shared.id, along(1))]).unwrap(), 0);
    index.remove_org(&two).unwrap();
    assert_eq!(all(index, &one, "secret"), ["a"]);
    index.upsert(&two, &[Entry::new(passage("docs", "b", "secret"))]).unwrap();
    index.remove_org(&one).unwrap();
    assert_eq!(all(index, &one, "secret"), Vec::<String>::new());
    assert_eq!(all(index, &two, "secret"), ["b"]);
}

pub(crate) fn vectors_stay_with_their_text(index: &dyn Index) {
    let scope = scope("one");
    let before = passage("docs", "a", "cache");
    index.upsert(&scope, &entries(vec![before.clone(), passage("docs", "b", "queue")])).unwrap();
    assert_eq!(index.without_dense(&scope, 10).unwrap().len(), 2);
    let gone = passage("docs", "gone", "").id;
    assert_eq!(index.set_dense(&scope, &[(before.id, along(1)), (gone, along(2))]).unwrap(), 1);
    assert_eq!(index.counts(&scope).unwrap().embedded, 1);
    assert_eq!(index.set_dense(&scope, &[(before.id, along(1))]).unwrap(), 1);
    assert_eq!(index.counts(&scope).unwrap().embedded, 1, "again");
    let mut moved = before.clone();
    moved.address = Address::Lines { path: "a".into(), first: 7, last: 9 };
    index.upsert(&scope, &[Entry::new(moved.clone())]).unwrap();
    assert!(index.vectors(&scope, &[before.id]).unwrap()[0].dense.is_some(), "its text is the same");
    assert_eq!(index.get(&scope, &[before.id]).unwrap(), [moved]);
    let changed = passage("docs", "a", "something else");
    index.upsert(&scope, &[Entry::new(changed)]).unwrap();
    assert_eq!(index.vectors(&scope, &[before.id]).unwrap()[0].dense, None, "its text is another");
    assert_eq!(index.counts(&scope).unwrap().embedded, 0);
    assert_eq!(all(index, &scope, "cache"), Vec::<String>::new());
    let bad = index.set_dense(&scope, &[(before.id, vec![1.0])]);
    assert!(matches!(bad, Err(IndexError::Dimensions { .. })), "{bad:?}");
}

pub(crate) fn a_document_is_replaced_by_its_difference(index: &dyn Index) {
    let scope = scope("one");
    let piece = |place: u128, text: &str| Passage { id: PassageId(place), ..passage("docs", "page", text) };
    let first = vec![piece(1, "one"), piece(2, "two"), piece(3, "three")];
    let replaced = replace_document(index, &scope, "docs", "page", first).unwrap();
    assert_eq!(replaced, Replaced { added: 3, ..Replaced::default() });
    index.upsert(&scope, &[Entry::new(passage("docs", "other", "two"))]).unwrap();
    let second = vec![piece(1, "one"), piece(2, "zwei"), piece(4, "four")];
    let replaced = replace_document(index, &scope, "docs", "page", second).unwrap();
    assert_eq!(replaced, Replaced { added: 1, changed: 1, removed: 1, kept: 1 });
    assert_eq!(all(index, &scope, "two"), ["other"]);
    assert_eq!(
        all(index, &scope, "zwei").len() + all(index, &scope, "four").len() + all(index, &scope, "one").len(),
        3
    );
    let replaced = replace_document(index, &scope, "docs", "page", vec![]).unwrap();
    assert_eq!(replaced, Replaced { removed: 3, ..Replaced::default() });
}

pub(crate) fn scrolls_through_everything_once(index: &dyn Index) {
    let scope = scope("one");
    let many = (0..30).map(|n| passage("docs", &format!("d{n}"), "text"));
    assert_eq!(index_all(index, &scope, many).unwrap(), 30);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = index.scroll(&scope, &Filter::default(), after, 7).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|passage| passage.id));
    }
    assert_eq!(seen.len(), 30);
    assert!(seen.is_sorted_by(|a, b| a < b));
}

pub(crate) fn an_identity_that_comes_twice_counts_once(index: &dyn Index) {
    let scope = scope("one");
    let twice = [passage("docs", "a", "first"), passage("docs", "a", "second")];
    index.upsert(&scope, &entries(twice.to_vec())).unwrap();
    assert_eq!(index.counts(&scope).unwrap().passages, 1);
    assert_eq!(all(index, &scope, "first"), Vec::<String>::new());
    assert_eq!(all(index, &scope, "second"), ["a"]);
}

pub(crate) fn noted(source: &str, document: &str, fingerprint: u64) -> IndexedDocument {
    IndexedDocument { source: source.into(), document: document.into(), fingerprint }
}

pub(crate) fn all_noted(index: &dyn Index, scope: &TenantScope) -> Vec<IndexedDocument> {
    let mut documents = index.documents(scope).unwrap();
    documents.sort();
    documents
}

pub(crate) fn remembers_documents(index: &dyn Index) {
    let (one, two) = (scope("one"), scope("two"));
    assert_eq!(all_noted(index, &one), []);
    index.upsert(&one, &entries(vec![passage("docs", "a", "cache"), passage("wiki", "a", "cache")])).unwrap();
    assert_eq!(all_noted(index, &one), [], "only what is noted");
    let (first, second, third) = (noted("docs", "a", 1), noted("docs", "b", u64::MAX), noted("wiki", "a", 3));
    index.note_documents(&one, &[first.clone(), second.clone(), third.clone()], &[]).unwrap();
    assert_eq!(all_noted(index, &one), [first.clone(), second.clone(), third.clone()]);
    index.commit(&one, 1).unwrap();
    assert_eq!(all_noted(index, &one), [first.clone(), second.clone(), third.clone()]);
    assert_eq!(all_noted(index, &two), [], "another organisation");
    let changed = noted("docs", "a", 4);
    let gone = [("docs".to_owned(), "b".to_owned()), ("docs".to_owned(), "unknown".to_owned())];
    index.note_documents(&one, std::slice::from_ref(&changed), &gone).unwrap();
    assert_eq!(all_noted(index, &one), [changed.clone(), third.clone()]);
    index.commit(&one, 2).unwrap();
    assert_eq!(all_noted(index, &one), [changed.clone(), third.clone()]);
    assert_eq!(index.counts(&one).unwrap().passages, 2, "notes are no passages");
    let passages = Selection::Passages(vec![passage("docs", "a", "").id]);
    index.remove(&one, &passages).unwrap();
    assert_eq!(all_noted(index, &one), [changed, third.clone()], "passages are not documents");
    index.remove(&one, &Selection::Document { source: "docs".into(), document: "a".into() }).unwrap();
    assert_eq!(all_noted(index, &one), [third]);
    index.note_documents(&one, &[first.clone(), second.clone()], &[]).unwrap();
    index.commit(&one, 3).unwrap();
    index.remove(&one, &Selection::Source("docs".into())).unwrap();
    index.note_documents(&one, std::slice::from_ref(&first), &[]).unwrap();
    index.remove(&one, &Selection::Source("wiki".into())).unwrap();
    assert_eq!(all_noted(index, &one), std::slice::from_ref(&first));
    index.commit(&one, 4).unwrap();
    assert_eq!(all_noted(index, &one), [first]);
    index.remove_org(&one).unwrap();
    assert_eq!(all_noted(index, &one), []);
}

/// Makes a test of each of the above for an index that `$make` makes, with something to keep alive beside it; or, after
/// `where_there_is`, for one that `$make` may make, given the test's name.
macro_rules! suite {
    (@tests $mode:ident $make:expr) => {
        $crate::index::suite::suite!(@$mode $make;
            finds_by_terms_rarest_first scores_are_those_of_bm25 finds_by_meaning_and_gives_both_scores
            filters_by_every_field counts_facets what_is_removed_is_in_no_answer organisations_see_nothing_of_each_other
            vectors_stay_with_their_text a_document_is_replaced_by_its_difference scrolls_through_everything_once
            an_identity_that_comes_twice_counts_once remembers_documents);
    };
    (@always $make:expr; $($test:ident)*) => {
        $(#[test]
        fn $test() {
            let (index, _alive) = $make;
            $crate::index::suite::$test(&index);
        })*
    };
    (@sometimes $make:expr; $($test:ident)*) => {
        $(#[test]
        fn $test() {
            if let Some(index) = $make(stringify!($test)) {
                $crate::index::suite::$test(&*index);
            }
        })*
    };
    (where_there_is $make:expr) => {
        $crate::index::suite::suite!(@tests sometimes $make);
    };
    ($make:expr) => {
        $crate::index::suite::suite!(@tests always $make);
    };
}
pub(crate) use suite;
