//! Live settings against the files that were rendered: pure functions from what a server says to findings.

mod canonical;
mod host;
mod postgres;
mod qdrant;
mod redis;

pub use host::{HostExpected, HostLive, SecretLive, SecretStrength, check_host, judge_secret};
pub use postgres::{PostgresLive, PostgresSetting, check_postgres};
pub use qdrant::{QdrantCollection, QdrantLive, check_qdrant};
pub use redis::{RedisLive, check_redis};

use crate::conf::Conf;
use crate::findings::{Area, Finding, Verdict};

/// Lines of a file that are no setting: the server refuses the file, or reads more than we do.
fn unread(area: Area, conf: &Conf) -> impl Iterator<Item = Finding> + '_ {
    conf.problems.iter().map(move |problem| {
        Finding::new(area, "file", Verdict::Warning)
            .expected("settings")
            .actual(&problem.text)
            .at(format!("{}:{}", conf.path, problem.line))
            .advice("Write the files again with `docassist tune`.")
    })
}

#[cfg(test)]
mod tests;
