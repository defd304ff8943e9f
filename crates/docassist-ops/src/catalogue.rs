//! What PostgreSQL 15 says of the settings that we write: unit, range, and whether a change needs a restart.
//!
//! From `pg_settings` of PostgreSQL 15; newer versions allow the same or more.

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// At the next start.
    Restart,
    /// When the files are read again.
    Reload,
}

/// What values a setting has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `on` or `off`.
    Switch,
    /// Whole numbers in this unit, from and to. Time and memory are counted in the unit that the server shows.
    Integer {
        /// `8kB`, `kB`, `MB`, `B`, `ms`, `s`, or nothing.
        unit: &'static str,
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// Decimal numbers, from and to.
    Real {
        /// The least.
        least: f64,
        /// The most.
        most: f64,
    },
    /// A word or a text.
    Text,
}

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// As the server spells it.
    pub name: &'static str,
    /// What values it has.
    pub kind: Kind,
    /// When a change takes effect.
    pub takes: Takes,
}

const INT_MAX: i64 = 2_147_483_647;
/// The most processes that PostgreSQL can count.
const MOST_BACKENDS: i64 = 262_143;

const fn integer(name: &'static str, unit: &'static str, least: i64, most: i64, takes: Takes) -> Entry {
    Entry { name, kind: Kind::Integer { unit, least, most }, takes }
}

const fn real(name: &'static str, least: f64, most: f64) -> Entry {
    Entry { name, kind: Kind::Real { least, most }, takes: Takes::Reload }
}

const fn switch(name: &'static str) -> Entry {
    Entry { name, kind: Kind::Switch, takes: Takes::Reload }
}

const fn text(name: &'static str, takes: Takes) -> Entry {
    Entry { name, kind: Kind::Text, takes }
}

/// All settings that we write, by name.
pub const POSTGRES: &[Entry] = &{
    use Takes::{Reload, Restart};
    [
        switch("autovacuum"),
        real("autovacuum_analyze_scale_factor", 0.0, 100.0),
        integer("autovacuum_max_workers", "", 1, MOST_BACKENDS, Restart),
        integer("autovacuum_vacuum_cost_limit", "", -1, 10_000, Reload),
        real("autovacuum_vacuum_insert_scale_factor", 0.0, 100.0),
        real("autovacuum_vacuum_scale_factor", 0.0, 100.0),
        integer("autovacuum_work_mem", "kB", -1, INT_MAX, Reload),
        real("checkpoint_completion_target", 0.0, 1.0),
        integer("checkpoint_timeout", "s", 30, 86_400, Reload),
        integer("client_connection_check_interval", "ms", 0, INT_MAX, Reload),
        text("compute_query_id", Reload),
        integer("effective_cache_size", "8kB", 1, INT_MAX, Reload),
        integer("effective_io_concurrency", "", 0, 1000, Reload),
        switch("fsync"),
        switch("full_page_writes"),
        real("hash_mem_multiplier", 1.0, 1000.0),
        text("huge_pages", Restart),
        integer("idle_in_transaction_session_timeout", "ms", 0, INT_MAX, Reload),
        switch("jit"),
        integer("log_autovacuum_min_duration", "ms", -1, INT_MAX, Reload),
        switch("log_checkpoints"),
        text("log_line_prefix", Reload),
        switch("log_lock_waits"),
        integer("log_min_duration_statement", "ms", -1, INT_MAX, Reload),
        integer("log_parameter_max_length", "B", -1, 1_073_741_823, Reload),
        integer("log_temp_files", "kB", -1, INT_MAX, Reload),
        text("log_timezone", Reload),
        integer("maintenance_io_concurrency", "", 0, 1000, Reload),
        integer("maintenance_work_mem", "kB", 1024, INT_MAX, Reload),
        integer("max_connections", "", 1, MOST_BACKENDS, Restart),
        integer("max_parallel_maintenance_workers", "", 0, 1024, Reload),
        integer("max_parallel_workers", "", 0, 1024, Reload),
        integer("max_parallel_workers_per_gather", "", 0, 1024, Reload),
        integer("max_wal_size", "MB", 2, INT_MAX, Reload),
        integer("max_worker_processes", "", 0, MOST_BACKENDS, Restart),
        integer("min_wal_size", "MB", 2, INT_MAX, Reload),
        text("password_encryption", Reload),
        integer("pg_stat_statements.max", "", 100, 1_073_741_823, Restart),
        text("pg_stat_statements.track", Reload),
        switch("pg_stat_statements.track_planning"),
        switch("pg_stat_statements.track_utility"),
        real("random_page_cost", 0.0, f64::MAX),
        switch("row_security"),
        integer("shared_buffers", "8kB", 16, 1_073_741_823, Restart),
        text("shared_preload_libraries", Restart),
        integer("statement_timeout", "ms", 0, INT_MAX, Reload),
        integer("superuser_reserved_connections", "", 0, MOST_BACKENDS, Restart),
        text("synchronous_commit", Reload),
        integer("tcp_keepalives_count", "", 0, INT_MAX, Reload),
        integer("tcp_keepalives_idle", "s", 0, INT_MAX, Reload),
        integer("tcp_keepalives_interval", "s", 0, INT_MAX, Reload),
        integer("temp_file_limit", "kB", -1, INT_MAX, Reload),
        text("TimeZone", Reload),
        switch("track_io_timing"),
        integer("wal_buffers", "8kB", -1, MOST_BACKENDS, Restart),
        text("wal_compression", Reload),
        text("wal_level", Restart),
        integer("work_mem", "kB", 64, INT_MAX, Reload),
    ]
};

