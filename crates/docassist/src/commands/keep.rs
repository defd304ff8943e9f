//! Copying, saving and putting back what is stored.

use docassist_app::Database;
use docassist_app::backup::{
    BackedUp, BackupReport, BackupRequest, Mismatch, RestoreReport, RestoreRequest, backup, check_backup, restore,
};
use docassist_app::secrets::{Secrets, rotate_secret};
use docassist_app::transfer::{CopiedOrganisation, CopyReport, CopyRequest, Place, copy_organisations};
use serde::Serialize;

use crate::cli::keep::{Backup, Copy, Restore, Rotate};
use crate::cli::{Format, Global};
use crate::failure::Failure;
use crate::output::document::{Document, Section, name, right, text};
use crate::output::figures::{bytes, count, instant, number};
use crate::output::progress::SyncProgress;
use crate::output::{markdown, streams, text as plain};
use crate::settings::Settings;

/// Digits of a digest that people compare.
const SHOWN_DIGITS: usize = 16;

/// Copies organisations.
pub(crate) fn copy(settings: &Settings, global: &Global, arguments: &Copy) -> Result<(), Failure> {
    if arguments.all_orgs && global.org.is_some() {
        return Err(Failure::usage("--org and --all-orgs contradict each other", "Leave one of them out."));
    }
    let place = |text: &str| Place::parse(text, global.database_password_file.as_deref());
    let wait = arguments.wait.wait.map(|seconds| std::time::Duration::from_secs(seconds.into()));
    let request = CopyRequest {
        from: place(&arguments.from)?,
        to: place(&arguments.to)?,
        org: (!arguments.all_orgs).then(|| settings.org.clone()),
        replace: arguments.replace,
        wait: wait.or(settings.wait),
    };
    let progress = SyncProgress::watched(settings.quiet, settings.verbose)?;
    let report = copy_organisations(&request, progress.as_ref());
    progress.finish();
    let report = report?;
    tell(settings, &report, copy_document)?;
    let different: Vec<&str> =
        report.organisations.iter().filter(|copied| !copied.same).map(|copied| copied.org.as_str()).collect();
    checked(&different, "the copies of these organisations are not the same")
}

/// Makes a backup.
pub(crate) fn save(settings: &Settings, arguments: &Backup) -> Result<(), Failure> {
    let role = match &arguments.role_url {
        Some(url) => Some(Database::at(url, arguments.role_password_file.as_deref())?),
        None => None,
    };
    let request = BackupRequest {
        data: settings.data.clone(),
        database: settings.database.clone(),
        role,
        folder: arguments.folder.clone(),
    };
    let progress = SyncProgress::watched(settings.quiet, settings.verbose)?;
    let report = backup(&request, progress.as_ref());
    progress.finish();
    tell(settings, &report?, backup_document)
}

/// Seals anew what is sealed with the service's secret.
pub(crate) fn rotate(settings: &Settings, arguments: &Rotate) -> Result<(), Failure> {
    let new = Secrets::read(&arguments.to)?;
    let (old, is_kept) = match (&arguments.secret_file, std::env::var_os("DOCASSIST_SECRET")) {
        (Some(path), _) => (Secrets::read(path)?, false),
        (None, Some(secret)) => (Secrets::derive(secret.to_string_lossy().trim().as_bytes())?, false),
        (None, None) => (Secrets::read(&settings.data.join("secret"))?, true),
    };
    let sealed = rotate_secret(&settings.database, &settings.data, &old, &new)?;
    if is_kept {
        Secrets::keep_in(&settings.data, &arguments.to)?;
    }
    if settings.format == Format::Json {
        streams::print(&format!("{}\n", serde_json::json!({ "sealed": sealed, "kept_in_data": is_kept })))?;
        return Ok(());
    }
    let where_to = if is_kept {
        "the data directory keeps the new one".to_owned()
    } else {
        format!("start every service with {}", arguments.to.display())
    };
    streams::print(&format!("sealed {} anew; {where_to}\n", count(sealed, "secret")))?;
    Ok(())
}

/// Puts a backup back, or looks at it.
pub(crate) fn put_back(settings: &Settings, arguments: &Restore) -> Result<(), Failure> {
    let progress = SyncProgress::watched(settings.quiet, settings.verbose)?;
    let report = if arguments.check {
        check_backup(&arguments.folder, progress.as_ref())
    } else {
        let request = RestoreRequest {
            data: settings.data.clone(),
            database: settings.database.clone(),
            folder: arguments.folder.clone(),
            replace: arguments.replace,
            any_digest: arguments.any_digest,
        };
        restore(&request, progress.as_ref())
    };
    progress.finish();
    let report = report?;
    tell(settings, &report, restore_document)?;
    let different: Vec<&str> = report.mismatches.iter().map(|mismatch| mismatch.org.as_str()).collect();
    let outcome = if report.restored { "it is in place all the same" } else { "nothing was changed" };
    checked(&different, &format!("the graphs of these organisations are not what was saved ({outcome})"))
}

