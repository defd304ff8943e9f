//! What the command line takes.

pub(crate) mod bench;
pub(crate) mod keep;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod tune;
pub(crate) mod watch;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint, value_parser};
use docassist_model::{OrgSlug, Timestamp};

/// Longest window: a century is more than any tracker has.
const MAX_DAYS: i64 = 36_500;

/// What documentation does not say: work without tickets, tickets without code, decisions that nobody wrote down, pages
/// that have gone stale, what a change touches and who should review it.
///
/// Connect a repository (`docassist sync git .`) and a tracker's export (`docassist sync tickets FILE`), then ask.
#[derive(Debug, Parser)]
#[command(name = "docassist", version, max_term_width = 100, after_help = EXIT_STATUS)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such thing (the nearest names are shown), 4 a check did not hold.";

/// Options of every command, before or after its name.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Folder of the stored data [default: .docassist]
    #[arg(long, value_name = "DIR", env = "DOCASSIST_DATA", hide_env_values = true, global = true, value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
    /// PostgreSQL that keeps records instead of files, such as postgres://docassist@db/docassist?sslmode=verify-full
    #[arg(long, value_name = "URL", env = "DOCASSIST_DATABASE", hide_env_values = true, global = true)]
    pub(crate) database: Option<String>,
    /// File with the database's password; everybody on this machine can read command lines
    #[arg(long, value_name = "FILE", env = "DOCASSIST_DATABASE_PASSWORD_FILE", hide_env_values = true, global = true, value_hint = ValueHint::FilePath)]
    pub(crate) database_password_file: Option<PathBuf>,
    /// Organisation whose data it is [default: default]
    #[arg(long, value_name = "SLUG", global = true)]
    pub(crate) org: Option<OrgSlug>,
    /// Answer as of this date (its end) or instant, such as 2024-05-01 or 2024-05-01T12:00:00Z [default: now]
    #[arg(long, value_name = "DATE|INSTANT", global = true, value_parser = Timestamp::parse_as_of)]
    pub(crate) as_of: Option<Timestamp>,
    /// How to print the answer [default: table on a terminal, json otherwise]
    #[arg(long, value_name = "FORMAT", global = true)]
    pub(crate) format: Option<Format>,
    /// Short for --format json
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// File of `key = value` lines with the keys data, database, org, format and wait; options and environment come first
    #[arg(long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Tell on stderr which data is used and what is being done
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading on a terminal
    Table,
    /// For programs: every field
    Json,
    /// For pull requests and chats
    Md,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect a source, or bring it up to date
    #[command(subcommand)]
    Sync(Sync),
    /// What is connected, how much of it, when last synced, what is incomplete
    Status {
        /// Also compute the graph's digest: equal digests are equal graphs
        #[arg(long)]
        digest: bool,
    },
    /// What is missing between tickets, code, pages and decisions
    Gaps {
        #[command(subcommand)]
        analysis: Option<Gaps>,
    },
    /// What a file, a ticket, a commit or a change touches
    #[command(subcommand)]
    Impact(Impact),
    /// Who should review a change to some files
    Reviewers(Reviewers),
    /// The whole story of a ticket, a developer, a file or a repository
    #[command(subcommand)]
    Rel(Rel),
    /// Decision records that were found among the pages
    #[command(args_conflicts_with_subcommands = true)]
    Decisions {
        #[command(subcommand)]
        action: Option<Decisions>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Find passages of pages, tickets, comments, commits, decisions and code
    ///
    /// The first search builds the index, and the first one after a sync brings it up to date.
    Search(Box<search::Search>),
    /// Answer a question from all of it, with citations; where nothing supports an answer, say so
    Ask(Box<search::Ask>),
    /// Bring the search index up to date and embed what is not embedded yet
    Index(search::Index),
    /// The model that gives texts their vectors, for search by meaning
    #[command(subcommand)]
    Model(search::Model),
    /// Measure how good search is
    #[command(subcommand)]
    Eval(Box<search::Eval>),
    /// Write the knowledge graph out
    #[command(subcommand)]
    Export(Export),
    /// Serve all of this over HTTP, for several organisations at once
    Serve(Box<serve::Serve>),
    /// Write the configuration of a whole deployment for a machine's size: PostgreSQL, Redis, containers, monitoring
    Tune(Box<tune::Tune>),
    /// Compare running servers and this machine with the files of a deployment, and say what to do; exits with 4 on drift
    Doctor(Box<watch::Doctor>),
    /// How PostgreSQL, Redis, Qdrant and the cache of a running service do
    Monitor(Box<watch::Monitor>),
    /// Measure what infrastructure gains on this machine
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Move what is stored
    #[command(subcommand)]
    Store(keep::Store),
    /// Save everything that is stored, while it is in use
    ///
    /// In the folder are the records of all organisations, the service's accounts, keys, jobs and settings, its secret where
    /// the data directory has it, and a manifest with hashes and digests. Clones of repositories and files that wait to be
    /// imported are not. The folder gets its name when it is whole. A PostgreSQL is saved by pg_dump, which needs a role that
    /// row-level security does not bind: name it with --role-url.
    Backup(keep::Backup),
    /// Put a backup back, where nothing is or in place of what is there
    ///
    /// Hashes are checked before anything is touched, and graphs' digests before anything is replaced; a PostgreSQL is
    /// restored by pg_restore in one transaction, by the service's own role. Stop the service first. Exit status 4: a digest
    /// differs, and nothing was changed.
    Restore(keep::Restore),
    /// The secret that a service signs and encrypts with
    #[command(subcommand)]
    Secret(keep::Secret),
    /// The cache of a running service
    #[command(subcommand)]
    Cache(serve::Cache),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands
    Man {
        /// Write a page for each command into this folder instead of printing the first one
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        output: Option<PathBuf>,
    },
}

