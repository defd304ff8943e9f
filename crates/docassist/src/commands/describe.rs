//! Completion scripts and manual pages, from the definitions of the commands.

use std::path::Path;

use clap::CommandFactory as _;
use docassist_model::ErrorCode;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output::streams;

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "docassist", &mut script);
    streams::print(&String::from_utf8_lossy(&script))?;
    Ok(())
}

/// Prints the manual page, or writes one for each command into a folder.
pub(crate) fn manual(folder: Option<&Path>, quiet: bool) -> Result<(), Failure> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        streams::print(&String::from_utf8_lossy(&page))?;
        return Ok(());
    };
    let failed = |error: std::io::Error| {
        Failure::new(ErrorCode::Internal, format!("{} cannot be written: {error}", folder.display()), None)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    if !quiet {
        let pages = std::fs::read_dir(folder).map_err(failed)?.count();
        streams::say(&format!("{} has {pages} pages: docassist.1 and one for each command", folder.display()));
    }
    Ok(())
}
