use super::*;
use crate::embedder::HashedTerms;
use crate::index::MemoryIndex;
use crate::index::suite::scope;

const CORPUS: &str = r#"{"_id": "a", "title": "Cache", "text": "Cache stamps"}
not json
{"_id": 2, "title": "Queue", "text": "A queue of jobs"}
{"_id": "a", "title": "again"}

{"_id": "c", "text": "Zebra"}
"#;
const QUERIES: &str =
    "{\"_id\": \"1\", \"text\": \"stamps of the cache\"}\n{\"_id\": \"2\", \"text\": \"jobs\"}\n{\"_id\": \"3\"}\n";
const QRELS: &str = "query-id\tcorpus-id\tscore\n1\ta\t1\n1\tmissing\t1\n2\t2\t2\n2\t2\tmany\n4\ta\t1\nbad line\n";

fn data() -> BeirData {
    read_beir(CORPUS.as_bytes(), QUERIES.as_bytes(), QRELS.as_bytes()).unwrap()
}

#[test]
fn bad_lines_are_noted_and_cost_no_others() {
    let data = data();
    assert_eq!(data.corpus.iter().map(|document| document.id.as_str()).collect::<Vec<_>>(), ["a", "2", "c"]);
    assert_eq!(data.queries.len(), 2);
    assert_eq!(data.judgements["1"].len(), 2);
    let notes = data.notes.join("\n");
    for part in
        ["corpus, line 2", "a comes twice", "queries, line 3", "`many` is no grade", "qrels, line 7: not three columns"]
    {
        assert!(notes.contains(part), "{part} in {notes}");
    }
    assert_eq!(data.notes.len(), 5);
}

#[test]
fn figures_are_those_of_their_definitions() {
    let judged = [("a", 2.0), ("b", 1.0), ("c", 1.0), ("d", 0.0)].map(|(id, grade)| (id.to_owned(), grade));
    let judged: FxHashMap<String, f64> = judged.into_iter().collect();
    let metrics = Metrics::of(&["b", "x", "a", "d"], &judged);
    let best = 2.0 + 1.0 / 3_f64.log2() + 0.5;
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    close(metrics.ndcg_at_10, (1.0 + 2.0 / 2.0) / best);
    close(metrics.map, (1.0 + 2.0 / 3.0) / 3.0);
    close(metrics.recall_at_10, 2.0 / 3.0);
    close(metrics.mrr_at_10, 1.0);
    let long: Vec<String> = (0..10).map(|n| format!("x{n}")).chain(["a".to_owned()]).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let late = Metrics::of(&long, &judged);
    close(late.mrr_at_10 + late.recall_at_10 + late.ndcg_at_10, 0.0);
    close(late.recall_at_100, 1.0 / 3.0);
    assert_eq!(Metrics::of(&["a"], &FxHashMap::default()), Metrics::default());
}

#[test]
fn an_evaluation_has_a_row_for_every_way_to_search() {
    let (index, one, model) = (MemoryIndex::new(128), scope("one"), HashedTerms::new(128));
    let data = data();
    index_beir(&index, &one, Some(&model), &data).unwrap();
    let all = evaluate(&index, &one, Some(&model), &data, &[]).unwrap();
    assert_eq!((all.documents, all.queries), (3, 2));
    assert!((all.lexical.metrics.mrr_at_10 - 1.0).abs() < 1e-9);
    assert!(all.hybrid.unwrap().metrics.mrr_at_10 > 0.99 && all.dense.is_some());
    let json = serde_json::to_value(&all).unwrap();
    for key in ["ndcg_at_10", "map", "recall_at_10", "recall_at_100", "mrr_at_10", "p50_ms", "p95_ms"] {
        assert!(json["lexical"][key].is_number(), "{key}");
    }
    let lexical = evaluate(&index, &one, None, &data, &[]).unwrap();
    assert!(lexical.dense.is_none() && lexical.hybrid.is_none());
}

#[test]
fn nothing_judged_is_an_error_not_a_zero() {
    let data = read_beir(CORPUS.as_bytes(), QUERIES.as_bytes(), "".as_bytes()).unwrap();
    let result = evaluate(&MemoryIndex::new(0), &scope("one"), None, &data, &[]);
    assert!(matches!(result, Err(EvalError::NothingJudged)));
}

#[test]
fn answers_are_counted_by_their_support() {
    let (index, one) = (MemoryIndex::new(0), scope("one"));
    let data = data();
    index_beir(&index, &one, None, &data).unwrap();
    let (others, notes) = read_questions("{\"_id\": 1, \"text\": \"lift of a swept wing\"}\nx\n".as_bytes()).unwrap();
    assert_eq!((others.len(), notes.len()), (1, 1));
    let all = evaluate(&index, &one, None, &data, &others).unwrap();
    let answers = all.answers.unwrap();
    assert_eq!(answers.hybrid, None);
    let (own, other) = (answers.lexical.answerable, answers.lexical.unanswerable);
    assert_eq!((own.asked, own.none + own.weak + own.good), (2, 2));
    assert_eq!((other.asked, other.none, other.sentences), (1, 1, 0));
    assert_eq!(own.sentences, own.contained);
    assert_eq!(evaluate(&index, &one, None, &data, &[]).unwrap().answers, None);
}
