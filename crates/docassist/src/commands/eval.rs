//! Measuring search on judged questions.

use docassist_app::{AnswerFigures, EvalFigures, Evaluation, eval_search};

use super::search::choice;
use crate::cli::Format;
use crate::cli::search::Eval;
use crate::failure::Failure;
use crate::output::document::{Document, Section, right, text};
use crate::output::figures::count;
use crate::output::streams;
use crate::settings::Settings;

/// Measures and prints.
pub(crate) fn run(settings: &Settings, what: &Eval) -> Result<(), Failure> {
    let Eval::Search { corpus, queries, qrels, unanswerable, model } = what;
    let collection = (corpus.as_path(), queries.as_path(), qrels.as_path());
    let evaluation = eval_search(&settings.data, collection, unanswerable.as_deref(), &choice(model)?)?;
    if settings.format == Format::Json {
        streams::print_json(&evaluation)?;
        return Ok(());
    }
    streams::print(&super::laid_out(settings, &document(&evaluation)))?;
    Ok(())
}

fn document(evaluation: &Evaluation) -> Document {
    let mut document = Document {
        title: format!(
            "{} on {}",
            count(evaluation.queries as u64, "question"),
            count(evaluation.documents as u64, "document")
        ),
        notes: evaluation.notes.clone(),
        ..Document::default()
    };
    let rows = [("lexical", Some(evaluation.lexical)), ("dense", evaluation.dense), ("hybrid", evaluation.hybrid)];
    let rows = rows.into_iter().filter_map(|(name, figures)| Some(row(name, &figures?)));
    let columns = [
        text("search", 8),
        right("nDCG@10"),
        right("MAP"),
        right("recall@10"),
        right("recall@100"),
        right("MRR@10"),
        right("p50 ms"),
        right("p95 ms"),
    ];
    document.add(Section::default().table(&columns, rows));
    if let Some(answers) = &evaluation.answers {
        let sides = [("lexical", Some(answers.lexical)), ("hybrid", answers.hybrid)];
        let rows = sides.into_iter().filter_map(|(name, figures)| Some((name, figures?)));
        let columns = [
            text("answers", 8),
            right("without an answer, refused"),
            right("with an answer, refused"),
            right("weak"),
            right("good"),
            right("sentences in their source"),
        ];
        document.add(Section::default().table(&columns, rows.map(|(name, figures)| answer_row(name, &figures))));
    }
    if evaluation.dense.is_none() {
        document.notes.push("there is no embedding model: only words were compared".to_owned());
    }
    document
}

fn answer_row(name: &str, figures: &AnswerFigures) -> Vec<String> {
    let AnswerFigures { answerable: own, unanswerable: other } = figures;
    let of = |part: usize, all: usize| format!("{part} of {all}");
    vec![
        name.to_owned(),
        of(other.none, other.asked),
        of(own.none, own.asked),
        own.weak.to_string(),
        own.good.to_string(),
        of(own.contained + other.contained, own.sentences + other.sentences),
    ]
}

fn row(name: &str, figures: &EvalFigures) -> Vec<String> {
    let metrics = &figures.metrics;
    let shares = [metrics.ndcg_at_10, metrics.map, metrics.recall_at_10, metrics.recall_at_100, metrics.mrr_at_10];
    let mut row = vec![name.to_owned()];
    row.extend(shares.iter().map(|share| format!("{share:.3}")));
    row.extend([figures.p50_ms, figures.p95_ms].iter().map(|time| format!("{time:.2}")));
    row
}
