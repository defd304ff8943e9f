//! How a value lies in Redis.
//!
//! ```text
//! magic "dacv" · version u8 · length of content type u8 · expires u64 · stamp 7 × u64 · tag 16 bytes
//! · content type · body · checksum 16 bytes                                    (numbers little-endian)
//! ```
//!
//! The checksum is over the key and everything before it. A value that lies under another key, of another organisation
//! for instance, is as wrong as one with a flipped bit.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::stamp::{COUNTERS, KINDS, Stamp, millis};
use crate::value::{LONGEST_CONTENT_TYPE, Tag, Value};

const MAGIC: &[u8; 4] = b"dacv";
const VERSION: u8 = 1;
const CHECKSUM: usize = 16;
const HEADER: usize = MAGIC.len() + 2 + 8 + (KINDS.len() + COUNTERS) * 8 + size_of::<Tag>();

/// The longest frame of a value of that many bytes.
pub(crate) const fn longest(value: usize) -> usize {
    value + HEADER + LONGEST_CONTENT_TYPE + CHECKSUM
}

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) value: Value,
    pub(crate) stamp: Stamp,
    expires: u64,
}

impl Frame {
    /// How long it is still good for, by this machine's clock.
    pub(crate) fn left(&self) -> Duration {
        Duration::from_millis(self.expires.saturating_sub(now_millis()))
    }
}

pub(crate) fn now_millis() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn encode(key: &str, value: &Value, stamp: &Stamp, expires: u64) -> Vec<u8> {
    let content_type = value.content_type().as_bytes();
    let mut bytes = Vec::with_capacity(HEADER + content_type.len() + value.body().len() + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    // `Value` cuts content types at 255 bytes.
    bytes.push(u8::try_from(content_type.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(&expires.to_le_bytes());
    for number in stamp.durable.iter().chain(&stamp.bumps) {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(value.tag());
    bytes.extend_from_slice(content_type);
    bytes.extend_from_slice(value.body());
    let checksum = checksum(key, &bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

/// The frame in these bytes, if they are one that was written under this key.
pub(crate) fn decode(key: &str, bytes: &Bytes) -> Option<Frame> {
    let (rest, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    if rest.len() < HEADER || !rest.starts_with(MAGIC) || rest[MAGIC.len()] != VERSION || checksum(key, rest) != sum {
        return None;
    }
    let end = rest.len();
    let content_type_length = usize::from(rest[MAGIC.len() + 1]);
    let mut fields = rest[MAGIC.len() + 2..].chunks_exact(8).filter_map(|field| field.try_into().ok());
    let mut next = || fields.next().map(u64::from_le_bytes);
    let expires = next()?;
    let mut stamp = Stamp { durable: [0; KINDS.len()], bumps: [0; COUNTERS] };
    for number in stamp.durable.iter_mut().chain(&mut stamp.bumps) {
        *number = next()?;
    }
    let tag = rest[HEADER - size_of::<Tag>()..HEADER].try_into().ok()?;
    let body_at = HEADER + content_type_length;
    let content_type = std::str::from_utf8(rest.get(HEADER..body_at)?).ok()?;
    let value = Value::with_tag(content_type, bytes.slice(body_at..end), tag);
    Some(Frame { value, stamp, expires })
}

fn checksum(key: &str, bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut digest = Sha256::new();
    digest.update(u64::try_from(key.len()).unwrap_or(u64::MAX).to_le_bytes());
    digest.update(key.as_bytes());
    digest.update(bytes);
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&digest.finalize()[..CHECKSUM]);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp() -> Stamp {
        Stamp { durable: [1, 2, 3], bumps: [4, 5, 6, 7] }
    }

    #[test]
    fn a_change_anywhere_is_noticed() {
        let value = Value::new("application/json", "{\"total\":0}");
        let bytes = encode("k", &value, &stamp(), 9);
        assert!(decode("k", &bytes.clone().into()).is_some());
        assert!(decode("l", &bytes.clone().into()).is_none(), "another key");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(decode("k", &changed.into()).is_none(), "byte {at}");
            assert!(decode("k", &bytes[..at].to_vec().into()).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn another_version_is_no_frame() {
        let mut bytes = encode("k", &Value::new("", "x"), &stamp(), 9);
        bytes[MAGIC.len()] = VERSION + 1;
        let end = bytes.len() - CHECKSUM;
        let sum = checksum("k", &bytes[..end]);
        bytes[end..].copy_from_slice(&sum);
        assert!(decode("k", &bytes.into()).is_none());
    }

    proptest! {
        #[test]
        fn frames_round_trip(key in ".{0,40}", kind in ".{0,300}", body in proptest::collection::vec(any::<u8>(), 0..200),
            numbers in any::<[u64; 7]>(), expires in any::<u64>()) {
            let [a, b, c, d, e, f, g] = numbers;
            let stamp = Stamp { durable: [a, b, c], bumps: [d, e, f, g] };
            let value = Value::new(&kind, body);
            let frame = decode(&key, &encode(&key, &value, &stamp, expires).into()).unwrap();
            prop_assert_eq!(frame.value, value);
            prop_assert_eq!(frame.stamp, stamp);
            prop_assert_eq!(frame.expires, expires);
        }

        #[test]
        fn nothing_else_is_a_frame(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode("k", &bytes.into()).is_none());
        }
    }
}
