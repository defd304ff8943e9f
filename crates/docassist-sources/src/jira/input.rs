//! The bytes of an export: counted as they are read, unpacked where they are gzip, and looked at before they are parsed.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::Format;

/// How much is looked at to tell the format. Jira's CSV header line with hundreds of custom fields is about 10 KB.
const HEAD_LEN: usize = 64 * 1024;

/// The byte order mark that some Windows tools put before UTF-8.
pub(super) const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// Counts what passes, for a progress bar.
#[derive(Debug)]
pub(super) struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A reader whose first bytes were looked at. A failure met on the way is given back after the bytes before it.
#[derive(Debug)]
pub(super) struct Peeked<R> {
    head: Vec<u8>,
    at: usize,
    failure: Option<io::Error>,
    inner: R,
}

impl<R: Read> Peeked<R> {
    fn new(mut inner: R, want: usize) -> Self {
        let mut head = vec![0; want];
        let mut len = 0;
        let mut failure = None;
        while len < want {
            match inner.read(&mut head[len..]) {
                Ok(0) => break,
                Ok(count) => len += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        head.truncate(len);
        Self { head, at: 0, failure, inner }
    }

    /// The bytes that were looked at and not yet read.
    pub(super) fn head(&self) -> &[u8] {
        &self.head[self.at..]
    }

    /// Leaves out the next `count` bytes of the head.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.head.len());
    }

    /// Whether there is nothing at all, and no failure that would explain it.
    fn is_empty(&self) -> bool {
        self.head.is_empty() && self.failure.is_none()
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.head[self.at..];
        if !rest.is_empty() {
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            self.at += count;
            return Ok(count);
        }
        match self.failure.take() {
            Some(error) => Err(error),
            None => self.inner.read(buffer),
        }
    }
}

/// Plain bytes, or gzip of one or several members.
#[derive(Debug)]
pub(super) enum Unpacked<R: Read> {
    Plain(Peeked<Counted<R>>),
    Gzip(Box<MultiGzDecoder<Peeked<Counted<R>>>>),
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
        }
    }
}

/// An export whose bytes are ready to be parsed.
pub(super) type Input<R> = Peeked<Unpacked<R>>;

/// What the first bytes say about an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Csv,
    Empty,
    /// Known, and not read: what it is, and what to do about it.
    Foreign(&'static str, &'static str),
}

/// Counts, unpacks and looks at `reader`.
pub(super) fn prepare<R: Read>(reader: R, read: Arc<AtomicU64>, hint: Format) -> (Input<R>, Kind) {
    let raw = Peeked::new(Counted { inner: reader, read }, 2);
    let unpacked = if raw.head() == b"\x1f\x8b" {
        Unpacked::Gzip(Box::new(MultiGzDecoder::new(raw)))
    } else {
        Unpacked::Plain(raw)
    };
    let input = Peeked::new(unpacked, HEAD_LEN);
    let kind = sniff(&input, hint);
    (input, kind)
}

/// First bytes of what is met in place of an export, what it is, and what to do.
const FOREIGN: [(&[u8], &str, &str); 9] = [
    (b"\xff\xfe", "UTF-16 text", CONVERT),
    (b"\xfe\xff", "UTF-16 text", CONVERT),
    (b"PK\x03\x04", "a zip archive", UNPACK),
    (b"\x1f\x8b", "gzip inside gzip", UNPACK),
    (b"\x28\xb5\x2f\xfd", "Zstandard data", UNPACK),
    (b"\xfd7zXZ\0", "xz data", UNPACK),
    (b"BZh", "bzip2 data", UNPACK),
    (b"SQLite format 3\0", "an SQLite database", EXPORT),
    (b"%PDF-", "a PDF document", EXPORT),
];
const CONVERT: &str = "convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)";
const UNPACK: &str = "unpack it first; only gzip is read as it is";
const EXPORT: &str = "export the issues as JSON or CSV";

fn sniff<R: Read>(input: &Peeked<R>, hint: Format) -> Kind {
    let head = input.head();
    for (magic, what, advice) in FOREIGN {
        if head.starts_with(magic) {
            return Kind::Foreign(what, advice);
        }
    }
    // UTF-16 without a byte order mark: every other byte of ASCII is zero.
    if let [first, second, third, fourth, ..] = *head
        && ((first == 0 && third == 0 && second != 0 && fourth != 0)
            || (second == 0 && fourth == 0 && first != 0 && third != 0))
    {
        return Kind::Foreign("UTF-16 text", CONVERT);
    }
    let text = head.strip_prefix(UTF8_BOM).unwrap_or(head).trim_ascii_start();
    if text.is_empty() && head.len() < HEAD_LEN {
        // A failure before the first byte is reported by the parser that meets it.
        return if input.is_empty() || !head.is_empty() { Kind::Empty } else { Kind::Json };
    }
    if text.first() == Some(&b'<') {
        return Kind::Foreign("an HTML or XML page", EXPORT);
    }
    match hint {
        Format::Json => Kind::Json,
        Format::Csv => Kind::Csv,
        Format::Auto => guess(text),
    }
}

/// JSON begins with a bracket. A JSON lines file whose first line is damaged is told by the lines after it, unless the
/// first line reads like a CSV header.
fn guess(text: &[u8]) -> Kind {
    if text.is_empty() || matches!(text[0], b'{' | b'[' | 0x1e) {
        return Kind::Json;
    }
    let mut lines = text.split(|&byte| byte == b'\n');
    let header = lines.next().unwrap_or_default().to_ascii_lowercase();
    let is_header = [&b"issue key"[..], b"issue id", b"summary"].iter().any(|name| {
        memchr::memmem::find(&header, name).is_some() && !header.contains(&b'{') && !header.ends_with(b"}")
    });
    if !is_header && lines.any(|line| line.starts_with(b"{\"")) { Kind::Json } else { Kind::Csv }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8]) -> Kind {
        prepare(bytes, Arc::default(), Format::Auto).1
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(kind(b"\xef\xbb\xbf \n{}"), Kind::Json);
        assert_eq!(kind(b"[]"), Kind::Json);
        assert_eq!(kind(b"Summary,Issue key\n"), Kind::Csv);
        assert_eq!(kind(b"y\":\"A-1\"}\n{\"key\":\"A-2\"}\n"), Kind::Json, "a damaged first line");
        assert_eq!(kind(b""), Kind::Empty);
        assert_eq!(kind(b"\xef\xbb\xbf \n"), Kind::Empty);
        for foreign in [&b"\xff\xfe{\0"[..], b"{\0\"\0k\0", b"\0{\0\"", b"PK\x03\x04", b"  <html>"] {
            assert!(matches!(kind(foreign), Kind::Foreign(..)), "{foreign:?}");
        }
    }

    #[test]
    fn a_failure_comes_after_the_bytes_before_it() {
        struct Failing(u8);
        impl Read for Failing {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                if self.0 > 3 {
                    return Err(io::Error::other("unplugged"));
                }
                buffer[0] = b'{';
                Ok(1)
            }
        }
        let (mut input, kind) = prepare(Failing(0), Arc::default(), Format::Auto);
        assert_eq!(kind, Kind::Json);
        let mut all = Vec::new();
        assert!(input.read_to_end(&mut all).is_err());
        assert_eq!(all, b"{{{");
    }
}
