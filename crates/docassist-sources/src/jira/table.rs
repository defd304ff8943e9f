//! Jira's CSV export: one issue a record, a column for each label, link and comment.

mod columns;

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use docassist_model::{Account, Comment, StatusCategory, Ticket, TicketKey, TicketLink};
use rustc_hash::FxHashMap;
use serde_json::Value;

use self::columns::{Column, Field};
use super::custom::CustomFields;
use super::input::UTF8_BOM;
use super::issue::{category, guess_category, priority};
use super::value::one_line;
use super::{Item, Problem, date, input, wiki};

/// The largest record that is read: a quote that is never closed would otherwise take in the rest of the file.
const RECORD_CAP: u64 = 64 * 1024 * 1024;

/// How many issues' ids are remembered to find parents by; a sub-task names its parent by id in older exports.
const MAX_IDS: usize = 1_000_000;

/// Reads a CSV export.
#[derive(Debug)]
pub(super) struct Table<R> {
    records: csv::Reader<Limited<R>>,
    allowance: Arc<AtomicU64>,
    /// Bytes before the header.
    skipped: u64,
    columns: Vec<Column>,
    record: ByteRecord,
    index: u64,
    keys_by_id: FxHashMap<u64, TicketKey>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Header,
    Records,
    Done,
}

