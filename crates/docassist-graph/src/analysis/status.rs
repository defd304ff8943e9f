//! How much the graph holds.

use docassist_model::findings::Counts;

use crate::graph::Graph;

impl Graph {
    /// Number of nodes by kind.
    #[must_use]
    pub fn node_counts(&self) -> Counts {
        let counts = [
            ("repo", self.repos.len()),
            ("commit", self.commit_count()),
            ("file", self.file_count()),
            ("person", self.people.len()),
            ("ticket", self.tickets.len()),
            ("page", self.pages.len()),
            ("decision", self.decisions.len()),
        ];
        Counts::new(counts.into_iter().map(|(name, count)| (name.to_owned(), count as u64)).collect())
    }

    /// Number of edges by kind.
    #[must_use]
    pub fn edge_counts(&self) -> Counts {
        let mentions =
            self.ticket_mentions.items().len() + self.pages.iter().map(|page| page.keys.len()).sum::<usize>();
        let renamed = self.changes.items().iter().filter(|change| change.from.is_some()).count();
        let decides = self.decisions.iter().map(|d| d.keys.len() + d.commits.len()).sum::<usize>();
        let counts = [
            ("refers", self.commit_keys.items().len() + mentions),
            ("changes", self.changes.items().len()),
            ("renamed", renamed),
            ("authored", self.commit_count()),
            ("co_authored", self.co_authors.items().len()),
            ("reviewed", self.reviewers.items().len()),
            ("links", self.ticket_links.items().len()),
            ("mentions", self.pages.iter().map(|page| page.files.len()).sum::<usize>()),
            ("decides", decides),
            ("supersedes", self.decisions.iter().map(|decision| decision.supersedes.len()).sum::<usize>()),
        ];
        Counts::new(counts.into_iter().map(|(name, count)| (name.to_owned(), count as u64)).collect())
    }

    /// Project prefixes whose keys are read as references.
    #[must_use]
    pub fn projects(&self) -> Vec<String> {
        self.projects.prefixes.iter().cloned().collect()
    }
}
