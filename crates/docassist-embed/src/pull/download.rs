//! Fetches the model's files from a model hub.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{StatusCode, Url};

use super::{FILES, Files, Installed, Pinned, hash, installed, missing, rename};
use crate::error::{EmbedError, Result};
use crate::http;

/// Where the model is published. The hashes say which files are meant, so that a branch's name does.
pub const HUB: &str = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main";

/// A hub and how it is asked.
#[derive(Clone, Debug)]
pub struct Hub {
    /// Addresses of folders that hold the files, tried in order: [`HUB`], or mirrors of it.
    pub bases: Vec<String>,
    /// Longest wait for a connection or for the next bytes.
    pub patience: Duration,
    /// No attempt begins, and none goes on, this long after the first.
    pub deadline: Duration,
    /// How often a file is asked for at each address; an attempt goes on where the one before was cut off.
    pub attempts: u32,
    /// The wait before a second attempt, doubled for each further one.
    pub pause: Duration,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            bases: vec![HUB.to_owned()],
            patience: Duration::from_secs(30),
            deadline: Duration::from_secs(60 * 60),
            attempts: 5,
            pause: Duration::from_secs(1),
        }
    }
}

/// Downloads what is missing in `into`. `progress` is told bytes that are there and bytes in all, over all files. It waits
/// for the network: call it where a thread may block, and not within async code.
///
/// # Errors
/// [`EmbedError::Unreachable`] or [`EmbedError::Refused`] for the last address that was tried, [`EmbedError::WrongHash`] if what
/// came is another file, [`EmbedError::Io`] if it cannot be written or another process downloads into the same folder.
pub fn download(hub: &Hub, into: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Installed> {
    download_files(&FILES, hub, into, progress)
}

pub(super) fn download_files(
    files: &Files,
    hub: &Hub,
    into: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Installed> {
    let missing = missing(files, into)?;
    if missing.is_empty() {
        return Ok(installed(files, into, Vec::new()));
    }
    fs::create_dir_all(into).map_err(|error| EmbedError::io("make", into, error))?;
    let client = http::client(hub.patience, |builder| builder)?;
    let all: u64 = files.iter().map(|file| file.bytes).sum();
    let mut done = all - missing.iter().map(|file| file.bytes).sum::<u64>();
    let ends = Instant::now() + hub.deadline;
    let mut written = Vec::new();
    for file in missing {
        let part = into.join(format!(".{}.part", file.name));
        let mut job =
            Job { hub, client: &client, file, ends, part, progress: &mut |bytes| progress(done + bytes, all) };
        written.push(job.fetch(into)?);
        done += file.bytes;
    }
    Ok(installed(files, into, written))
}

struct Job<'a> {
    hub: &'a Hub,
    client: &'a Client,
    file: Pinned,
    ends: Instant,
    /// Holds what has come so far, under a name that does not change, so that the next run goes on with it.
    part: PathBuf,
    progress: &'a mut dyn FnMut(u64),
}

impl Job<'_> {
    fn fetch(&mut self, into: &Path) -> Result<PathBuf> {
        let mut options = File::options();
        let mut out =
            options.create(true).truncate(false).read(true).write(true).open(&self.part).map_err(|e| self.failed(e))?;
        out.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => self.failed(std::io::Error::other("another process is downloading it")),
            TryLockError::Error(error) => self.failed(error),
        })?;
        let mut last = EmbedError::Setting("no address of a model hub is given".to_owned());
        for base in &self.hub.bases {
            let url = http::address(&format!("{}/{}", base.trim_end_matches('/'), self.file.name))?;
            match self.fetch_from(&url, &mut out) {
                Ok(()) => {
                    out.sync_all().map_err(|error| self.failed(error))?;
                    let path = into.join(self.file.name);
                    return rename(&self.part, &path).map(|()| path);
                }
                // A full disk is no better at the next address.
                Err(error @ EmbedError::Io { .. }) => return Err(error),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn failed(&self, error: std::io::Error) -> EmbedError {
        EmbedError::io("write", &self.part, error)
    }

    fn fetch_from(&mut self, url: &Url, out: &mut File) -> Result<()> {
        let mut pause = self.hub.pause;
        for attempt in 1.. {
            let mut there = out.seek(SeekFrom::End(0)).map_err(|error| self.failed(error))?;
            if there > self.file.bytes {
                out.set_len(0).map_err(|error| self.failed(error))?;
                there = 0;
            }
            let result = if there == self.file.bytes { Ok(()) } else { self.attempt(url, there, out) };
            let failure = match result {
                Ok(()) => {
                    let found = out.seek(SeekFrom::Start(0)).and_then(|_| hash(&mut *out));
                    let found = found.map_err(|error| self.failed(error))?;
                    if found == self.file.sha256 {
                        return Ok(());
                    }
                    out.set_len(0).map_err(|error| self.failed(error))?;
                    // What an earlier run or another address left may be of any origin: once more, as a whole.
                    if there > 0 && attempt < self.hub.attempts {
                        continue;
                    }
                    return Err(self.wrong(url, found));
                }
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(error)) => error,
            };
            if attempt >= self.hub.attempts || Instant::now() + pause > self.ends {
                return Err(failure);
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        Err(EmbedError::Setting("no attempt is allowed".to_owned()))
    }

    fn wrong(&self, url: &Url, found: String) -> EmbedError {
        let (path, expected) = (PathBuf::from(http::shown(url)), self.file.sha256.to_owned());
        EmbedError::WrongHash { path, expected, found }
    }

    /// Asks for what follows the bytes that are there, and writes it.
    fn attempt(&mut self, url: &Url, there: u64, out: &mut File) -> std::result::Result<(), Failure> {
        let passing = |reason: String| Failure::Passing(EmbedError::Unreachable { url: http::shown(url), reason });
        let request = self.client.get(url.clone());
        let request = if there > 0 { request.header(RANGE, format!("bytes={there}-")) } else { request };
        let response = request.send().map_err(|error| passing(http::reason(&error.without_url())))?;
        let Some(mut bytes) = self.begin(url, &response, there)? else {
            let status = response.status();
            let words = http::body(response, 16 * 1024, Instant::now() + self.hub.patience).unwrap_or_default();
            let error = EmbedError::Refused { url: http::shown(url), reason: http::words(status, &words) };
            if status == StatusCode::RANGE_NOT_SATISFIABLE {
                out.set_len(0).map_err(|error| Failure::Final(self.failed(error)))?;
                return Err(Failure::Passing(error));
            }
            return Err(if http::is_passing(status) { Failure::Passing(error) } else { Failure::Final(error) });
        };
        let io = |job: &Self, error| Failure::Final(job.failed(error));
        out.set_len(bytes).and_then(|()| out.seek(SeekFrom::Start(bytes))).map_err(|error| io(self, error))?;
        // One more than it may have is enough to know that it is another file.
        let mut from = response.take(self.file.bytes + 1 - bytes);
        let mut piece = vec![0; 256 * 1024];
        loop {
            let count = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(passing(http::reason(&error))),
            };
            out.write_all(&piece[..count]).map_err(|error| io(self, error))?;
            bytes += count as u64;
            (self.progress)(bytes.min(self.file.bytes));
            if Instant::now() > self.ends {
                return Err(passing(format!("it is too slow; {bytes} bytes have come, and are kept")));
            }
        }
        if bytes < self.file.bytes {
            return Err(passing(format!("it ended after {bytes} of {} bytes", self.file.bytes)));
        }
        Ok(())
    }

    /// Where the bytes of an answer belong; none if it is a refusal.
    fn begin(&self, url: &Url, response: &Response, there: u64) -> std::result::Result<Option<u64>, Failure> {
        let status = response.status();
        if !status.is_success() {
            return Ok(None);
        }
        // A server that knows no ranges sends all of it.
        let start = if status == StatusCode::PARTIAL_CONTENT { range_start(response) } else { Some(0) };
        let Some(start) = start.filter(|start| *start == 0 || *start == there) else {
            let reason = "it sends another part than it was asked for".to_owned();
            return Err(Failure::Final(EmbedError::Unreachable { url: http::shown(url), reason }));
        };
        match response.content_length() {
            Some(length) if start + length != self.file.bytes => {
                let found = format!("that of a file of {} bytes", start + length);
                Err(Failure::Final(self.wrong(url, found)))
            }
            _ => Ok(Some(start)),
        }
    }
}

enum Failure {
    /// Another attempt may fare better.
    Passing(EmbedError),
    /// None will.
    Final(EmbedError),
}

/// Where a partial answer begins, by its own word.
fn range_start(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}
