//! Servers that end with this program, however that ends.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use docassist_model::ErrorCode;

use super::folder::Folder;
use crate::AppError;

/// Runs a server. It passes on the one signal that it reads; and when its input ends, which the system sees to even when
/// this program is killed, it ends the server at once and removes its folder, and the folder around it once that is empty.
/// A process beside it does so, since the server itself knows nothing of us.
const SCRIPT: &str = r#"folder=$1
at_once=$2
shift 2
exec 3<&0
"$@" 3<&- </dev/null >>"$folder/server.log" 2>&1 &
server=$!
{
    if read -r signal <&3; then
        kill -s "$signal" $server
    else
        kill -s "$at_once" $server
        while kill -0 $server; do sleep 0.02; done
        cd /
        rm -rf "$folder"
        rmdir "$(dirname "$folder")"
    fi
} >/dev/null 2>&1 &
exec 3<&-
wait $server"#;

/// A running server.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
}

impl Keeper {
    /// Starts a server whose data and log are in `place`; `at_once` is the signal that ends it without delay.
    pub(super) fn start(folder: &Folder, place: &Path, at_once: &str, server: &Command) -> Result<Self, AppError> {
        let mut command = folder.command("/bin/sh", place);
        command.args(["-c", SCRIPT, "sh"]).arg(place).arg(at_once).arg(server.get_program()).args(server.get_args());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child
            .map_err(|error| AppError::new(ErrorCode::Unavailable, format!("no server can be started: {error}")))?;
        Ok(Self { child })
    }

    /// Whether the server runs.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends the server a signal and waits for its end. Its data stays.
    pub(super) fn stop(mut self, signal: &str) {
        if let Some(mut input) = self.child.stdin.take() {
            // One that has ended by itself hears nothing.
            let _ = writeln!(input, "{signal}");
        }
        let _ = self.child.wait();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A port that nobody listens at just now.
pub(super) fn spare_port() -> Result<u16, AppError> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    address
        .map(|address| address.port())
        .map_err(|error| AppError::new(ErrorCode::Unavailable, format!("there is no spare port at 127.0.0.1: {error}")))
}
