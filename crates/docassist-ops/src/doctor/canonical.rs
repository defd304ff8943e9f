//! Values in one form, so that `2GB`, `2gb`, `262144` pages of 8 kB and `2147483648` are equal.

use crate::quantity::{GIB, KIB, MIB, TIB};

/// Bytes of a unit of memory.
pub(super) fn memory_unit(unit: &str) -> Option<u64> {
    Some(match unit {
        "B" => 1,
        "kB" => KIB,
        "8kB" => 8 * KIB,
        "16kB" => 16 * KIB,
        "32kB" => 32 * KIB,
        "MB" => MIB,
        "16MB" => 16 * MIB,
        "GB" => GIB,
        "TB" => TIB,
        _ => return None,
    })
}

/// Microseconds of a unit of time.
fn time_unit(unit: &str) -> Option<u64> {
    Some(match unit {
        "us" => 1,
        "ms" => 1000,
        "s" => 1_000_000,
        "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    })
}

/// A number and the unit behind it.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    // `1e3` is a number to PostgreSQL too; nobody writes it, and texts with an e are no numbers here.
    let number: f64 = text[..end].trim().parse().ok()?;
    Some((number, text[end..].trim()))
}

/// A value of PostgreSQL in the smallest unit of its kind; none where it is no number of that unit. Negative numbers (`-1`)
/// are words without a unit.
fn amount(text: &str, own_unit: &str) -> Option<f64> {
    let (number, unit) = number_and_unit(text)?;
    if number < 0.0 {
        return Some(number);
    }
    let unit = if unit.is_empty() { own_unit } else { unit };
    let size = memory_unit(unit).or_else(|| time_unit(unit))?;
    Some(number * size as f64)
}

fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Whether two values of a setting of PostgreSQL are the same; `unit` is the one that the server shows, empty for none.
pub(super) fn same_postgres(expected: &str, actual: &str, unit: &str) -> bool {
    if expected == actual {
        return true;
    }
    if !unit.is_empty() {
        return match (amount(expected, unit), amount(actual, unit)) {
            (Some(expected), Some(actual)) => (expected - actual).abs() < 0.5,
            _ => false,
        };
    }
    if let (Ok(expected), Ok(actual)) = (expected.trim().parse::<f64>(), actual.trim().parse::<f64>()) {
        return (expected - actual).abs() <= f64::EPSILON * expected.abs().max(1.0);
    }
    // Numbers are compared above, so `1` and `on` meet here only where one side is a word.
    match (switch(expected), switch(actual)) {
        (Some(expected), Some(actual)) => expected == actual,
        _ => false,
    }
}

/// A value of Redis: words, in which sizes are bytes.
pub(super) fn same_redis(expected: &str, actual: &str) -> bool {
    let words = |text: &str| -> Vec<String> { text.split_whitespace().map(redis_word).collect() };
    words(expected) == words(actual)
}

fn redis_word(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    // As Redis has it: kb is 1,024 and k is 1,000.
    let factor: u64 = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => KIB,
        "m" => 1_000_000,
        "mb" => MIB,
        "g" => 1_000_000_000,
        "gb" => GIB,
        _ => return lower,
    };
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)) {
        Some(bytes) => bytes.to_string(),
        None => lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_values_are_the_same_in_any_unit() {
        for (expected, actual, unit) in [
            ("2GB", "262144", "8kB"),
            ("64MB", "65536", "kB"),
            ("2GB", "2048", "MB"),
            ("15min", "900", "s"),
            ("1000", "1000", "ms"),
            ("1s", "1000", "ms"),
            ("0", "0", "ms"),
            ("-1", "-1", "kB"),
            ("1.1", "1.1", ""),
            ("4", "4.0", ""),
            ("on", "true", ""),
            ("0.9", "0.90", ""),
            ("pg_stat_statements", "pg_stat_statements", ""),
        ] {
            assert!(same_postgres(expected, actual, unit), "{expected} and {actual} {unit}");
        }
        for (expected, actual, unit) in [
            ("2GB", "262143", "8kB"),
            ("1min", "1", "s"),
            ("-1", "0", "kB"),
            ("1.1", "1.100001", ""),
            ("on", "off", ""),
            ("on", "remote_apply", ""),
            ("top", "all", ""),
            ("%m", "%M", ""),
            ("", "pg_stat_statements", ""),
        ] {
            assert!(!same_postgres(expected, actual, unit), "{expected} and {actual} {unit}");
        }
    }

    #[test]
    fn redis_values_are_the_same_in_any_unit() {
        for (expected, actual) in [
            ("2gb", "2147483648"),
            ("2GB", "2147483648"),
            ("", ""),
            ("64mb 16mb 60", "67108864 16777216 60"),
            ("10%", "10%"),
        ] {
            assert!(same_redis(expected, actual), "{expected} and {actual}");
        }
        for (expected, actual) in [("2gb", "2000000000"), ("", "3600 1"), ("yes", "no"), ("10%", "10")] {
            assert!(!same_redis(expected, actual), "{expected} and {actual}");
        }
    }
}
