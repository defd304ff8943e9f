//! `redis.conf`.

use super::{Conf, ConfEntry, ConfProblem};

/// Reads a `redis.conf`. Settings for classes of clients (`client-output-buffer-limit pubsub …`) are named with the class;
/// several lines `save` are one value, as the server tells it. Files that it includes are not read, and told.
#[must_use]
pub fn parse_redis_conf(path: &str, text: &str) -> Conf {
    let mut conf = Conf { path: path.to_owned(), ..Conf::default() };
    for (at, line) in text.lines().enumerate() {
        let line_number = at + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut problem = |text: &str| conf.problems.push(ConfProblem { line: line_number, text: text.to_owned() });
        let Some(mut words) = split(line) else {
            problem("a quote is not closed");
            continue;
        };
        let mut name = words.remove(0).to_ascii_lowercase();
        if words.is_empty() {
            problem("the value is missing");
            continue;
        }
        if words.iter().any(|word| word == "#") {
            problem("Redis has no comments behind values");
            continue;
        }
        if name == "include" {
            problem("included files are not read here");
            continue;
        }
        if name == "client-output-buffer-limit" {
            name = format!("{name} {}", words.remove(0).to_ascii_lowercase().replace("slave", "replica"));
        }
        let mut value = words.join(" ");
        if name == "save"
            && !value.is_empty()
            && let Some(known) = conf.get("save").filter(|known| !known.value.is_empty())
        {
            value = format!("{} {value}", known.value);
        }
        conf.set(ConfEntry { name, value, line: line_number });
    }
    conf
}

/// The words of a line, without their quotes; none where a quote is not closed.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = chars.peek().copied() else { return Some(words) };
        let mut word = String::new();
        if first == '"' || first == '\'' {
            chars.next();
            loop {
                match chars.next()? {
                    c if c == first => break,
                    '\\' => word.push(chars.next()?),
                    c => word.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                word.push(c);
            }
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_values_and_lines_are_kept() {
        let text = "# head\nmaxmemory 2gb\nsave \"\"\nclient-output-buffer-limit pubsub 32mb 8mb 60\nMaxMemory-Policy 'allkeys-lru'\n";
        let conf = parse_redis_conf("deploy/redis.conf", text);
        let got: Vec<_> = conf.entries.iter().map(|e| (e.name.as_str(), e.value.as_str(), e.line)).collect();
        let expected = [
            ("maxmemory", "2gb", 2),
            ("save", "", 3),
            ("client-output-buffer-limit pubsub", "32mb 8mb 60", 4),
            ("maxmemory-policy", "allkeys-lru", 5),
        ];
        assert_eq!(got, expected);
        assert!(conf.problems.is_empty());
    }

    #[test]
    fn snapshots_of_several_lines_are_one_value() {
        let conf = parse_redis_conf("c", "save 3600 1\nsave 300 100\n");
        assert_eq!(conf.get("save").map(|entry| entry.value.as_str()), Some("3600 1 300 100"));
    }

    #[test]
    fn lines_that_the_server_refuses_are_told() {
        for bad in ["maxmemory", "save \"\" # none", "save \"", "include other.conf"] {
            let conf = parse_redis_conf("c", bad);
            assert_eq!((conf.entries.len(), conf.problems.len()), (0, 1), "{bad}");
        }
    }
}
