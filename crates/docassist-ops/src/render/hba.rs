//! Who may connect to PostgreSQL, and the role and database that the service has there.

use super::{comment, head};
use crate::plan::Plan;

/// The service's role and database.
pub(super) const ROLE: &str = "docassist";

pub(super) fn render(plan: &Plan) -> String {
    let mut text = head(plan, "Who may connect to PostgreSQL in its container; the first line that fits decides.");
    text.push_str(&comment(
        "",
        "Debian's own server keeps its pg_hba.conf, which its scripts rely on: there only the lines `host` are needed.",
    ));
    for (why, line) in [
        (
            "Administrators within the container, with the password too: its entrypoint uses it for the first start.",
            "local   all        all                      scram-sha-256".to_owned(),
        ),
        (
            "The container itself, by which backups and health checks come.",
            "host    all        all        127.0.0.1/32  scram-sha-256".to_owned(),
        ),
        ("The same over IPv6.", "host    all        all        ::1/128       scram-sha-256".to_owned()),
        (
            "The service, from the network that the server is in and nowhere else, as its own role into its own database. Where \
             that network is not one machine's, write hostssl, and give the server a certificate.",
            format!("host    {ROLE:<10} {ROLE:<10} samenet       scram-sha-256"),
        ),
        (
            "Everybody else is turned away, superusers first.",
            "host    all        all        all           reject".to_owned(),
        ),
    ] {
        text.push('\n');
        text.push_str(&comment("", why));
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Runs once, when the container's data directory is made.
pub(super) fn initdb(plan: &Plan) -> String {
    let head = head(
        plan,
        "Makes the service's role and database when the data directory is new. Safe to read: it holds no secret.",
    );
    format!(
        r#"#!/bin/sh
{head}set -eu
: "${{DATABASE_PASSWORD_FILE:=/run/secrets/docassist_database_password}}"
export DATABASE_PASSWORD_FILE

# psql reads the password itself, so that it is on no command line and in no log.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat "$DATABASE_PASSWORD_FILE"`
-- Not the statement itself: it holds the password.
SET log_min_duration_statement = -1;
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
-- Nor is it counted: pg_stat_statements would keep its text for everybody who watches.
SET pg_stat_statements.track_utility = off;
-- No superuser, and no way around policies: row-level security is the second wall between organisations.
CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
-- `monitor` and `doctor` read settings and statistics of all sessions.
GRANT pg_monitor TO {ROLE};
-- Its own database; what is made by default for others is nobody's business there.
CREATE DATABASE {ROLE} OWNER {ROLE};
REVOKE ALL ON DATABASE {ROLE} FROM PUBLIC;
\connect {ROLE}
-- A superuser must make it; the library is loaded by shared_preload_libraries.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
SQL
"#
    )
}
