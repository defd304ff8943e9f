//! What a backup says about itself.

use std::io::Write as _;
use std::path::Path;

use docassist_model::{ErrorCode, OrgSlug, Progress, Timestamp};
use serde::{Deserialize, Serialize};

use super::files::{self, damaged, failed};
use crate::AppError;

/// The form of backups that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;
/// A larger file is no manifest: this has room for a hundred thousand organisations.
const MOST_BYTES: u64 = 64 << 20;

const NAME: &str = "manifest.json";
/// What the service keeps besides records.
pub(super) const CONTROL: &str = "control.db";
/// The service's secret.
pub(super) const SECRET: &str = "secret";
/// A PostgreSQL, as `pg_dump --format=custom` writes it.
pub(super) const DUMP: &str = "database.dump";
/// An organisation's records, in its folder below `orgs`.
pub(super) const RECORDS: &str = "records.db";

/// What a backup is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Files of a data directory.
    Sqlite,
    /// A PostgreSQL database.
    Postgresql,
}

impl Engine {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgresql => "PostgreSQL",
        }
    }
}

/// An organisation in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// The organisation.
    pub org: String,
    /// The change sequence of its records.
    pub sequence: u64,
    /// The digest of their graph.
    pub digest: String,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Where it is in the backup's folder.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: String,
}

/// All that a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// The version of the program that made it.
    pub(super) docassist: String,
    pub(super) created: Timestamp,
    pub(super) engine: Engine,
    pub(super) organisations: Vec<BackedUp>,
    pub(super) files: Vec<SavedFile>,
}

/// Read first, from whatever version.
#[derive(Deserialize)]
struct Version {
    format: u32,
    docassist: String,
}

impl Manifest {
    pub(super) fn new(created: Timestamp, engine: Engine, organisations: Vec<BackedUp>, files: Vec<SavedFile>) -> Self {
        let docassist = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, docassist, created, engine, organisations, files }
    }

    /// Writes it into the backup's folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), AppError> {
        let path = folder.join(NAME);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| AppError::new(ErrorCode::Internal, format!("no manifest can be written: {error}")))?;
        let mut file = files::create(&path)?;
        let written = file.write_all(&text).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all());
        written.map_err(|error| failed(&path, &error))
    }

    /// Reads that of a backup. What it says is believed of nothing but the files' lengths and hashes.
    pub(super) fn read(folder: &Path) -> Result<Self, AppError> {
        let path = folder.join(NAME);
        let none = |detail: String| {
            AppError::new(ErrorCode::InvalidInput, format!("{} is no whole backup: {detail}", folder.display()))
                .hint("Name the folder that `docassist backup` made.")
        };
        let length = path.metadata().map_err(|error| none(format!("{NAME} cannot be read: {error}")))?.len();
        if length > MOST_BYTES {
            return Err(none(format!("{NAME} is larger than {MOST_BYTES} bytes")));
        }
        let text = std::fs::read(&path).map_err(|error| none(format!("{NAME} cannot be read: {error}")))?;
        let garbled = |error: serde_json::Error| damaged(NAME, &error.to_string());
        let version: Version = serde_json::from_slice(&text).map_err(garbled)?;
        if version.format > FORMAT {
            let message = format!(
                "the backup has form {}, which docassist {} wrote; this program knows forms up to {FORMAT}",
                version.format, version.docassist
            );
            return Err(AppError::new(ErrorCode::StoreUnusable, message).hint("Use that version of docassist."));
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(garbled)?;
        manifest.check().map_err(|detail| damaged(NAME, &detail))?;
        Ok(manifest)
    }

    /// Whether it names what a backup has and nothing else: a path could lead anywhere.
    fn check(&self) -> Result<(), String> {
        let mut expected: Vec<String> = Vec::new();
        for organisation in &self.organisations {
            let org: OrgSlug = organisation.org.parse().map_err(|error| format!("{error}"))?;
            if self.engine == Engine::Sqlite {
                expected.push(records_path(org.as_str()));
            }
        }
        if self.engine == Engine::Postgresql {
            expected.push(DUMP.to_owned());
        }
        let mut named: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        named.sort_unstable();
        if let Some(twice) = named.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("it names {} twice", twice[0]));
        }
        let may_have = |path: &str| path == SECRET || (path == CONTROL && self.engine == Engine::Sqlite);
        if let Some(other) = named.iter().find(|path| !may_have(path) && !expected.iter().any(|known| known == *path)) {
            return Err(format!("it names a file that no backup has: {other:?}"));
        }
        match expected.iter().find(|path| !named.contains(&path.as_str())) {
            Some(missing) => Err(format!("it does not name {missing}")),
            None => Ok(()),
        }
    }

    /// The file of that path, if the backup has it.
    pub(super) fn file(&self, path: &str) -> Option<&SavedFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Reads all files, and finds the first that is not what was saved.
    pub(super) fn verify(&self, folder: &Path, progress: &dyn Progress) -> Result<(), AppError> {
        progress.phase("checking the backup (bytes)", Some(self.files.iter().map(|file| file.bytes).sum()));
        for file in &self.files {
            let path = folder.join(&file.path);
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_file() => {}
                Ok(_) => return Err(damaged(&file.path, "it is no file")),
                Err(error) => return Err(damaged(&file.path, &error.to_string())),
            }
            files::verify(file, &files::hash(&path, progress)?)?;
        }
        Ok(())
    }
}