/// How long a sync waits.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Wait so long for another sync of the same data [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<u32>,
}

/// Sources.
#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Commits, files, people, pages and decision records of a git repository; only what is new is read
    Git {
        /// A folder inside a repository, a bare repository, or a URL that git can clone
        #[arg(value_name = "PATH|URL", value_hint = ValueHint::DirPath)]
        location: String,
        /// Its name here [default: the last part of its location]
        #[arg(long)]
        name: Option<String>,
        /// The branch to read [default: the one that HEAD is at]
        #[arg(long)]
        branch: Option<String>,
        /// Forget what was read before and read everything again
        #[arg(long)]
        full: bool,
        #[command(flatten)]
        wait: WaitArgs,
    },
    /// Jira issues: REST JSON, an array, one issue a line, or a CSV export; gzipped too
    Tickets {
        /// Files of the export
        #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
        /// A project prefix to know even without a ticket of its own; may be repeated
        #[arg(long = "project", value_name = "KEY")]
        projects: Vec<String>,
        /// The source's name [default: tickets]
        #[arg(long)]
        name: Option<String>,
        /// Remove tickets of this source that the files do not have
        #[arg(long)]
        prune: bool,
        #[command(flatten)]
        wait: WaitArgs,
    },
    /// Pages of a folder that is no repository
    Docs {
        /// The folder
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
        /// Its name here [default: the folder's own]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        wait: WaitArgs,
    },
}

/// How much of a list.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LimitArgs {
    /// Show so many entries of each list at most [default: 10 in tables, 1000 in JSON]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
}

/// Which part of a list.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PageArgs {
    /// Show so many entries at most [default: 20 in tables, 50 in JSON]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    /// Go on where an earlier answer's `next` says
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
}

/// The length of a window.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WindowArgs {
    /// Length of the window in days [default: 90]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=MAX_DAYS))]
    pub(crate) days: Option<u32>,
}

