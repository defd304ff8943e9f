//! Every setting of a deployment with its value, why it has it, and by which formula: [`plan()`].

mod defended;
mod resources;
mod seed;
mod value;

use serde::Serialize;

use crate::machine::Machine;
pub use resources::{Resources, Service, ServicePlan};
pub use value::Value;

/// By which rules values are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Values that hold in the worst case: limits fit the machine, and what a server may use fits its limit.
    #[default]
    Defended,
    /// The values of the document that the project was started from, in proportion to 8 GB. Their tensions are warnings.
    Seed,
}

impl Profile {
    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Defended => "defended",
            Self::Seed => "seed",
        }
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// What it belongs to, a heading in files: `Memory`.
    pub section: &'static str,
    /// Its name, as the server spells it.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
    /// Why it has it, plain sentences.
    pub why: String,
    /// How the value comes about, with the numbers put in; `fixed` where it follows from no figure.
    pub formula: String,
}

impl Setting {
    pub(crate) fn fixed(section: &'static str, name: &'static str, value: Value, why: &str) -> Self {
        Self { section, name, value, why: why.to_owned(), formula: FIXED.to_owned() }
    }

    pub(crate) fn computed(
        section: &'static str,
        name: &'static str,
        value: Value,
        why: impl Into<String>,
        formula: impl Into<String>,
    ) -> Self {
        Self { section, name, value, why: why.into(), formula: formula.into() }
    }
}

/// The formula of what follows from no figure of the machine.
pub const FIXED: &str = "fixed";

/// What does not add up, with the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The setting, or `limits`.
    pub about: &'static str,
    /// What does not add up, plain sentences with the numbers in them.
    pub text: String,
}

/// A whole deployment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// By which rules.
    pub profile: Profile,
    /// For which machine.
    pub machine: Machine,
    /// Limits and reservations, one entry a service, in the order of [`Service::ALL`].
    pub services: Vec<ServicePlan>,
    /// `postgresql.conf`, in the order in which it is written.
    pub postgres: Vec<Setting>,
    /// `redis.conf`, in the order in which it is written.
    pub redis: Vec<Setting>,
    /// The environment of Qdrant.
    pub qdrant: Vec<Setting>,
    /// Options of `docassist serve`, without their dashes.
    pub api: Vec<Setting>,
    /// `/dev/shm` of PostgreSQL's container, in bytes.
    pub postgres_shm: Setting,
    /// What does not add up.
    pub warnings: Vec<Warning>,
}

impl Plan {
    /// The limits and reservations of a service.
    #[must_use]
    pub fn resources(&self, service: Service) -> Resources {
        self.services.iter().find(|entry| entry.service == service).map(|entry| entry.resources).unwrap_or_default()
    }

    /// The sum over all services.
    #[must_use]
    pub fn total(&self) -> Resources {
        self.services.iter().fold(Resources::default(), |sum, entry| sum.plus(entry.resources))
    }

    /// A setting of `postgresql.conf`.
    #[must_use]
    pub fn postgres(&self, name: &str) -> Option<&Setting> {
        self.postgres.iter().find(|setting| setting.name == name)
    }

    /// A setting of `redis.conf`.
    #[must_use]
    pub fn redis(&self, name: &str) -> Option<&Setting> {
        self.redis.iter().find(|setting| setting.name == name)
    }

    /// An option of the service.
    #[must_use]
    pub fn api(&self, name: &str) -> Option<&Setting> {
        self.api.iter().find(|setting| setting.name == name)
    }
}

/// What is to be written for a machine.
#[must_use]
pub fn plan(machine: Machine, profile: Profile) -> Plan {
    match profile {
        Profile::Defended => defended::plan(machine),
        Profile::Seed => seed::plan(machine),
    }
}

#[cfg(test)]
mod tests;
