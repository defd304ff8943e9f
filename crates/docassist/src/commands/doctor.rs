//! Whether what runs is what the files say.

use std::path::Path;

use docassist_app::doctor::{Diagnosis, Examination, Expected, examine};
use docassist_model::ErrorCode;
use docassist_ops::{Area, Finding, Verdict, plan};

use super::laid_out;
use crate::cli::Format;
use crate::cli::tune::Profile;
use crate::cli::watch::Doctor;
use crate::failure::Failure;
use crate::output::document::{Document, Section, name, text};
use crate::output::figures::{count, number};
use crate::output::streams;
use crate::settings::Settings;

/// The environment's name for the secret itself.
const SECRET: &str = "DOCASSIST_SECRET";
/// Where `tune` writes by default.
const FOLDER: &str = "deploy";

/// Looks, prints what was found, and fails where something is not as it should be.
pub(crate) fn run(settings: &Settings, arguments: &Doctor) -> Result<(), Failure> {
    let examination = Examination {
        backends: arguments.servers.backends(&settings.database)?,
        data: settings.data.clone(),
        secret_file: arguments.secret_file.clone(),
        secret: std::env::var(SECRET).ok(),
        expected: expected(settings, arguments)?,
    };
    let diagnosis = examine(&examination)?;
    match settings.format {
        Format::Json => streams::print_json(&diagnosis)?,
        _ => streams::print(&laid_out(settings, &document(&diagnosis)))?,
    }
    // What was not seen may be anything: that comes first.
    if !diagnosis.unreachable.is_empty() {
        let names: Vec<&str> = diagnosis.unreachable.iter().map(|area| title(*area)).collect();
        let message = format!("{} could not be asked", names.join(" and "));
        return Err(Failure::new(ErrorCode::Unavailable, message, None));
    }
    if diagnosis.drift > 0 { Err(Failure::CheckFailed) } else { Ok(()) }
}

/// The files that were named, or those of `tune` where they usually are; else the plan for the machine that was described.
fn expected(settings: &Settings, arguments: &Doctor) -> Result<Expected, Failure> {
    let machine = &arguments.machine;
    let described = arguments.profile.is_some()
        || machine.memory.is_some()
        || machine.cpus.is_some()
        || machine.disk.is_some()
        || machine.connections.is_some();
    let usual = Path::new(FOLDER);
    match &arguments.deploy {
        Some(folder) => Ok(Expected::in_folder(folder)?),
        None if !described && usual.join("postgresql.conf").exists() => Ok(Expected::in_folder(usual)?),
        None => {
            let machine = machine.size().machine(&settings.data)?;
            Ok(Expected::from(&plan(machine, arguments.profile.unwrap_or(Profile::Defended).into())))
        }
    }
}

const fn title(area: Area) -> &'static str {
    match area {
        Area::Postgres => "PostgreSQL",
        Area::Redis => "Redis",
        Area::Qdrant => "Qdrant",
        Area::Host => "This machine",
    }
}

fn document(diagnosis: &Diagnosis) -> Document {
    let mut parts = vec![format!("{} ok", number(diagnosis.ok))];
    for (found, what) in
        [(diagnosis.drift, "drifted"), (diagnosis.warnings, "to look at"), (diagnosis.unknown, "not seen")]
    {
        if found > 0 {
            parts.push(format!("{} {what}", number(found)));
        }
    }
    let mut document = Document {
        title: format!("{}: {}", count(diagnosis.checked, "check"), parts.join(", ")),
        conditions: vec![format!("expected: {}", diagnosis.expected_from)],
        ..Document::default()
    };
    let columns = [text("setting", 16), text("expected", 8), text("actual", 8), name("verdict")];
    for area in [Area::Postgres, Area::Redis, Area::Qdrant, Area::Host] {
        let rows = diagnosis.findings.iter().filter(|finding| finding.area == area).map(|finding| {
            let Finding { setting, expected, actual, verdict, .. } = finding;
            vec![setting.clone(), expected.clone(), actual.clone(), verdict.as_str().to_owned()]
        });
        document.add(Section::new(title(area)).table(&columns, rows));
    }
    let mut bad: Vec<&Finding> = diagnosis.findings.iter().filter(|finding| finding.verdict != Verdict::Ok).collect();
    // The worst first.
    bad.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let to_do = bad.into_iter().fold(Section::new("What to do"), |section, finding| {
        let place = finding.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let what = format!("{}: {} {}{place}", finding.verdict.as_str(), finding.area.as_str(), finding.setting);
        section.line(format!("{what}: {}", finding.advice))
    });
    document.add(to_do);
    for area in &diagnosis.not_configured {
        let option = match area {
            Area::Postgres => "records are kept in files; --database names one",
            Area::Redis => "--redis names it",
            Area::Qdrant | Area::Host => "--qdrant names it",
        };
        document.notes.push(format!("{} is not configured: {option}.", title(*area)));
    }
    document
}
