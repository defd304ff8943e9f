//! PostgreSQL's own programs: found, told how to reach the server, and watched.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use postgres::config::{Host, TargetSessionAttrs};

use super::config::PostgresConfig;
use crate::{Result, StoreError};

/// Where Debian and its relatives put the programs of each version, and not into PATH.
const INSTALLED: &str = "/usr/lib/postgresql";
/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(50);
/// What a program says about its failure is kept to this length.
const MOST_SAID: u64 = 64 * 1024;
/// The certificates that a system trusts, where there is a file of them: libpq does not look for it by itself.
const TRUSTED: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A program that runs. It ends with this value.
#[derive(Debug)]
pub(super) struct Tool {
    name: &'static str,
    child: Child,
    said: Option<JoinHandle<String>>,
}

impl Tool {
    /// Starts one of PostgreSQL's programs for the database of `config`.
    pub(super) fn start(name: &'static str, config: &PostgresConfig, arguments: &[OsString]) -> Result<Self> {
        let failed = |detail: String| StoreError::Tool { name, detail };
        let program = find(name).ok_or_else(|| {
            failed(format!("it is neither in PATH nor below {INSTALLED}: install PostgreSQL's client"))
        })?;
        let mut command = Command::new(&program);
        // What the environment says about another server is not about this one.
        for (variable, _) in std::env::vars_os().filter(|(variable, _)| variable.to_string_lossy().starts_with("PG")) {
            command.env_remove(variable);
        }
        command.args(arguments).envs(environment(config));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| failed(format!("{} cannot be started: {error}", program.display())))?;
        let said = child.stderr.take().map(|stderr| {
            std::thread::spawn(move || {
                let mut said = Vec::new();
                let mut stderr = stderr;
                // What is beyond is read and forgotten: a pipe that nobody empties stops the program.
                let _ = stderr.by_ref().take(MOST_SAID).read_to_end(&mut said);
                let _ = std::io::copy(&mut stderr, &mut std::io::sink());
                String::from_utf8_lossy(&said).trim().to_owned()
            })
        });
        Ok(Self { name, child, said })
    }

    /// Waits for its end, which must be a good one; `cancelled` is asked meanwhile.
    pub(super) fn wait(mut self, cancelled: &dyn Fn() -> bool) -> Result<()> {
        let failed = |name, detail: String| StoreError::Tool { name, detail };
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if cancelled() => return Err(StoreError::Cancelled),
                Ok(None) => std::thread::sleep(POLL),
                Err(error) => return Err(failed(self.name, error.to_string())),
            }
        };
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        if status.success() { Ok(()) } else { Err(failed(self.name, format!("{status}: {said}"))) }
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        // One that has ended is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program in PATH, or else the newest that is installed.
fn find(name: &str) -> Option<PathBuf> {
    let path: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let mut installed: Vec<(u32, PathBuf)> = Path::new(INSTALLED)
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    installed.sort();
    let installed = installed.into_iter().rev().map(|(_, folder)| folder);
    path.into_iter().chain(installed).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// How libpq is told to reach the server. In the environment, since everybody can read command lines.
fn environment(config: &PostgresConfig) -> Vec<(&'static str, OsString)> {
    let client = &config.client;
    let mut variables: Vec<(&'static str, OsString)> = Vec::new();
    let hosts: Vec<String> = client
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        })
        .collect();
    variables.push(("PGHOST", hosts.join(",").into()));
    let join = |values: Vec<String>| OsString::from(values.join(","));
    if !client.get_hostaddrs().is_empty() {
        variables.push(("PGHOSTADDR", join(client.get_hostaddrs().iter().map(ToString::to_string).collect())));
    }
    if !client.get_ports().is_empty() {
        variables.push(("PGPORT", join(client.get_ports().iter().map(ToString::to_string).collect())));
    }
    let user = client.get_user().unwrap_or_default();
    variables.push(("PGUSER", user.into()));
    variables.push(("PGDATABASE", client.get_dbname().unwrap_or(user).into()));
    if let Some(password) = client.get_password() {
        variables.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned().into()));
    }
    if let Some(options) = client.get_options() {
        variables.push(("PGOPTIONS", options.into()));
    }
    if client.get_target_session_attrs() == TargetSessionAttrs::ReadWrite {
        variables.push(("PGTARGETSESSIONATTRS", "read-write".into()));
    }
    variables.push(("PGSSLMODE", config.sslmode.clone().into()));
    let trusted = || TRUSTED.iter().map(PathBuf::from).find(|file| file.is_file());
    let root = config.root.clone().or_else(|| (config.sslmode == "verify-full").then(trusted).flatten());
    if let Some(root) = root {
        variables.push(("PGSSLROOTCERT", root.into()));
    }
    variables.push(("PGAPPNAME", "docassist backup".into()));
    variables.push(("PGCONNECT_TIMEOUT", "10".into()));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_what_the_address_says() {
        let config =
            PostgresConfig::parse("postgres://ann:p%20w@a:1,b:2/docs?sslmode=require&target_session_attrs=read-write");
        let told = environment(&config.unwrap());
        let of = |name: &str| told.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_str().unwrap());
        assert_eq!((of("PGHOST"), of("PGPORT"), of("PGDATABASE")), (Some("a,b"), Some("1,2"), Some("docs")));
        assert_eq!((of("PGUSER"), of("PGPASSWORD")), (Some("ann"), Some("p w")));
        assert_eq!((of("PGSSLMODE"), of("PGTARGETSESSIONATTRS")), (Some("require"), Some("read-write")));
        assert_eq!(of("PGSSLROOTCERT"), None);
    }
}
