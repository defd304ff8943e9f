//! What is measured: our own statements as the product issues them, and some of an operator's.

use std::time::{Duration, Instant};

use docassist_model::{TenantScope, TicketKey};
use docassist_store::{ANALYTICAL, Maintenance, Store as _};

use super::names::{Names, Nowhere};
use super::random::Random;
use super::side::{EMPTY, EMPTY_COUNT, Side, scope};
use crate::AppError;

/// Something that is read, or a row that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    ReadAll,
    Sequences,
    Sources,
    Bytes,
    Ticket,
    Page,
    Message,
    Key,
    Claim,
    Sql(usize),
}

impl Statement {
    /// All of them, in the order of the report.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        use Statement::{Bytes, Claim, Key, Message, Page, ReadAll, Sequences, Sources, Ticket};
        [ReadAll, Sequences, Sources, Bytes, Ticket, Page, Message, Key, Claim]
            .into_iter()
            .chain((0..ANALYTICAL.len()).map(Self::Sql))
    }

    /// A name for programs that never changes, and what it is for people.
    pub(super) fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::ReadAll => ("read_all", "all records of an organisation: what the start of a replica reads"),
            Self::Sequences => ("sequences_1000", "whether anything changed in 1,000 organisations, one question"),
            Self::Sources => ("sources", "an organisation's sources, with counts"),
            Self::Bytes => ("bytes", "bytes that an organisation takes"),
            Self::Ticket => ("ticket", "a ticket with all its texts"),
            Self::Page => ("page", "a page with its text"),
            Self::Message => ("commit_message", "the message of a commit"),
            Self::Key => ("key_lookup", "an API key, as each request looks one up"),
            Self::Claim => ("claim_job", "a job taken from the queue"),
            Self::Sql(at) => ANALYTICAL.get(at).map_or(("sql", ""), |statement| (statement.id, statement.about)),
        }
    }

    /// How often it is run in a turn: what takes a moment, more often.
    pub(super) fn repeats(self, lookups: u32) -> u32 {
        match self {
            Self::Ticket | Self::Page | Self::Message | Self::Key | Self::Sequences | Self::Claim => lookups,
            Self::ReadAll | Self::Sources | Self::Bytes | Self::Sql(_) => 1,
        }
    }

    /// Why it cannot be measured here; `None` where it can.
    pub(super) fn obstacle(self, names: &Names) -> Option<&'static str> {
        match self {
            Self::Ticket if names.tickets.is_empty() => Some("no tickets are synced"),
            Self::Page if names.pages.is_empty() => Some("no pages are synced"),
            Self::Message if names.commits.is_empty() => Some("no repository is synced"),
            _ => None,
        }
    }

    /// Runs it once on a side. Equal numbers of `random` ask for equal things on both.
    pub(super) fn run(
        self,
        side: &mut Side<'_>,
        names: &Names,
        copies: &[TenantScope],
        random: &mut Random,
    ) -> Result<Duration, AppError> {
        let Some(copy) = random.pick(copies) else { return Ok(Duration::ZERO) };
        match self {
            Self::ReadAll => timed(|| Ok(side.store.project(copy, &mut Nowhere).map(drop)?)),
            Self::Sequences => {
                let all = thousand(copies)?;
                timed(|| Ok(side.store.sequences(&all).map(drop)?))
            }
            Self::Sources => timed(|| Ok(side.store.sources(copy).map(drop)?)),
            Self::Bytes => timed(|| Ok(side.store.bytes(copy).map(drop)?)),
            Self::Ticket => match random.pick(&names.tickets).and_then(|key| key.parse::<TicketKey>().ok()) {
                Some(key) => timed(|| Ok(side.store.ticket(copy, &key).map(drop)?)),
                None => Ok(Duration::ZERO),
            },
            Self::Page => match random.pick(&names.pages) {
                Some((source, path)) => timed(|| Ok(side.store.page(copy, names.source(*source), path).map(drop)?)),
                None => Ok(Duration::ZERO),
            },
            Self::Message => match random.pick(&names.commits) {
                Some((source, id)) => {
                    timed(|| Ok(side.store.commit_message(copy, names.source(*source), id).map(drop)?))
                }
                None => Ok(Duration::ZERO),
            },
            Self::Key => {
                let number = random.next();
                timed(|| side.look_key_up(number))
            }
            Self::Claim => side.claim(),
            Self::Sql(at) => match ANALYTICAL.get(at) {
                Some(statement) => timed(|| Ok(side.workload.run(statement).map(drop)?)),
                None => Ok(Duration::ZERO),
            },
        }
    }
}

/// Maintenance, with its names.
pub(super) const MAINTENANCE: [(Maintenance, &str, &str); 3] = [
    (Maintenance::Vacuum, "vacuum", "VACUUM after a removal"),
    (Maintenance::Analyze, "analyze", "ANALYZE of all records"),
    (Maintenance::CreateIndex, "create_index", "CREATE INDEX over all commits"),
];

fn thousand(copies: &[TenantScope]) -> Result<Vec<TenantScope>, AppError> {
    let empty = (0..EMPTY_COUNT).map(|number| scope(&format!("{EMPTY}{number}")));
    copies.iter().cloned().map(Ok).chain(empty).take(1_000).collect()
}

fn timed(work: impl FnOnce() -> Result<(), AppError>) -> Result<Duration, AppError> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed())
}
