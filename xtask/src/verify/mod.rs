//! Recomputes the program's answers from `git log` and a ticket file, by the contract alone, and compares.
//!
//! Nothing here shares code with the program: what both get wrong, both must have misread in the contract. `git` reads the
//! history, `tickets` the ticket file; `keys`, `history` and `gaps` compute what is due; `product` and `export` run the
//! program; `links`, `changes`, `listings` and `files` compare; `report` says what differs; `generated` makes a repository
//! that holds every oddity we know.

mod changes;
mod export;
mod files;
mod gaps;
mod generated;
mod git;
mod history;
mod keys;
mod links;
mod listings;
mod product;
mod report;
mod tickets;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use gaps::Links;
use git::History;
use history::Timeline;
use keys::{Key, Projects};
use product::Product;
use report::Section;
use tickets::Ticket;

/// The name under which the program gets to know the repository; it has no colon and no `@`, so that ids are clear.
const REPOSITORY: &str = "verified";

/// What to verify, and with which binary.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A repository; the branch that is checked out is read
    #[arg(long, value_name = "PATH", required_unless_present = "generated")]
    repo: Option<PathBuf>,
    /// Jira issues as JSON, `.gz` too; without it the projects are learnt from the commits
    #[arg(long, value_name = "FILE")]
    tickets: Option<PathBuf>,
    /// Verify a small generated repository that holds every oddity
    #[arg(long, conflicts_with_all = ["repo", "tickets"])]
    generated: bool,
    /// Keep the generated repository in this folder
    #[arg(long, value_name = "DIR", requires = "generated")]
    keep: Option<PathBuf>,
    /// The program; default: it is built from this workspace
    #[arg(long, value_name = "BIN")]
    docassist: Option<PathBuf>,
    /// Build the program without optimisation
    #[arg(long, conflicts_with = "docassist")]
    debug: bool,
    /// How many files' histories are compared
    #[arg(long, value_name = "N", default_value_t = 300)]
    sample: usize,
    /// The instants at which gaps are compared; default: now and four through the history
    #[arg(long, value_name = "INSTANT")]
    as_of: Vec<Timestamp>,
    /// Read the repository and the tickets, print what was found, and ask the program nothing
    #[arg(long)]
    dry_run: bool,
}

/// Verifies; an error when anything differs.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("docassist-generated-").tempdir()?;
    let (repository, tickets) = if args.generated {
        let place = args.keep.as_deref().unwrap_or(folder.path());
        let (repository, tickets) = generated::write(place)?;
        (repository, Some(tickets))
    } else {
        let repository = args.repo.as_deref().context("no repository was named")?;
        (product::absolute(repository)?, args.tickets.as_deref().map(product::absolute).transpose()?)
    };
    let now = Timestamp::from_second(Timestamp::now().as_second())?;
    if args.dry_run {
        let truth = phase("reading git log and tickets", || Truth::read(&repository, tickets.as_deref()))?;
        truth.describe(&args.instants(&truth.history, now)?);
        return Ok(());
    }
    let binary = match &args.docassist {
        Some(binary) => product::absolute(binary)?,
        None => crate::workspace::build_program(args.debug)?,
    };
    let (_data, data) = product::data_folder()?;
    let product = Product { binary, data, as_of: now.to_string() };
    // The program and git read the same repository at the same time: both take a while on a large one.
    let (truth, synced) = std::thread::scope(|scope| {
        let truth =
            scope.spawn(|| phase("reading git log and tickets", || Truth::read(&repository, tickets.as_deref())));
        let synced = phase("docassist sync", || sync(&product, &repository, tickets.as_deref()));
        (truth.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the reading thread died"))), synced)
    });
    let truth = truth?;
    synced?;
    let instants = args.instants(&truth.history, now)?;
    truth.describe(&instants);
    let sections = compare(&product, &repository, &truth, now, &instants, args.sample)?;
    println!();
    let different = sections.iter().filter(|section| !section.print()).count();
    if different > 0 {
        bail!("{different} of {} comparisons found differences", sections.len());
    }
    println!("\nthe program's answers are those of git log and the ticket file");
    Ok(())
}

impl Args {
    /// What CI verifies.
    pub(crate) fn generated_with_debug_build() -> Self {
        Self {
            repo: None,
            tickets: None,
            generated: true,
            keep: None,
            docassist: None,
            debug: true,
            sample: 300,
            as_of: Vec::new(),
            dry_run: false,
        }
    }

    fn instants(&self, history: &History, now: Timestamp) -> Result<Vec<Timestamp>> {
        if !self.as_of.is_empty() {
            return Ok(self.as_of.clone());
        }
        // Commits' own instants: whether `as_of` includes its last second shows only there.
        let mut times: Vec<i64> =
            history.commits.iter().map(|commit| commit.time).filter(|time| *time <= now.as_second()).collect();
        times.sort_unstable();
        let mut instants = vec![now];
        for fifth in (1..5).rev() {
            if let Some(time) = times.get(times.len() * fifth / 5) {
                instants.push(Timestamp::from_second(*time)?);
            }
        }
        instants.dedup();
        Ok(instants)
    }
}

