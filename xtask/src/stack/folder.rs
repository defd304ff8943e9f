//! The folder of a stack: what is in it, and who holds it.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::state::State;
use super::{LOOK, answers};

/// How long the servers of a holder that was killed may take to notice: they end by themselves.
const AFTERMATH: Duration = Duration::from_secs(20);
/// So much of the log is shown when something has failed.
const LAST_LINES: usize = 15;

pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The generated files.
    pub(super) fn deploy(&self) -> PathBuf {
        self.path.join("deploy")
    }

    /// Where the servers' folders are.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }

    fn state_file(&self) -> PathBuf {
        self.path.join("state.json")
    }

    fn end_file(&self) -> PathBuf {
        self.path.join("end")
    }

    fn program_file(&self) -> PathBuf {
        self.path.join("program")
    }

    /// The lock that makes its owner the holder; none where there is one. It goes with the process, however that ends.
    pub(super) fn lock(&self) -> Result<Option<File>> {
        std::fs::create_dir_all(&self.path).with_context(|| format!("cannot make {}", self.path.display()))?;
        let file = File::options().create(true).truncate(false).write(true).open(self.lock_file())?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context("the stack's folder cannot be locked"),
        }
    }

    pub(super) fn is_held(&self) -> Result<bool> {
        if !self.lock_file().exists() {
            return Ok(false);
        }
        Ok(self.lock()?.is_none())
    }

    /// What the holder has told; none before its servers are up.
    pub(super) fn state(&self) -> Option<State> {
        State::parse(&std::fs::read_to_string(self.state_file()).ok()?)
    }

    /// Tells it, to this user alone: there is a password in it.
    pub(super) fn tell(&self, state: &State) -> Result<()> {
        let partial = self.path.join("state.json.partial");
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&partial)?.write_all(state.render().as_bytes())?;
        Ok(std::fs::rename(partial, self.state_file())?)
    }

    /// The program that wrote the files, for whoever goes on with it.
    pub(super) fn note_program(&self, program: &Path) -> Result<()> {
        Ok(std::fs::write(self.program_file(), program.as_os_str().as_encoded_bytes())?)
    }

    pub(super) fn program(&self) -> String {
        std::fs::read_to_string(self.program_file()).unwrap_or_default()
    }

    pub(super) fn ask_to_end(&self) -> Result<()> {
        Ok(std::fs::write(self.end_file(), "")?)
    }

    /// Whether the holder is to end: it was asked to, or its folder was removed.
    pub(super) fn is_to_end(&self) -> bool {
        self.end_file().exists() || !self.lock_file().exists()
    }

    /// Removes what a stack that is down has left, and makes room for the next one. Servers whose holder was killed end by
    /// themselves; where they do not, that is told: they are not ours to kill.
    pub(super) fn clean(&self) -> Result<()> {
        if let Some(state) = self.state() {
            let began = Instant::now();
            while let Some(port) = state.ports().into_iter().find(|port| answers(*port)) {
                if began.elapsed() > AFTERMATH {
                    bail!(
                        "the stack's holder is gone, and something still listens on port {port}; end it, then remove {}",
                        self.path.display()
                    );
                }
                std::thread::sleep(LOOK);
            }
        }
        for file in [self.state_file(), self.end_file(), self.program_file()] {
            removed(std::fs::remove_file(&file)).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        for folder in [self.data(), self.deploy()] {
            removed(std::fs::remove_dir_all(&folder)).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        std::fs::create_dir_all(self.data()).with_context(|| format!("cannot make {}", self.data().display()))
    }

    /// The end of the log.
    pub(super) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

/// What was not there is gone, too.
fn removed(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
