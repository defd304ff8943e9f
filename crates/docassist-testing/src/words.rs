//! The words that names, subjects and texts are made of.

use crate::random::Random;

pub(crate) const NOUNS: [&str; 96] = [
    "socket",
    "server",
    "buffer",
    "record",
    "batch",
    "offset",
    "topic",
    "broker",
    "client",
    "session",
    "cache",
    "store",
    "index",
    "segment",
    "log",
    "queue",
    "stream",
    "window",
    "state",
    "task",
    "worker",
    "thread",
    "pool",
    "request",
    "response",
    "header",
    "frame",
    "codec",
    "parser",
    "lexer",
    "token",
    "schema",
    "table",
    "column",
    "row",
    "query",
    "plan",
    "cursor",
    "page",
    "block",
    "node",
    "edge",
    "graph",
    "tree",
    "path",
    "route",
    "filter",
    "policy",
    "quota",
    "metric",
    "gauge",
    "timer",
    "clock",
    "event",
    "signal",
    "handler",
    "listener",
    "channel",
    "message",
    "payload",
    "envelope",
    "account",
    "invoice",
    "payment",
    "order",
    "basket",
    "price",
    "tax",
    "refund",
    "user",
    "profile",
    "role",
    "grant",
    "secret",
    "key",
    "signature",
    "digest",
    "config",
    "option",
    "flag",
    "feature",
    "plugin",
    "module",
    "bundle",
    "image",
    "icon",
    "layout",
    "widget",
    "form",
    "field",
    "label",
    "report",
    "chart",
    "export",
    "import",
    "backup",
];

pub(crate) const ROLES: [&str; 20] = [
    "manager",
    "factory",
    "builder",
    "reader",
    "writer",
    "registry",
    "resolver",
    "validator",
    "adapter",
    "provider",
    "service",
    "controller",
    "iterator",
    "context",
    "serializer",
    "scheduler",
    "monitor",
    "loader",
    "helper",
    "utils",
];

pub(crate) const VERBS: [&str; 24] = [
    "Fix",
    "Add",
    "Remove",
    "Improve",
    "Refactor",
    "Handle",
    "Avoid",
    "Support",
    "Clean up",
    "Rename",
    "Simplify",
    "Speed up",
    "Document",
    "Test",
    "Deprecate",
    "Replace",
    "Validate",
    "Expose",
    "Move",
    "Extract",
    "Retry",
    "Log",
    "Make configurable",
    "Upgrade",
];

pub(crate) const FAULTS: [&str; 16] = [
    "race",
    "leak",
    "deadlock",
    "null pointer",
    "flaky test",
    "timeout",
    "overflow",
    "typo",
    "regression",
    "warning",
    "exception",
    "slow path",
    "data loss",
    "wrong default",
    "missing check",
    "stack overflow",
];

pub(crate) const MODULES: [&str; 24] = [
    "core",
    "clients",
    "streams",
    "connect",
    "server",
    "storage",
    "raft",
    "metadata",
    "tools",
    "shell",
    "gateway",
    "billing",
    "accounts",
    "search",
    "frontend",
    "mobile",
    "reports",
    "auth",
    "ingest",
    "scheduler",
    "telemetry",
    "catalog",
    "shipping",
    "notifications",
];

const FIRST: [&str; 40] = [
    "Ann", "Bob", "Carla", "Deepak", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jun", "Karim", "Lena", "Mateo",
    "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Stefan", "Tara", "Uma", "Viktor", "Wei", "Ximena", "Yusuf", "Zoe",
    "Arjun", "Bianca", "Chidi", "Dora", "Emil", "Fatima", "Goran", "Hanna", "Ivan", "Jasmin", "Kofi", "Lucia", "Milan",
    "Noor",
];

const LAST: [&str; 40] = [
    "Abbott",
    "Bauer",
    "Chen",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Hansen",
    "Ivanov",
    "Jansen",
    "Kumar",
    "Lopez",
    "Meyer",
    "Nguyen",
    "Okafor",
    "Patel",
    "Quinn",
    "Rossi",
    "Silva",
    "Tanaka",
    "Ueda",
    "Varga",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhang",
    "Adeyemi",
    "Bianchi",
    "Costa",
    "Dimitrov",
    "Engel",
    "Ferrari",
    "Gomez",
    "Horvat",
    "Iyer",
    "Jovanovic",
    "Kowalski",
    "Lindgren",
    "Moreau",
    "Novak",
];

/// The name of person `number`, and its spelling in addresses and logins.
pub(crate) fn person(number: u32) -> (String, String) {
    // 7 and 40 share no divisor, so that neighbours differ in both names and 1,600 people have names of their own.
    let first = FIRST[(number * 7 % 40) as usize];
    let last = LAST[((number / 40 * 3 + number) % 40) as usize];
    let more = number / 1600;
    let suffix = if more == 0 { String::new() } else { more.to_string() };
    let local = format!("{}.{}{suffix}", first.to_ascii_lowercase(), last.to_ascii_lowercase());
    (format!("{first} {last}{suffix}"), local)
}

pub(crate) fn noun(random: &mut Random) -> &'static str {
    random.pick(&NOUNS)
}

/// Appends what is done to what: `Fix deadlock of the socket writer`.
pub(crate) fn push_task(text: &mut String, random: &mut Random) {
    text.push_str(random.pick(&VERBS));
    text.push(' ');
    if random.chance(350) {
        text.push_str(random.pick(&FAULTS));
        text.push_str(" of the ");
    }
    text.push_str(noun(random));
    text.push(' ');
    text.push_str(random.pick(&ROLES));
    if random.chance(400) {
        text.push_str(" in ");
        text.push_str(random.pick(&MODULES));
    }
}

/// Appends sentences.
pub(crate) fn push_sentences(text: &mut String, random: &mut Random, sentences: u32) {
    for sentence in 0..sentences {
        if sentence > 0 {
            text.push(' ');
        }
        text.push_str(random.pick(&["The ", "When the ", "Without this the ", "Every ", "After a restart the "]));
        text.push_str(noun(random));
        text.push(' ');
        text.push_str(random.pick(&ROLES));
        text.push_str(random.pick(&[" reads the ", " keeps the ", " must not block on the ", " waits for the "]));
        text.push_str(noun(random));
        text.push_str(random.pick(&[" of each ", " before the ", " twice for one ", " instead of the "]));
        text.push_str(noun(random));
        text.push('.');
    }
}
