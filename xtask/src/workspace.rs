//! Where this repository stands on the disk, and what `cargo metadata` says of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The repository's root: the folder above `xtask/`.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// A `cargo` of the toolchain that runs this program, started in the repository's root.
///
/// It does not inherit what `cargo run` told this program of its package: build scripts of dependencies look at that, and all that
/// rests on them would be compiled anew whenever `cargo` is started in here and by hand in turns.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// The workspace's members and what their manifests ask for; needs no network and no lock file.
pub(crate) fn members() -> Result<Value> {
    metadata(&["--no-deps", "--offline"])
}

/// The whole dependency tree as resolved by `Cargo.lock`. Without network first, so that it works on a train; a machine
/// that never built this workspace lacks the crates and asks the registry.
pub(crate) fn resolved() -> Result<Value> {
    metadata(&["--locked", "--offline"]).or_else(|_| metadata(&["--locked"]))
}

fn metadata(arguments: &[&str]) -> Result<Value> {
    let output = cargo()
        .args(["metadata", "--format-version", "1"])
        .args(arguments)
        .output()
        .context("cannot start `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata {}` failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("`cargo metadata` printed no JSON")
}

/// The program's binary, built first if need be.
///
/// The unoptimised one is built as the tests build it: another selection of packages has other features of what they depend on,
/// and would compile most of it a second time.
pub(crate) fn build_program(debug: bool) -> Result<PathBuf> {
    let mut build = cargo();
    if debug {
        build.args(["test", "--locked", "--workspace", "--no-run", "--quiet"]);
    } else {
        build.args(["build", "--locked", "--package", "docassist", "--release"]);
    }
    if !build.status().context("cannot start `cargo`")?.success() {
        bail!("the program does not build");
    }
    let members = members()?;
    let target = members["target_directory"].as_str().context("`cargo metadata` names no target directory")?;
    let name = format!("docassist{}", std::env::consts::EXE_SUFFIX);
    Ok(Path::new(target).join(if debug { "debug" } else { "release" }).join(name))
}
