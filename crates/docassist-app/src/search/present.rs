//! From what the index found to what users are told.

use docassist_graph::Graph;
use docassist_model::findings::impact::SimilarTicket;
use docassist_model::findings::search::{
    Citation, Correction, Coverage, Facet, FacetValue, FoundDocument, FoundPassage, Highlight, Place, SearchResults,
    Why,
};
use docassist_model::{TenantScope, Timestamp};
use docassist_search::fusion::Fusion;
use docassist_search::index::Filter;
use docassist_search::passage::{Address, Passage, PassageKind};
use docassist_search::query::{self, SearchResponse, similar};

use super::{Search, SearchQuery};
use crate::AppError;

/// A score below this is of a ticket that shares words with the subject and not its matter. The best candidate has 1.
const LEAST_ALIKE: f32 = 0.2;
/// Similar tickets that are named.
const SIMILAR: usize = 10;

/// What a search found.
pub(super) fn results(query: &SearchQuery, found: SearchResponse, coverage: Coverage) -> SearchResults {
    let by_meaning = coverage.model.is_some() && coverage.embedded > 0;
    let mode = match query.fusion {
        Fusion::Lexical => "lexical",
        Fusion::Dense => "dense",
        _ if by_meaning => "hybrid",
        _ => "lexical",
    };
    SearchResults {
        query: query.text.clone(),
        mode: mode.to_owned(),
        total: found.candidates as u64,
        items: found.documents.into_iter().map(document).collect(),
        next: None,
        corrections: found.corrections.into_iter().map(correction).collect(),
        facets: found.facets.into_iter().map(facet).collect(),
        coverage,
    }
}

/// How much there is to find.
pub(crate) fn coverage(search: &Search, counted: query::Coverage) -> Coverage {
    let model = search.model_name().map(str::to_owned);
    let embedded = if model.is_some() { counted.embedded } else { 0 };
    Coverage { passages: counted.passages, embedded, model }
}

pub(crate) fn correction(correction: query::Correction) -> Correction {
    Correction { typed: correction.typed, used: correction.used }
}

fn facet(facet: query::Facet) -> Facet {
    let value =
        |count: docassist_search::index::FacetCount| FacetValue { value: count.value, passages: count.passages };
    Facet { field: facet.field.as_str().to_owned(), values: facet.values.into_iter().map(value).collect() }
}

fn document(found: query::FoundDocument) -> FoundDocument {
    FoundDocument {
        source: found.source,
        document: found.document,
        kind: found.kind.as_str().to_owned(),
        title: found.title,
        score: found.score,
        passages: found.passages.into_iter().map(passage).collect(),
    }
}

fn passage(found: query::FoundPassage) -> FoundPassage {
    let query::FoundPassage { passage, score, why, snippet } = found;
    FoundPassage {
        id: passage.id.to_string(),
        kind: passage.kind.as_str().to_owned(),
        place: place(&passage.address),
        headings: passage.headings,
        text: snippet.text,
        highlights: snippet.highlights.iter().map(|at| Highlight { start: at.start, end: at.end }).collect(),
        score,
        why: Why {
            words: why.words,
            fields: why.fields.into_iter().map(str::to_owned).collect(),
            lexical: why.lexical,
            meaning: why.meaning,
        },
        time: passage.time,
        author: passage.author,
        labels: passage.labels,
    }
}

/// Where a reader finds a passage.
pub(crate) fn place(address: &Address) -> Place {
    match address {
        Address::Lines { path, first, last } => Place {
            label: format!("{path}:{first}"),
            path: Some(path.clone()),
            first_line: Some(*first),
            last_line: Some(*last),
            ..Place::default()
        },
        Address::Url(url) => Place { label: url.clone(), url: Some(url.clone()), ..Place::default() },
        Address::Ticket { key, comment } => Place {
            label: comment.map_or_else(|| key.clone(), |comment| format!("{key}, comment {comment}")),
            ticket: Some(key.clone()),
            comment: *comment,
            ..Place::default()
        },
        Address::Commit { sha } => {
            Place { label: sha.get(..10).unwrap_or(sha).to_owned(), commit: Some(sha.clone()), ..Place::default() }
        }
        Address::PullRequest { number } => Place { label: format!("#{number}"), ..Place::default() },
    }
}

/// A passage as an answer cites it.
pub(crate) fn citation(number: usize, passage: &Passage) -> Citation {
    Citation {
        number,
        kind: passage.kind.as_str().to_owned(),
        source: passage.source.clone(),
        title: passage.title.clone(),
        headings: passage.headings.clone(),
        place: place(&passage.address),
        text: passage.text.clone(),
        time: passage.time,
        author: passage.author.clone(),
    }
}

/// Tickets like one, best first.
pub(super) fn similar_tickets(
    search: &Search,
    scope: &TenantScope,
    graph: &Graph,
    key: &str,
    as_of: Timestamp,
) -> Result<Vec<SimilarTicket>, AppError> {
    let filter = Filter { kinds: vec![PassageKind::Ticket], ..Filter::default() };
    let Some(source) = graph.source_of_ticket(key) else { return Ok(Vec::new()) };
    let mut tickets = Vec::new();
    for (passage, score) in similar(search.index(), scope, source, key, &filter, SIMILAR)? {
        // The index may be of a later state than the graph, and has no tickets but the present ones.
        if graph.had_ticket(&passage.document, as_of) && score >= LEAST_ALIKE {
            let summary = passage.title.strip_prefix(&format!("{}: ", passage.document));
            let summary = summary.unwrap_or(&passage.title).to_owned();
            tickets.push(SimilarTicket { key: passage.document, summary, score: f64::from(score) });
        }
    }
    Ok(tickets)
}