/// Fails when more is read than is allowed to one record.
#[derive(Debug)]
struct Limited<R> {
    inner: R,
    allowance: Arc<AtomicU64>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowance = self.allowance.load(Ordering::Relaxed);
        if allowance == 0 {
            return Err(io::Error::other("a record is larger than 64 MiB; a quote may be left open"));
        }
        let count = self.inner.read(buffer)?;
        self.allowance.store(allowance.saturating_sub(count as u64), Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Read> Table<input::Input<R>> {
    pub(super) fn new(mut input: input::Input<R>) -> Self {
        let mut skipped = 0;
        if input.head().starts_with(UTF8_BOM) {
            skipped += UTF8_BOM.len();
            input.skip(UTF8_BOM.len());
        }
        let (delimiter, hint_len) = columns::delimiter(input.head());
        skipped += hint_len;
        input.skip(hint_len);
        let allowance = Arc::new(AtomicU64::new(RECORD_CAP));
        let limited = Limited { inner: input, allowance: Arc::clone(&allowance) };
        let records =
            csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(limited);
        Self {
            records,
            allowance,
            skipped: skipped as u64,
            columns: Vec::new(),
            record: ByteRecord::new(),
            index: 0,
            keys_by_id: FxHashMap::default(),
            state: State::Header,
        }
    }
}

impl<R: Read> Table<R> {
    /// The next issue or problem.
    pub(super) fn next(&mut self) -> Option<Item> {
        while self.state != State::Done {
            self.allowance.store(RECORD_CAP, Ordering::Relaxed);
            match self.records.read_byte_record(&mut self.record) {
                Ok(true) if self.state == State::Header => {
                    self.columns = columns::read(&self.record);
                    self.state = State::Records;
                    if !self.columns.iter().any(|column| column.field == Field::Key) {
                        self.state = State::Done;
                        let names = self.columns.iter().map(|column| column.name.as_str());
                        let seen = one_line(&names.take(8).collect::<Vec<_>>().join(", "));
                        let seen: String = seen.chars().take(200).collect();
                        return Some(self.problem(None, format!("the header has no `Issue key` column: {seen}"), true));
                    }
                }
                Ok(true) => {
                    let item = match self.ticket() {
                        Ok(ticket) => Item::Ticket(Box::new(ticket)),
                        Err((key, reason)) => self.problem(key, reason, false),
                    };
                    self.index += 1;
                    return Some(item);
                }
                Ok(false) => self.state = State::Done,
                Err(error) => {
                    self.state = State::Done;
                    let reason = match error.into_kind() {
                        csv::ErrorKind::Io(error) => super::cut_short(&error),
                        other => format!("unreadable CSV: {other:?}"),
                    };
                    return Some(self.problem(None, reason, true));
                }
            }
        }
        None
    }

    fn problem(&self, key: Option<String>, reason: String, damage: bool) -> Item {
        let place = self.record.position().unwrap_or_else(|| self.records.position());
        let offset = place.byte() + self.skipped;
        Item::Problem(Problem { line: place.line(), offset, index: self.index, key, reason, damage })
    }

    fn ticket(&mut self) -> Result<Ticket, (Option<String>, String)> {
        let mut row = Row::default();
        let mut custom: Vec<(&str, Vec<String>)> = Vec::new();
        let mut places: FxHashMap<&str, usize> = FxHashMap::default();
        for (column, cell) in self.columns.iter().zip(&self.record) {
            let cell = cell.trim_ascii();
            if cell.is_empty() {
                continue;
            }
            let text = String::from_utf8_lossy(cell).replace('\0', "\u{fffd}");
            if let Some(text) = row.take(column, text) {
                let place = *places.entry(&column.name).or_insert(custom.len());
                if place == custom.len() {
                    custom.push((&column.name, Vec::new()));
                }
                custom[place].1.push(text);
            }
        }
        let shown = |key: &str| Some(key.chars().take(80).collect());
        let key: TicketKey = match row.key.as_deref() {
            None => return Err((None, "it has no key".to_owned())),
            Some(text) => text.parse().map_err(|_| (shown(text), format!("`{}` is no ticket key", one_line(text))))?,
        };
        let refuse = |reason: String| (Some(key.to_string()), reason);
        let created = row.created.as_deref().ok_or_else(|| refuse("no created date".to_owned()))?;
        let created = date::parse(created).map_err(|error| refuse(format!("no created date: {error}")))?;
        let instant = |text: Option<String>| text.and_then(|text| date::parse(&text).ok());
        let resolved = instant(row.resolved);
        let status = row.status.unwrap_or_default();
        let category =
            row.category.unwrap_or_else(|| guess_category(&status, row.resolution.is_some() || resolved.is_some()));
        if let Some(id) = row.id.and_then(|id| id.parse().ok())
            && self.keys_by_id.len() < MAX_IDS
        {
            self.keys_by_id.insert(id, key.clone());
        }
        let mut fields = CustomFields::default();
        let mut parent = row.parent;
        if let (None, Some(id)) = (&parent, row.parent_id) {
            parent = id.parse().ok().and_then(|id: u64| self.keys_by_id.get(&id).cloned());
            if parent.is_none() {
                // Its parent comes later in the file.
                fields.add("Parent id", "Parent id", Value::String(id));
            }
        }
        for (name, mut values) in custom {
            let value = match values.len() {
                1 => Value::String(values.remove(0)),
                _ => Value::Array(values.into_iter().map(Value::String).collect()),
            };
            fields.add(name, name, value);
        }
        Ok(Ticket {
            key,
            summary: one_line(&row.summary.unwrap_or_default()),
            description: row.description.map(|text| wiki::to_markdown(&text)).unwrap_or_default(),
            type_name: row.type_name.unwrap_or_default(),
            status,
            category,
            priority: priority(row.priority),
            assignee: row.assignee,
            reporter: row.reporter,
            created,
            updated: instant(row.updated).unwrap_or(created),
            resolved,
            resolution: row.resolution,
            parent,
            epic: row.epic,
            labels: row.labels,
            components: row.components,
            fix_versions: row.fix_versions,
            affects_versions: row.affects_versions,
            links: row.links,
            comments: row.comments,
            custom: fields.into_values(),
        })
    }
}

/// A record's cells by what they mean.
#[derive(Debug, Default)]
struct Row {
    key: Option<String>,
    id: Option<String>,
    summary: Option<String>,
    description: Option<String>,
    type_name: Option<String>,
    status: Option<String>,
    category: Option<StatusCategory>,
    priority: Option<String>,
    assignee: Option<Account>,
    reporter: Option<Account>,
    created: Option<String>,
    updated: Option<String>,
    resolved: Option<String>,
    resolution: Option<String>,
    parent: Option<TicketKey>,
    parent_id: Option<String>,
    epic: Option<TicketKey>,
    labels: Vec<String>,
    components: Vec<String>,
    fix_versions: Vec<String>,
    affects_versions: Vec<String>,
    links: Vec<TicketLink>,
    comments: Vec<Comment>,
}

impl Row {
    /// Puts a cell in its place, or gives it back when it has none.
    fn take(&mut self, column: &Column, text: String) -> Option<String> {
        match &column.field {
            Field::Key => self.key = self.key.take().or(Some(text)),
            Field::Id => self.id = Some(text),
            Field::Summary => self.summary = Some(text),
            Field::Description => self.description = Some(text),
            Field::Type => self.type_name = Some(text),
            Field::Status => self.status = Some(text),
            Field::StatusCategory => match category(&Value::String(text.clone())) {
                Some(category) => self.category = Some(category),
                None => return Some(text),
            },
            Field::Priority => self.priority = Some(text),
            Field::Assignee => self.assignee = account(text).or(self.assignee.take()),
            Field::AssigneeId => self.assignee = self.assignee.take().or_else(|| account(text)),
            Field::Reporter => self.reporter = account(text).or(self.reporter.take()),
            Field::ReporterId => self.reporter = self.reporter.take().or_else(|| account(text)),
            Field::Created => self.created = Some(text),
            Field::Updated => self.updated = Some(text),
            Field::Resolved => self.resolved = Some(text),
            Field::Resolution => self.resolution = Some(text).filter(|text| !text.eq_ignore_ascii_case("unresolved")),
            Field::Parent => match text.parse() {
                Ok(key) => self.parent = Some(key),
                Err(_) => self.parent_id = Some(text),
            },
            Field::Epic => match text.parse() {
                Ok(key) => self.epic = Some(key),
                Err(_) => return Some(text),
            },
            Field::Label => self.labels.extend(text.split_whitespace().map(str::to_owned)),
            Field::Component => self.components.push(text),
            Field::FixVersion => self.fix_versions.push(text),
            Field::AffectsVersion => self.affects_versions.push(text),
            Field::Link { kind, direction } => match text.parse() {
                Ok(key) => self.links.push(TicketLink { kind: kind.clone(), direction: *direction, key }),
                Err(_) => return Some(text),
            },
            Field::Comment => self.comments.push(comment(&text)),
            Field::Ignored => {}
            Field::Custom => return Some(text),
        }
        None
    }
}

fn account(name: String) -> Option<Account> {
    (!name.eq_ignore_ascii_case("unassigned")).then_some(Account { name, email: None })
}

/// `16/May/12 7:56 AM;author;text`; without a date in front all of it is the text.
fn comment(text: &str) -> Comment {
    let mut parts = text.splitn(3, ';');
    if let (Some(when), Some(author), Some(body)) = (parts.next(), parts.next(), parts.next())
        && let Ok(created) = date::parse(when)
    {
        let author = Some(author.trim().to_owned()).filter(|author| !author.is_empty());
        return Comment { author: author.and_then(account), created: Some(created), body: wiki::to_markdown(body) };
    }
    Comment { author: None, created: None, body: wiki::to_markdown(text) }
}

#[cfg(test)]
mod tests;