/// What git and the ticket file say.
struct Truth {
    history: History,
    tickets: BTreeMap<Key, Ticket>,
    projects: Projects,
}

impl Truth {
    fn read(repository: &Path, tickets: Option<&Path>) -> Result<Self> {
        let history = git::read(repository)?;
        let tickets = tickets.map(tickets::read).transpose()?.unwrap_or_default();
        let projects = if tickets.is_empty() {
            let commits = history.commits.iter().filter(|commit| commit.parents < 2);
            Projects::learnt(commits.map(git::Commit::subject))
        } else {
            Projects::of(tickets.keys().map(|key| key.project.as_str()))
        };
        Ok(Self { history, tickets, projects })
    }

    fn describe(&self, instants: &[Timestamp]) {
        let merges = self.history.commits.iter().filter(|commit| commit.parents > 1).count();
        let changes: usize = self.history.changes.values().map(Vec::len).sum();
        let links = Links::new(&self.history, &self.tickets, &self.projects);
        let pairs: usize = links.citing.values().map(Vec::len).sum();
        let projects = self.projects.names().join(" ");
        println!(
            "{} commits ({merges} merges), {changes} file changes, {} tickets, {pairs} linked pairs over the projects {}",
            self.history.commits.len(),
            self.tickets.len(),
            if projects.is_empty() { "(none)" } else { &projects },
        );
        let instants: Vec<String> = instants.iter().map(ToString::to_string).collect();
        println!("gaps as of {}", instants.join(", "));
    }
}

fn sync(product: &Product, repository: &Path, tickets: Option<&Path>) -> Result<()> {
    let word = OsStr::new;
    product.run(&[word("sync"), word("git"), repository.as_os_str(), word("--name"), word(REPOSITORY)])?;
    // After git on purpose: keys of projects that become known later must be found in earlier commits.
    tickets.map_or(Ok(()), |file| product.run(&[word("sync"), word("tickets"), file.as_os_str()]))
}

fn compare(
    product: &Product,
    repository: &Path,
    truth: &Truth,
    now: Timestamp,
    instants: &[Timestamp],
    sample: usize,
) -> Result<Vec<Section>> {
    let Truth { history, tickets, projects } = truth;
    let export = phase("docassist export graph", || product.export(REPOSITORY, &history.tip))?;
    let links = Links::new(history, tickets, projects);
    let mut sections = vec![
        links::compare_nodes(history, tickets, &export),
        links::compare_pairs(history, &links, tickets, &export),
        changes::compare(history, &export),
    ];

    let mut decided: BTreeSet<Key> = BTreeSet::new();
    for page in &export.decision_pages {
        decided.extend(projects.scan(&git::read_file(repository, page)?));
    }
    let cases = listings::Case::all(instants);
    let listed = phase("docassist gaps", || parallel(&cases, |case| case.compare(product, &links, &decided)));
    for section in listed {
        let section = section?;
        match sections.iter_mut().find(|other| other.name == section.name) {
            Some(other) => other.absorb(section),
            None => sections.push(section),
        }
    }
    if let Some(section) = sections.iter_mut().find(|section| section.name.ends_with("missing-decisions")) {
        section.note(format!("{} decision pages name {} tickets", export.decision_pages.len(), decided.len()));
    }

    let timeline = Timeline::new(history, now.as_second());
    let paths = files::sample(&timeline, &history.tip, sample);
    let switches = files::Switches::of(product);
    let compared = phase("docassist impact file, rel file", || {
        parallel(&paths, |path| files::compare(product, &switches, &timeline, &history.tip, path))
    });
    let (mut histories, mut partners) = (Section::new("file history"), Section::new("co-change"));
    for (history, partner) in compared {
        histories.absorb(history);
        partners.absorb(partner);
    }
    let gone = paths.iter().filter(|path| !history.tip.contains(**path)).count();
    let renamed = paths.iter().filter(|path| timeline.was_renamed(path)).count();
    histories.note(format!("{} of {} files: {renamed} renamed, {gone} gone", paths.len(), timeline.paths().len()));
    sections.extend([histories, partners]);
    Ok(sections)
}

/// Runs a part of the work and says on stderr how long it took.
fn phase<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = work();
    eprintln!("{name}: {:.1} s", started.elapsed().as_secs_f64());
    value
}

/// Does the same to every item on all processors; the results stand in the items' order.
fn parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = items.get(at)
                {
                    let result = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_results_stand_in_order() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(parallel(&items, |n| n * 2), items.iter().map(|n| n * 2).collect::<Vec<_>>());
    }
}
