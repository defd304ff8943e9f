//! Git object names, of either hash.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The name of a git object: 20 bytes (SHA-1) or 32 (SHA-256).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    bytes: [u8; 32],
    len: u8,
}

impl ObjectId {
    /// From raw bytes; `None` unless there are 20 or 32 of them.
    #[must_use]
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        if raw.len() != 20 && raw.len() != 32 {
            return None;
        }
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        Some(Self { bytes, len: u8::try_from(raw.len()).ok()? })
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The name in lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.to_string()
    }

    /// The first ten hexadecimal digits, for people to read.
    #[must_use]
    pub fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(10);
        hex
    }
}

/// The text is no object name of 40 or 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no git object name")]
pub struct InvalidObjectId(pub String);

impl schemars::JsonSchema for ObjectId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ObjectId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The name of a git object: 40 or 64 hexadecimal digits.",
            "type": "string",
            "pattern": "^(?:[0-9a-f]{40}|[0-9a-f]{64})$",
        })
    }
}

impl FromStr for ObjectId {
    type Err = InvalidObjectId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let mut raw = Vec::with_capacity(32);
        for pair in text.as_bytes().chunks(2) {
            let (Some(high), Some(low)) = (digit(pair[0]), pair.get(1).copied().and_then(digit)) else {
                return Err(InvalidObjectId(text.to_owned()));
            };
            raw.push(u8::try_from(high * 16 + low).unwrap_or_default());
        }
        Self::from_bytes(&raw).ok_or_else(|| InvalidObjectId(text.to_owned()))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; 64];
        for (index, byte) in self.as_bytes().iter().enumerate() {
            text[2 * index] = DIGITS[usize::from(byte >> 4)];
            text[2 * index + 1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(str::from_utf8(&text[..2 * usize::from(self.len)]).unwrap_or_default())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_round_trips() {
        let hex = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        assert_eq!(hex.parse::<ObjectId>().unwrap().to_string(), hex);
        assert!("4b825d".parse::<ObjectId>().is_err());
        assert!("zz825dc642cb6eb9a060e54bf8d69288fbee4904".parse::<ObjectId>().is_err());
    }
}
