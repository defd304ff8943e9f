//! Tickets: summary with description, and each comment.

use docassist_model::{PageFormat, Ticket};

use super::cut::{Budget, pack, shorten, trim};
use super::page::MAX_TEXT;
use super::{Address, Collector, Origin, Passage, PassageKind, Piece, markup};

/// The passages of a ticket.
#[must_use]
pub fn ticket_passages(ticket: &Ticket, origin: &Origin, budget: Budget) -> Vec<Passage> {
    let key = ticket.key.as_str();
    let mut collector = Collector::new(origin, PassageKind::Ticket, key, &format!("{key}: {}", ticket.summary));
    let labels: Vec<String> = ticket
        .labels
        .iter()
        .cloned()
        .chain(ticket.components.iter().cloned())
        .chain(named("status", &ticket.status))
        .chain(named("type", &ticket.type_name))
        .collect();
    let author = ticket.reporter.as_ref().map(|account| account.name.clone());
    let description = shorten(&ticket.description, MAX_TEXT);
    let mut pieces = pieces(description, budget);
    if pieces.is_empty() {
        pieces.push(ticket.summary.clone());
    }
    for text in pieces {
        let address = Address::Ticket { key: key.to_owned(), comment: None };
        let piece = Piece {
            address,
            headings: Vec::new(),
            text,
            time: Some(ticket.updated),
            author: author.clone(),
            labels: labels.clone(),
        };
        collector.add(PassageKind::Ticket, piece);
    }
    for (index, comment) in ticket.comments.iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        for text in self::pieces(shorten(&comment.body, MAX_TEXT), budget) {
            let piece = Piece {
                address: Address::Ticket { key: key.to_owned(), comment: Some(number) },
                // The number keeps each comment's identity apart from those of its neighbours.
                headings: vec![format!("Comment {number}")],
                text,
                time: comment.created.or(Some(ticket.updated)),
                author: comment.author.as_ref().map(|account| account.name.clone()),
                labels: labels.clone(),
            };
            collector.add(PassageKind::Comment, piece);
        }
        if collector.is_full() {
            break;
        }
    }
    collector.finish()
}

fn named(name: &str, value: &str) -> Option<String> {
    (!value.is_empty()).then(|| format!("{name}:{value}"))
}

/// The pieces of a Markdown text.
pub(super) fn pieces(text: &str, budget: Budget) -> Vec<String> {
    let blocks = markup::blocks(text, 0..text.len(), PageFormat::Markdown);
    pack(text, &blocks, budget)
        .into_iter()
        .map(|run| text[trim(text, run)].to_owned())
        .filter(|piece| !piece.trim().is_empty())
        .collect()
}
