//! Records to store, chosen and random.

use docassist_model::{
    Account, ChangeStatus, Comment, Commit, Credit, CreditRole, Decision, DecisionStatus, FileChange, FileEntry,
    FileKind, Heading, Identity, Link, LinkDirection, ObjectId, Page, PageFormat, PathMention, SourceId, SourceKind,
    StatusCategory, Ticket, TicketLink, TicketMention, Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{FeedEnd, FileChanges, GitFinish, Outcome, PageChanges, TicketImport, TicketOutcome, Writer};

pub(super) fn id(number: u8) -> ObjectId {
    ObjectId::from_bytes(&[number; 20]).unwrap()
}

pub(super) fn ids(numbers: &[u8]) -> Vec<ObjectId> {
    numbers.iter().copied().map(id).collect()
}

pub(super) fn identity(name: &str) -> Identity {
    Identity { name: name.to_owned(), email: format!("{}@example.org", name.to_lowercase()) }
}

pub(super) fn change(path: &str) -> FileChange {
    FileChange {
        path: path.to_owned(),
        from: None,
        status: ChangeStatus::Modified,
        additions: 3,
        deletions: 1,
        binary: false,
    }
}

/// A commit whose only parent is the number before it.
pub(super) fn commit(number: u8, message: &str) -> Commit {
    Commit {
        id: id(number),
        parents: number.checked_sub(1).filter(|&parent| parent > 0).map(id).into_iter().collect(),
        author: identity("Ada"),
        committer: identity("Bob"),
        authored: Timestamp::from_unix(1000 + i64::from(number)),
        time: Timestamp::from_unix(2000 + i64::from(number)),
        message: message.to_owned(),
        credits: vec![Credit { role: CreditRole::Reviewer, identity: identity("Cy") }],
        changes: vec![change("src/a.rs"), change(&format!("src/{number}.rs"))],
    }
}

pub(super) fn file(path: &str, size: u64) -> FileEntry {
    FileEntry { path: path.to_owned(), kind: FileKind::Source, size }
}

pub(super) fn page(path: &str, text: &str) -> Page {
    Page {
        path: path.to_owned(),
        title: "Title".to_owned(),
        format: PageFormat::Markdown,
        headings: vec![Heading { level: 1, text: "Title".to_owned(), line: 1 }],
        links: vec![Link { target: "https://example.org".to_owned(), line: 2 }],
        tickets: vec![TicketMention { key: "ACME-1".parse().unwrap(), line: 3 }],
        paths: vec![PathMention { path: "src/a.rs".to_owned(), line: 4 }],
        text: text.to_owned(),
        modified: Some(Timestamp::from_unix(77)),
    }
}

pub(super) fn decision(path: &str, title: &str) -> Decision {
    Decision {
        path: path.to_owned(),
        number: Some(1),
        title: title.to_owned(),
        status: DecisionStatus::Accepted,
        status_text: "Accepted".to_owned(),
        date: Some("2024-05-01".to_owned()),
        supersedes: vec!["ADR-0000".to_owned()],
        superseded_by: Vec::new(),
        tickets: vec!["ACME-1".parse().unwrap()],
        commits: vec!["abc1234".to_owned()],
    }
}

pub(super) fn ticket(key: &str, summary: &str) -> Ticket {
    Ticket {
        key: key.parse().unwrap(),
        summary: summary.to_owned(),
        description: "see acme-7, ACME-7 and ACME-1".to_owned(),
        type_name: "Bug".to_owned(),
        status: "Open".to_owned(),
        category: StatusCategory::InProgress,
        priority: Some("Major".to_owned()),
        assignee: Some(Account { name: "Ada".to_owned(), email: Some("ada@example.org".to_owned()) }),
        reporter: None,
        created: Timestamp::from_unix(10),
        updated: Timestamp::from_unix(20),
        resolved: None,
        resolution: None,
        parent: Some("ACME-99".parse().unwrap()),
        epic: None,
        labels: vec!["x".to_owned()],
        components: Vec::new(),
        fix_versions: Vec::new(),
        affects_versions: Vec::new(),
        links: vec![TicketLink {
            kind: "Blocks".to_owned(),
            direction: LinkDirection::Inward,
            key: "ACME-3".parse().unwrap(),
        }],
        comments: vec![Comment { author: None, created: None, body: "like ACME-8".to_owned() }],
        custom: [("Story points".to_owned(), json!({"b": 1, "a": [null, "ü"]}))].into(),
    }
}

/// The end of a sync that changes nothing.
pub(super) fn end() -> GitFinish<'static> {
    GitFinish {
        location: "/repo",
        cursor: &Value::Null,
        synced: Timestamp::from_unix(5000),
        notes: &[],
        remove: &[],
        files: FileChanges::default(),
        pages: PageChanges::default(),
        decisions: None,
        canonical: &Clone::clone,
        mailmap_changed: false,
    }
}

