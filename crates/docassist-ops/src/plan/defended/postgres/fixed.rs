//! What follows from the work, not from the machine.

use super::{CONNECTIONS, SAFETY, VACUUM, WATCHING, WRITING};
use crate::plan::{Setting, Value};
use crate::quantity::MIB;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;

pub(super) fn connections() -> [Setting; 6] {
    let set = |name, value, why| Setting::fixed(CONNECTIONS, name, value, why);
    [
        set(
            "tcp_keepalives_idle",
            Value::Milliseconds(MINUTE),
            "After a silent minute a peer is asked whether it is still there; Linux would wait two hours.",
        ),
        set("tcp_keepalives_interval", Value::Milliseconds(10 * SECOND), "It is asked again every ten seconds."),
        set(
            "tcp_keepalives_count",
            Value::Integer(6),
            "After six questions without an answer the connection and its locks are gone: two minutes after a replica was lost.",
        ),
        set(
            "client_connection_check_interval",
            Value::Milliseconds(10 * SECOND),
            "A statement whose client has gone is noticed while it runs, not when it wants to answer.",
        ),
        set(
            "idle_in_transaction_session_timeout",
            Value::Milliseconds(10 * MINUTE),
            "A transaction in which nothing happens holds locks and keeps VACUUM from cleaning. A sync may read a source for \
             minutes within one; ten are a fault.",
        ),
        set(
            "statement_timeout",
            Value::Integer(0),
            "None here: dumps, migrations and bulk loads take as long as they take. The service sets one for each request's connection.",
        ),
    ]
}

pub(super) fn writing() -> [Setting; 7] {
    let set = |name, value, why| Setting::fixed(WRITING, name, value, why);
    [
        set(
            "wal_level",
            Value::Word("replica"),
            "Enough for read replicas and for recovery to a point in time; logical would write more.",
        ),
        set(
            "wal_compression",
            Value::Word("lz4"),
            "Whole pages in the WAL are compressed: after each checkpoint they are most of it. lz4 takes no time that can be \
             measured (an index of 1.5 million rows: 41% less WAL, not slower); pglz makes building an index slower by a quarter \
             and more. Builds of Debian, Red Hat and Docker have it; a server without it does not start, and takes `off`.",
        ),
        set(
            "checkpoint_timeout",
            Value::Milliseconds(15 * MINUTE),
            "Three times PostgreSQL's default: fewer whole pages in the WAL, for some more recovery after a crash.",
        ),
        set(
            "checkpoint_completion_target",
            Value::Decimal(0.9),
            "A checkpoint's writes are spread over nine tenths of the time to the next, so that requests do not feel it.",
        ),
        set(
            "synchronous_commit",
            Value::Word("on"),
            "Stays on: what a sync has reported as done must survive a crash, since the cursor of its source has moved. Our \
             transactions are few and large, so off would gain little.",
        ),
        set("fsync", Value::Switch(true), "Never off: without it a power cut can damage the whole database."),
        set(
            "full_page_writes",
            Value::Switch(true),
            "Never off: pages that were half written by a crash are repaired from them.",
        ),
    ]
}

pub(super) fn vacuum(workers: i64) -> [Setting; 5] {
    let set = |name, value, why| Setting::fixed(VACUUM, name, value, why);
    [
        set(
            "autovacuum",
            Value::Switch(true),
            "Never off: dead rows pile up, statistics age, and transaction numbers run out.",
        ),
        set(
            "autovacuum_max_workers",
            Value::Integer(workers),
            "PostgreSQL's default: few of our tables are large, and more workers share the same cost limit.",
        ),
        set(
            "autovacuum_vacuum_scale_factor",
            Value::Decimal(0.05),
            "A table is cleaned when 5% of it is dead, not 20%: large tables of commits would wait long otherwise.",
        ),
        set(
            "autovacuum_vacuum_insert_scale_factor",
            Value::Decimal(0.05),
            "Rows that were only added are marked visible early: our tables grow more than they change, and reads from an index \
             alone need it.",
        ),
        set(
            "autovacuum_analyze_scale_factor",
            Value::Decimal(0.02),
            "Statistics follow a bulk load soon: a plan made from those of an empty table is the slowest there is.",
        ),
    ]
}

pub(super) fn watching() -> [Setting; 14] {
    let set = |name, value, why| Setting::fixed(WATCHING, name, value, why);
    [
        set(
            "shared_preload_libraries",
            Value::Text("pg_stat_statements".to_owned()),
            "Counts every statement; `docassist monitor` reads the slowest from it. It can be loaded at a start only.",
        ),
        set(
            "pg_stat_statements.max",
            Value::Integer(5000),
            "Different statements that are kept: we have some hundreds, and others' tools come and go.",
        ),
        set(
            "pg_stat_statements.track",
            Value::Word("top"),
            "Statements that clients send; those within functions are part of them.",
        ),
        set("pg_stat_statements.track_utility", Value::Switch(true), "COPY too, which bulk loads are made of."),
        set(
            "pg_stat_statements.track_planning",
            Value::Switch(false),
            "Counting plans makes busy connections wait for each other.",
        ),
        set(
            "compute_query_id",
            Value::Word("on"),
            "A number for each kind of statement, by which a log line is found in pg_stat_statements.",
        ),
        set(
            "track_io_timing",
            Value::Switch(true),
            "Time spent reading and writing, in plans and figures: tells a slow disk from a bad plan. Reading the clock is cheap here.",
        ),
        set(
            "log_min_duration_statement",
            Value::Integer(1000),
            "Statements that take a second or longer are logged. The number is in milliseconds.",
        ),
        set(
            "log_parameter_max_length",
            Value::Integer(0),
            "Their parameters are not: they hold what organisations wrote, and logs are read by others.",
        ),
        set(
            "log_lock_waits",
            Value::Switch(true),
            "Whoever waits longer than deadlock_timeout, a second, for a lock is told with whom it waits for.",
        ),
        set(
            "log_temp_files",
            Value::Bytes(10 * MIB),
            "Sorts and hashes that spill 10 MB or more: work_mem was too small for them.",
        ),
        set(
            "log_checkpoints",
            Value::Switch(true),
            "Checkpoints by WAL instead of by time show that max_wal_size is too small.",
        ),
        set(
            "log_autovacuum_min_duration",
            Value::Milliseconds(30 * SECOND),
            "Autovacuum that takes half a minute is worth a line.",
        ),
        set(
            "log_line_prefix",
            Value::Text("%m [%p] %q%u@%d %a %Q ".to_owned()),
            "When, which process, who, where, which program, and the statement's number.",
        ),
    ]
}

pub(super) fn safety() -> [Setting; 4] {
    let set = |name, value, why| Setting::fixed(SAFETY, name, value, why);
    [
        set(
            "password_encryption",
            Value::Word("scram-sha-256"),
            "Passwords are kept as SCRAM: whoever reads the catalogue cannot log in with what stands there, as with md5.",
        ),
        set(
            "row_security",
            Value::Switch(true),
            "Policies filter rows: the second wall between organisations. Off would make such queries fail, not pass.",
        ),
        set(
            "TimeZone",
            Value::Text("UTC".to_owned()),
            "Times are kept and compared in one zone; people's own is the reader's affair.",
        ),
        set("log_timezone", Value::Text("UTC".to_owned()), "Log lines of all servers can be put side by side."),
    ]
}
