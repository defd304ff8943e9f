//! Amounts of memory and time, as each file's format writes them.
//!
//! Everywhere in this crate K, M, G and T are powers of 1,024, as PostgreSQL, Redis (`kb`, `mb`, `gb`) and Docker count.

/// 1,024 bytes.
pub const KIB: u64 = 1 << 10;
/// 1,024 KiB.
pub const MIB: u64 = 1 << 20;
/// 1,024 MiB.
pub const GIB: u64 = 1 << 30;
/// 1,024 GiB.
pub const TIB: u64 = 1 << 40;

/// A text that is no amount of memory or of processors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// There is no number.
    #[error("`{0}` has no number: write one such as 8G")]
    NoNumber(String),
    /// The unit is not known.
    #[error("`{0}` is no unit of memory: K, M, G and T are, with or without B or iB")]
    UnknownUnit(String),
    /// The number is larger than there can be.
    #[error("`{0}` is more than there can be")]
    TooLarge(String),
}

/// Reads `8G`, `8GiB`, `8gb`, `1.5G`, `512M` or a number of bytes.
///
/// # Errors
///
/// When there is no number, an unknown unit, or more than fits 64 bits.
pub fn parse_bytes(text: &str) -> Result<u64, QuantityError> {
    let text = text.trim();
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = (text[..unit_at].trim(), text[unit_at..].trim());
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => KIB,
        "m" | "mb" | "mib" => MIB,
        "g" | "gb" | "gib" => GIB,
        "t" | "tb" | "tib" => TIB,
        _ => return Err(QuantityError::UnknownUnit(unit.to_owned())),
    };
    let thousandths = parse_thousandths(number).map_err(|error| error.of(text))?;
    u64::try_from(u128::from(thousandths) * u128::from(factor) / 1000)
        .map_err(|_| QuantityError::TooLarge(text.to_owned()))
}

/// Reads a decimal number with at most three decimals, in thousandths: `0.5` is 500.
///
/// # Errors
///
/// When the text is no such number.
pub fn parse_thousandths(text: &str) -> Result<u64, QuantityError> {
    let no_number = || QuantityError::NoNumber(text.to_owned());
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 3 || text.ends_with('.') {
        return Err(no_number());
    }
    let padded = format!("{decimals:0<3}");
    let whole: u64 = whole.parse().map_err(|_| QuantityError::TooLarge(text.to_owned()))?;
    let rest: u64 = padded.parse().map_err(|_| no_number())?;
    whole
        .checked_mul(1000)
        .and_then(|sum| sum.checked_add(rest))
        .ok_or_else(|| QuantityError::TooLarge(text.to_owned()))
}

impl QuantityError {
    /// The same error about the text that was given, not a part of it.
    fn of(self, text: &str) -> Self {
        match self {
            Self::NoNumber(_) => Self::NoNumber(text.to_owned()),
            Self::TooLarge(_) => Self::TooLarge(text.to_owned()),
            unit @ Self::UnknownUnit(_) => unit,
        }
    }
}

/// Down to whole MiB: what files are written in, so that no server rounds a value that we then compare.
#[must_use]
pub const fn whole_mib(bytes: u64) -> u64 {
    bytes / MIB * MIB
}

/// As `postgresql.conf` has it: `2GB`, `512MB`, `64kB`.
#[must_use]
pub fn postgres_bytes(bytes: u64) -> String {
    with_unit(bytes, [("GB", GIB), ("MB", MIB), ("kB", KIB)], "B")
}

/// As `redis.conf` has it: `2gb`, `512mb`; there `kb` is 1,024 bytes and `k` is 1,000.
#[must_use]
pub fn redis_bytes(bytes: u64) -> String {
    with_unit(bytes, [("gb", GIB), ("mb", MIB), ("kb", KIB)], "")
}

/// As Docker, systemd and our own options have it: `4G`, `2500M`, `64K`.
#[must_use]
pub fn short_bytes(bytes: u64) -> String {
    with_unit(bytes, [("G", GIB), ("M", MIB), ("K", KIB)], "")
}

fn with_unit(bytes: u64, units: [(&str, u64); 3], none: &str) -> String {
    match units.into_iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size)) {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => format!("{bytes}{none}"),
    }
}

/// For people: `12.4 GB`, `153 MB`, `512 kB`.
#[must_use]
pub fn human_bytes(bytes: u64) -> String {
    let (unit, size) = match bytes {
        TIB.. => ("TB", TIB),
        GIB.. => ("GB", GIB),
        MIB.. => ("MB", MIB),
        KIB.. => ("kB", KIB),
        _ => return format!("{bytes} bytes"),
    };
    if bytes.is_multiple_of(size) {
        return format!("{} {unit}", bytes / size);
    }
    format!("{:.1} {unit}", bytes as f64 / size as f64)
}

/// Thousandths of a processor as Docker has them: `2`, `0.5`, `1.14`.
#[must_use]
pub fn cpus(millicpus: u32) -> String {
    let text = format!("{}.{:03}", millicpus / 1000, millicpus % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Milliseconds as `postgresql.conf` has them: `15min`, `10s`, `250ms`.
#[must_use]
pub fn postgres_time(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0".to_owned(),
        ms if ms % 60_000 == 0 => format!("{}min", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read() {
        for (text, bytes) in [
            ("8G", 8 * GIB),
            ("8GiB", 8 * GIB),
            ("8 GB", 8 * GIB),
            ("512M", 512 * MIB),
            ("2gb", 2 * GIB),
            ("1.5G", 1536 * MIB),
            ("0.125M", 128 * KIB),
            ("65536", 65_536),
            ("7", 7),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_told() {
        assert_eq!(parse_bytes("G"), Err(QuantityError::NoNumber("G".into())));
        assert_eq!(parse_bytes("-1G"), Err(QuantityError::NoNumber("-1G".into())));
        assert_eq!(parse_bytes("8X"), Err(QuantityError::UnknownUnit("X".into())));
        assert_eq!(parse_bytes("99999999999T"), Err(QuantityError::TooLarge("99999999999T".into())));
        for bad in ["", "1.", ".5G", "1.2345G", "1,5G", "٣G"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn amounts_are_written_in_the_largest_unit_that_fits_exactly() {
        assert_eq!(postgres_bytes(2 * GIB), "2GB");
        assert_eq!(postgres_bytes(1536 * MIB), "1536MB");
        assert_eq!(postgres_bytes(64 * KIB), "64kB");
        assert_eq!(postgres_bytes(0), "0B");
        assert_eq!(redis_bytes(2 * GIB), "2gb");
        assert_eq!(short_bytes(2500 * MIB), "2500M");
        assert_eq!(human_bytes(12_740 * MIB), "12.4 GB");
        assert_eq!([cpus(2000), cpus(500), cpus(1142)], ["2", "0.5", "1.142"]);
        assert_eq!([postgres_time(900_000), postgres_time(10_000), postgres_time(1)], ["15min", "10s", "1ms"]);
    }
}
