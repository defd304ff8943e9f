//! Reads what `git diff` and `diff -u` print: which files change, how, and by how many lines.

use docassist_model::{ChangeStatus, ErrorCode, FileChange};

use crate::AppError;

/// A change as a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnifiedDiff {
    /// The changed files, in the order of the text.
    pub files: Vec<FileChange>,
}

/// Files of a diff beyond these are no change that somebody reviews.
const MOST_FILES: usize = 20_000;
/// The letters that git puts before paths: `a/` and `b/`, or those of `diff.mnemonicPrefix`.
const PREFIXES: [&[u8]; 6] = [b"a/", b"b/", b"c/", b"i/", b"o/", b"w/"];
const NOWHERE: &[u8] = b"/dev/null";

impl UnifiedDiff {
    /// Reads a diff. Text around it (a mail, a commit message) is passed over. Linear in its length.
    ///
    /// # Errors
    /// When there is no change in it, or it ends in the middle of one.
    pub fn parse(text: &[u8]) -> Result<Self, AppError> {
        let fault = |message: &str| {
            AppError::new(ErrorCode::InvalidInput, message.to_owned())
                .hint("Send what `git diff` prints, whole: `git diff main...HEAD`.")
        };
        let mut reader = Reader::default();
        // The last line feed ends a line and begins none.
        for line in text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n') {
            reader.line(line);
            if reader.files.len() > MOST_FILES {
                return Err(fault("the diff has too many files"));
            }
        }
        if reader.left != (0, 0) {
            return Err(fault("the diff ends in the middle of a change"));
        }
        reader.finish_file();
        if reader.files.is_empty() {
            return Err(fault("there is no change in the diff"));
        }
        Ok(Self { files: reader.files })
    }
}

#[derive(Default)]
struct Reader {
    files: Vec<FileChange>,
    file: Option<File>,
    /// Lines of the present hunk that are still to come, of the old and the new side.
    left: (u64, u64),
}

#[derive(Default)]
struct File {
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
    added: bool,
    deleted: bool,
    renamed: bool,
    binary: bool,
    additions: u32,
    deletions: u32,
    /// Whether `---` was seen: another one begins another file where no `diff --git` tells.
    has_old: bool,
}

impl Reader {
    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.left != (0, 0) {
            return self.hunk_line(line);
        }
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            self.finish_file();
            let (old, new) = both_names(names);
            self.file = Some(File { old, new, ..File::default() });
        } else if let Some(name) = line.strip_prefix(b"--- ") {
            if self.file.as_ref().is_none_or(|file| file.has_old) {
                self.finish_file();
                self.file = Some(File::default());
            }
            let Some(file) = &mut self.file else { return };
            file.has_old = true;
            let name = unquoted(without_time(name));
            if name == NOWHERE {
                file.added = true;
            } else {
                file.old = Some(without_prefix(&name));
            }
        } else if let Some(file) = &mut self.file {
            self.left = file.header(line);
        }
    }

    fn hunk_line(&mut self, line: &[u8]) {
        let Some(file) = &mut self.file else { return };
        match line.first() {
            Some(b'+') => {
                file.additions = file.additions.saturating_add(1);
                self.left.1 = self.left.1.saturating_sub(1);
            }
            Some(b'-') => {
                file.deletions = file.deletions.saturating_add(1);
                self.left.0 = self.left.0.saturating_sub(1);
            }
            // `\ No newline at end of file`
            Some(b'\\') => {}
            // Mail programs cut the space off an empty line.
            _ => self.left = (self.left.0.saturating_sub(1), self.left.1.saturating_sub(1)),
        }
    }

    fn finish_file(&mut self) {
        self.left = (0, 0);
        let Some(file) = self.file.take() else { return };
        let path = if file.deleted { file.old.as_ref().or(file.new.as_ref()) } else { file.new.as_ref() };
        let Some(path) = path.filter(|path| !path.is_empty()) else { return };
        let status = match (file.added, file.deleted, file.renamed) {
            (true, ..) => ChangeStatus::Added,
            (_, true, _) => ChangeStatus::Deleted,
            (_, _, true) => ChangeStatus::Renamed,
            _ => ChangeStatus::Modified,
        };
        let from = file.old.as_ref().filter(|_| file.renamed).map(|old| printable(old));
        self.files.push(FileChange {
            path: printable(path),
            from,
            status,
            additions: file.additions,
            deletions: file.deletions,
            binary: file.binary,
        });
    }
}

impl File {
    /// A line between the file's first one and its hunks. Returns the lines of the hunk that it begins.
    fn header(&mut self, line: &[u8]) -> (u64, u64) {
        if let Some(name) = line.strip_prefix(b"+++ ") {
            let name = unquoted(without_time(name));
            if name == NOWHERE {
                self.deleted = true;
            } else {
                self.new = Some(without_prefix(&name));
            }
        } else if let Some(rest) = line.strip_prefix(b"@@ ") {
            return hunk(rest).unwrap_or_default();
        } else if line.starts_with(b"new file mode") {
            self.added = true;
        } else if line.starts_with(b"deleted file mode") {
            self.deleted = true;
        } else if let Some(name) = line.strip_prefix(b"rename from ") {
            self.renamed = true;
            self.old = Some(unquoted(name));
        } else if let Some(name) = line.strip_prefix(b"rename to ") {
            self.new = Some(unquoted(name));
        } else if line.starts_with(b"copy from ") {
            self.added = true;
        } else if let Some(name) = line.strip_prefix(b"copy to ") {
            self.new = Some(unquoted(name));
        } else if line.starts_with(b"Binary files ") || line == b"GIT binary patch" {
            self.binary = true;
        }
        (0, 0)
    }
}