/// Where an organisation's records are in a backup.
fn records_path(org: &str) -> String {
    format!("orgs/{org}/{RECORDS}")
}

/// The files of a folder that is becoming a backup, in the order of their paths.
pub(super) fn hash_all(
    folder: &Path,
    engine: Engine,
    organisations: &[BackedUp],
    progress: &dyn Progress,
) -> Result<Vec<SavedFile>, AppError> {
    let mut paths = vec![SECRET.to_owned()];
    match engine {
        Engine::Sqlite => {
            paths.push(CONTROL.to_owned());
            paths.extend(organisations.iter().map(|organisation| records_path(&organisation.org)));
        }
        Engine::Postgresql => paths.push(DUMP.to_owned()),
    }
    paths.sort_unstable();
    paths.retain(|path| folder.join(path).is_file());
    progress.phase("writing the manifest (bytes)", None);
    let mut saved = Vec::new();
    for path in paths {
        let file = folder.join(&path);
        let (bytes, sha256) = files::hash(&file, progress)?;
        file.parent().into_iter().for_each(files::sync_folder);
        saved.push(SavedFile { path, bytes, sha256 });
    }
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(engine: Engine, orgs: &[&str], files: &[&str]) -> Manifest {
        let organisation = |org: &&str| BackedUp { org: (*org).to_owned(), sequence: 1, digest: String::new() };
        let file = |path: &&str| SavedFile { path: (*path).to_owned(), bytes: 1, sha256: String::new() };
        let (organisations, files) = (orgs.iter().map(organisation).collect(), files.iter().map(file).collect());
        Manifest::new(Timestamp::from_unix(0), engine, organisations, files)
    }

    #[test]
    fn a_manifest_names_what_a_backup_has_and_nothing_else() {
        let good = [
            manifest(Engine::Sqlite, &["a"], &["control.db", "orgs/a/records.db", "secret"]),
            manifest(Engine::Sqlite, &[], &["control.db"]),
            manifest(Engine::Postgresql, &["a", "b"], &["database.dump"]),
        ];
        for manifest in good {
            assert_eq!(manifest.check(), Ok(()));
        }
        let bad = [
            (manifest(Engine::Sqlite, &["../a"], &["orgs/../a/records.db"]), "no organisation name"),
            (manifest(Engine::Sqlite, &[], &["../../etc/passwd"]), "no backup has"),
            (manifest(Engine::Sqlite, &[], &["/etc/passwd"]), "no backup has"),
            (manifest(Engine::Sqlite, &[], &["orgs/a/records.db"]), "no backup has"),
            (manifest(Engine::Sqlite, &["a"], &["control.db"]), "does not name orgs/a/records.db"),
            (manifest(Engine::Sqlite, &[], &["secret", "secret"]), "twice"),
            (manifest(Engine::Postgresql, &[], &["secret"]), "does not name database.dump"),
            (manifest(Engine::Postgresql, &[], &["database.dump", "control.db"]), "no backup has"),
        ];
        for (manifest, detail) in bad {
            let error = manifest.check().unwrap_err();
            assert!(error.contains(detail), "{error}");
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let written = manifest(Engine::Sqlite, &["a"], &["control.db", "orgs/a/records.db"]);
        written.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), written);
        let path = folder.path().join(NAME);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
        let error = Manifest::read(folder.path()).unwrap_err().message;
        assert!(error.contains("form 2, which docassist"), "{error}");
        std::fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(Manifest::read(folder.path()).unwrap_err().message.contains("damaged"));
        std::fs::remove_file(&path).unwrap();
        assert!(Manifest::read(folder.path()).unwrap_err().message.contains("no whole backup"));
    }
}
