use proptest::prelude::*;

use super::*;
use crate::embedder::{EmbedError, HashedTerms};
use crate::index::suite::{passage, scope};
use crate::index::{Entry, MemoryIndex, entries};
use crate::lexical::Statistics;

fn index(texts: &[(&str, &str)]) -> MemoryIndex {
    let index = MemoryIndex::new(64);
    let passages = texts.iter().map(|(document, text)| passage("docs", document, text)).collect();
    index.upsert(&scope("one"), &entries(passages)).unwrap();
    index
}

fn ask(index: &MemoryIndex, text: &str) -> SearchResponse {
    search(index, &scope("one"), None, &SearchRequest { text: text.into(), facets: true, ..SearchRequest::default() })
        .unwrap()
}

fn documents(response: &SearchResponse) -> Vec<&str> {
    response.documents.iter().map(|document| document.document.as_str()).collect()
}

#[test]
fn each_passage_says_why_it_was_found() {
    let index = index(&[("guide", "Entries carry stamps; a stale entry is never served."), ("other", "Queues wait.")]);
    let response = ask(&index, "why is a stale entry never served in the guide");
    assert_eq!(documents(&response), ["guide"]);
    let found = &response.documents[0].passages[0];
    assert_eq!(found.why.fields, ["title", "text"]);
    assert!(found.why.words.contains(&"stale".to_owned()) && found.why.meaning.is_none() && found.why.lexical > 0.0);
    let shown: Vec<&str> =
        found.snippet.highlights.iter().map(|place| &found.snippet.text[place.start..place.end]).collect();
    assert!(shown.contains(&"stale") && shown.contains(&"Entries"), "{shown:?}");
}

#[test]
fn passages_are_grouped_by_document() {
    let index = MemoryIndex::new(0);
    let piece = |place: u128, text: &str| Passage { id: PassageId(place), ..passage("docs", "page", text) };
    let many = (0..6).map(|n| piece(n, "cache entry")).chain([passage("docs", "other", "cache")]).collect();
    index.upsert(&scope("one"), &entries(many)).unwrap();
    let response = ask(&index, "cache entry");
    assert_eq!(documents(&response), ["page", "other"]);
    assert_eq!(response.documents[0].passages.len(), PASSAGES_OF_DOCUMENT);
    assert_eq!(response.candidates, 7);
}

#[test]
fn a_slip_is_corrected_and_said_only_where_nothing_matches() {
    let index = index(&[("a", "Invalidation of the caches"), ("b", "the cahce typo")]);
    let response = ask(&index, "invaldiation");
    assert_eq!(documents(&response), ["a"]);
    assert_eq!(response.corrections, [Correction { typed: "invaldiation".into(), used: "invalidation".into() }]);
    let exact = ask(&index, "cahce");
    assert_eq!(documents(&exact), ["b"]);
    assert!(exact.corrections.is_empty());
    assert!(ask(&index, "zzzzzzz").documents.is_empty());
}

#[test]
fn phrases_must_stand_and_exclusions_must_not() {
    let index =
        index(&[("a", "single flight of requests"), ("b", "flight of a single request"), ("c", "single flight redis")]);
    assert_eq!(documents(&ask(&index, "\"single flight\" -redis")), ["a"]);
    assert_eq!(ask(&index, "single flight").documents.len(), 3);
}

#[test]
fn facets_count_what_was_found() {
    let index = index(&[("a", "cache"), ("b", "cache"), ("c", "queue")]);
    let response = ask(&index, "cache");
    let facet = response.facets.iter().find(|facet| facet.field == FacetField::Repository).unwrap();
    assert_eq!(facet.values, [FacetCount { value: "alloy".into(), passages: 2 }]);
}

#[test]
fn a_model_adds_meaning_and_its_failure_costs_nothing_else() {
    struct Broken;
    impl Embedder for Broken {
        fn dims(&self) -> usize {
            64
        }
        fn id(&self) -> &'static str {
            "broken"
        }
        fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
            Err(EmbedError("no".into()))
        }
    }
    let model = HashedTerms::new(64);
    let index = MemoryIndex::new(64);
    let text = "cache entries";
    let vector = model.embed(&[text]).unwrap().remove(0);
    index.upsert(&scope("one"), &[Entry::new(passage("docs", "a", text)).with_dense(vector)]).unwrap();
    let request = SearchRequest { text: text.into(), ..SearchRequest::default() };
    let with = search(&index, &scope("one"), Some(&model), &request).unwrap();
    assert!(with.documents[0].passages[0].why.meaning.unwrap() > 0.99);
    assert_eq!(with.coverage, Coverage { passages: 1, embedded: 1 });
    let without = search(&index, &scope("one"), Some(&Broken), &request).unwrap();
    assert_eq!(documents(&without), ["a"]);
    assert_eq!(without.documents[0].passages[0].why.meaning, None);
}

#[test]
fn similar_documents_share_their_telling_terms() {
    let index = index(&[
        ("a", "stale cache stamps of answers in redis"),
        ("b", "cache stamps keep answers fresh"),
        ("c", "people write commits"),
        ("d", "people review commits in answers"),
    ]);
    let found = similar(&index, &scope("one"), "docs", "a", &Filter::default(), 5).unwrap();
    assert_eq!(found[0].0.document, "b");
    assert!(found.iter().all(|(passage, _)| passage.document != "a"));
    assert!(similar(&index, &scope("two"), "docs", "a", &Filter::default(), 5).unwrap().is_empty());
}

#[test]
fn a_snippet_shows_where_most_words_stand() {
    let text = format!("{} the stale cache entry {}", "filler words here ".repeat(60), "more of it ".repeat(60));
    let mut statistics = Statistics::default();
    statistics.add(&Entry::new(passage("docs", "a", &text)).terms);
    let terms = query_terms("stale cache entry", &statistics);
    let shown = snippet(&text, &terms);
    assert!(shown.text.contains("stale cache entry") && shown.cut_before && shown.cut_after);
    assert!(shown.text.len() < 2 * 240);
    assert_eq!(shown.highlights.len(), 3);
}

proptest! {
    #[test]
    fn any_search_is_answered_and_its_snippets_are_text_of_the_passage(
        text in "(?s)[a-eé \"\\-\u{4e00}\\n]{0,60}", passage_text in "(?s)[a-eé \\n\u{4e00}.-]{1,400}",
    ) {
        let index = index(&[("x", &passage_text)]);
        for document in ask(&index, &text).documents {
            for found in document.passages {
                prop_assert!(found.passage.text.contains(&found.snippet.text));
                for place in &found.snippet.highlights {
                    prop_assert!(found.snippet.text.get(place.start..place.end).is_some());
                }
            }
        }
    }
}
