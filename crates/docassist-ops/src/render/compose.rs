//! `docker-compose.yml`.

mod services;

use super::{comment, head, warnings};
use crate::plan::{Plan, Service};
use crate::quantity::{cpus, short_bytes};

/// PostgreSQL, on a fixed Debian: another C library may sort texts differently, and indexes would be wrong.
pub const IMAGE_POSTGRES: &str = "postgres:15.20-bookworm";
/// Redis, the last line under the BSD licence.
pub const IMAGE_REDIS: &str = "redis:7.2.11-bookworm";
/// Qdrant, the image whose user is not root.
pub const IMAGE_QDRANT: &str = "qdrant/qdrant:v1.17.1-unprivileged";

/// The secrets: name, which variable names its file, and what it is.
const SECRETS: [(&str, &str, &str); 6] = [
    ("postgres_password", "POSTGRES_PASSWORD_FILE", "the superuser's password of PostgreSQL"),
    ("docassist_database_password", "DOCASSIST_DATABASE_PASSWORD_FILE", "the password of the service's role"),
    ("redis_password", "REDIS_PASSWORD_FILE", "what Redis asks of its clients"),
    ("qdrant_api_key", "QDRANT_API_KEY_FILE", "what Qdrant asks of its clients"),
    ("docassist_secret", "DOCASSIST_SECRET_FILE", "what tokens are signed with"),
    ("docassist_admin_password", "DOCASSIST_ADMIN_PASSWORD_FILE", "the password of the first account"),
];

pub(super) fn render(plan: &Plan) -> String {
    let mut text =
        head(plan, "PostgreSQL, Redis, Qdrant and the API on one machine: docker compose up --detach --wait.");
    text.push_str(&comment(
        "",
        "It asks for what .env.example lists, and refuses to start where something is missing: there are no default passwords.",
    ));
    text.push_str(&totals(plan));
    text.push_str(&warnings(plan, &["limits"]));
    text.push_str(COMMON);
    text.push_str("\nservices:\n");
    text.push_str(&services::postgres(plan));
    text.push('\n');
    text.push_str(&services::redis(plan));
    text.push('\n');
    text.push_str(&services::qdrant(plan));
    text.push('\n');
    text.push_str(&services::api(plan));
    text.push_str(SHARED);
    text.push_str("\n# Files, not variables: `docker inspect` and child processes show variables.\nsecrets:\n");
    for (name, variable, what) in SECRETS {
        text.push_str(&format!(
            "  # {}{}.\n  {name}:\n    file: ${{{variable}:?name the file with {what} in .env}}\n",
            what[..1].to_uppercase(),
            &what[1..]
        ));
    }
    text
}

fn totals(plan: &Plan) -> String {
    let total = plan.total();
    comment(
        "",
        &format!(
            "In total: {} and {} CPUs at most, {} and {} CPUs reserved.",
            short_bytes(total.memory_limit),
            cpus(total.millicpus_limit),
            short_bytes(total.memory_reserved),
            cpus(total.millicpus_reserved)
        ),
    )
}

/// What all services share.
const COMMON: &str = "
name: docassist

# Logs are cut, so that they do not fill the disk that the database needs.
x-logging: &logging
  driver: json-file
  options:
    max-size: 10m
    max-file: \"5\"

# No process gains rights that its container was not given.
x-security: &security
  - no-new-privileges:true
";

/// Volumes and networks.
const SHARED: &str = "
# Named, so that they outlive containers; `docker compose down` keeps them, and only `--volumes` removes them.
volumes:
  # The store: back it up.
  postgres_data: {}
  # The search index: can be built again from the store, which takes time.
  qdrant_data: {}
  # Snapshots of the index.
  qdrant_snapshots: {}
  # Clones, uploads and the service's own files.
  api_data: {}

networks:
  # The servers: no way in from outside, and none out.
  backend:
    internal: true
  # The API alone: it is reached from outside, and reads remote repositories.
  frontend: {}
";

/// `deploy:` of a service.
fn resources(plan: &Plan, service: Service) -> String {
    let Some(entry) = plan.services.iter().find(|entry| entry.service == service) else { return String::new() };
    let resources = entry.resources;
    let mut text = String::from("    deploy:\n      resources:\n        limits:\n");
    let why = |why: &str, formula: &str| comment("          ", &super::reason(why, formula));
    text.push_str(&why(&entry.memory_why, &entry.memory_formula));
    text.push_str(&format!("          memory: {}\n", short_bytes(resources.memory_limit)));
    text.push_str(&why(&entry.cpu_why, &entry.cpu_formula));
    text.push_str(&format!("          cpus: '{}'\n", cpus(resources.millicpus_limit)));
    text.push_str("        reservations:\n");
    text.push_str("          # What the kernel takes from it last when memory is short.\n");
    text.push_str(&format!("          memory: {}\n", short_bytes(resources.memory_reserved)));
    text.push_str("          # What a scheduler (swarm) keeps for it; on one machine it is a note.\n");
    text.push_str(&format!("          cpus: '{}'\n", cpus(resources.millicpus_reserved)));
    text
}
