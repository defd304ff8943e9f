//! Whether the tables are as the migrations make them.

use std::collections::BTreeSet;

use postgres::Client;

use super::{SchemaState, migrations, names};
use crate::postgres::fault::Inner;

/// The tables that row-level security stands around.
const RECORD_TABLES: &[&str] = &[
    "sources",
    "identities",
    "paths",
    "files",
    "commits",
    "commit_texts",
    "tickets",
    "ticket_bodies",
    "pages",
    "page_texts",
    "decisions",
    "vectors",
];

/// The indexes of all tables, those of keys as well. Written down, since a database that lacks one cannot say so; a test
/// compares them with what the migrations make.
const INDEXES: &[&str] = &[
    "audit_of_org",
    "audit_pkey",
    "commit_texts_pkey",
    "commits_by_id",
    "commits_pkey",
    "conversations_by_age",
    "conversations_by_name",
    "conversations_of_user",
    "conversations_pkey",
    "decisions_pkey",
    "files_pkey",
    "fixtures_pkey",
    "format_pkey",
    "identities_org_source_hash_key",
    "identities_pkey",
    "identities_without_canonical",
    "jobs_by_end",
    "jobs_of_org",
    "jobs_of_source",
    "jobs_pkey",
    "keys_id_key",
    "keys_of_org",
    "keys_of_user",
    "keys_pkey",
    "members_of_org",
    "members_pkey",
    "one_job_runs_per_org",
    "one_job_waits_per_source",
    "open_jobs",
    "open_jobs_of_org",
    "orgs_pkey",
    "page_texts_pkey",
    "pages_org_source_hash_key",
    "pages_pkey",
    "paths_org_source_hash_key",
    "paths_pkey",
    "sessions_of_user",
    "sessions_pkey",
    "source_settings_by_due",
    "source_settings_pkey",
    "sources_org_name_key",
    "sources_pkey",
    "tenants_pkey",
    "tenants_slug_key",
    "ticket_bodies_pkey",
    "tickets_of_source",
    "tickets_org_key_key",
    "tickets_pkey",
    "tokens_by_end",
    "tokens_of_session",
    "tokens_pkey",
    "turns_of_conversation",
    "turns_pkey",
    "users_email_key",
    "users_pkey",
    "vectors_pkey",
    "webhooks_id_key",
    "webhooks_of_source",
    "webhooks_pkey",
];

pub(super) fn look(client: &mut Client) -> Inner<SchemaState> {
    let version = migrations::version(client)?;
    let invalid_indexes = names(
        client,
        "SELECT n.nspname || '.' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT i.indisvalid AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1",
    )?;
    let mut state = SchemaState { version, known: migrations::known(), invalid_indexes, ..SchemaState::default() };
    if version > 0 {
        let there: BTreeSet<String> = indexes(client)?.into_iter().collect();
        let missing = INDEXES.iter().filter(|name| !there.contains(**name));
        state.missing_indexes = missing.map(|name| format!("docassist.{name}")).collect();
        state.unprotected = unprotected(client)?;
    }
    Ok(state)
}

/// The indexes of our tables that are there.
fn indexes(client: &mut Client) -> Inner<Vec<String>> {
    names(
        client,
        "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'docassist' ORDER BY 1",
    )
}

