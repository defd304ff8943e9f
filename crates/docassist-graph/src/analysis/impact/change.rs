//! The impact of a commit, and of a change that is not committed.

use docassist_model::findings::impact::{
    ChangeImpact, ChangedFile, CommitImpact, DiffImpact, MissingCoChange, Risk, TicketCount, Totals,
};
use docassist_model::findings::{Answer, Counts};
use docassist_model::{FileChange, FileKind, Timestamp, file_kind};
use rustc_hash::{FxHashMap, FxHashSet};

use super::NO_DEPENDENTS;
use crate::analysis::co_change::{MAX_FILES, ratio};
use crate::analysis::cut;
use crate::analysis::history::History;
use crate::analysis::impact::ticket::area;
use crate::analysis::risk::{RiskBuilder, counted, log_share, recent_since};
use crate::graph::{CommitId, FileId, Graph, KeyId, PersonId, RepoId};

/// A file is missed if it came along with a changed one in this share of the latest commits, and this often.
const MISSING_CONFIDENCE: f64 = 0.5;
const MISSING_TOGETHER: u64 = 3;
/// The latest commits of each changed file that are looked at for that.
const MISSING_COMMITS: usize = 100;
/// Changed files beyond these are not looked at for histories, reviewers and missing ones: a sweep has no pattern, and
/// the answer says so.
const DETAILED_FILES: usize = MAX_FILES;

/// A change that is not committed, or a range of commits as one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffRequest {
    /// The repository.
    pub repo: RepoId,
    /// What was compared, in words.
    pub range: String,
    /// The changed files.
    pub files: Vec<FileChange>,
    /// Text that may refer to tickets (branch name, messages of the range).
    pub text: String,
    /// Whose change it is, who will not review it.
    pub authors: Vec<PersonId>,
}

/// What the parts of a change's impact are computed from.
struct Subject<'a> {
    repo: RepoId,
    files: Vec<ChangedFile>,
    /// The graph's files among them, with the path before a rename where only that is known.
    known: Vec<FileId>,
    authors: &'a [PersonId],
    /// The commit itself, which is no evidence about itself.
    commit: Option<CommitId>,
    horizon: CommitId,
    as_of: Timestamp,
    limit: usize,
}

impl Graph {
    /// What a commit touches, seen right before it: later commits are no evidence.
    #[must_use]
    pub fn impact_of_commit(&self, commit: CommitId, as_of: Timestamp, limit: usize) -> Answer<CommitImpact> {
        let changes = self.changes.row(commit.0);
        let files = changes
            .iter()
            .map(|change| ChangedFile {
                path: self.path(change.file).to_owned(),
                from: change.from.map(|from| self.path(from).to_owned()),
                kind: self.files.kind[change.file.at()],
                status: change.status.letter(),
                additions: u64::from(change.additions),
                deletions: u64::from(change.deletions),
                binary: change.binary,
            })
            .collect();
        let authors: Vec<PersonId> = self.writers(commit).collect();
        let time = Timestamp::from_unix(self.time(commit));
        let subject = Subject {
            repo: self.commits.repo[commit.at()],
            files,
            known: changes.iter().map(|change| change.file).collect(),
            authors: &authors,
            commit: Some(commit),
            horizon: commit,
            as_of: time.min(as_of),
            limit,
        };
        let merge = self.is_merge(commit);
        let mut notes = self.source_notes(Some(subject.repo));
        if merge {
            notes.push("a merge has no changes of its own: look at the commits that it brings in".to_owned());
        }
        let tickets = self.ticket_counts(std::iter::once(commit), as_of);
        let change = self.change_impact(subject, tickets, &mut notes);
        let body = CommitImpact {
            sha: self.commits.ids[commit.at()],
            subject: self.commits.subject.get(commit.0).to_owned(),
            author: self.display_person(self.commits.author[commit.at()]),
            time,
            authored: Timestamp::from_unix(self.commits.authored[commit.at()]),
            merge,
            change,
        };
        self.answer(as_of, notes, body)
    }

    /// What a change that is not committed touches.
    #[must_use]
    pub fn impact_of_diff(&self, request: &DiffRequest, as_of: Timestamp, limit: usize) -> Answer<DiffImpact> {
        let known_file = |file: &FileChange| {
            let at = |path: &str| self.file_at(request.repo, path);
            at(&file.path).or_else(|| file.from.as_deref().and_then(at))
        };
        let files = request
            .files
            .iter()
            .map(|file| ChangedFile {
                path: file.path.clone(),
                from: file.from.clone(),
                kind: match self.file_at(request.repo, &file.path) {
                    Some(id) => self.files.kind[id.at()],
                    None if file.binary => FileKind::Binary,
                    None => file_kind::classify_path(&file.path),
                },
                status: file.status.letter(),
                additions: u64::from(file.additions),
                deletions: u64::from(file.deletions),
                binary: file.binary,
            })
            .collect();
        let subject = Subject {
            repo: request.repo,
            files,
            known: request.files.iter().filter_map(known_file).collect(),
            authors: &request.authors,
            commit: None,
            horizon: self.horizon(as_of),
            as_of,
            limit,
        };
        let mut notes = self.source_notes(Some(request.repo));
        let tickets = self.tickets_of_text(&request.text, as_of);
        let change = self.change_impact(subject, tickets, &mut notes);
        self.answer(as_of, notes, DiffImpact { range: request.range.clone(), change })
    }

