//! Searching, and keeping what is searched up to date.

use docassist_app::{
    App, Fusion, IndexReport, ModelChoice, ModelState, PassageKind, Protocol, QdrantServer, RemoteConfig, SearchConfig,
    SearchQuery, pull_model,
};
use docassist_model::ErrorCode;
use docassist_model::findings::Answer;
use docassist_model::findings::search::{Coverage, FoundDocument, SearchResults};

use super::Context;
use crate::cli::Format;
use crate::cli::search::{EmbedProtocol, FilterArgs, Index, Kind, Mode, Model, ModelArgs, Search};
use crate::failure::Failure;
use crate::output::document::{Document, Section};
use crate::output::figures::{bytes, count, number};
use crate::output::progress::SyncProgress;
use crate::output::{Present, View};
use crate::settings::Settings;

/// Searches.
pub(crate) fn run(context: Context, arguments: &Search) -> Result<(), Failure> {
    let context = context.with_search(&arguments.model)?;
    let limit = arguments.limit.limit.map(usize::from);
    let query = SearchQuery {
        text: arguments.text.join(" "),
        // Ten documents fill a screen; programs that say nothing get as many.
        limit,
        facets: arguments.facets,
        fusion: match arguments.mode {
            Mode::Hybrid => Fusion::default(),
            Mode::Lexical => Fusion::Lexical,
            Mode::Dense => Fusion::Dense,
        },
        ..filtered(&context, &arguments.filter)
    };
    let progress = SyncProgress::watched(context.settings.quiet, context.settings.verbose)?;
    let answer = context.app.search(&query, progress.as_ref());
    progress.finish();
    context.print_lists(&answer?, &arguments.limit)
}

/// What is looked at.
pub(super) fn filtered(context: &Context, filter: &FilterArgs) -> SearchQuery {
    SearchQuery {
        kinds: filter.kinds.iter().map(|kind| kind_of(*kind)).collect(),
        sources: filter.sources.clone(),
        authors: filter.authors.clone(),
        labels: filter.labels.clone(),
        since: filter.since,
        as_of: context.settings.as_of,
        ..SearchQuery::default()
    }
}

const fn kind_of(kind: Kind) -> PassageKind {
    match kind {
        Kind::Page => PassageKind::Page,
        Kind::Ticket => PassageKind::Ticket,
        Kind::Comment => PassageKind::Comment,
        Kind::Commit => PassageKind::Commit,
        Kind::Decision => PassageKind::Decision,
        Kind::Code => PassageKind::Code,
    }
}

/// Brings the index up to date.
pub(crate) fn index(context: Context, arguments: &Index) -> Result<(), Failure> {
    let context = context.with_search(&arguments.model)?;
    let progress = SyncProgress::watched(context.settings.quiet, context.settings.verbose)?;
    let report = context.app.index(progress.as_ref());
    progress.finish();
    context.print(&report?)
}

/// Fetches the model.
pub(crate) fn model(settings: &Settings, what: &Model) -> Result<(), Failure> {
    let Model::Pull { from } = what;
    let state = pull_model(&settings.data, from.as_deref())?;
    if settings.format == Format::Json {
        crate::output::streams::print_json(&state)?;
        return Ok(());
    }
    crate::output::streams::print(&super::laid_out(settings, &told(&state)))?;
    Ok(())
}

fn told(state: &ModelState) -> Document {
    let what = if state.written.is_empty() { "was there already" } else { "is there now" };
    let mut document = Document { title: format!("{} {what}", state.model), ..Document::default() };
    document.add(Section::default().fact("folder", state.folder.clone()).fact("size", bytes(state.bytes)));
    document.suggest("docassist index".to_owned(), "embed everything that is connected");
    document
}

/// The model that options and environment name.
pub(crate) fn choice(arguments: &ModelArgs) -> Result<ModelChoice, Failure> {
    if let (Some(url), Some(name)) = (&arguments.embed_url, &arguments.embed_model) {
        let protocol = match arguments.embed_protocol {
            EmbedProtocol::Openai => Protocol::OpenAi,
            EmbedProtocol::Ollama => Protocol::Ollama,
        };
        let mut config = RemoteConfig::new(protocol, url, name);
        config.key = arguments.embed_key_file.as_deref().map(key).transpose()?;
        return Ok(ModelChoice::Remote(config));
    }
    Ok(match arguments.model.as_deref() {
        None => ModelChoice::Packaged,
        Some(path) if path == "none" => ModelChoice::None,
        Some(path) if path.as_os_str().is_empty() => ModelChoice::Packaged,
        Some(path) => ModelChoice::Folder(path.to_owned()),
    })
}

