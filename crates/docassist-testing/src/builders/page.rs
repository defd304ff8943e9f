//! Pages and decision records.

use docassist_model::reference::candidates;
use docassist_model::{Decision, DecisionStatus, Heading, Page, PageFormat, PathMention, TicketMention};

use super::at;

/// A Markdown page without text, titled after its file.
#[must_use]
pub fn page(path: &str) -> PageBuilder {
    let name = path.rsplit('/').next().unwrap_or(path);
    PageBuilder(Page {
        path: path.to_owned(),
        title: name.split('.').next().unwrap_or(name).to_owned(),
        format: PageFormat::Markdown,
        headings: Vec::new(),
        links: Vec::new(),
        tickets: Vec::new(),
        paths: Vec::new(),
        text: String::new(),
        modified: None,
    })
}

/// Makes a [`Page`].
#[derive(Debug, Clone)]
pub struct PageBuilder(Page);

impl PageBuilder {
    /// Its title, which is a heading as well.
    #[must_use]
    pub fn title(mut self, text: &str) -> Self {
        text.clone_into(&mut self.0.title);
        self = self.line(&format!("# {text}"));
        let line = self.lines();
        self.0.headings.push(Heading { level: 1, text: text.to_owned(), line });
        self
    }

    /// A line of text. Ticket keys in it are mentions.
    #[must_use]
    pub fn line(mut self, text: &str) -> Self {
        self.0.text.push_str(text);
        self.0.text.push('\n');
        let line = self.lines();
        self.0.tickets.extend(candidates(text).map(|key| TicketMention { key, line }));
        self
    }

    /// A line that mentions a file.
    #[must_use]
    pub fn mentions(mut self, path: &str) -> Self {
        self = self.line(&format!("See `{path}`."));
        let line = self.lines();
        self.0.paths.push(PathMention { path: path.to_owned(), line });
        self
    }

    /// When it changed last, for pages outside a repository.
    #[must_use]
    pub fn modified(mut self, when: &str) -> Self {
        self.0.modified = Some(at(when));
        self
    }

    /// The page.
    #[must_use]
    pub fn build(self) -> Page {
        self.0
    }

    fn lines(&self) -> u32 {
        u32::try_from(self.0.text.lines().count()).expect("test pages are short")
    }
}

impl From<PageBuilder> for Page {
    fn from(builder: PageBuilder) -> Self {
        builder.build()
    }
}

/// An accepted decision, whose number and title follow from a path like `docs/adr/0007-use-queues.md`.
#[must_use]
pub fn decision(path: &str) -> DecisionBuilder {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let digits = stem.bytes().take_while(u8::is_ascii_digit).count();
    DecisionBuilder(Decision {
        path: path.to_owned(),
        number: stem[..digits].parse().ok(),
        title: stem[digits..].replace('-', " ").trim().to_owned(),
        status: DecisionStatus::Accepted,
        status_text: "Accepted".to_owned(),
        date: None,
        supersedes: Vec::new(),
        superseded_by: Vec::new(),
        tickets: Vec::new(),
        commits: Vec::new(),
    })
}

/// Makes a [`Decision`].
#[derive(Debug, Clone)]
pub struct DecisionBuilder(Decision);

impl DecisionBuilder {
    /// Its title.
    #[must_use]
    pub fn title(mut self, text: &str) -> Self {
        text.clone_into(&mut self.0.title);
        self
    }

    /// Its state.
    #[must_use]
    pub fn status(mut self, status: DecisionStatus) -> Self {
        self.0.status = status;
        self.0.status_text = format!("{status:?}");
        self
    }

    /// Its date, `2024-05-01`.
    #[must_use]
    pub fn date(mut self, date: &str) -> Self {
        self.0.date = Some(date.to_owned());
        self
    }

    /// A ticket that it is about.
    ///
    /// # Panics
    /// When `key` is no ticket key.
    #[must_use]
    pub fn ticket(mut self, key: &str) -> Self {
        self.0.tickets.push(key.parse().expect("tests write valid ticket keys"));
        self
    }

    /// A commit that it is about.
    #[must_use]
    pub fn commit(mut self, sha: &str) -> Self {
        self.0.commits.push(sha.to_owned());
        self
    }

    /// What it replaces: a path or a number.
    #[must_use]
    pub fn supersedes(mut self, other: &str) -> Self {
        self.0.supersedes.push(other.to_owned());
        self
    }

    /// What replaces it.
    #[must_use]
    pub fn superseded_by(mut self, other: &str) -> Self {
        self.0.superseded_by.push(other.to_owned());
        self
    }

    /// The record.
    #[must_use]
    pub fn build(self) -> Decision {
        self.0
    }
}

impl From<DecisionBuilder> for Decision {
    fn from(builder: DecisionBuilder) -> Self {
        builder.build()
    }
}