    fn tickets_of_text(&self, text: &str, as_of: Timestamp) -> Vec<TicketCount> {
        let mut tickets: Vec<TicketCount> = Vec::new();
        for key in docassist_model::reference::candidates(text).filter(|key| self.projects.has(key.as_str())) {
            match tickets.iter_mut().find(|ticket| ticket.key == key.as_str()) {
                Some(ticket) => ticket.commits += 1,
                None => {
                    let found = match self.find_ticket(key.as_str()) {
                        crate::Lookup::Found(id) => Some(id),
                        _ => None,
                    };
                    let unknown = TicketCount { key: key.into(), summary: None, status: None, commits: 1 };
                    tickets.push(found.map_or(unknown, |id| self.ticket_count_of(id, 1, as_of)));
                }
            }
        }
        tickets
    }

    fn change_impact(&self, subject: Subject<'_>, tickets: Vec<TicketCount>, notes: &mut Vec<String>) -> ChangeImpact {
        let detailed = &subject.known[..subject.known.len().min(DETAILED_FILES)];
        if subject.known.len() > DETAILED_FILES {
            notes.push(format!(
                "histories, reviewers and missing files are those of the first {DETAILED_FILES} of {} files",
                subject.known.len()
            ));
        }
        notes.push(NO_DEPENDENTS.to_owned());
        self.tip_notes(subject.as_of, notes);
        let histories: Vec<(FileId, History)> =
            detailed.iter().map(|&file| (file, self.history(file, subject.horizon))).collect();
        let (missing, left_out) = self.missing_co_changes(&subject, detailed);
        notes.extend(Self::co_change_note(left_out));
        let with: Vec<(FileId, &History)> = histories.iter().map(|(file, history)| (*file, history)).collect();
        let suggestion = self.suggest_reviewers(&with, subject.authors, subject.commit, subject.horizon, subject.as_of);
        notes.extend(suggestion.note.clone());
        let risk = self.change_risk(&subject, &histories, &missing);
        let mut by_kind: FxHashMap<String, u64> = FxHashMap::default();
        for file in &subject.files {
            *by_kind.entry(file.kind.as_str().to_owned()).or_default() += 1;
        }
        let mut totals = Totals::new();
        let limit = subject.limit;
        ChangeImpact {
            repo: self.repo_of_name(subject.repo),
            by_kind: Counts::new(by_kind.into_iter().collect()),
            additions: subject.files.iter().map(|file| file.additions).sum(),
            deletions: subject.files.iter().map(|file| file.deletions).sum(),
            tickets: cut("tickets", tickets, limit, &mut totals),
            co_change_missing: cut("co_change_missing", missing, limit, &mut totals),
            dependents: Vec::new(),
            documents: cut("documents", self.documents(&subject.known), limit, &mut totals),
            reviewers: suggestion.cut(limit, &mut totals),
            files: cut("files", subject.files, limit, &mut totals),
            risk,
            totals,
        }
    }

