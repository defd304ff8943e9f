//! Commit objects and their messages: header fields, encodings, trailers.

use docassist_model::{Credit, CreditRole, Identity, Timestamp};
use gix::ObjectId;

/// A message longer than this is cut: it is somebody's log file, and every later step would carry it along.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// More people than this in one message are a mailing list, not credits.
const MAX_CREDITS: usize = 200;

/// The parts of a commit object. Damaged headers leave their field at its default: git itself shows such commits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RawCommit {
    pub(super) tree: Option<ObjectId>,
    pub(super) parents: Vec<ObjectId>,
    pub(super) author: Signature,
    pub(super) committer: Signature,
    pub(super) message: String,
}

/// Who and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Signature {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) time: Timestamp,
}

impl Signature {
    pub(super) fn identity(&self) -> Identity {
        Identity { name: self.name.clone(), email: self.email.clone() }
    }
}

/// The parents alone, for walking.
pub(super) fn parents(raw: &[u8]) -> Vec<ObjectId> {
    headers(raw).filter(|(key, _)| *key == b"parent").filter_map(|(_, value)| ObjectId::from_hex(value).ok()).collect()
}

/// Header lines up to the first empty one; continuation lines (signatures) are skipped.
fn headers(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    raw.split(|&b| b == b'\n')
        .take_while(|line| !line.is_empty())
        .filter(|line| line[0] != b' ')
        .filter_map(|line| memchr::memchr(b' ', line).map(|space| (&line[..space], &line[space + 1..])))
}

pub(super) fn parse_commit(raw: &[u8]) -> RawCommit {
    let mut commit = RawCommit::default();
    let mut encoding: &[u8] = b"utf-8";
    let (mut author, mut committer): (&[u8], &[u8]) = (b"", b"");
    for (key, value) in headers(raw) {
        match key {
            b"tree" => commit.tree = ObjectId::from_hex(value).ok(),
            b"parent" => commit.parents.extend(ObjectId::from_hex(value).ok()),
            b"author" => author = value,
            b"committer" => committer = value,
            b"encoding" => encoding = value,
            _ => {}
        }
    }
    commit.author = parse_signature(author, encoding);
    commit.committer = parse_signature(committer, encoding);
    let body = memchr::memmem::find(raw, b"\n\n").map_or(&raw[raw.len()..], |end| &raw[end + 2..]);
    commit.message = decode(&body[..body.len().min(MAX_MESSAGE_BYTES)], encoding);
    commit
}

/// `Name <address> seconds zone`.
fn parse_signature(value: &[u8], encoding: &[u8]) -> Signature {
    let close = memchr::memrchr(b'>', value);
    let open = memchr::memchr(b'<', value);
    let (name, email, rest) = match (open, close) {
        (Some(open), Some(close)) if open < close => (&value[..open], &value[open + 1..close], &value[close + 1..]),
        _ => (value, &value[..0], &value[..0]),
    };
    let seconds = rest.split(|&b| b == b' ').find(|part| !part.is_empty()).unwrap_or_default();
    let seconds = str::from_utf8(seconds).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    Signature {
        name: decode(name, encoding).trim().to_owned(),
        email: decode(email, encoding).trim().to_owned(),
        time: Timestamp::from_unix(seconds),
    }
}

/// UTF-8 where it is, else by the declared encoding, else with replacement characters. NULs are dropped: no terminal and
/// no database takes them.
fn decode(bytes: &[u8], encoding: &[u8]) -> String {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => match encoding_rs::Encoding::for_label(encoding) {
            Some(declared) => declared.decode_without_bom_handling(bytes).0,
            None => String::from_utf8_lossy(bytes),
        },
    };
    if text.contains('\0') { text.replace('\0', "") } else { text.into_owned() }
}

/// People named in trailers. Tokens are taken at the beginning of any line after the first, since squashed messages
/// carry their trailers in the middle; a value goes on over indented lines, and after a comma at a line's end.
pub(super) fn credits(message: &str) -> Vec<Credit> {
    let mut credits = Vec::new();
    let mut lines = message.lines().skip(1).peekable();
    while let Some(line) = lines.next() {
        let Some((token, value)) = line.split_once(':') else { continue };
        let Some(role) = role_of(token) else { continue };
        let mut value = value.trim().to_owned();
        while let Some(next) = lines.peek() {
            let indented = next.starts_with([' ', '\t']) && !next.trim().is_empty();
            let after_comma = value.ends_with(',') && !next.trim().is_empty();
            if !indented && !after_comma {
                break;
            }
            value.push(' ');
            value.push_str(next.trim());
            lines.next();
        }
        for identity in people(&value) {
            let credit = Credit { role, identity };
            if credits.len() < MAX_CREDITS && !credits.contains(&credit) {
                credits.push(credit);
            }
        }
    }
    credits
}

