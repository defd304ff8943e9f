//! Tickets.

use std::collections::BTreeMap;

use docassist_model::{Account, Comment, LinkDirection, StatusCategory, Ticket, TicketKey, TicketLink};

use super::{at, person};

/// An open task without a priority, created and last updated at noon of 2024-01-01.
///
/// # Panics
/// When `key` is no ticket key.
#[must_use]
pub fn ticket(key: &str) -> TicketBuilder {
    let created = at("2024-01-01T12:00:00Z");
    TicketBuilder(Ticket {
        key: read_key(key),
        summary: format!("Summary of {key}"),
        description: String::new(),
        type_name: "Task".to_owned(),
        status: "Open".to_owned(),
        category: StatusCategory::ToDo,
        priority: None,
        assignee: None,
        reporter: None,
        created,
        updated: created,
        resolved: None,
        resolution: None,
        parent: None,
        epic: None,
        labels: Vec::new(),
        components: Vec::new(),
        fix_versions: Vec::new(),
        affects_versions: Vec::new(),
        links: Vec::new(),
        comments: Vec::new(),
        custom: BTreeMap::new(),
    })
}

/// Makes a [`Ticket`].
#[derive(Debug, Clone)]
pub struct TicketBuilder(Ticket);

impl TicketBuilder {
    /// Its one line.
    #[must_use]
    pub fn summary(mut self, text: &str) -> Self {
        text.clone_into(&mut self.0.summary);
        self
    }

    /// Its long text.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.0.description);
        self
    }

    /// Its type: `Bug`, `Story`.
    #[must_use]
    pub fn kind(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.type_name);
        self
    }

    /// Its status, with the category that such a name has: Done, Closed and Resolved are done, what has `progress` or
    /// `review` in it is begun.
    #[must_use]
    pub fn status(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.status);
        let lower = name.to_lowercase();
        self.0.category = if ["done", "closed", "resolved"].contains(&lower.as_str()) {
            StatusCategory::Done
        } else if lower.contains("progress") || lower.contains("review") {
            StatusCategory::InProgress
        } else {
            StatusCategory::ToDo
        };
        self
    }

    /// Its status's category, where the name does not tell.
    #[must_use]
    pub fn category(mut self, category: StatusCategory) -> Self {
        self.0.category = category;
        self
    }

    /// Its priority: `Blocker`, `Major`.
    #[must_use]
    pub fn priority(mut self, name: &str) -> Self {
        self.0.priority = Some(name.to_owned());
        self
    }

    /// Who works on it: a name, or `Name <address>`.
    #[must_use]
    pub fn assignee(mut self, who: &str) -> Self {
        self.0.assignee = Some(account(who));
        self
    }

    /// Who reported it.
    #[must_use]
    pub fn reporter(mut self, who: &str) -> Self {
        self.0.reporter = Some(account(who));
        self
    }

    /// When it was created, and last updated.
    #[must_use]
    pub fn created(mut self, when: &str) -> Self {
        self.0.created = at(when);
        self.0.updated = self.0.created;
        self
    }

    /// When it was last updated.
    #[must_use]
    pub fn updated(mut self, when: &str) -> Self {
        self.0.updated = at(when);
        self
    }

    /// Makes it resolved, which is an update as well.
    #[must_use]
    pub fn resolved(mut self, when: &str, resolution: &str) -> Self {
        self = self.status("Resolved");
        self.0.resolved = Some(at(when));
        self.0.resolution = Some(resolution.to_owned());
        self.updated(when)
    }

    /// The ticket that it is a part of.
    #[must_use]
    pub fn parent(mut self, key: &str) -> Self {
        self.0.parent = Some(read_key(key));
        self
    }

    /// Its epic.
    #[must_use]
    pub fn epic(mut self, key: &str) -> Self {
        self.0.epic = Some(read_key(key));
        self
    }

    /// An outward link: `("Blocks", "ALOY-2")` says that this one blocks ALOY-2.
    #[must_use]
    pub fn link(self, kind: &str, key: &str) -> Self {
        self.link_end(kind, LinkDirection::Outward, key)
    }

    /// A link as recorded at this end.
    #[must_use]
    pub fn link_end(mut self, kind: &str, direction: LinkDirection, key: &str) -> Self {
        self.0.links.push(TicketLink { kind: kind.to_owned(), direction, key: read_key(key) });
        self
    }

    /// A comment at the time of its last update.
    #[must_use]
    pub fn comment(mut self, who: &str, body: &str) -> Self {
        let comment = Comment { author: Some(account(who)), created: Some(self.0.updated), body: body.to_owned() };
        self.0.comments.push(comment);
        self
    }

    /// A component.
    #[must_use]
    pub fn component(mut self, name: &str) -> Self {
        self.0.components.push(name.to_owned());
        self
    }

    /// A label.
    #[must_use]
    pub fn label(mut self, name: &str) -> Self {
        self.0.labels.push(name.to_owned());
        self
    }

    /// The ticket.
    #[must_use]
    pub fn build(self) -> Ticket {
        self.0
    }
}

impl From<TicketBuilder> for Ticket {
    fn from(builder: TicketBuilder) -> Self {
        builder.build()
    }
}

fn account(who: &str) -> Account {
    let identity = person(who);
    Account { name: identity.name, email: Some(identity.email) }
}

fn read_key(key: &str) -> TicketKey {
    key.parse().expect("tests write valid ticket keys")
}
