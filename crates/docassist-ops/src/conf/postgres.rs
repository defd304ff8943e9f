//! `postgresql.conf`.

use super::{Conf, ConfEntry, ConfProblem};

/// Reads a `postgresql.conf`: `name = value`, `name value`, quotes, comments. Files that it includes are not read, and told.
#[must_use]
pub fn parse_postgresql_conf(path: &str, text: &str) -> Conf {
    let mut conf = Conf { path: path.to_owned(), ..Conf::default() };
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        match parse_line(line) {
            Ok(None) => {}
            Ok(Some((name, _))) if name.starts_with("include") => {
                conf.problems.push(ConfProblem { line: number, text: "included files are not read here".to_owned() });
            }
            Ok(Some((name, value))) => conf.set(ConfEntry { name, value, line: number }),
            Err(text) => conf.problems.push(ConfProblem { line: number, text: text.to_owned() }),
        }
    }
    conf
}

/// The name in lower case, and the value without quotes; none of an empty line or a comment.
fn parse_line(line: &str) -> Result<Option<(String, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.is_empty() {
        return Err("a setting's name is missing");
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let (value, after) = if let Some(quoted) = rest.strip_prefix('\'') {
        quoted_value(quoted)?
    } else {
        let end = rest.find(|c: char| c.is_whitespace() || c == '#').unwrap_or(rest.len());
        (rest[..end].to_owned(), &rest[end..])
    };
    let after = after.trim_start();
    if !after.is_empty() && !after.starts_with('#') {
        return Err("there is more than one value");
    }
    if value.is_empty() && !rest.starts_with('\'') {
        return Err("the value is missing");
    }
    Ok(Some((name.to_ascii_lowercase(), value)))
}

/// What is before the closing quote, which `''` and `\'` are not, and what is behind it.
fn quoted_value(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                chars.next();
                value.push('\'');
            }
            '\'' => return Ok((value, &text[at + 1..])),
            '\\' => value.extend(chars.next().map(|(_, escaped)| match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            })),
            other => value.push(other),
        }
    }
    Err("a quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_values_and_lines_are_kept() {
        let text = "# head\nshared_buffers = 2GB   # why\n\nWork_Mem 64MB\nlog_line_prefix='%m ''x'' # '#no\nsearch_path = ''\n";
        let conf = parse_postgresql_conf("deploy/postgresql.conf", text);
        let got: Vec<_> = conf.entries.iter().map(|e| (e.name.as_str(), e.value.as_str(), e.line)).collect();
        let expected = [
            ("shared_buffers", "2GB", 2),
            ("work_mem", "64MB", 4),
            ("log_line_prefix", "%m 'x' # ", 5),
            ("search_path", "", 6),
        ];
        assert_eq!(got, expected);
        assert!(conf.problems.is_empty(), "{:?}", conf.problems);
        assert_eq!(conf.get("WORK_MEM").map(|entry| conf.place(entry)), Some("deploy/postgresql.conf:4".to_owned()));
    }

    #[test]
    fn the_last_of_two_counts() {
        let conf = parse_postgresql_conf("c", "a = 1\nb = 2\na = 3\n");
        assert_eq!(conf.get("a").map(|entry| (entry.value.as_str(), entry.line)), Some(("3", 3)));
        assert_eq!(conf.entries.len(), 2);
    }

    #[test]
    fn lines_that_are_no_setting_are_told() {
        for bad in ["= 1", "a", "a =", "a = 1 2", "a = 'x", "include_dir 'conf.d'", "é = 1"] {
            let conf = parse_postgresql_conf("c", bad);
            assert_eq!((conf.entries.len(), conf.problems.len()), (0, 1), "{bad}");
        }
    }
}