/// `-12,3 +14 @@`: lines of the old and the new side; without a number it is one.
fn hunk(rest: &[u8]) -> Option<(u64, u64)> {
    let rest = std::str::from_utf8(rest.split(|&byte| byte == b'@').next()?).ok()?;
    let mut sides = rest.split_whitespace();
    let count = |side: &str, sign: char| -> Option<u64> {
        let range = side.strip_prefix(sign)?;
        range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok())
    };
    Some((count(sides.next()?, '-')?, count(sides.next()?, '+')?))
}

/// The two paths of `diff --git`. Unquoted ones are separated by a space, which paths may have as well; but where they differ,
/// other lines name them.
fn both_names(names: &[u8]) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    if names.first() == Some(&b'"') || names.last() == Some(&b'"') {
        let (old, rest) = match quoted_end(names) {
            Some(end) => (unquoted(&names[..end]), names.get(end + 1..).unwrap_or_default()),
            None => {
                let at = names.windows(2).position(|pair| pair == b" \"").unwrap_or(names.len());
                (names[..at].to_vec(), names.get(at + 1..).unwrap_or_default())
            }
        };
        return (Some(without_prefix(&old)), Some(without_prefix(&unquoted(rest))));
    }
    let half = names.len() / 2;
    if names.len() % 2 == 1 && names[half] == b' ' {
        let (old, new) = (without_prefix(&names[..half]), without_prefix(&names[half + 1..]));
        if old == new {
            return (Some(old), Some(new));
        }
    }
    (None, None)
}

fn without_prefix(path: &[u8]) -> Vec<u8> {
    let stripped = PREFIXES.iter().find_map(|prefix| path.strip_prefix(*prefix));
    stripped.unwrap_or(path).to_vec()
}

/// `diff -u` puts a time after a tab.
fn without_time(name: &[u8]) -> &[u8] {
    name.split(|&byte| byte == b'\t').next().unwrap_or(name)
}

/// Where a quoted name that begins here ends, after its closing quote.
fn quoted_end(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// Undoes the quoting of git (`core.quotePath`): C escapes and octal bytes between double quotes.
fn unquoted(name: &[u8]) -> Vec<u8> {
    let Some(inner) = name.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else { return name.to_vec() };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let octal = rest.get(..3).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        if let Some(digits) = octal {
            let value = digits.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            bytes.push((value & 0xff) as u8);
            rest = &rest[3..];
        } else if let Some((&letter, tail)) = rest.split_first() {
            rest = tail;
            bytes.push(match letter {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'a' => 7,
                b'b' => 8,
                b'f' => 12,
                b'v' => 11,
                other => other,
            });
        }
    }
    bytes
}

/// The path as the graph has it: bytes that are no UTF-8 as `\xHH`.
fn printable(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let diff = UnifiedDiff::parse(text.as_bytes()).unwrap();
        let line = |file: FileChange| {
            let from = file.from.map(|from| format!("{from} → ")).unwrap_or_default();
            let binary = if file.binary { " binary" } else { "" };
            format!("{} {from}{} +{} -{}{binary}", file.status.letter(), file.path, file.additions, file.deletions)
        };
        diff.files.into_iter().map(line).collect()
    }

    #[test]
    fn what_git_prints_is_read() {
        let text = "\
diff --git a/src/a b.rs b/src/a b.rs
index 1..2 100644
--- a/src/a b.rs
+++ b/src/a b.rs
@@ -1,3 +1,4 @@ fn x()
 one
--- two
+++ two
+three
 four
diff --git a/old.rs b/new.rs
similarity index 90%
rename from old.rs
rename to new.rs
@@ -1 +1 @@
-a
+b
\\ No newline at end of file
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
--- a/gone.txt
+++ /dev/null
@@ -1,2 +0,0 @@
-x
-y
diff --git a/logo.png b/logo.png
new file mode 100644
Binary files /dev/null and b/logo.png differ
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git \"a/na\\303\\257ve \\\"x\\\".md\" \"b/na\\303\\257ve \\\"x\\\".md\"
new file mode 100644
--- /dev/null
+++ \"b/na\\303\\257ve \\\"x\\\".md\"
@@ -0,0 +1 @@
+text
";
        assert_eq!(
            lines(text),
            [
                "M src/a b.rs +2 -1",
                "R old.rs → new.rs +1 -1",
                "D gone.txt +0 -2",
                "A logo.png +0 -0 binary",
                "M run.sh +0 -0",
                "A naïve \"x\".md +1 -0",
            ]
        );
    }

    #[test]
    fn what_diff_prints_is_read() {
        let text = "--- src/a.c\t2024-01-01 00:00:00\n+++ src/a.c\t2024-01-02 00:00:00\n@@ -1 +1,2 @@\n-a\n+b\n+c\n\
                    --- src/b.c\n+++ src/b.c\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(lines(text), ["M src/a.c +2 -1", "M src/b.c +1 -1"]);
    }

    #[test]
    fn what_is_no_diff_is_refused() {
        for bad in [
            "",
            "hello",
            "diff --git",
            "diff --git a/x b/y",
            "@@ -1 +1 @@\n-a",
            "--- a/x\n+++ b/x\n@@ -1,9 +1 @@\n-a\n",
        ] {
            assert!(UnifiedDiff::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let huge = "--- a/x\n+++ b/x\n@@ -1,18446744073709551615 +1,18446744073709551615 @@\n+a\n";
        assert!(UnifiedDiff::parse(huge.as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "(diff --git |--- |\\+\\+\\+ |@@ -1,2 \\+1 @@|a/|b/|\"|\\\\|[+ \\-]x|/dev/null|\n|rename from |é){0,40}") {
            let _ = UnifiedDiff::parse(text.as_bytes());
        }

        #[test]
        fn nor_do_bytes(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = UnifiedDiff::parse(&bytes);
        }
    }
}
