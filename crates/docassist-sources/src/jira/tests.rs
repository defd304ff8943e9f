use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Keys of tickets, and problems as people see them.
fn outcome(input: &[u8]) -> Vec<String> {
    read(input, Format::Auto)
        .map(|item| match item {
            Item::Ticket(ticket) => ticket.key.to_string(),
            Item::Problem(problem) => problem.to_string(),
        })
        .collect()
}

fn issue(key: &str) -> String {
    json!({"key": key, "fields": {"created": "2020-01-01", "summary": "s"}}).to_string()
}

#[test]
fn gzip_of_several_members_is_one_input() {
    let packed = [gzip(issue("A-1").as_bytes()), gzip(b"\n"), gzip(issue("A-2").as_bytes())].concat();
    assert_eq!(outcome(&packed), ["A-1", "A-2"]);
}

#[test]
fn what_is_before_a_cut_is_read_and_the_cut_reported() {
    let lines: String = (1..500).map(|number| issue(&format!("A-{number}")) + "\n").collect();
    let packed = gzip(lines.as_bytes());
    let cut = outcome(&packed[..packed.len() / 2]);
    assert!(cut.len() > 50 && cut[0] == "A-1", "{}", cut.len());
    assert!(cut.last().unwrap().contains("the compressed file was cut short"), "{:?}", cut.last());
    assert_eq!(cut.iter().filter(|line| line.contains("line")).count(), 1);
    // The check sum at the end is missing; every issue is there.
    let cut = outcome(&packed[..packed.len() - 4]);
    assert_eq!(cut.len(), 500);

    let mut damaged = packed;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    assert!(outcome(&damaged).last().unwrap().contains("the compressed file"));
}

#[test]
fn an_empty_input_and_one_of_another_kind_are_one_problem() {
    assert_eq!(outcome(b""), ["line 1 (issue 1, byte 0): the file is empty"]);
    assert_eq!(outcome(b" \n"), ["line 1 (issue 1, byte 0): the file is empty"]);
    assert_eq!(outcome(&gzip(b"")), ["line 1 (issue 1, byte 0): the file is empty"]);
    let utf16: Vec<u8> = "\u{feff}[{}]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        outcome(&utf16),
        ["line 1 (issue 1, byte 0): this is UTF-16 text; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)"]
    );
    assert_eq!(outcome(b"{\"issues\": []}"), Vec::<String>::new());
}

#[test]
fn problems_name_their_place_key_and_reason() {
    let export =
        format!("{{\"issues\": [\n{},\n{{\"key\": \"A-2\"}},\n{{\"key\": \"A-3\", \"n\": 1e999}}]}}", issue("A-1"));
    let after = 14 + issue("A-1").len() as u64;
    assert_eq!(
        outcome(export.as_bytes()),
        [
            "A-1".to_owned(),
            format!("line 3 (issue 2, byte {}): A-2: no created date", after + 1),
            format!("line 4 (issue 3, byte {}): A-3: damaged JSON: number out of range, 25 bytes into it", after + 17),
        ]
    );
}

#[test]
fn text_that_is_broken_does_not_cost_the_ticket() {
    let export = b"{\"key\":\"A-1\",\"created\":\"2020-01-01\",\"summary\":\"caf\xe9 \\ud83d x\\u0000\"}";
    let Some(Item::Ticket(ticket)) = read(&export[..], Format::Auto).next() else { panic!("a ticket") };
    assert_eq!(ticket.summary, "caf\u{fffd} \u{fffd} x\u{fffd}");
}

#[test]
fn names_before_the_issues_name_custom_fields() {
    let export = format!(
        r#"{{"names": {{"customfield_1": "Team", "customfield_2": "Epic Link"}}, "issues": [{}]}}"#,
        r#"{"key": "A-1", "fields": {"created": "2020-01-01", "customfield_1": "Web", "customfield_2": "A-9"}}"#
    );
    let Some(Item::Ticket(ticket)) = read(export.as_bytes(), Format::Auto).next() else { panic!("a ticket") };
    assert_eq!(ticket.custom, BTreeMap::from([("Team".to_owned(), json!("Web"))]));
    assert_eq!(ticket.epic.unwrap().as_str(), "A-9");
}

