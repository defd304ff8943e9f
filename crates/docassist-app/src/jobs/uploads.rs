//! Files that were sent to be imported. They lie beside the organisation's records until their job has ended.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use docassist_model::{ErrorCode, OrgSlug, TenantScope};

use super::SyncRequest;
use crate::AppError;
use crate::secrets::random_text;

/// A place for the files of one job.
#[derive(Debug)]
pub struct Upload {
    folder: PathBuf,
    name: String,
    files: Vec<PathBuf>,
}

/// Where the files of the upload `name` lie.
pub(super) fn folder(data: &Path, org: &OrgSlug, name: &str) -> PathBuf {
    folder_of(data, org).join(name)
}

/// What tells a data directory from those of other replicas: a text that the first one who asks puts there.
pub(super) fn place(data: &Path) -> Result<String, AppError> {
    let path = data.join("place");
    let failed = |error: std::io::Error| {
        AppError::new(ErrorCode::Internal, format!("{} cannot be used: {error}", path.display()))
    };
    // Whole or not at all, whoever else starts at the same moment.
    let name = random_text::<12>()?;
    let own = data.join(format!("place.{name}"));
    if !path.exists() {
        std::fs::create_dir_all(data).and_then(|()| std::fs::write(&own, &name)).map_err(failed)?;
        let _ = std::fs::hard_link(&own, &path);
        std::fs::remove_file(&own).map_err(failed)?;
    }
    let found = std::fs::read_to_string(&path).map_err(failed)?;
    Ok(found.trim().to_owned())
}

fn folder_of(data: &Path, org: &OrgSlug) -> PathBuf {
    data.join("orgs").join(org.as_str()).join("uploads")
}

impl Upload {
    pub(super) fn new(data: &Path, scope: &TenantScope) -> Self {
        Self { folder: folder_of(data, scope.org()), name: String::new(), files: Vec::new() }
    }

    /// Makes a new empty file. `name` is what the sender calls it; only its ending is kept, by which its form is known.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&mut self, name: &str) -> Result<(std::fs::File, PathBuf), AppError> {
        if self.name.is_empty() {
            self.name = random_text::<12>()?;
        }
        let folder = self.folder.join(&self.name);
        let ending: String = Path::new(name).file_name().map_or_else(String::new, |name| {
            let name = name.to_string_lossy().to_lowercase();
            let known = [".json.gz", ".jsonl.gz", ".ndjson.gz", ".csv.gz", ".json", ".jsonl", ".ndjson", ".csv", ".gz"];
            known.into_iter().find(|ending| name.ends_with(ending)).unwrap_or_default().to_owned()
        });
        let file_name = format!("{}{ending}", self.files.len() + 1);
        let path = folder.join(&file_name);
        let file = std::fs::create_dir_all(&folder).and_then(|()| std::fs::File::create_new(&path));
        let file = file.map_err(|error| {
            let code = match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ErrorCode::StorageFull,
                _ => ErrorCode::Internal,
            };
            AppError::new(code, format!("the upload cannot be kept: {error}"))
        })?;
        // Jobs are read by people who know nothing of this machine's folders.
        self.files.push(PathBuf::from(file_name));
        Ok((file, path))
    }

    /// Whether nothing was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What to do with the files.
    #[must_use]
    pub fn into_request(mut self, projects: Vec<String>, prune: bool) -> SyncRequest {
        let upload = Some(std::mem::take(&mut self.name));
        SyncRequest::Tickets { files: std::mem::take(&mut self.files), projects, prune, upload }
    }
}

/// What was not handed on goes.
impl Drop for Upload {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let _ = std::fs::remove_dir_all(self.folder.join(&self.name));
        }
    }
}

/// Removes the files of a job that has ended.
pub(super) fn discard(data: &Path, org: &OrgSlug, request: &SyncRequest) {
    if let SyncRequest::Tickets { upload: Some(name), .. } = request
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    {
        let _ = std::fs::remove_dir_all(folder_of(data, org).join(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_is_one_place_whoever_asks() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let of = |at: usize| place(&folders[at].path().join("data")).unwrap();
        let together: Vec<String> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| of(0))).collect();
            asking.into_iter().map(|place| place.join().unwrap()).collect()
        });
        assert!(together.iter().all(|place| *place == of(0) && !place.is_empty()), "{together:?}");
        assert_ne!(of(0), of(1));
        let left = std::fs::read_dir(folders[0].path().join("data")).unwrap().count();
        assert_eq!(left, 1);
    }
}
