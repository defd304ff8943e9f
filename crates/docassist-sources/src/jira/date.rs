//! Dates as Jira writes them. Its export uses the site's own format, so there are many; one that cannot be told from
//! another is refused rather than guessed.

use docassist_model::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Why a text is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DateError {
    #[error("`{0}` is no date that is known here; ISO 8601 (2012-05-16T07:56:13Z) always is")]
    Unknown(String),
    #[error("`{0}` may have its day or its month first; export with an unambiguous date format")]
    Ambiguous(String),
}

/// No date is longer; anything else is not scanned.
const MAX_LEN: usize = 64;

/// Reads ISO 8601 with or without an offset, `16/May/12 7:56 AM`, `May 16, 2012, 7:56 AM`, `2012-05-16 07:56`,
/// `16.05.2012 07:56` and their relatives. Without an offset the time is UTC.
pub(super) fn parse(text: &str) -> Result<Timestamp, DateError> {
    let text = text.trim();
    let unknown = || DateError::Unknown(text.chars().take(MAX_LEN).collect());
    if text.len() > MAX_LEN {
        return Err(unknown());
    }
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let (local, offset) = split_offset(text);
    let mut tokens = tokens(local);
    // A weekday says nothing.
    if let [Token::Word(day), Token::Word(_) | Token::Number(..), ..] = &tokens[..]
        && WEEKDAYS.iter().any(|name| day.starts_with(name))
    {
        tokens.remove(0);
    }
    let [first, second, third, time @ ..] = &tokens[..] else { return Err(unknown()) };
    let (year, month, day) = match (first, second, third) {
        (&Token::Number(day, _), Token::Word(name), &Token::Number(year, digits)) => {
            (full_year(year, digits), month(name).ok_or_else(unknown)?, day)
        }
        (Token::Word(name), &Token::Number(day, _), &Token::Number(year, digits)) => {
            (full_year(year, digits), month(name).ok_or_else(unknown)?, day)
        }
        (&Token::Number(year, 4), &Token::Number(month, _), &Token::Number(day, _)) => (year, month, day),
        (&Token::Number(a, _), &Token::Number(b, _), &Token::Number(year, digits @ (2 | 4))) => {
            let year = full_year(year, digits);
            // Dots are written where the day comes first.
            if a > 12 || a == b || local.contains('.') && !local.contains('/') {
                (year, b, a)
            } else if b > 12 {
                (year, a, b)
            } else {
                return Err(DateError::Ambiguous(text.to_owned()));
            }
        }
        _ => return Err(unknown()),
    };
    let (hour, minute, second) = time_of_day(time).ok_or_else(unknown)?;
    instant(year, month, day, hour, minute, second)
        .map(|utc| Timestamp::from_unix(utc.unix().saturating_sub(offset)))
        .ok_or_else(unknown)
}

/// A run of digits, with how many, or of letters in lower case.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    Number(u32, usize),
    Word(String),
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn month(name: &str) -> Option<u32> {
    let index = MONTHS.iter().position(|prefix| name.starts_with(prefix))?;
    u32::try_from(index + 1).ok()
}