/// Ends with the status of a check that did not hold where something differs.
fn checked(different: &[&str], what: &str) -> Result<(), Failure> {
    if different.is_empty() {
        return Ok(());
    }
    streams::say(&format!("{what}: {}", different.join(", ")));
    Err(Failure::CheckFailed)
}

fn tell<T: Serialize>(settings: &Settings, report: &T, document: fn(&T) -> Document) -> Result<(), Failure> {
    match settings.format {
        Format::Json => streams::print_json(report)?,
        Format::Md => streams::print(&markdown::render(&document(report)))?,
        Format::Table => streams::print(&plain::render(&document(report)))?,
    }
    Ok(())
}

/// The beginning of a digest.
fn short(digest: &str) -> String {
    digest.get(..SHOWN_DIGITS).unwrap_or(digest).to_owned()
}

fn copy_document(report: &CopyReport) -> Document {
    let organisations = count(report.organisations.len() as u64, "organisation");
    let title = format!("copied {organisations} from {} to {}", report.from, report.to);
    let row = |copied: &CopiedOrganisation| {
        let [sources, commits, tickets, pages] =
            [copied.sources, copied.commits, copied.tickets, copied.pages].map(number);
        let verdict = if copied.same { "same" } else { "DIFFERENT" };
        let digests = [short(&copied.digest_from), short(&copied.digest_to)];
        let [from, to] = digests;
        vec![copied.org.to_string(), sources, commits, tickets, pages, from, to, verdict.to_owned()]
    };
    let columns = [
        name("organisation"),
        right("sources").dispensable(1),
        right("commits"),
        right("tickets"),
        right("pages").dispensable(2),
        name("original"),
        name("copy"),
        text("graph", 9),
    ];
    let mut document = Document { title, notes: report.notes.clone(), ..Document::default() };
    document.add(Section::default().table(&columns, report.organisations.iter().map(row)));
    for copied in report.organisations.iter().filter(|copied| copied.unfinished > 0) {
        let unfinished = count(copied.unfinished, "source");
        document.notes.push(format!("{}: {unfinished} never finished a sync, and came without records", copied.org));
    }
    for copied in report.organisations.iter().filter(|copied| copied.resumed) {
        document.notes.push(format!("{}: what an interrupted copy had left was removed", copied.org));
    }
    document
}

fn backed_up(organisations: &[BackedUp]) -> Section {
    let row = |saved: &BackedUp| vec![saved.org.clone(), number(saved.sequence), short(&saved.digest)];
    Section::default().table(&[name("organisation"), right("sequence"), name("digest")], organisations.iter().map(row))
}

fn backup_document(report: &BackupReport) -> Document {
    let size = bytes(report.files.iter().map(|file| file.bytes).sum());
    let organisations = count(report.organisations.len() as u64, "organisation");
    let title = format!("saved {organisations} of {} to {}: {size}", report.engine.as_str(), report.folder);
    let mut document = Document { title, notes: report.notes.clone(), ..Document::default() };
    document.conditions.push(format!("as of {}", instant(report.created)));
    document.add(backed_up(&report.organisations));
    document
        .suggest(format!("docassist restore --check {}", report.folder), "find out later whether it is still whole");
    document
}

fn restore_document(report: &RestoreReport) -> Document {
    let done = match (report.restored, report.mismatches.is_empty()) {
        (true, _) => "put back",
        (false, true) => "is as it was made",
        (false, false) => "NOT put back",
    };
    let organisations = count(report.organisations.len() as u64, "organisation");
    let title = format!("backup {}: {done}, {organisations} of {}", report.folder, report.engine.as_str());
    let mut document = Document { title, notes: report.notes.clone(), ..Document::default() };
    document.conditions.push(format!("made {} by docassist {}", instant(report.created), report.docassist));
    document.add(backed_up(&report.organisations));
    let digest = |digest: &Option<String>| digest.as_deref().map_or_else(|| "none".to_owned(), short);
    let row = |mismatch: &Mismatch| vec![mismatch.org.clone(), digest(&mismatch.saved), digest(&mismatch.now)];
    let columns = [name("organisation"), name("saved"), name("now")];
    document.add(Section::new("Different").table(&columns, report.mismatches.iter().map(row)));
    document
}