    /// Existing files that came along with a changed file at least every second time lately, and did not this time; the
    /// surest first. And how many commits were too large to count.
    fn missing_co_changes(&self, subject: &Subject<'_>, files: &[FileId]) -> (Vec<MissingCoChange>, u64) {
        let present: FxHashSet<FileId> = subject.known.iter().copied().collect();
        let mut best: FxHashMap<FileId, (f64, u64, FileId)> = FxHashMap::default();
        let mut left_out: FxHashSet<CommitId> = FxHashSet::default();
        for &file in files {
            let mut together: FxHashMap<FileId, u64> = FxHashMap::default();
            let mut commits = 0;
            for commit in self.recent_commits(file, subject.horizon, MISSING_COMMITS) {
                let changes = self.changes.row(commit.0);
                if changes.len() > MAX_FILES {
                    left_out.insert(commit);
                    continue;
                }
                commits += 1;
                for change in changes {
                    *together.entry(change.file).or_default() += 1;
                }
            }
            for (other, count) in together {
                let confidence = ratio(count, commits);
                let missed = count >= MISSING_TOGETHER
                    && confidence >= MISSING_CONFIDENCE
                    && self.files.exists[other.at()]
                    && !present.contains(&other);
                if missed {
                    let entry = (confidence, count, file);
                    let slot = best.entry(other).or_insert(entry);
                    if (entry.0, entry.1) > (slot.0, slot.1) {
                        *slot = entry;
                    }
                }
            }
        }
        let mut best: Vec<(FileId, (f64, u64, FileId))> = best.into_iter().collect();
        best.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(b.1.1.cmp(&a.1.1)).then(a.0.cmp(&b.0)));
        let missing = best
            .into_iter()
            .map(|(file, (confidence, together, with))| MissingCoChange {
                path: self.path(file).to_owned(),
                with: self.path(with).to_owned(),
                together,
                confidence,
            })
            .collect();
        (missing, left_out.len() as u64)
    }

    /// The risk of a change: its lines up to 20 points, its spread up to 15, churn of its files up to 15, earlier defects
    /// in them up to 15, its author's inexperience with them up to 15, kinds of files up to 10, missing files up to 5,
    /// source without tests up to 5.
    fn change_risk(&self, subject: &Subject<'_>, histories: &[(FileId, History)], missing: &[MissingCoChange]) -> Risk {
        let mut risk = RiskBuilder::default();
        let people_s = |kind: FileKind| !matches!(kind, FileKind::Generated | FileKind::Binary);
        let lines: u64 =
            subject.files.iter().filter(|file| people_s(file.kind)).map(|file| file.additions + file.deletions).sum();
        risk.add("size", log_share(lines, 1_023), 20.0, || counted(lines as usize, "changed line"));
        let mut areas: Vec<&str> = subject.files.iter().map(|file| area(&file.path)).collect();
        areas.sort_unstable();
        areas.dedup();
        let spread = (areas.len() as u64).saturating_sub(1);
        risk.add("spread", log_share(spread, 7), 15.0, || format!("it reaches into {}", counted(areas.len(), "area")));

        let mut commits: Vec<CommitId> = histories.iter().flat_map(|(_, history)| history.commits(self)).collect();
        commits.sort_unstable();
        commits.dedup();
        commits.retain(|commit| Some(*commit) != subject.commit);
        let since = recent_since(subject.as_of);
        let recent = commits.iter().filter(|commit| self.time(**commit) > since).count() as u64;
        risk.add("churn", log_share(recent, 63), 15.0, || {
            format!("{} to these files in the last half year", counted(recent as usize, "commit"))
        });
        let is_defect = |key: &KeyId| self.ticket(*key).is_some_and(|ticket| ticket.defect);
        let fixes = commits.iter().filter(|commit| self.commit_keys.row(commit.0).iter().any(is_defect)).count() as u64;
        risk.add("defects", log_share(fixes, 15), 15.0, || {
            format!("{fixes} earlier commits to these files refer to a bug")
        });
        if !subject.authors.is_empty() && !commits.is_empty() {
            let own =
                commits.iter().filter(|&&commit| self.writers(commit).any(|p| subject.authors.contains(&p))).count();
            let share = ratio(own as u64, commits.len() as u64);
            risk.add("unfamiliarity", 1.0 - share * 4.0, 15.0, || {
                format!("the author made {own} of the {} earlier commits to these files", commits.len())
            });
        }
        let count = |test: &dyn Fn(&ChangedFile) -> bool| subject.files.iter().filter(|file| test(file)).count();
        let dependencies = count(&|file| file.kind == FileKind::Dependency);
        let schemas = count(&|file| file_kind::is_schema(&file.path));
        let interfaces = count(&|file| file.kind == FileKind::Source && file_kind::is_public_interface(&file.path));
        let kind_share = if schemas + dependencies > 0 {
            1.0
        } else if interfaces > 0 {
            0.6
        } else {
            0.0
        };
        risk.add("kind", kind_share, 10.0, || {
            let parts = [(dependencies, "dependency file"), (schemas, "schema"), (interfaces, "public interface")];
            let present = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, name)| counted(n, name));
            format!("it changes {}", present.collect::<Vec<_>>().join(", "))
        });
        risk.add("missing_files", missing.len() as f64 / 3.0, 5.0, || {
            let verb = if missing.len() == 1 { "changes" } else { "change" };
            format!("{} usually {verb} with these and did not", counted(missing.len(), "file"))
        });
        let (source, tests) =
            (count(&|file| file.kind == FileKind::Source), count(&|file| file.kind == FileKind::Test));
        risk.add("untested", if source > 0 && tests == 0 { 1.0 } else { 0.0 }, 5.0, || {
            "it changes source and no test".to_owned()
        });
        risk.finish()
    }
}