/// Gap analyses; without one, all of them.
#[derive(Debug, Subcommand)]
pub(crate) enum Gaps {
    /// Tickets created in the window that no commit or pull request refers to
    Orphaned {
        #[command(flatten)]
        window: WindowArgs,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Source changes of the window that refer to no ticket and change no documentation
    Undocumented {
        #[command(flatten)]
        window: WindowArgs,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Features that were built and that no decision record refers to
    MissingDecisions {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Tickets that are not done and have not been updated for long
    Stale {
        /// How many days without an update are long [default: 30]
        #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=MAX_DAYS))]
        days: Option<u32>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// References to tickets that do not exist
    Dangling {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Pages that name files which are gone
    OutdatedDocs {
        #[command(flatten)]
        page: PageArgs,
    },
}

/// Impact analyses.
#[derive(Debug, Subcommand)]
pub(crate) enum Impact {
    /// History, tickets, people, co-changed files, pages, reviewers and risk of files
    File {
        #[command(flatten)]
        paths: PathArgs,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Commits, files, people and reach of a ticket's work
    Ticket {
        /// The ticket, such as ALOY-12
        key: String,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// What a commit touches, what it may have forgotten, and its risk
    Commit {
        /// The commit's name, or its first digits
        sha: String,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// The same for a change that is not committed, or for a range of commits
    Diff {
        /// Compare with this commit; BASE..HEAD compares two [default: HEAD with the work tree]
        base: Option<String>,
        /// Work as if started in this folder
        #[arg(short = 'C', value_name = "DIR", value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
        /// The synced repository's name [default: the one of the work tree]
        #[arg(long, value_name = "NAME")]
        repo: Option<String>,
        #[command(flatten)]
        limit: LimitArgs,
    },
}

/// Files.
#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// Paths from the repository's root, or from here inside a synced work tree
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) paths: Vec<String>,
    /// The repository, where several have the path
    #[arg(long, value_name = "NAME")]
    pub(crate) repo: Option<String>,
}

/// Arguments of `reviewers`.
#[derive(Debug, Args)]
pub(crate) struct Reviewers {
    #[command(flatten)]
    pub(crate) paths: PathArgs,
    /// Whom the change is by, by address or name: nobody reviews their own
    #[arg(long, value_name = "EMAIL|NAME")]
    pub(crate) author: Option<String>,
    #[command(flatten)]
    pub(crate) limit: LimitArgs,
}

/// Relationships.
#[derive(Debug, Subcommand)]
pub(crate) enum Rel {
    /// Everything that is joined to a ticket, with its timeline
    Ticket {
        /// The ticket, such as ALOY-12
        key: String,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// A developer's work: tickets, files, areas
    Developer {
        /// Address or name
        #[arg(value_name = "EMAIL|NAME")]
        who: String,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// A file's commits, developers and tickets
    File {
        /// Path from the repository's root, or from here inside a synced work tree
        #[arg(value_hint = ValueHint::FilePath)]
        path: String,
        /// The repository, where several have the path
        #[arg(long, value_name = "NAME")]
        repo: Option<String>,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// A repository's contributors, tickets and activity
    Repo {
        /// Its name, as `docassist status` shows it
        name: String,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Tickets, commits, files, people, pages and decisions whose name or title has all of the words
    Search {
        /// The words
        #[arg(required = true)]
        text: Vec<String>,
        #[command(flatten)]
        page: PageArgs,
    },
}

/// Decision records.
#[derive(Debug, Subcommand)]
pub(crate) enum Decisions {
    /// All of them (also without `list`)
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// One, with its page's history and its tickets
    Show {
        /// Its id or number, or its page's path
        id: String,
        #[command(flatten)]
        limit: LimitArgs,
    },
}

/// Exports.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// The whole graph as sorted JSON lines: equal graphs give equal bytes
    Graph {
        /// Write to this file instead of stdout
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
        /// Print only the SHA-256 of the lines
        #[arg(long, conflicts_with = "output")]
        digest: bool,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
