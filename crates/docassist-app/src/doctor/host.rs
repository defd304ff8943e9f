//! The machine that the program runs on.

use std::path::Path;

use docassist_ops::doctor::{HostLive, SecretLive, SecretStrength, check_host, judge_secret};
use docassist_ops::machine::parse_meminfo;
use docassist_ops::{Area, Finding, Verdict};

use super::{Examination, advised, finding};

const DATA_DIRECTORY: &str = "data directory";
/// A larger file is no secret.
const LONGEST_SECRET: u64 = 4096;

pub(super) fn look(examination: &Examination, clock_ahead_ms: Option<i64>) -> Vec<Finding> {
    let data = &examination.data;
    let there = data.is_dir();
    let (total, free) = if there { disk(data).unzip() } else { (None, None) };
    let (secrets, unreadable) = secrets(examination);
    let live = HostLive {
        data_dir: data.display().to_string(),
        data_dir_error: if there { writing(data).err().map(|error| error.to_string()) } else { None },
        disk_total: total,
        disk_free: free,
        memory_limit: crate::memory_limit(),
        memory_total: std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| parse_meminfo(&text).ok()),
        clock_ahead_ms,
        secrets,
    };
    let mut findings = check_host(examination.expected.host, &live);
    if !there {
        let missing = advised(
            finding(
                Area::Host,
                DATA_DIRECTORY,
                Verdict::Warning,
                "can be written to",
                format!("{} is not there", data.display()),
            ),
            "The first command or start of the service makes it; where there should be one already, name it with --data.",
        );
        findings
            .iter_mut()
            .filter(|finding| finding.setting == DATA_DIRECTORY)
            .for_each(|finding| *finding = missing.clone());
    }
    findings.extend(unreadable);
    findings.extend(control_file(data));
    findings
}

/// Writes a file and removes it.
fn writing(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&path, b"docassist doctor looks whether it can write here\n")?;
    std::fs::remove_file(&path)
}

/// The disk's size and what is free for us, in bytes.
fn disk(folder: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        let told = rustix::fs::statvfs(folder).ok()?;
        Some((told.f_blocks.saturating_mul(told.f_frsize), told.f_bavail.saturating_mul(told.f_frsize)))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// The permissions of a file, where others get to it: not where its folder lets nobody else in.
fn mode(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let of = |path: &Path| path.metadata().ok().map(|metadata| metadata.permissions().mode() & 0o7777);
        let closed = path.parent().and_then(of).is_some_and(|mode| mode & 0o011 == 0);
        of(path).map(|mode| if closed { mode & 0o700 } else { mode })
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// The service's secret, wherever it is, and what keeps it from being read.
fn secrets(examination: &Examination) -> (Vec<SecretLive>, Option<Finding>) {
    const NAME: &str = "DOCASSIST_SECRET";
    let kept = examination.data.join("secret");
    let file = match (&examination.secret_file, &examination.secret) {
        (Some(file), _) => file,
        (None, Some(secret)) => {
            let secret = SecretLive { name: NAME.to_owned(), strength: judge_secret(secret), mode: None };
            return (vec![secret], None);
        }
        // A service that was never started has none yet.
        (None, None) if !kept.exists() => return (Vec::new(), None),
        (None, None) => &kept,
    };
    let read = match file.metadata() {
        Ok(metadata) if metadata.len() > LONGEST_SECRET => Err("too large for a secret".to_owned()),
        Ok(_) => std::fs::read(file).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match read {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let name = format!("secret in {}", file.display());
            (vec![SecretLive { name, strength: judge_secret(&text), mode: mode(file) }], None)
        }
        Err(error) => {
            let told = format!("{}: {error}", file.display());
            let told = finding(Area::Host, NAME, Verdict::Unknown, "strong, for its owner alone", told);
            (Vec::new(), Some(advised(told, "Look again as the user that the service runs as.")))
        }
    }
}

/// Password hashes and sealed secrets are in it.
fn control_file(data: &Path) -> Option<Finding> {
    let mode = mode(&data.join("control.db"))?;
    let shown = format!("mode {mode:04o}");
    let base = |verdict| finding(Area::Host, "control.db", verdict, "for its owner alone", shown.clone());
    if mode & 0o077 == 0 {
        return Some(base(Verdict::Ok));
    }
    Some(advised(
        base(Verdict::Warning),
        "It holds password hashes: chmod 700 the data directory, so that nobody else gets in.",
    ))
}

/// A secret that is no file of ours.
pub(super) fn secret(name: &str, strength: SecretStrength) -> Finding {
    let (verdict, actual) = match strength {
        SecretStrength::Strong => (Verdict::Ok, "strong"),
        SecretStrength::Short => (Verdict::Drift, "shorter than 32 characters"),
        SecretStrength::Repetitive => (Verdict::Drift, "of few different characters"),
        SecretStrength::WellKnown => (Verdict::Drift, "a word that everybody tries"),
    };
    let told = finding(Area::Host, name, verdict, "strong", actual);
    if verdict == Verdict::Ok { told } else { advised(told, "Make another one: openssl rand -hex 32.") }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::Backends;
    use crate::doctor::Expected;

    fn examination(data: PathBuf) -> Examination {
        let expected = Expected::default();
        Examination { backends: Backends::default(), data, secret_file: None, secret: None, expected }
    }

    fn of<'a>(findings: &'a [Finding], name: &str) -> &'a Finding {
        findings
            .iter()
            .find(|finding| finding.setting.contains(name))
            .unwrap_or_else(|| panic!("{name}: {findings:#?}"))
    }

    #[test]
    fn a_data_directory_is_judged_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let missing = look(&examination(folder.path().join("none")), None);
        assert_eq!(of(&missing, DATA_DIRECTORY).verdict, Verdict::Warning);
        assert!(!folder.path().join("none").exists());
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("secret"), "9f8a7c6b5d4e3f2a1b0c9d8e7f6a5b4c\n").unwrap();
        std::fs::write(data.join("control.db"), "").unwrap();
        let findings = look(&examination(data.clone()), Some(-5));
        for name in [DATA_DIRECTORY, "clock"] {
            assert_eq!(of(&findings, name).verdict, Verdict::Ok, "{name}");
        }
        assert!(of(&findings, "disk").actual.contains("free"));
        assert!(!format!("{findings:?}").contains("9f8a7c6b"));
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 2, "nothing is left behind");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let open =
                |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            open(&data, 0o755);
            open(&data.join("secret"), 0o644);
            open(&data.join("control.db"), 0o644);
            let findings = look(&examination(data.clone()), None);
            assert_eq!(of(&findings, "secret in").verdict, Verdict::Warning);
            assert_eq!(of(&findings, "control.db").verdict, Verdict::Warning);
            open(&data, 0o700);
            let findings = look(&examination(data.clone()), None);
            assert_eq!(of(&findings, "secret in").verdict, Verdict::Ok);
            assert_eq!(of(&findings, "control.db").verdict, Verdict::Ok);
        }
        std::fs::write(data.join("secret"), "changeme").unwrap();
        assert_eq!(of(&look(&examination(data), None), "secret in").verdict, Verdict::Drift);
    }

    #[test]
    fn a_secret_that_was_named_is_judged_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut examination = examination(folder.path().to_owned());
        examination.secret = Some("short".to_owned());
        assert_eq!(of(&look(&examination, None), "DOCASSIST_SECRET").verdict, Verdict::Drift);
        examination.secret_file = Some(folder.path().join("none"));
        assert_eq!(of(&look(&examination, None), "DOCASSIST_SECRET").verdict, Verdict::Unknown);
    }
}
