//! `cargo xtask stack`: PostgreSQL and Redis from the system's packages, on spare loopback ports, with the files that
//! `docassist tune` writes: the generated configuration on real servers, without containers and without touching the
//! servers of the system.
//!
//! `up` starts itself again, detached, as `hold`, which owns both servers and ends with them. Who holds has the lock of a
//! file: whether a stack is up is whether that lock is taken, so that a holder that was killed is not taken for one that
//! runs, and nobody's process is ever ended by a number that was written down.

mod folder;
mod hold;
mod state;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::{build_program, members};
use folder::Folder;
use state::State;

/// How long both servers may take to come up, on a machine that is busy with other things.
const START: Duration = Duration::from_secs(90);
/// How long they may take to end: PostgreSQL writes what it has in memory.
const END: Duration = Duration::from_secs(60);
/// How often is looked whether something has happened.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// What to do with the stack.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Start both servers; prints what to export: eval "$(cargo xtask stack up)"
    Up(Up),
    /// End both servers; what is in them goes
    Down(Place),
    /// Say whether they run, and where
    Status(Place),
    /// Own the servers until they are to end; what `up` starts
    #[command(hide = true)]
    Hold(Place),
}

#[derive(clap::Args)]
struct Place {
    /// Where the stack's files are; each folder has a stack of its own [default: stack in the target folder]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Up {
    #[command(flatten)]
    place: Place,
    /// Memory of all services together, as `docassist tune` takes it [default: this machine's]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Processors [default: this machine's]
    #[arg(long, value_name = "N")]
    cpus: Option<String>,
    /// What the data lies on: ssd or hdd [default: this machine's]
    #[arg(long, value_name = "KIND")]
    disk: Option<String>,
    /// Connections that all replicas open together [default: as `docassist tune` has it]
    #[arg(long, value_name = "N")]
    connections: Option<String>,
    /// The rules that values are chosen by: defended or seed [default: defended]
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// The program; default: it is built from this workspace, unoptimised
    #[arg(long, value_name = "BIN")]
    docassist: Option<PathBuf>,
}

/// Does it.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.action {
        Action::Up(up) => start(up),
        Action::Down(place) => end(&place.folder()?),
        Action::Status(place) => tell(&place.folder()?),
        Action::Hold(place) => hold::hold(&place.folder()?),
    }
}

impl Place {
    fn folder(&self) -> Result<Folder> {
        let path = match &self.folder {
            Some(path) => std::path::absolute(path)?,
            None => {
                let members = members()?;
                let target = members["target_directory"].as_str().context("`cargo metadata` names no target folder")?;
                PathBuf::from(target).join("stack")
            }
        };
        Ok(Folder::new(path))
    }
}

fn start(up: &Up) -> Result<()> {
    // Known before anything is built: that may put another program in this one's place.
    let this = std::env::current_exe().context("it is not known which program this is")?;
    let folder = up.place.folder()?;
    if folder.is_held()? {
        let state = wait(&folder, None)?;
        eprintln!("the stack is up already: {state}");
        print!("{}", state.exports());
        return Ok(());
    }
    folder.clean()?;
    let program = match &up.docassist {
        Some(program) => program.canonicalize().with_context(|| format!("no program at {}", program.display()))?,
        None => build_program(true)?,
    };
    let mut tune = Command::new(&program);
    tune.args(["--quiet", "tune", "--output"]).arg(folder.deploy());
    let options = [
        ("--memory", &up.memory),
        ("--cpus", &up.cpus),
        ("--disk", &up.disk),
        ("--connections", &up.connections),
        ("--profile", &up.profile),
    ];
    for (name, value) in options {
        tune.args(value.iter().flat_map(|value| [name, value]));
    }
    // What it warns of is for whoever asked; stdout is for what to export.
    let status = tune.stdout(Stdio::null()).status().with_context(|| format!("cannot start {}", program.display()))?;
    if !status.success() {
        bail!("`docassist tune` did not write the files");
    }
    folder.note_program(&program)?;
    let state = wait(&folder, Some(spawn(&this, &folder)?))?;
    eprintln!("the stack is up: {state}");
    print!("{}", state.exports());
    Ok(())
}

/// Starts the holder, away from this terminal: Control-C here is none of its business.
fn spawn(this: &Path, folder: &Folder) -> Result<Child> {
    let log = std::fs::File::create(folder.log())?;
    let mut command = Command::new(this);
    command.args(["stack", "hold", "--folder"]).arg(folder.path());
    // The servers make their folders where temporary files go: there they are found again should the holder be killed.
    command.env("TMPDIR", folder.data());
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().context("the servers' holder cannot be started")
}

/// Until both servers answer.
fn wait(folder: &Folder, mut holder: Option<Child>) -> Result<State> {
    let began = Instant::now();
    while began.elapsed() < START {
        if let Some(state) = folder.state()
            && state.ports().into_iter().all(answers)
        {
            return Ok(state);
        }
        let ended = match &mut holder {
            Some(holder) => holder.try_wait()?.is_some(),
            None => !folder.is_held()?,
        };
        // Another `up` at the same moment may have been first: then its servers are the ones to wait for.
        if ended && !folder.is_held()? {
            break;
        }
        std::thread::sleep(LOOK);
    }
    bail!("the servers did not come up; {} says:\n{}", folder.log().display(), folder.last_words())
}

fn end(folder: &Folder) -> Result<()> {
    if !folder.is_held()? {
        let was_there = folder.state().is_some();
        folder.clean()?;
        eprintln!(
            "{}",
            if was_there { "the stack had ended by itself; its remains are removed" } else { "no stack is up" }
        );
        return Ok(());
    }
    folder.ask_to_end()?;
    let began = Instant::now();
    while folder.is_held()? {
        if began.elapsed() > END {
            bail!("the servers have not ended; {} says:\n{}", folder.log().display(), folder.last_words());
        }
        std::thread::sleep(LOOK);
    }
    folder.clean()?;
    eprintln!("the stack is down");
    Ok(())
}

fn tell(folder: &Folder) -> Result<()> {
    if !folder.is_held()? {
        if folder.state().is_some() {
            bail!("the stack has ended without `down`; `cargo xtask stack up` clears its remains and starts another");
        }
        bail!("no stack is up; `cargo xtask stack up` starts one");
    }
    let Some(state) = folder.state() else { bail!("the stack is starting") };
    eprintln!("the stack is up: {state}");
    print!("{}", state.exports());
    if let Some(port) = state.ports().into_iter().find(|port| !answers(*port)) {
        bail!("nothing answers on port {port}; {} may say why", folder.log().display());
    }
    Ok(())
}

/// Whether somebody listens there.
fn answers(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}
