//! What is written against what should be.

use serde::Serialize;

use super::File;

/// A file that is not as it would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Which.
    pub path: String,
    /// The first line that differs, counted from 1; none where the file is missing.
    pub line: Option<usize>,
    /// What it should be; none where there should be no further line.
    pub expected: Option<String>,
    /// What it is; none where there is none.
    pub actual: Option<String>,
}

/// The files that differ from what is rendered. `existing` gives the text of a path, or none where there is no file.
#[must_use]
pub fn diff(rendered: &[File], existing: impl Fn(&str) -> Option<String>) -> Vec<Drift> {
    rendered.iter().filter_map(|file| differs(file, existing(&file.path))).collect()
}

fn differs(file: &File, existing: Option<String>) -> Option<Drift> {
    let first = |text: &str| text.split('\n').next().map(str::to_owned);
    let Some(existing) = existing else {
        return Some(Drift { path: file.path.clone(), line: None, expected: first(&file.text), actual: None });
    };
    if existing == file.text {
        return None;
    }
    // Not `lines`: a missing line feed at the end, and carriage returns, are differences too.
    let (mut expected, mut actual) = (file.text.split('\n'), existing.split('\n'));
    let mut line = 1;
    loop {
        let (expected, actual) = (expected.next(), actual.next());
        if expected != actual {
            let own = |text: Option<&str>| text.map(str::to_owned);
            return Some(Drift {
                path: file.path.clone(),
                line: Some(line),
                expected: own(expected),
                actual: own(actual),
            });
        }
        // Texts that differ have a line that does.
        expected?;
        line += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift(existing: Option<&str>) -> Vec<Drift> {
        diff(&[File::new("a", "one\ntwo\n".to_owned())], |_| existing.map(str::to_owned))
    }

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(drift(Some("one\ntwo\n")), []);
        let told = |existing| {
            let drift = drift(existing).remove(0);
            (drift.line, drift.expected, drift.actual)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told(None), (None, some("one"), None));
        assert_eq!(told(Some("one\nTWO\n")), (Some(2), some("two"), some("TWO")));
        assert_eq!(told(Some("one\ntwo")), (Some(3), some(""), None));
        assert_eq!(told(Some("one\ntwo\nthree\n")), (Some(3), some(""), some("three")));
        assert_eq!(told(Some("one\r\ntwo\n")), (Some(1), some("one"), some("one\r")));
        assert_eq!(told(Some("")), (Some(1), some("one"), some("")));
    }
}