pub(super) fn git(writer: &mut dyn Writer) -> SourceId {
    writer.source(SourceKind::Git, "repo", "/repo").unwrap().id
}

/// A whole sync that adds commits.
pub(super) fn sync(writer: &mut dyn Writer, commits: &[Commit]) -> Outcome {
    let source = git(writer);
    writer.stage_commits(source, commits).unwrap();
    writer.finish_git(source, end()).unwrap()
}

/// Imports tickets into the source of that name.
pub(super) fn import(writer: &mut dyn Writer, name: &str, prune: bool, tickets: &[Ticket]) -> TicketOutcome {
    let source = writer.source(SourceKind::Tickets, name, "/tickets.json").unwrap().id;
    let import = TicketImport { location: "/tickets.json", projects: &[], prune, synced: Timestamp::from_unix(6000) };
    writer
        .import_tickets(source, import, &mut |sink| {
            for ticket in tickets {
                sink.ticket(ticket)?;
            }
            Ok(FeedEnd::default())
        })
        .unwrap()
}

fn any_identity() -> impl Strategy<Value = Identity> {
    (".{0,8}", "[a-cA-C@]{0,4}").prop_map(|(name, email)| Identity { name, email })
}

fn any_change() -> impl Strategy<Value = FileChange> {
    const STATUSES: [ChangeStatus; 3] = [ChangeStatus::Added, ChangeStatus::Renamed, ChangeStatus::TypeChanged];
    (
        "[a-e/ü]{1,4}",
        prop::option::of("[a-e/]{1,4}"),
        prop::sample::select(STATUSES.to_vec()),
        any::<(u32, u32, bool)>(),
    )
        .prop_map(|(path, from, status, (additions, deletions, binary))| FileChange {
            path,
            from,
            status,
            additions,
            deletions,
            binary,
        })
}

/// A commit of that number with everything else at random.
pub(super) fn any_commit(number: u8) -> impl Strategy<Value = Commit> {
    const ROLES: [CreditRole; 2] = [CreditRole::CoAuthor, CreditRole::Contributor];
    let credit =
        (prop::sample::select(ROLES.to_vec()), any_identity()).prop_map(|(role, identity)| Credit { role, identity });
    (
        prop::collection::vec(any::<u8>().prop_map(id), 0..3),
        (any_identity(), any_identity()),
        any::<(i64, i64)>(),
        "(\\PC|\n|ACME-[1-9]| ){0,40}",
        prop::collection::vec(credit, 0..3),
        prop::collection::vec(any_change(), 0..6),
    )
        .prop_map(move |(parents, (author, committer), (authored, time), message, credits, changes)| Commit {
            id: id(number),
            parents,
            author,
            committer,
            authored: Timestamp::from_unix(authored),
            time: Timestamp::from_unix(time),
            message,
            credits,
            changes,
        })
}

/// A ticket with one of six keys and everything else at random.
pub(super) fn any_ticket() -> impl Strategy<Value = Ticket> {
    // Within the calendar: the JSON of a ticket has its instants as texts.
    let time = || (-60_000_000_000_i64..250_000_000_000).prop_map(Timestamp::from_unix);
    let account =
        || prop::option::of((".{0,6}", prop::option::of(".{0,6}")).prop_map(|(name, email)| Account { name, email }));
    let comment = (account(), prop::option::of(time()), ".{0,30}").prop_map(|(author, created, body)| Comment {
        author,
        created,
        body,
    });
    (
        ("ACME-[1-6]", ".{0,20}", "(.|\n|acme-[1-9] ){0,30}", ".{0,6}"),
        (account(), account(), time(), time(), prop::option::of(time())),
        prop::collection::vec(comment, 0..3),
        prop::collection::vec((".{0,6}", any::<bool>(), "[A-Z]{2,4}-[1-9]"), 0..3),
        prop::collection::btree_map(".{0,6}", any::<i64>().prop_map(Value::from), 0..3),
    )
        .prop_map(|((key, summary, description, status), people, comments, links, custom)| {
            let (assignee, reporter, created, updated, resolved) = people;
            let links = links.into_iter().map(|(kind, inward, key)| TicketLink {
                kind,
                direction: if inward { LinkDirection::Inward } else { LinkDirection::Outward },
                key: key.parse().unwrap(),
            });
            Ticket {
                description,
                status,
                assignee,
                reporter,
                created,
                updated,
                resolved,
                comments,
                custom,
                links: links.collect(),
                ..ticket(&key, &summary)
            }
        })
}