/// Two digits mean 1970 to 2069: Jira is from 2002.
fn full_year(year: u32, digits: usize) -> u32 {
    match (digits, year) {
        (1 | 2, 0..70) => year + 2000,
        (1 | 2, _) => year + 1900,
        _ => year,
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let same = |c: char| if is_digit { c.is_ascii_digit() } else { c.is_alphabetic() };
        let length = if is_digit || first.is_alphabetic() {
            let length = rest.find(|c| !same(c)).unwrap_or(rest.len());
            let run = &rest[..length];
            tokens.push(if is_digit {
                Token::Number(run.parse().unwrap_or(u32::MAX), length)
            } else {
                Token::Word(run.to_lowercase())
            });
            length
        } else {
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// Hour, minute and second of `7:56 AM`, `07:56:13.123`, `T07:56`, or midnight of nothing.
fn time_of_day(tokens: &[Token]) -> Option<(u32, u32, u32)> {
    let mut numbers = Vec::new();
    let mut afternoon = None;
    for token in tokens {
        match token {
            Token::Number(number, _) => numbers.push(*number),
            Token::Word(word) => match word.as_str() {
                "am" | "a" => afternoon = Some(false),
                "pm" | "p" => afternoon = Some(true),
                "t" | "at" | "z" | "utc" | "gmt" | "m" => {}
                _ => return None,
            },
        }
    }
    let (hour, minute, second) = match numbers[..] {
        [] => (0, 0, 0),
        [hour, minute] => (hour, minute, 0),
        // A fourth number is the fraction of the second.
        [hour, minute, second] | [hour, minute, second, _] => (hour, minute, second),
        _ => return None,
    };
    let hour = match (afternoon, hour) {
        (None, hour) => hour,
        (Some(afternoon), 1..=12) => hour % 12 + if afternoon { 12 } else { 0 },
        (Some(_), _) => return None,
    };
    Some((hour, minute, second))
}

/// Splits ` +0200` or ` -02:30` off; in seconds.
fn split_offset(text: &str) -> (&str, i64) {
    let Some((local, offset)) = text.rsplit_once([' ', '\u{a0}']) else { return (text, 0) };
    let Some(sign) = offset.chars().next().filter(|c| matches!(c, '+' | '-')) else { return (text, 0) };
    let digits: String = offset[1..].chars().filter(|&c| c != ':').collect();
    match digits.parse::<i64>() {
        Ok(number) if digits.len() == 4 => {
            let seconds = (number / 100) * 3600 + (number % 100) * 60;
            (local, if sign == '-' { -seconds } else { seconds })
        }
        _ => (text, 0),
    }
}

fn instant(year: u32, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Timestamp> {
    let part = |number: u32| i8::try_from(number).ok();
    let year = i16::try_from(year).ok()?;
    let civil =
        DateTime::new(year, part(month)?, part(day)?, part(hour)?, part(minute)?, part(second.min(59))?, 0).ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_unix(zoned.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jiras_formats_are_read() {
        for text in [
            "2012-05-16T07:56:13.000+0000",
            "2012-05-16T09:56:13+02:00",
            "2012-05-16T07:56:13",
            "2012-05-16 07:56:13",
            "2012-05-16 07:56:13.5",
            "2012/05/16 07:56:13",
            "2012-05-16 09:56:13 +0200",
            "16/May/2012 07:56:13",
            "16/May/12 7:56:13 AM",
            "16/may/12 7:56:13 am",
            "16-May-2012 07:56:13",
            "16 May 2012 07:56:13",
            "Wed, 16 May 2012 07:56:13 +0000",
            "Wed, 16 May 2012 07:56:13 GMT",
            "May 16, 2012, 7:56:13 AM",
            "May 16, 2012, 7:56:13\u{202f}AM",
            "16.05.2012 07:56:13",
            "16/05/2012 07:56:13",
            "05/16/2012 7:56:13 AM",
        ] {
            assert_eq!(parse(text), Ok(Timestamp::from_unix(1_337_154_973)), "{text}");
        }
        let minutes = Timestamp::from_unix(1_337_154_960);
        for text in ["16/May/12 7:56 AM", "2012-05-16 07:56", "May 16, 2012, 7:56 AM", "16.05.12 07:56"] {
            assert_eq!(parse(text), Ok(minutes), "{text}");
        }
        let noon_and_midnight = [("16/May/12 12:00 PM", 1_337_169_600), ("16/May/12 12:00 AM", 1_337_126_400)];
        for (text, seconds) in noon_and_midnight.into_iter().chain([("16/May/12", 1_337_126_400)]) {
            assert_eq!(parse(text), Ok(Timestamp::from_unix(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_or_may_be_two_is_refused() {
        for text in ["", "soon", "16/Mai/12", "31/Feb/12 7:56 AM", "2012-13-01 00:00", "16/May/12 13:56 PM", "1", "é"]
        {
            assert!(matches!(parse(text), Err(DateError::Unknown(_))), "{text}");
        }
        assert!(matches!(parse("05/06/2012 07:56"), Err(DateError::Ambiguous(_))));
        assert!(parse("06/06/2012 07:56").is_ok(), "the same either way");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,70}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_text_like_a_date_is_read_or_refused(text in "[0-9]{1,11}[/ .:-][A-Za-z0-9]{1,4}[/ .,:-][0-9]{1,5}[ T]?[0-9:]{0,9}[ APMZ+-]{0,3}[0-9:]{0,5}") {
            let _ = parse(&text);
        }
    }
}
