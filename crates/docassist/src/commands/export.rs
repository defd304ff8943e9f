//! Writing the graph out.

use std::io::{BufWriter, Write};
use std::path::Path;

use docassist_model::ErrorCode;

use super::Context;
use crate::cli::Export;
use crate::failure::Failure;
use crate::output::figures::count;
use crate::output::streams;

/// Writes the graph's lines, or their digest.
pub(crate) fn run(context: &Context, what: Export) -> Result<(), Failure> {
    let Export::Graph { output, digest } = what;
    if context.settings.as_of.is_some() {
        return Err(Failure::usage("the export is of everything that is known", "Leave --as-of out."));
    }
    if digest {
        streams::print(&format!("{}\n", context.app.graph()?.digest()))?;
        return Ok(());
    }
    let lines = context.app.export()?;
    match output {
        None => write(&mut streams::stdout(), &lines)?,
        Some(path) => {
            write_file(&path, &lines).map_err(|error| {
                Failure::new(ErrorCode::Internal, format!("{} cannot be written: {error}", path.display()), None)
            })?;
            if !context.settings.quiet {
                streams::say(&format!("wrote {}: {}", path.display(), count(lines.len() as u64, "line")));
            }
        }
    }
    Ok(())
}

fn write(out: &mut impl Write, lines: &[String]) -> std::io::Result<()> {
    for line in lines {
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Whoever finds the file finds all of it: it gets its name when it is whole.
fn write_file(path: &Path, lines: &[String]) -> std::io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = std::fs::File::create(&partial).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out, lines)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
    });
    let named = written.and_then(|()| std::fs::rename(&partial, path));
    if named.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    named
}
