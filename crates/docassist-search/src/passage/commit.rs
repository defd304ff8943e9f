//! Commits: what they say, and which files they touch.

use docassist_model::Commit;

use super::cut::{Budget, shorten};
use super::page::MAX_TEXT;
use super::{Address, Collector, MAX_PATHS, Origin, Passage, PassageKind, Piece};

/// The passages of a commit: the message, and the paths that it changes as a passage's last lines. A merge's message alone says
/// what other commits say.
#[must_use]
pub fn commit_passages(commit: &Commit, origin: &Origin, budget: Budget) -> Vec<Passage> {
    if commit.is_merge() {
        return Vec::new();
    }
    let sha = commit.id.to_hex();
    let mut collector = Collector::new(origin, PassageKind::Commit, &sha, commit.subject());
    let message = shorten(commit.message.trim(), MAX_TEXT);
    let mut pieces = super::ticket::pieces(message, budget);
    if !commit.changes.is_empty() && commit.changes.len() <= MAX_PATHS {
        let paths: Vec<&str> = commit.changes.iter().map(|change| change.path.as_str()).collect();
        let list = format!("Changes: {}", paths.join(", "));
        let list = shorten(&list, budget.bytes / 2);
        match pieces.last_mut() {
            Some(last) => {
                last.push_str("\n\n");
                last.push_str(list);
            }
            None => pieces.push(list.to_owned()),
        }
    }
    for text in pieces {
        let piece = Piece {
            address: Address::Commit { sha: sha.clone() },
            headings: Vec::new(),
            text,
            time: Some(commit.time),
            author: Some(commit.author.name.clone()).filter(|name| !name.is_empty()),
            labels: Vec::new(),
        };
        collector.add(PassageKind::Commit, piece);
    }
    collector.finish()
}