#[test]
fn files_are_opened_counted_and_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.json.gz");
    let packed = gzip(issue("A-1").as_bytes());
    std::fs::write(&path, &packed).unwrap();
    let mut reader = open(&path).unwrap();
    assert_eq!(reader.length(), Some(packed.len() as u64));
    assert_eq!(reader.by_ref().count(), 1);
    assert_eq!(reader.bytes_read(), packed.len() as u64);

    assert!(matches!(open(folder.path()), Err(Error::Directory { .. })));
    assert!(matches!(open(&folder.path().join("none")), Err(Error::Open { .. })));
    std::fs::write(&path, b"PK\x03\x04").unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.ends_with("is a zip archive; unpack it first; only gzip is read as it is"), "{error}");
}

#[test]
fn readers_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<TicketReader<File>>();
}

/// Gives a few bytes at a time.
struct Dribble<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().unwrap_or(1).min(self.bytes.len()).min(buffer.len());
        let (now, later) = self.bytes.split_at(size);
        buffer[..size].copy_from_slice(now);
        self.bytes = later;
        Ok(size)
    }
}

/// Puts white space where JSON allows it, by `seed`.
fn spaced(value: &Value, seed: &mut u32, lines: bool) -> String {
    let space = |seed: &mut u32| {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match (*seed >> 24) % 6 {
            0 => " ",
            1 => "\t  ",
            2 if lines => "\n",
            3 if lines => "\r\n  ",
            _ => "",
        }
    };
    let inside = match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| spaced(item, seed, lines)).collect();
            format!("[{}{}]", space(seed), items.join(","))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!("{}{}{}:{}", space(seed), json!(name), space(seed), spaced(value, seed, lines))
                })
                .collect();
            format!("{{{}{}}}", members.join(","), space(seed))
        }
        other => other.to_string(),
    };
    format!("{}{inside}{}", space(seed), space(seed))
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[\\PC\"\\\\{}\\[\\],:\n]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"{}]{1,8}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn any_issue() -> impl Strategy<Value = Value> {
    (1_u32..10_000, "\\PC{0,20}", prop::collection::vec(any_value(), 0..3)).prop_map(|(number, summary, values)| {
        let mut issue =
            json!({"key": format!("ALOY-{number}"), "fields": {"created": "2020-01-01", "summary": summary}});
        for (index, value) in values.into_iter().enumerate() {
            issue["fields"][format!("customfield_{index}")] = value;
        }
        issue
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_forms_yield_the_same_tickets(
        issues in prop::collection::vec(any_issue(), 0..8),
        mut seed in any::<u32>(),
        sizes in prop::collection::vec(1_usize..40, 1..10),
    ) {
        let expected: Vec<Ticket> = issues
            .iter()
            .map(|value| issue::ticket(value.clone(), &issue::FieldNames::default()).unwrap())
            .collect();
        let array = spaced(&Value::from(issues.clone()), &mut seed, true);
        let wrapper = json!({"expand": "names", "x": [{"issues": [1]}], "issues": issues, "total": 3, "y": {"issues": []}});
        let wrapper = spaced(&wrapper, &mut seed, true);
        let spread: Vec<String> = issues.iter().map(|value| spaced(value, &mut seed, true)).collect();
        let lines: Vec<String> = issues.iter().map(|value| spaced(value, &mut seed, false)).collect();
        for text in [&array, &wrapper, &spread.concat(), &lines.join("\n"), &format!("\u{feff}{array}\n{wrapper}")] {
            let twice = text.starts_with('\u{feff}');
            for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
                let dribble = Dribble { bytes: &bytes, sizes: sizes.clone().into_iter().cycle() };
                let read: Vec<Item> = read(dribble, Format::Json).collect();
                let expected: Vec<Item> = if twice { [&expected[..], &expected].concat() } else { expected.clone() }
                    .into_iter()
                    .map(|ticket| Item::Ticket(Box::new(ticket)))
                    .collect();
                if text.trim().is_empty() {
                    prop_assert_eq!(read.len(), 1);
                } else {
                    prop_assert_eq!(&read, &expected, "{}", text);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300), start in 0_usize..6, pack in any::<bool>()) {
        let start = ["", "{\"issues\":[", "[{\"key\":\"A-1\",", "Issue key,Created\n", "\u{1f}\u{8b}\u{8}", "{\"key\":\"A-1\",\"created\":\""][start];
        let mut input: Vec<u8> = start.chars().map(|c| c as u8).collect();
        input.extend(&bytes);
        if pack {
            input = gzip(&input);
            let cut = input.len() - usize::from(bytes.first().copied().unwrap_or_default()) % input.len();
            input.truncate(cut);
        }
        for format in [Format::Auto, Format::Json, Format::Csv] {
            for item in read(&input[..], format) {
                if let Item::Problem(problem) = item {
                    prop_assert!(!problem.to_string().is_empty());
                }
            }
        }
    }

    #[test]
    fn a_line_cut_anywhere_costs_itself_alone(issues in prop::collection::vec(any_issue(), 3..6), which in 0_usize..3, at in any::<prop::sample::Index>()) {
        let mut lines: Vec<String> = issues.iter().map(Value::to_string).collect();
        let line = &mut lines[which];
        let mut cut = at.index(line.len() - 1) + 1;
        while !line.is_char_boundary(cut) {
            cut -= 1;
        }
        line.truncate(cut);
        let mut expected: Vec<&str> = issues.iter().map(|issue| issue["key"].as_str().unwrap()).collect();
        expected.remove(which);
        let items: Vec<Item> = read(lines.join("\n").as_bytes(), Format::Json).collect();
        let keys: Vec<&str> = items.iter().filter_map(|item| match item {
            Item::Ticket(ticket) => Some(ticket.key.as_str()),
            Item::Problem(_) => None,
        }).collect();
        prop_assert_eq!(keys, expected);
        prop_assert_eq!(items.len(), issues.len());
    }
}

/// The issues of a real project on Jira Server, where they are at hand.
fn real_export() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCASSIST_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = folder.join("jira-aloy/issues.jsonl.gz");
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn a_real_export_is_read_whole() {
    let Some(path) = real_export() else { return };
    let reader = open(&path).unwrap();
    let (progress, length) = (reader.progress(), reader.length());
    let mut tickets = BTreeMap::new();
    for item in reader {
        match item {
            Item::Ticket(ticket) => drop(tickets.insert(ticket.key.to_string(), *ticket)),
            Item::Problem(problem) => panic!("{problem}"),
        }
    }
    assert_eq!(Some(progress.load(Ordering::Relaxed)), length);
    assert_eq!(tickets.len(), 1499);
    let count = |of: fn(&Ticket) -> bool| tickets.values().filter(|ticket| of(ticket)).count();
    assert_eq!(count(|ticket| ticket.category == docassist_model::StatusCategory::Done), 1284);
    assert_eq!(count(|ticket| ticket.category == docassist_model::StatusCategory::InProgress), 3);
    assert_eq!(count(|ticket| ticket.priority.is_none()), 210);
    assert_eq!(count(|ticket| ticket.resolved.is_some()), 1283);
    assert_eq!(count(|ticket| ticket.parent.is_some()), 71);
    assert_eq!(count(|ticket| ticket.epic.is_some()), 23);
    assert_eq!(count(|ticket| ticket.assignee.is_none()), 444);
    assert_eq!(tickets.values().map(|ticket| ticket.comments.len()).sum::<usize>(), 4513);

    let first = &tickets["ALOY-1"];
    assert_eq!(first.summary, "logger.js failing in Titanium runtime");
    assert_eq!((first.type_name.as_str(), first.status.as_str()), ("Bug", "Closed"));
    assert_eq!(first.created.to_string(), "2012-05-16T07:56:13Z");
    assert_eq!(first.resolution.as_deref(), Some("Won't Fix"));
    assert_eq!(first.assignee.as_ref().unwrap().name, "Tony Lukasavage");
    assert_eq!(first.components, ["Runtime"]);
    assert!(first.description.contains("Stronger `isNode` checking"), "{}", first.description);
    assert_eq!(tickets["ALOY-613"].parent.as_ref().unwrap().as_str(), "ALOY-210");
    assert_eq!(tickets["ALOY-975"].epic.as_ref().unwrap().as_str(), "ALOY-974");
    let links = &tickets["ALOY-613"].links;
    assert!(links.iter().any(|link| link.kind == "Depends" && link.key.as_str() == "ALOY-684"));
}

#[test]
fn no_ticket_key_of_a_real_export_is_lost_in_conversion() {
    let Some(path) = real_export() else { return };
    let lines = std::io::read_to_string(flate2::read::MultiGzDecoder::new(File::open(path).unwrap())).unwrap();
    for line in lines.lines() {
        let issue: Value = serde_json::from_str(line).unwrap();
        let comments =
            issue["fields"]["comment"]["comments"].as_array().unwrap().iter().map(|comment| &comment["body"]);
        for text in comments.chain([&issue["fields"]["description"]]).filter_map(Value::as_str) {
            let markdown = wiki::to_markdown(text);
            let keys =
                |text: &str| docassist_model::reference::candidates(text).collect::<std::collections::BTreeSet<_>>();
            let lost: Vec<_> = keys(text).difference(&keys(&markdown)).cloned().collect();
            assert!(lost.is_empty(), "{lost:?}\n{text}\n-----\n{markdown}");
        }
    }
}
