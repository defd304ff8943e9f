use proptest::prelude::*;

use super::*;

fn counted(text: &str) -> CountedTerms {
    CountedTerms::count([(text, 1.0)])
}

fn corpus(texts: &[&str]) -> (Statistics, Vec<CountedTerms>) {
    let mut statistics = Statistics::default();
    let counted: Vec<_> = texts.iter().map(|text| counted(text)).collect();
    for passage in &counted {
        statistics.add(passage);
    }
    (statistics, counted)
}

fn score(query: &str, passage: &CountedTerms, statistics: &Statistics) -> f32 {
    query_vector(&query_terms(query, statistics)).dot(&passage.vector(Bm25::default(), statistics.average_length()))
}

#[test]
fn the_score_is_bm25() {
    let (statistics, passages) = corpus(&["cache cache key", "cache miss and hit rate of pages", "queue"]);
    // Two of three passages have `cache`: idf = ln(1 + 1.5 / 2.5). tf 2 in a passage of 3 terms, (3 + 5 + 1) / 3 on average.
    let idf = (1.0_f32 + 1.5 / 2.5).ln();
    let expected = idf * (2.0 * 2.2) / (2.0 + 1.2 * (0.25 + 0.75 * 3.0 / 3.0));
    assert!((score("cache", &passages[0], &statistics) - expected).abs() < 1e-5);
    assert!(score("cache", &passages[2], &statistics).abs() < f32::EPSILON);
}

#[test]
fn a_rare_term_outweighs_a_common_one_and_a_short_passage_a_long_one() {
    let (statistics, passages) =
        corpus(&["index build", "index flush", "index zebra", "index flush with many more words around it"]);
    assert!(score("index zebra", &passages[2], &statistics) > score("index zebra", &passages[0], &statistics));
    assert!(score("flush", &passages[1], &statistics) > score("flush", &passages[3], &statistics));
}

#[test]
fn a_term_s_rarity_follows_the_corpus_without_new_vectors() {
    let (mut statistics, passages) = corpus(&["zebra", "index"]);
    let before = score("zebra", &passages[0], &statistics);
    for _ in 0..10 {
        statistics.add(&counted("zebra"));
    }
    assert!(score("zebra", &passages[0], &statistics) < before);
}

#[test]
fn an_unknown_term_is_kept_with_its_weight_and_matches_nothing() {
    let (statistics, _) = corpus(&["zebra", "index"]);
    let terms = query_terms("zebra unicorn", &statistics);
    assert_eq!(terms[1].passages, 0);
    assert!(terms[1].weight > terms[0].weight);
    assert_eq!(query_vector(&terms).indices, [dimension("zebra")]);
}

#[test]
fn a_long_question_is_bounded() {
    let (statistics, _) = corpus(&["zebra"]);
    let text: String = (0..10_000).map(|n| format!("word{n}x ")).collect();
    assert!(query_terms(&text, &statistics).len() <= MAX_QUERY_TERMS);
}

#[test]
fn dimensions_are_part_of_the_stored_format() {
    assert_eq!(dimension(""), 3_275_242_578);
    assert_eq!(dimension("cache"), 2_965_399_103);
}

proptest! {
    #[test]
    fn counts_after_additions_and_removals_are_those_of_what_is_left(
        texts in prop::collection::vec("[a-e]{1,2}( [a-e]{1,2}){0,6}", 1..8),
        removed in prop::collection::vec(any::<bool>(), 8),
    ) {
        let mut all = Statistics::default();
        let mut left = Statistics::default();
        let counted: Vec<_> = texts.iter().map(|text| counted(text)).collect();
        counted.iter().for_each(|passage| all.add(passage));
        for (passage, &gone) in counted.iter().zip(&removed) {
            if gone {
                let dimensions: Vec<u32> = passage.terms.iter().map(|term| term.dimension).collect();
                all.remove(&dimensions, passage.length);
            } else {
                left.add(passage);
            }
        }
        prop_assert_eq!(all.passages(), left.passages());
        prop_assert_eq!(all.total_length(), left.total_length());
        prop_assert_eq!(all.distinct(), left.distinct());
        for (dimension, entry) in left.terms() {
            prop_assert_eq!(all.passages_with(dimension), u64::from(entry.passages));
        }
    }

    #[test]
    fn a_vector_can_be_weighed_anew_without_its_text(text in "[a-e]{1,2}( [a-e]{1,2}){0,30}", from in 2_f32..200.0, to in 2_f32..200.0) {
        let counted = counted(&text);
        let bm25 = Bm25::default();
        let again = bm25.reweigh(&counted.vector(bm25, from), counted.length, from, to);
        let direct = counted.vector(bm25, to);
        prop_assert_eq!(&again.indices, &direct.indices);
        for (a, b) in again.values.iter().zip(&direct.values) {
            prop_assert!((a - b).abs() < 2e-3 * b, "{} {}", a, b);
        }
    }
}
