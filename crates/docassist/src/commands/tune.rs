//! Writing the files of a deployment.

use std::path::Path;

use docassist_model::ErrorCode;
use docassist_ops::explain::explain;
use docassist_ops::plan::{Plan, plan};
use docassist_ops::render::{Drift, File, diff, render};
use serde_json::json;

use crate::cli::Format;
use crate::cli::tune::Tune;
use crate::failure::Failure;
use crate::output::figures::count;
use crate::output::streams;
use crate::settings::Settings;

/// Writes, checks or explains the files.
pub(crate) fn run(settings: &Settings, arguments: &Tune) -> Result<(), Failure> {
    let machine = arguments.machine.size().machine(&settings.data)?;
    let plan = plan(machine, arguments.profile.into());
    if arguments.explain {
        match settings.format {
            Format::Json => streams::print(&format!("{}\n", json!(plan)))?,
            _ => streams::print(&explain(&plan))?,
        }
        return Ok(());
    }
    let files = render(&plan);
    let folder = &arguments.output;
    let drift = diff(&files, |path| std::fs::read_to_string(folder.join(path)).ok());
    if arguments.check {
        return check(settings, folder, &plan, &drift);
    }
    if !arguments.dry_run {
        for file in files.iter().filter(|file| drift.iter().any(|drift| drift.path == file.path)) {
            write(folder, file).map_err(|error| {
                let path = folder.join(&file.path);
                Failure::new(ErrorCode::Internal, format!("{} cannot be written: {error}", path.display()), None)
            })?;
        }
    }
    report(settings, arguments, &plan, &files, &drift)
}

/// Whoever finds a file finds all of it: it gets its name when it is whole.
fn write(folder: &Path, file: &File) -> std::io::Result<()> {
    let path = folder.join(&file.path);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut partial = path.clone().into_os_string();
    partial.push(".partial");
    std::fs::write(&partial, &file.text)?;
    #[cfg(unix)]
    std::fs::set_permissions(&partial, std::os::unix::fs::PermissionsExt::from_mode(file.mode))?;
    std::fs::rename(&partial, &path)
}

fn check(settings: &Settings, folder: &Path, plan: &Plan, drift: &[Drift]) -> Result<(), Failure> {
    if settings.format == Format::Json {
        streams::print(&format!("{}\n", json!({ "drift": drift, "warnings": plan.warnings })))?;
    } else if drift.is_empty() {
        streams::print(&format!("{} is what `tune` would write for {}\n", folder.display(), plan.machine))?;
    } else {
        let mut text = format!("{} is not what `tune` would write for {}:\n", folder.display(), plan.machine);
        for drift in drift {
            text.push_str(&told(folder, drift));
        }
        streams::print(&text)?;
    }
    if drift.is_empty() { Ok(()) } else { Err(Failure::CheckFailed) }
}

fn told(folder: &Path, drift: &Drift) -> String {
    let path = folder.join(&drift.path);
    let path = path.display();
    let Some(line) = drift.line else { return format!("{path}: missing\n") };
    let shown = |text: &Option<String>| match text {
        Some(text) => format!("`{text}`"),
        None => "no further line".to_owned(),
    };
    format!("{path}:{line}: expected {}, found {}\n", shown(&drift.expected), shown(&drift.actual))
}

fn report(settings: &Settings, arguments: &Tune, plan: &Plan, files: &[File], drift: &[Drift]) -> Result<(), Failure> {
    let changed: Vec<&str> = drift.iter().map(|drift| drift.path.as_str()).collect();
    let folder = arguments.output.display();
    if settings.format == Format::Json {
        let written = if arguments.dry_run { "would_write" } else { "written" };
        let body = json!({
            "folder": folder.to_string(),
            "profile": plan.profile,
            "machine": plan.machine,
            written: changed,
            "unchanged": files.len() - changed.len(),
            "warnings": plan.warnings,
        });
        streams::print(&format!("{body}\n"))?;
        return Ok(());
    }
    let mut text = format!("{} profile for {}\n", plan.profile, plan.machine);
    let verb = if arguments.dry_run { "would write" } else { "wrote" };
    for path in &changed {
        text.push_str(&format!("{verb} {folder}/{path}\n"));
    }
    if changed.len() < files.len() {
        let same = count((files.len() - changed.len()) as u64, "file");
        text.push_str(&format!("{same} as before\n"));
    }
    streams::print(&text)?;
    for warning in &plan.warnings {
        streams::say(&format!("warning: {}: {}", warning.about, warning.text));
    }
    if !changed.is_empty() && !arguments.dry_run && !settings.quiet {
        streams::say(&format!(
            "undo with version control, or delete {folder}; `docassist tune --explain` shows the formulas, `docassist doctor` \
             checks what runs"
        ));
    }
    Ok(())
}
