//! What is connected and how much of it.

use docassist_model::findings::status::{SourceStatus, Status};
use docassist_model::findings::{Answer, Completeness, Counts};
use docassist_store::Source;

use crate::{App, AppError, now};

impl App {
    /// What is connected and how much of it; with the graph's digest if `digest`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn status(&self, digest: bool) -> Result<Answer<Status>, AppError> {
        let sources = self.store.sources(&self.scope)?;
        let graph = self.graph()?;
        let mut notes: Vec<String> = Vec::new();
        for source in &sources {
            if source.interrupted {
                notes.push(format!("the sync of {} was interrupted: run it again to see the rest", source.name));
            }
            notes.extend(source.notes.iter().map(|note| format!("{}: {note}", source.name)));
        }
        let body = Status {
            data: self.store.location(&self.scope),
            bytes: self.store.bytes(&self.scope)?,
            sequence: graph.sequence(),
            sources: sources.into_iter().map(source_status).collect(),
            nodes: graph.node_counts(),
            edges: graph.edge_counts(),
            projects: graph.projects(),
            digest: digest.then(|| graph.digest()),
        };
        Ok(Answer { org: self.scope.org().to_string(), as_of: now(), body, completeness: Completeness::of(notes) })
    }
}

fn source_status(source: Source) -> SourceStatus {
    let text = |name: &str| source.cursor.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let records = source.records;
    let counts = [
        ("commits", records.commits),
        ("files", records.files),
        ("tickets", records.tickets),
        ("pages", records.pages),
        ("decisions", records.decisions),
    ];
    SourceStatus {
        branch: text("branch"),
        tip: text("tip"),
        kind: source.kind.as_str().to_owned(),
        synced: source.synced,
        interrupted: source.interrupted,
        records: Counts::new(counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()),
        newest: source.newest,
        notes: source.notes,
        name: source.name,
        location: source.location,
    }
}
