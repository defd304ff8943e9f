//! What a running stack tells about itself.

use std::fmt::{Display, Formatter};

use serde_json::{Value, json};

/// Where the servers are, and what programs are to know of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// Who holds the servers.
    pub(super) holder: u32,
    pub(super) postgres_port: u16,
    pub(super) redis_port: u16,
    /// The address of the database as its superuser, for administrators' statements.
    pub(super) superuser: String,
    /// The generated files.
    pub(super) deploy: String,
    /// The program that wrote them.
    pub(super) program: String,
    /// Variables to export.
    pub(super) environment: Vec<(String, String)>,
}

impl State {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| Some(value[name].as_str()?.to_owned());
        let environment = value["environment"].as_object()?.iter();
        Some(Self {
            holder: value["holder"].as_u64()?.try_into().ok()?,
            postgres_port: value["postgres_port"].as_u64()?.try_into().ok()?,
            redis_port: value["redis_port"].as_u64()?.try_into().ok()?,
            superuser: text("superuser")?,
            deploy: text("deploy")?,
            program: text("program")?,
            environment: environment
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    }

    pub(super) fn render(&self) -> String {
        let environment: serde_json::Map<String, Value> =
            self.environment.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let value = json!({
            "holder": self.holder,
            "postgres_port": self.postgres_port,
            "redis_port": self.redis_port,
            "superuser": self.superuser,
            "deploy": self.deploy,
            "program": self.program,
            "environment": environment,
        });
        format!("{value:#}\n")
    }

    pub(super) fn ports(&self) -> [u16; 2] {
        [self.postgres_port, self.redis_port]
    }

    /// Lines for a shell.
    pub(super) fn exports(&self) -> String {
        self.environment
            .iter()
            .map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', r"'\''")))
            .collect()
    }
}

impl Display for State {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { postgres_port, redis_port, deploy, .. } = self;
        write!(
            f,
            "PostgreSQL on 127.0.0.1:{postgres_port}, Redis on 127.0.0.1:{redis_port}, as the files in {deploy} say"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_back_and_a_shell_can_read_it() {
        let state = State {
            holder: 7,
            postgres_port: 5433,
            redis_port: 6380,
            superuser: "postgres://postgres:x@127.0.0.1:5433/docassist".to_owned(),
            deploy: "stack/deploy".to_owned(),
            program: "docassist".to_owned(),
            environment: vec![("DOCASSIST_DATABASE".to_owned(), "it's".to_owned())],
        };
        assert_eq!(State::parse(&state.render()), Some(state.clone()));
        assert_eq!(state.exports(), "export DOCASSIST_DATABASE='it'\\''s'\n");
        assert_eq!(State::parse("{"), None);
    }
}