fn role_of(token: &str) -> Option<CreditRole> {
    // The longest token has 15 letters; anything longer is a sentence.
    if token.len() > 20 || token.contains(' ') && !token.trim_end().eq_ignore_ascii_case("reviewed by") {
        return None;
    }
    Some(match token.trim_end().to_ascii_lowercase().as_str() {
        "co-authored-by" | "co-developed-by" | "coauthored-by" => CreditRole::CoAuthor,
        "reviewed-by" | "reviewed by" | "reviewers" | "reviewer" | "acked-by" | "approved-by" => CreditRole::Reviewer,
        "signed-off-by" => CreditRole::SignedOff,
        "tested-by" => CreditRole::Tester,
        "reported-by" | "suggested-by" | "helped-by" => CreditRole::Contributor,
        _ => return None,
    })
}

/// Splits `A <a@x>, B <b@x>, C and D <d@x>` into people. What is no name (a URL, a sentence) is dropped.
fn people(value: &str) -> Vec<Identity> {
    let mut people = Vec::new();
    for part in split_people(value) {
        let part = part.trim().trim_matches(['"', '\'']).trim();
        let identity = match (part.find('<'), part.rfind('>')) {
            (Some(open), Some(close)) if open < close => Identity {
                name: part[..open].trim().trim_matches('"').to_owned(),
                email: part[open + 1..close].trim().to_owned(),
            },
            _ if part.contains('@') && !part.contains(' ') && !part.starts_with('@') => {
                Identity { name: String::new(), email: part.to_owned() }
            }
            _ => Identity { name: part.trim_start_matches('@').to_owned(), email: String::new() },
        };
        let plausible = !(identity.name.is_empty() && identity.email.is_empty())
            && identity.name.len() <= 80
            && identity.email.len() <= 254
            && identity.name.split_whitespace().count() <= 6
            && !identity.name.contains("://");
        if plausible {
            people.push(identity);
        }
    }
    people
}

/// Splits at commas, semicolons and ` and ` outside of angle brackets.
fn split_people(value: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut in_address = false;
    for (at, c) in value.char_indices() {
        match c {
            '<' => in_address = true,
            '>' => in_address = false,
            ',' | ';' if !in_address => {
                parts.push(&value[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&value[start..]);
    parts.into_iter().flat_map(|part| part.split(" and ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(message: &str) -> Vec<(CreditRole, String, String)> {
        credits(message).into_iter().map(|c| (c.role, c.identity.name, c.identity.email)).collect()
    }

    #[test]
    fn trailers_name_people_in_the_ways_projects_write_them() {
        let message = "KAFKA-1: x (#12)\n\nBody: text\n\nReviewers: Ann B <ann@x>, Bob\n <bob@x>,\nCy and Di <di@x>\n\
                       Co-Authored-By: Eve <eve@x>\n";
        let expected = [
            (CreditRole::Reviewer, "Ann B", "ann@x"),
            (CreditRole::Reviewer, "Bob", "bob@x"),
            (CreditRole::Reviewer, "Cy", ""),
            (CreditRole::Reviewer, "Di", "di@x"),
            (CreditRole::CoAuthor, "Eve", "eve@x"),
        ]
        .map(|(role, name, email)| (role, name.to_owned(), email.to_owned()));
        assert_eq!(names(message), expected);
    }

    #[test]
    fn sentences_and_links_are_not_people() {
        let message = "x\n\nReviewed-by: https://example.org/r/1\nReviewers: this was looked at by a whole lot of people\nNote: y";
        assert_eq!(names(message), []);
    }

    #[test]
    fn damaged_headers_leave_defaults() {
        let commit = parse_commit(b"tree zzz\nauthor Nobody\ncommitter A <a@x> notatime +0000\n\nm\xff\n");
        assert_eq!(commit.tree, None);
        assert_eq!(commit.author.name, "Nobody");
        assert_eq!(commit.committer.email, "a@x");
        assert_eq!(commit.committer.time, Timestamp::from_unix(0));
        assert_eq!(commit.message, "m\u{fffd}\n");
    }

    #[test]
    fn declared_encodings_are_honoured() {
        let commit = parse_commit(b"author J\xf6rg <j@x> 1 +0000\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n");
        assert_eq!((commit.author.name.as_str(), commit.message.as_str()), ("Jörg", "Grüße\n"));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_objects_are_read_without_a_panic(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let commit = parse_commit(&raw);
            let _ = credits(&commit.message);
            let _ = parents(&raw);
        }

        #[test]
        fn arbitrary_trailers_are_read_without_a_panic(value in "\\PC{0,80}", tail in "\\PC{0,80}") {
            let _ = credits(&format!("s\n\nReviewers:{value}\n {tail}"));
        }
    }
}
