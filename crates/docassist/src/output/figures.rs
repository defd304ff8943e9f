//! Numbers, ages and instants as people read them.

use docassist_model::Timestamp;

/// With separators of thousands.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 commit`, `12 commits`.
pub(crate) fn count(n: u64, singular: &str) -> String {
    let plural = match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if singular.ends_with("ch") => format!("{singular}es"),
        _ => format!("{singular}s"),
    };
    format!("{} {}", number(n), if n == 1 { singular } else { &plural })
}

/// The same with `no` for none.
pub(crate) fn count_or_no(n: u64, singular: &str) -> String {
    if n == 0 { count(0, singular).replacen('0', "No", 1) } else { count(n, singular) }
}

/// How long before `as_of` something was: `5 h`, `3 d`, `4 mo`, `2 y`. Empty for what is later.
pub(crate) fn age(then: Timestamp, as_of: Timestamp) -> String {
    let seconds = as_of.unix().saturating_sub(then.unix());
    let days = seconds.div_euclid(86_400);
    match days {
        ..0 => String::new(),
        0 => format!("{} h", seconds / 3_600),
        1..60 => format!("{days} d"),
        60..730 => format!("{} mo", (days * 12 + 182) / 365),
        _ => format!("{} y", days / 365),
    }
}

/// The day with its age: `2025-11-23 (3 d ago)`.
pub(crate) fn day(then: Timestamp, as_of: Timestamp) -> String {
    match age(then, as_of) {
        age if age.is_empty() => then.date(),
        age => format!("{} ({age} ago)", then.date()),
    }
}

/// `2024-05-01 23:59 UTC`: seconds say nothing to people.
pub(crate) fn instant(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('T') {
        Some((day, clock)) => format!("{day} {} UTC", clock.get(..5).unwrap_or(clock)),
        None => text,
    }
}

/// `12 %` of a share of 0–1.
pub(crate) fn percent(share: f64) -> String {
    // Little is not nothing.
    if share > 0.0 && share < 0.005 { "<1 %".to_owned() } else { format!("{:.0} %", share * 100.0) }
}

/// The whole that `part` is a share of. Shares are rounded to four places, so that in long histories several numbers may
/// have been it: then none is given, for a wrong one would be shown as evidence.
pub(crate) fn whole(part: u64, share: f64) -> Option<u64> {
    const HALF_A_STEP: f64 = 0.000_05;
    if share <= HALF_A_STEP {
        return None;
    }
    let least = (part as f64 / (share + HALF_A_STEP)).ceil() as u64;
    let most = (part as f64 / (share - HALF_A_STEP)).floor() as u64;
    (least == most).then_some(least)
}

/// `12 of 17 commits`, as far as the whole is known.
pub(crate) fn of_commits(part: u64, whole: Option<u64>) -> String {
    match whole {
        Some(whole) => format!("{} of {}", number(part), count(whole, "commit")),
        None => count(part, "commit"),
    }
}

/// `1.5 MB`.
pub(crate) fn bytes(n: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1_000.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// `+12 −3`.
pub(crate) fn lines(additions: u64, deletions: u64) -> String {
    format!("+{} −{}", number(additions), number(deletions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!([number(0), number(999), number(1_000), number(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([count(1, "commit"), count(2, "entry"), count(2, "day")], ["1 commit", "2 entries", "2 days"]);
        assert_eq!([bytes(12), bytes(1_500), bytes(123_456_789)], ["12 B", "1.5 kB", "123 MB"]);
    }

    #[test]
    fn ages_have_the_unit_that_fits() {
        let at = |days: i64| Timestamp::from_unix(1_700_000_000 - days * 86_400);
        let ages = [0, 1, 59, 60, 365, 729, 730, 4_000].map(|days| age(at(days), at(0)));
        assert_eq!(ages, ["0 h", "1 d", "59 d", "2 mo", "12 mo", "24 mo", "2 y", "10 y"]);
        assert_eq!(age(at(0), at(1)), "");
    }

    #[test]
    fn a_whole_is_exact_or_not_given() {
        assert_eq!([whole(12, 0.7059), whole(1, 1.0), whole(74, 0.2056)], [Some(17), Some(1), Some(360)]);
        // 1 of 366 is 0.0027, and so is 1 of 370.
        assert_eq!([whole(1, 0.0027), whole(0, 0.0)], [None, None]);
        assert_eq!([of_commits(12, Some(17)), of_commits(1, None)], ["12 of 17 commits", "1 commit"]);
    }

    #[test]
    fn instants_are_to_the_minute() {
        assert_eq!(instant(Timestamp::from_unix(0)), "1970-01-01 00:00 UTC");
    }
}