/// What is known of a setting.
#[must_use]
pub fn postgres(name: &str) -> Option<&'static Entry> {
    POSTGRES.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

/// Redis' settings that a running server does not take: the file must be changed, and Redis started again.
pub const REDIS_AT_START: &[&str] = &["databases", "tcp-backlog", "unixsocket", "unixsocketperm", "supervised"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Disk, EXTREMES, Machine};
    use crate::plan::{Profile, Value, plan};
    use crate::quantity::{KIB, MIB};

    #[test]
    fn every_value_that_is_written_is_in_its_range() {
        for (memory, millicpus) in EXTREMES.into_iter().chain([(16 << 40, 1_024_000)]) {
            for disk in [Disk::Ssd, Disk::Hdd] {
                for (profile, connections) in [(Profile::Defended, 5000), (Profile::Defended, 1), (Profile::Seed, 50)] {
                    let machine = Machine::new(memory, millicpus, disk, connections).unwrap();
                    for setting in plan(machine, profile).postgres {
                        let entry = postgres(setting.name).unwrap_or_else(|| panic!("{} is not listed", setting.name));
                        assert!(
                            in_range(entry.kind, &setting.value),
                            "{} = {:?} for {machine}",
                            setting.name,
                            setting.value
                        );
                    }
                }
            }
        }
    }

    fn in_range(kind: Kind, value: &Value) -> bool {
        match (kind, value) {
            (Kind::Switch, Value::Switch(_)) | (Kind::Text, Value::Word(_) | Value::Text(_) | Value::Switch(_)) => true,
            (Kind::Real { least, most }, Value::Decimal(number)) => (least..=most).contains(number),
            (Kind::Integer { unit, least, most }, value) => {
                let size = match unit {
                    "8kB" => 8 * KIB,
                    "kB" => KIB,
                    "MB" => MIB,
                    "s" => 1000,
                    _ => 1,
                };
                let number = match value {
                    // Not a whole number of the unit would be rounded, and then be told as drift.
                    Value::Bytes(amount) | Value::Milliseconds(amount) if amount.is_multiple_of(size) => {
                        i64::try_from(amount / size).unwrap()
                    }
                    Value::Integer(number) => *number,
                    _ => return false,
                };
                (least..=most).contains(&number)
            }
            _ => false,
        }
    }
}