/// What is wrong with the wall between organisations, table by table.
fn unprotected(client: &mut Client) -> Inner<Vec<(String, &'static str)>> {
    // Several policies are joined by OR: one more that lets everything pass would undo ours. Which server's version wrote the
    // expression does not matter, so only what it must contain is looked for.
    const SQL: &str = "SELECT c.relname::text, c.relrowsecurity, c.relforcerowsecurity, \
         (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid), \
         (SELECT bool_and(p.polcmd = '*' AND pg_get_expr(p.polqual, p.polrelid) LIKE '%docassist.org%') \
          FROM pg_policy p WHERE p.polrelid = c.oid) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'docassist' AND c.relkind IN ('r', 'p') AND c.relname::text = ANY($1)";
    let mut faults = Vec::new();
    for row in client.query(SQL, &[&RECORD_TABLES])? {
        let name: String = row.try_get(0)?;
        let (enabled, forced): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
        let (policies, ours): (i64, Option<bool>) = (row.try_get(3)?, row.try_get(4)?);
        let fault = match (enabled, forced, policies, ours) {
            (false, ..) => "not enabled",
            (true, false, ..) => "not forced: it does not hold for the tables' owner",
            (true, true, 0, _) => "without a policy",
            (true, true, 1, Some(true)) => continue,
            (true, true, 1, _) => "with another policy",
            (true, true, ..) => "with more than one policy",
        };
        faults.push((name, fault));
    }
    faults.sort_unstable();
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use docassist_testing::PostgresServer;

    use super::*;
    use crate::postgres::inspect::inspect;
    use crate::{PostgresConfig, PostgresControl};

    #[test]
    fn what_the_migrations_make_is_what_is_expected() {
        let Some(server) = PostgresServer::shared() else { return };
        let url = server.database();
        let config = PostgresConfig::parse(&url).unwrap();
        let before = inspect(&config).unwrap();
        assert_eq!(
            (before.schema.version, before.schema.missing_indexes.len()),
            (0, 0),
            "nothing is missed beforehand"
        );
        drop(PostgresControl::open(config.clone()).unwrap());
        let made = server.psql(
            &url,
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'docassist' ORDER BY c.relname COLLATE \"C\"",
        );
        assert_eq!(made.lines().collect::<Vec<_>>(), INDEXES, "write down what the migrations make");
        let protected = server.psql(
            &url,
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
             WHERE nspname = 'docassist' AND relrowsecurity ORDER BY 1",
        );
        let mut expected = RECORD_TABLES.to_vec();
        expected.sort_unstable();
        assert_eq!(protected.lines().collect::<Vec<_>>(), expected);
        let inspection = inspect(&config).unwrap();
        assert_eq!(inspection.schema.version, inspection.schema.known);
        assert_eq!((inspection.schema.missing_indexes.len(), inspection.schema.unprotected.len()), (0, 0));
        assert_eq!(
            (inspection.role.as_str(), inspection.is_superuser, inspection.in_recovery),
            ("docassist", false, false)
        );
        assert!(inspection.clock_ahead_ms.abs() < 5000, "{}", inspection.clock_ahead_ms);
        assert!(inspection.settings.iter().any(|row| row.name == "shared_buffers" && row.unit == "8kB"));
        assert!(inspection.extensions.contains(&"plpgsql".to_owned()));
    }

    #[test]
    fn each_fault_of_the_tables_is_seen() {
        let Some(server) = PostgresServer::shared() else { return };
        let url = server.database();
        let config = PostgresConfig::parse(&url).unwrap();
        drop(PostgresControl::open(config.clone()).unwrap());
        for (fault, expected) in [
            ("ALTER TABLE docassist.tickets DISABLE ROW LEVEL SECURITY", "not enabled"),
            ("ALTER TABLE docassist.tickets ENABLE ROW LEVEL SECURITY", ""),
            (
                "ALTER TABLE docassist.tickets NO FORCE ROW LEVEL SECURITY",
                "not forced: it does not hold for the tables' owner",
            ),
            ("ALTER TABLE docassist.tickets FORCE ROW LEVEL SECURITY", ""),
            ("CREATE POLICY everybody ON docassist.tickets USING (true)", "with more than one policy"),
            ("DROP POLICY one_organisation ON docassist.tickets", "with another policy"),
            ("DROP POLICY everybody ON docassist.tickets", "without a policy"),
        ] {
            server.psql(&url, fault);
            let found = inspect(&config).unwrap().schema.unprotected;
            let expected: Vec<(String, &str)> = Some(expected)
                .filter(|text| !text.is_empty())
                .map(|text| ("tickets".to_owned(), text))
                .into_iter()
                .collect();
            assert_eq!(found, expected, "{fault}");
        }
        server.psql(&url, "DROP INDEX docassist.commits_by_id");
        assert_eq!(inspect(&config).unwrap().schema.missing_indexes, ["docassist.commits_by_id"]);
    }
}
