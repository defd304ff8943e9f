//! The folder of a run, and the user whom its servers run as.

use std::path::{Path, PathBuf};
use std::process::Command;

use docassist_model::ErrorCode;

use crate::AppError;

/// Who runs the servers where the program runs as root, which PostgreSQL refuses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unprivileged {
    user: u32,
    group: u32,
}

impl Unprivileged {
    /// `postgres` or `nobody`, from the list of users.
    fn find() -> Option<Self> {
        let users = std::fs::read_to_string("/etc/passwd").ok()?;
        ["postgres", "nobody"].into_iter().find_map(|name| {
            users.lines().find_map(|line| {
                let mut fields = line.split(':');
                let is_it = fields.next()? == name;
                let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
                is_it.then_some(Self { user, group })
            })
        })
    }
}

/// A folder that is gone when it is dropped. Only the servers' user may enter it: what is synced is in it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    user: Option<Unprivileged>,
}

impl Folder {
    /// A new folder among the system's temporary ones.
    ///
    /// # Errors
    /// When it cannot be made, or given to the servers' user.
    pub(super) fn new() -> Result<Self, AppError> {
        let parent = std::env::temp_dir();
        let path = parent.join(format!("docassist-bench-{}-{}", std::process::id(), &random_word()?[..8]));
        make(&path).map_err(|error| failed(&path, &error))?;
        let mut folder = Self { path, user: None };
        if is_roots(&folder.path) {
            let user = Unprivileged::find().ok_or_else(|| {
                AppError::new(
                    ErrorCode::Unavailable,
                    "PostgreSQL does not run as root, and there is no user to run it as",
                )
                .hint("Run this as another user.")
            })?;
            folder.user = Some(user);
            give(&folder.path, user).map_err(|error| failed(&folder.path, &error))?;
        }
        Ok(folder)
    }

    /// A folder within it.
    pub(super) fn sub(&self, name: &str) -> Result<PathBuf, AppError> {
        let path = self.path.join(name);
        let made = make(&path).and_then(|()| self.user.map_or(Ok(()), |user| give(&path, user)));
        made.map_err(|error| failed(&path, &error))?;
        Ok(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A command that runs as the servers' user, within `place`, without what the environment says about other servers.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>, place: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(place);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // In a group of its own: Ctrl-C at a terminal is for this program, which ends the servers when it has stopped.
            command.process_group(0);
            if let Some(user) = self.user {
                command.gid(user.group).uid(user.user).env("HOME", "/");
            }
        }
        command
    }

    /// Gives a file that was written into the folder to the servers' user.
    pub(super) fn hand_over(&self, path: &Path) -> Result<(), AppError> {
        self.user.map_or(Ok(()), |user| give(path, user)).map_err(|error| failed(path, &error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The servers' keepers have removed what was in it already.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// 32 random letters and digits: names and passwords that nobody guesses.
pub(super) fn random_word() -> Result<String, AppError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| AppError::new(ErrorCode::Internal, format!("the system gives no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What cannot be used there.
pub(super) fn failed(path: &Path, error: &std::io::Error) -> AppError {
    AppError::new(ErrorCode::Internal, format!("{} cannot be used: {error}", path.display()))
        .hint("Set TMPDIR to a folder with room for both servers' data, which every user may enter.")
}

#[cfg(unix)]
fn make(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir(path)
}

/// Whether a new folder is root's.
#[cfg(unix)]
fn is_roots(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().is_ok_and(|metadata| metadata.uid() == 0)
}

#[cfg(not(unix))]
fn is_roots(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn give(path: &Path, user: Unprivileged) -> std::io::Result<()> {
    std::os::unix::fs::chown(path, Some(user.user), Some(user.group))
}

#[cfg(not(unix))]
fn give(_: &Path, user: Unprivileged) -> std::io::Result<()> {
    let _ = (user.user, user.group);
    Ok(())
}
