//! Syncing a folder of pages.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use docassist_model::{ErrorCode, Page, Progress, SourceKind, Timestamp};
use docassist_sources::pages;
use docassist_store::{DocsFinish, PageChanges};
use serde::Serialize;
use serde_json::json;

use super::git::{checked_name, detect_all};
use crate::{App, AppError, now};

/// A larger file is no page that somebody wrote.
const MAX_PAGE_BYTES: u64 = 16 * 1024 * 1024;
/// Folders deeper than this are not looked into.
const MAX_DEPTH: usize = 64;
/// Files that could not be read and are named.
const NAMED_FILES: usize = 10;

/// A folder to sync.
#[derive(Debug, Clone, Default)]
pub struct DocsRequest {
    /// The folder.
    pub folder: PathBuf,
    /// Its name here; the folder's own if `None`.
    pub name: Option<String>,
    /// How long to wait for another sync; [`crate::DEFAULT_WAIT`] if `None`.
    pub wait: Option<Duration>,
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocsReport {
    /// The source's name.
    pub source: String,
    /// The folder.
    pub location: String,
    /// Pages in the folder.
    pub pages: u64,
    /// Pages that are new or changed.
    pub pages_changed: u64,
    /// Pages that are gone.
    pub pages_removed: u64,
    /// Decision records among them.
    pub decisions: u64,
    /// Whether anything changed.
    pub changed: bool,
    /// What could not be read.
    pub notes: Vec<String>,
}

impl App {
    /// Reads all pages of a folder that is no repository.
    ///
    /// # Errors
    /// When the folder or the store cannot be used, or `progress` says to stop.
    pub fn sync_docs(&self, request: &DocsRequest, progress: &dyn Progress) -> Result<DocsReport, AppError> {
        let unreadable = |error: std::io::Error| {
            AppError::new(ErrorCode::SourceUnreadable, format!("{}: {error}", request.folder.display()))
        };
        let folder = request.folder.canonicalize().map_err(unreadable)?;
        if !folder.is_dir() {
            return Err(AppError::new(ErrorCode::InvalidInput, format!("{} is no folder", folder.display())));
        }
        let own = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = checked_name(request.name.as_deref().unwrap_or(&own))?;
        let cancelled = || progress.cancelled();
        let wait = request.wait.unwrap_or(crate::DEFAULT_WAIT);
        self.prepare_folder();
        let mut writer = self.store.writer(&self.scope, &format!("sync docs {name}"), wait, &cancelled)?;
        let location = folder.display().to_string();
        let source = writer.source(SourceKind::Docs, &name, &location)?;
        progress.phase("reading pages", None);
        let mut reading = Reading { root: &folder, pages: Vec::new(), unread: Vec::new(), progress };
        reading.folder(&folder, 0)?;
        let Reading { mut pages, unread, .. } = reading;
        pages.sort_by(|a, b| a.path.cmp(&b.path));
        let mut records: Vec<_> = detect_all(&pages).collect();
        records.sort_by(|a, b| a.path.cmp(&b.path));
        let mut notes: Vec<String> = unread.iter().take(NAMED_FILES).cloned().collect();
        if unread.len() > NAMED_FILES {
            notes.push(format!("{} more files could not be read", unread.len() - NAMED_FILES));
        }
        let outcome = writer.finish_docs(
            source.id,
            DocsFinish {
                location: &location,
                cursor: &json!({}),
                synced: now(),
                notes: &notes,
                pages: PageChanges { replace_all: true, removed: &[], upserted: &pages },
                decisions: Some(&records),
            },
        )?;
        Ok(DocsReport {
            source: name,
            location,
            pages: pages.len() as u64,
            pages_changed: outcome.pages_upserted,
            pages_removed: outcome.pages_removed,
            decisions: records.len() as u64,
            changed: outcome.changed,
            notes,
        })
    }
}

struct Reading<'a> {
    root: &'a Path,
    pages: Vec<Page>,
    unread: Vec<String>,
    progress: &'a dyn Progress,
}

impl Reading<'_> {
    /// Reads a folder and those in it. Hidden ones, links and installed packages are left out.
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), AppError> {
        if self.progress.cancelled() {
            return Err(AppError::cancelled());
        }
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.unread.push(format!("{}: {error}", folder.display()));
                return Ok(());
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Ok(kind) = path.symlink_metadata() else { continue };
            if name.starts_with('.') || name == "node_modules" || kind.is_symlink() {
                continue;
            }
            if kind.is_dir() && depth < MAX_DEPTH {
                self.folder(&path, depth + 1)?;
            } else if kind.is_file() {
                self.file(&path, &kind);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, metadata: &std::fs::Metadata) {
        let relative = path.strip_prefix(self.root).unwrap_or(path);
        let relative =
            relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        if pages::format_of(&relative).is_none() {
            return;
        }
        if metadata.len() > MAX_PAGE_BYTES {
            self.unread.push(format!("{relative}: larger than {} MiB", MAX_PAGE_BYTES / 1024 / 1024));
            return;
        }
        match std::fs::read(path) {
            Ok(content) => {
                let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let modified = modified.map(|since| Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(0)));
                self.pages.push(pages::parse(&relative, &content, modified));
                self.progress.advance(1);
            }
            Err(error) => self.unread.push(format!("{relative}: {error}")),
        }
    }
}
