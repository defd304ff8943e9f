//! What everything is compared with: the files of a deployment, or the plan for a machine where there are none.

use std::path::Path;

use docassist_model::ErrorCode;
use docassist_ops::conf::{Conf, parse_postgresql_conf, parse_redis_conf};
use docassist_ops::doctor::HostExpected;
use docassist_ops::machine::{Machine, parse_cpus, parse_memory};
use docassist_ops::plan::{Plan, Profile, plan};
use docassist_ops::render::{postgresql_conf, redis_conf};

use crate::AppError;

/// A larger file was not written by us.
const LONGEST: u64 = 1 << 20;

/// What is expected.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Where it is from, for people.
    pub(super) from: String,
    pub(super) postgres: Option<Conf>,
    pub(super) redis: Option<Conf>,
    pub(super) host: Option<HostExpected>,
}

impl From<&Plan> for Expected {
    /// The files that would be written for a plan.
    fn from(plan: &Plan) -> Self {
        Self {
            from: format!("the {} profile for {}", plan.profile, plan.machine),
            postgres: Some(postgresql_conf(plan)),
            redis: Some(redis_conf(plan)),
            host: Some(plan.into()),
        }
    }
}

impl Expected {
    /// The files in a folder; for what machine they were written is told by themselves.
    ///
    /// # Errors
    /// When there is neither a `postgresql.conf` nor a `redis.conf`, or one of them cannot be read.
    pub fn in_folder(folder: &Path) -> Result<Self, AppError> {
        let read = |name: &str| -> Result<Option<(String, String)>, AppError> {
            let path = folder.join(name);
            let shown = path.display().to_string();
            let failed = |error: std::io::Error| {
                AppError::new(ErrorCode::InvalidInput, format!("{} cannot be read: {error}", path.display()))
            };
            match path.metadata() {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed(error)),
                Ok(metadata) if metadata.len() > LONGEST => {
                    return Err(AppError::new(ErrorCode::InvalidInput, format!("{shown} is too large")));
                }
                Ok(_) => {}
            }
            std::fs::read_to_string(&path).map(|text| Some((shown, text))).map_err(failed)
        };
        let (postgres, redis) = (read("postgresql.conf")?, read("redis.conf")?);
        if postgres.is_none() && redis.is_none() {
            let message = format!("{} has neither a postgresql.conf nor a redis.conf", folder.display());
            return Err(AppError::new(ErrorCode::NotFound, message).hint("`docassist tune` writes them."));
        }
        let texts = [&postgres, &redis].into_iter().flatten();
        let host = texts.into_iter().find_map(|(_, text)| plan_of(text)).as_ref().map(HostExpected::from);
        Ok(Self {
            from: format!("the files in {}", folder.display()),
            postgres: postgres.map(|(path, text)| parse_postgresql_conf(&path, &text)),
            redis: redis.map(|(path, text)| parse_redis_conf(&path, &text)),
            host,
        })
    }
}

/// The plan that a file was written from: its head has the command, on one or more lines of comments.
fn plan_of(text: &str) -> Option<Plan> {
    let head: Vec<&str> = text.lines().map_while(|line| line.strip_prefix('#')).collect();
    let head = head.join(" ");
    let command = head.split_once("`docassist tune")?.1.split_once('`')?.0;
    let words: Vec<&str> = command.split_whitespace().collect();
    let option = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).copied();
    let profile = match option("--profile")? {
        "seed" => Profile::Seed,
        "defended" => Profile::Defended,
        _ => return None,
    };
    let machine = Machine::new(
        parse_memory(option("--memory")?).ok()?,
        parse_cpus(option("--cpus")?).ok()?,
        option("--disk")?.parse().ok()?,
        option("--connections")?.parse().ok()?,
    );
    Some(plan(machine.ok()?, profile))
}

#[cfg(test)]
mod tests {
    use docassist_ops::machine::Disk;
    use docassist_ops::render::render;

    use super::*;

    #[test]
    fn files_tell_for_what_machine_they_were_written() {
        for (memory, millicpus, profile) in [
            (1 << 30, 1000, Profile::Defended),
            (25_153_499_136, 1_142, Profile::Defended),
            (8 << 30, 7000, Profile::Seed),
        ] {
            let plan = plan(Machine::new(memory, millicpus, Disk::Hdd, 17).unwrap(), profile);
            for file in render(&plan).iter().filter(|file| file.path.ends_with(".conf") && !file.path.contains('/')) {
                assert_eq!(plan_of(&file.text).as_ref(), Some(&plan), "{}", file.path);
            }
        }
        assert_eq!(plan_of("# Written by `docassist tune --memory 8G`.\n"), None);
        assert_eq!(plan_of(""), None);
    }

    #[test]
    fn a_folder_without_files_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Expected::in_folder(folder.path()).unwrap_err().code, ErrorCode::NotFound);
        std::fs::write(folder.path().join("redis.conf"), "maxmemory 1gb\n").unwrap();
        let expected = Expected::in_folder(folder.path()).unwrap();
        assert!(expected.postgres.is_none() && expected.host.is_none());
        assert_eq!(expected.redis.unwrap().entries.len(), 1);
    }
}
