//! A value of a setting, and how files write it.

use serde::{Serialize, Serializer};

use crate::quantity::{postgres_bytes, postgres_time, redis_bytes, short_bytes};

/// A value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Memory or room on a disk.
    Bytes(u64),
    /// A time.
    Milliseconds(u64),
    /// A number without a unit, or in the setting's own unit.
    Integer(i64),
    /// A ratio or a cost.
    Decimal(f64),
    /// On or off.
    Switch(bool),
    /// One of a few words, written without quotes.
    Word(&'static str),
    /// Free text, written in quotes.
    Text(String),
}

impl Value {
    /// As `postgresql.conf` has it.
    #[must_use]
    pub fn postgres(&self) -> String {
        match self {
            Self::Bytes(bytes) => postgres_bytes(*bytes),
            Self::Milliseconds(time) => postgres_time(*time),
            Self::Switch(on) => if *on { "on" } else { "off" }.to_owned(),
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
            other => other.plain(),
        }
    }

    /// As `redis.conf` has it; times there are whole seconds unless the name says otherwise.
    #[must_use]
    pub fn redis(&self) -> String {
        match self {
            Self::Bytes(bytes) => redis_bytes(*bytes),
            Self::Switch(on) => if *on { "yes" } else { "no" }.to_owned(),
            Self::Text(text) if text.is_empty() => "\"\"".to_owned(),
            other => other.plain(),
        }
    }

    /// As environment variables and our own options have it.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Bytes(bytes) => short_bytes(*bytes),
            Self::Milliseconds(time) => postgres_time(*time),
            Self::Integer(number) => number.to_string(),
            Self::Decimal(number) => number.to_string(),
            Self::Switch(on) => on.to_string(),
            Self::Word(word) => (*word).to_owned(),
            Self::Text(text) => text.clone(),
        }
    }

    /// The bytes of an amount; none of anything else.
    #[must_use]
    pub const fn bytes(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(*bytes),
            _ => None,
        }
    }

    /// The number; none of anything else.
    #[must_use]
    pub const fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

impl Serialize for Value {
    /// As PostgreSQL writes it, which people and programs read alike.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            other => serializer.serialize_str(&other.postgres()),
        }
    }
}
