//! What is cached: finished bytes, of which this crate knows nothing but their length, their type's name and their tag.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::key::hex;

/// A finished answer. Cloning it copies a pointer.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    body: Bytes,
    content_type: Box<str>,
    tag: Tag,
    etag: Box<str>,
}

/// The longest name of a content type; a longer one would not be one.
pub(crate) const LONGEST_CONTENT_TYPE: usize = 255;

impl Value {
    /// A value of these bytes. Its entity tag is a hash of them, so that replicas that compute the same have the same.
    /// A content type longer than 255 bytes is cut.
    #[must_use]
    pub fn new(content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let tag = tag_of(&body);
        Self::with_tag(content_type, body, tag)
    }

    pub(crate) fn with_tag(content_type: &str, body: Bytes, tag: Tag) -> Self {
        let mut end = content_type.len().min(LONGEST_CONTENT_TYPE);
        while !content_type.is_char_boundary(end) {
            end -= 1;
        }
        let etag = format!("\"{}\"", hex(&tag)).into();
        Self(Arc::new(Parts { body, content_type: content_type[..end].into(), tag, etag }))
    }

    /// The bytes.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// The content type that it was made with.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.0.content_type
    }

    /// A strong entity tag with its quotes, as it stands in an `ETag` header.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.0.etag
    }

    pub(crate) fn tag(&self) -> &Tag {
        &self.0.tag
    }

    /// How many bytes it holds.
    pub(crate) fn weight(&self) -> usize {
        self.0.body.len() + self.0.content_type.len() + self.0.etag.len()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes of {}, {})", self.0.body.len(), self.0.content_type, self.0.etag)
    }
}

/// Half of a SHA-256.
pub(crate) type Tag = [u8; 16];

fn tag_of(body: &[u8]) -> Tag {
    let mut tag = Tag::default();
    tag.copy_from_slice(&Sha256::digest(body)[..16]);
    tag
}

/// What a computation yields: a value, and whether it may be kept.
#[derive(Debug, Clone)]
pub struct Computed {
    pub(crate) value: Value,
    pub(crate) keep: bool,
}

impl Computed {
    /// A value that goes to those who wait for it and is not kept: an answer that is not final, or that was computed from
    /// data older than the stamp asked for.
    #[must_use]
    pub fn not_kept(value: Value) -> Self {
        Self { value, keep: false }
    }
}

impl From<Value> for Computed {
    fn from(value: Value) -> Self {
        Self { value, keep: true }
    }
}
