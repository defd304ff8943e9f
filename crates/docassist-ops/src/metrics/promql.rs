//! Which metrics a PromQL expression reads.

/// Words before a list of labels in parentheses.
const GROUPING: &[&str] = &["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Words that are never a metric where no parenthesis follows.
const WORDS: &[&str] = &[
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "inf",
    "nan",
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "count_values",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "group",
    "start",
    "end",
];

/// The names of all metrics in an expression, each once, in order of appearance. Labels, functions, durations and texts
/// are left out.
#[must_use]
pub fn metric_names(expression: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        if c == '"' || c == '\'' || c == '`' {
            rest = after_text(rest, c);
        } else if c == '{' || c == '[' {
            rest = after_closing(rest, c, if c == '{' { '}' } else { ']' });
        } else if c == '#' {
            rest = rest.split_once('\n').map_or("", |(_, next)| next);
        } else if c.is_ascii_digit() {
            // Numbers and durations: `1e3`, `5m`, `0.95`.
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else if is_name_start(c) {
            let end = rest.find(|c: char| !(is_name_start(c) || c.is_ascii_digit())).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let opens = after.trim_start().starts_with('(');
            let lower = name.to_ascii_lowercase();
            rest = match (GROUPING.contains(&lower.as_str()), opens) {
                (true, true) => after_closing(after.trim_start(), '(', ')'),
                // Without a list of labels `group_left` stands alone.
                (true, false) => after,
                (false, _) => {
                    if !opens && !WORDS.contains(&lower.as_str()) && !names.iter().any(|known| known == name) {
                        names.push(name.to_owned());
                    }
                    after
                }
            };
        } else {
            rest = &rest[c.len_utf8()..];
        }
    }
    names
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == ':'
}

/// What is behind the text that begins here.
fn after_text(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

/// What is behind the bracket that closes the one that is opened here; texts within may hold brackets.
fn after_closing(text: &str, open: char, close: char) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '"' || c == '\'' || c == '`' {
            rest = after_text(rest, c);
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return rest;
            }
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_found_and_nothing_else() {
        for (expression, names) in [
            ("up", vec!["up"]),
            ("up{job=\"docassist\"} == 0", vec!["up"]),
            (
                "sum by (route) (rate(a_total{status=~\"5..\"}[5m])) / sum(rate(b_total[5m])) > 0.01",
                vec!["a_total", "b_total"],
            ),
            ("histogram_quantile(0.99, sum(rate(x_bucket[5m])) by (le))", vec!["x_bucket"]),
            ("a / on (org) group_left (name) b", vec!["a", "b"]),
            ("a * on (org) group_left b", vec!["a", "b"]),
            ("a offset 5m > bool 1e3 and b unless a", vec!["a", "b"]),
            ("a{x=\"}\\\"{c\"} + ignoring(z) b", vec!["a", "b"]),
            ("topk(10, a) or vector(0)", vec!["a"]),
            ("rate(a[$__rate_interval]) # b\n+ job:c:sum", vec!["a", "job:c:sum"]),
            ("a{x='ü'} - max_over_time(b[1h:5m])", vec!["a", "b"]),
            ("", vec![]),
            ("a{", vec!["a"]),
        ] {
            assert_eq!(metric_names(expression), names, "{expression}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[a-c(){}\\[\\]\"'`#\\\\ ü0-9=~]{0,40}") {
            let _ = metric_names(&text);
        }
    }
}