/// The server of the index that options and environment name.
pub(crate) fn server(arguments: &ModelArgs) -> Result<Option<QdrantServer>, Failure> {
    let Some(url) = arguments.qdrant_grpc.clone().filter(|url| !url.is_empty()) else { return Ok(None) };
    let key = arguments.qdrant_grpc_key_file.as_deref().map(key).transpose()?;
    let ModelArgs { qdrant_shards: shards, qdrant_replicas: replicas, .. } = *arguments;
    Ok(Some(QdrantServer { url, key, prefix: arguments.qdrant_prefix.clone(), shards, replicas }))
}

/// The model arguments for a command that needs no model itself: an index of one's own is taken as it is, whatever model it has;
/// one on a server is found by its model.
pub(super) fn any_index() -> ModelArgs {
    let environment = ModelArgs::of_environment();
    let model = if environment.qdrant_grpc.is_some() { environment.model } else { Some("none".into()) };
    ModelArgs { model, embed_url: None, ..environment }
}

/// The key in a file.
pub(super) fn key(path: &std::path::Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(ErrorCode::InvalidInput, format!("the key in {} cannot be read: {error}", path.display()), None)
    })?;
    Ok(text.trim().to_owned())
}

impl Context {
    /// The same with search over it.
    pub(super) fn with_search(self, model: &ModelArgs) -> Result<Self, Failure> {
        let config = SearchConfig { model: choice(model)?, server: server(model)?, patience: None };
        let app: App = self.app.with_search(&config)?;
        Ok(Self { app, ..self })
    }
}

/// `hybrid, 12,345 passages`.
pub(super) fn among(coverage: &Coverage) -> String {
    let of = count(coverage.passages, "passage");
    match &coverage.model {
        Some(_) if coverage.embedded < coverage.passages => {
            format!("{of}, {} of them embedded", number(coverage.embedded))
        }
        _ => of,
    }
}

impl Present for Answer<SearchResults> {
    fn document(&self, view: &View<'_>) -> Document {
        let body = &self.body;
        let mut document = Document::of(self, format!("Search: {}", body.query));
        document.conditions.push(format!("{}, {}", body.mode, among(&body.coverage)));
        let corrected = body.corrections.iter();
        document.add(corrected.fold(Section::default(), |section, correction| {
            section.line(format!("Nothing has “{}”: “{}” was looked for.", correction.typed, correction.used))
        }));
        if body.items.is_empty() {
            document.add(Section::default().line("Nothing was found."));
        }
        for (number, found) in (1..).zip(&body.items) {
            document.add(section(number, found));
        }
        for facet in &body.facets {
            let values: Vec<String> =
                facet.values.iter().map(|value| format!("{} {}", value.value, number(value.passages))).collect();
            document.add(Section::default().fact(facet.field.clone(), values.join(", ")));
        }
        if view.hints && !body.items.is_empty() {
            document.suggest(view.invocation.other(&["ask", &body.query]), "an answer with citations");
        }
        document
    }
}

fn section(number: usize, found: &FoundDocument) -> Section {
    let mut section = Section::new(format!("{number}. {}", found.title));
    for passage in &found.passages {
        let mut about = vec![passage.kind.clone()];
        // A comment's heading is its number, which its place has.
        let headings = passage.headings.join(" › ");
        about.extend(Some(headings).filter(|headings| !headings.is_empty() && passage.kind != "comment"));
        about.extend(passage.time.map(docassist_model::Timestamp::date));
        about.extend(passage.author.clone());
        section = section.fact(passage.place.label.clone(), about.join(", "));
        let text = passage.text.split_whitespace().collect::<Vec<_>>().join(" ");
        section = section.fact("", text);
    }
    section
}

impl Present for IndexReport {
    const OF_THE_GRAPH: bool = false;

    fn document(&self, view: &View<'_>) -> Document {
        let mut document = Document {
            title: format!("Ready to search: {}", among(&self.coverage)),
            notes: self.notes.clone(),
            ..Document::default()
        };
        let mut section = Section::default();
        if let Some(reason) = &self.rebuilt {
            section = section.line(format!("The index was built anew: {reason}."));
        }
        section = section.line(format!(
            "{} new or different, {} gone, {} embedded.",
            count(self.documents_changed, "document"),
            number(self.documents_removed),
            count(self.embedded_now, "passage")
        ));
        document.add(section);
        if view.hints {
            document.suggest(view.invocation.other(&["search", "WORDS"]), "find passages");
            document.suggest(view.invocation.other(&["ask", "QUESTION"]), "an answer with citations");
        }
        document
    }
}
