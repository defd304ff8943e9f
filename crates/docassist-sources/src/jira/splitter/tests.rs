use super::*;

/// What was found: an element's text, `names …`, or `line:column key: reason`.
fn pieces(input: &[u8], cap: usize) -> Vec<String> {
    let mut splitter = Splitter::new(input, cap);
    let mut found = Vec::new();
    while let Some(piece) = splitter.next() {
        found.push(match piece {
            Piece::Element { at, bytes, .. } => {
                assert!(input[at.offset as usize..].starts_with(bytes), "its offset is right");
                String::from_utf8_lossy(bytes).into_owned()
            }
            Piece::Names(bytes) => format!("names {}", String::from_utf8_lossy(bytes)),
            Piece::Bad { at, key, reason, .. } => {
                format!("{}:{} {}: {reason}", at.line, at.column, key.unwrap_or_default())
            }
        });
    }
    found
}

fn check(input: &str, expected: &[&str]) {
    assert_eq!(pieces(input.as_bytes(), ELEMENT_CAP), expected, "{input}");
}

#[test]
fn elements_are_found_in_every_form() {
    check("", &[]);
    check(r#"{"a":1}{"a":2} {"a":"}\""}"#, &[r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":"}\""}"#]);
    check(r#"[ {"a":[{}]} , {"b":{}} ]"#, &[r#"{"a":[{}]}"#, r#"{"b":{}}"#]);
    check(r#"{"total":2,"issues":[{"a":1},{"a":2}],"x":{"issues":[{"no":1}]}}"#, &[r#"{"a":1}"#, r#"{"a":2}"#]);
}

#[test]
fn wrappers_follow_each_other_alone_or_in_an_array() {
    check(r#"{"issues":[{"a":1}]}{"issues":[]}{"issues":[{"a":2}]}"#, &[r#"{"a":1}"#, r#"{"a":2}"#]);
    check(r#"[{"issues":[{"a":1}]},{"issues":[{"a":2}]}] {"a":3}"#, &[r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#]);
    check("\u{feff}{\"a\":1}\n\u{feff}[{\"a\":2}]", &[r#"{"a":1}"#, r#"{"a":2}"#]);
}

#[test]
fn only_an_array_at_the_first_level_makes_a_wrapper() {
    for plain in [r#"{"issues":3}"#, r#"{"issues":{"a":[]}}"#, r#"{"a":{"issues":[{}]}}"#, r#"{"a":"issues","b":[{}]}"#]
    {
        check(plain, &[plain]);
    }
}

#[test]
fn names_before_the_issues_are_given() {
    let names = r#"{"customfield_1": "Team"}"#;
    check(&format!(r#"{{"names": {names}, "issues": [{{"a":1}}]}}"#), &[&format!("names {names}"), r#"{"a":1}"#]);
    check(&format!(r#"{{"issues": [{{"a":1}}], "names": {names}}}"#), &[r#"{"a":1}"#]);
}

#[test]
fn members_before_the_issues_may_be_larger_than_an_element() {
    let input = format!(r#"{{"x": "{}", "issues": [{{"a":1}}]}}"#, "x".repeat(200_000));
    assert_eq!(pieces(input.as_bytes(), 1000), [r#"{"a":1}"#]);
}

#[test]
fn an_element_that_is_too_large_is_passed_over() {
    let large = format!(r#"{{"key":"A-2","x":"{}"}}"#, "x".repeat(200_000));
    let bad = "larger than 1 MiB";
    for (input, column) in
        [(format!("{{\"a\":1}}\n{large}\n{{\"a\":3}}"), 0), (format!("[{{\"a\":1}},\n  {large},{{\"a\":3}}]"), 2)]
    {
        assert_eq!(pieces(input.as_bytes(), 1000), [r#"{"a":1}"#, &format!("2:{column} : {bad}"), r#"{"a":3}"#]);
    }
}

#[test]
fn a_broken_line_costs_itself_alone() {
    for (broken, reason) in [
        (r#"{"key":"A-2","x":"cut of"#, "damaged JSON: a line ends inside a string"),
        (r#"{"key":"A-2","x":{"y":1}"#, "damaged JSON: a closing brace seems to be missing"),
        (r#"{"key":"A-2","x":["#, "damaged JSON: unexpected `{`"),
        (r#"{"key":"A-2","x": }"#, "damaged JSON: unexpected `}`"),
        (r#"{"key":"A-2",,}"#, "damaged JSON: unexpected `,`"),
        (r#"{"key":"A-2","x":[1}"#, "damaged JSON: unexpected `}`"),
    ] {
        let bad = format!("2:0 A-2: {reason}");
        check(
            &format!("{{\"key\":\"A-1\"}}\n{broken}\n{{\"key\":\"A-3\"}}\n{{\"key\":\"A-4\"}}\n"),
            &[r#"{"key":"A-1"}"#, &bad, r#"{"key":"A-3"}"#, r#"{"key":"A-4"}"#],
        );
        // The same, one element a line, in an array.
        check(
            &format!("[{{\"key\":\"A-1\"}},\n{broken},\n{{\"key\":\"A-3\"}},\n{{\"key\":\"A-4\"}}\n]"),
            &[r#"{"key":"A-1"}"#, &bad, r#"{"key":"A-3"}"#, r#"{"key":"A-4"}"#]
                .map(|expected| if expected == bad { bad_in_array(broken, expected) } else { expected.to_owned() })
                .each_ref()
                .map(String::as_str),
        );
    }
}

/// In an array a comma follows each line, so some damage shows elsewhere.
fn bad_in_array(broken: &str, otherwise: &str) -> String {
    match broken {
        r#"{"key":"A-2","x":["# => "2:0 A-2: damaged JSON: unexpected `,`".to_owned(),
        _ => otherwise.to_owned(),
    }
}

#[test]
fn the_last_line_but_one_is_broken_and_the_last_is_read() {
    check(
        "{\"key\":\"A-1\",\"fields\":\n{\"key\":\"A-2\"}\n",
        &["1:0 A-1: damaged JSON: the input ends inside it", r#"{"key":"A-2"}"#],
    );
}

#[test]
fn lines_that_begin_no_object_are_reported_one_by_one_up_to_a_limit() {
    check(
        "oops\n{\"a\":1}\ny\":2}\n\n\"text\"\n",
        &[
            "1:0 : a line that begins no JSON object",
            r#"{"a":1}"#,
            "3:0 : a line that begins no JSON object",
            "5:0 : a line that begins no JSON object",
        ],
    );
    let found = pieces(format!("{}{{\"a\":1}}", "stray\n".repeat(5000)).as_bytes(), ELEMENT_CAP);
    assert_eq!(found.len(), MAX_STRAY as usize + 1);
    assert_eq!(found.last().unwrap(), r#"{"a":1}"#);
}

#[test]
fn a_bad_element_within_balanced_brackets_costs_itself_alone() {
    check(
        r#"{"issues":[{"a":1},{"key":"A-2", oops},{"a":3},7,null,"x",[{"a":4}]],"total":3}{"a":5}"#,
        &[
            r#"{"a":1}"#,
            "1:19 A-2: damaged JSON: unexpected `o`",
            r#"{"a":3}"#,
            "1:47 : a number where an issue should be",
            "1:49 : a bare word where an issue should be",
            "1:54 : a string where an issue should be",
            r#"{"a":4}"#,
            r#"{"a":5}"#,
        ],
    );
}

#[test]
fn a_missing_brace_in_an_array_on_one_line_costs_its_element_alone() {
    check(
        r#"[{"key":"A-1","x":{"y":1},{"key":"A-2"},{"key":"A-3"}]"#,
        &["1:1 A-1: damaged JSON: a closing brace seems to be missing", r#"{"key":"A-2"}"#, r#"{"key":"A-3"}"#],
    );
}

#[test]
fn a_broken_element_of_an_indented_array_costs_itself_alone() {
    check(
        "[\n  {\n    \"key\": \"A-1,\n    \"x\": {\n      \"y\": 1\n    }\n  },\n  {\n    \"key\": \"A-2\"\n  }\n]",
        &["2:2 : damaged JSON: a line ends inside a string", "{\n    \"key\": \"A-2\"\n  }"],
    );
}

#[test]
fn what_is_cut_short_is_told_where() {
    let ends = "the input ends before its list of issues does; it was cut short";
    check("[{\"a\":1},\n", &[r#"{"a":1}"#, &format!("2:0 : {ends}")]);
    check("{\"issues\":[{\"a\":1}]", &[r#"{"a":1}"#, &format!("1:19 : {ends}")]);
    check("[{\"a\":1},\n{\"key\":\"A-2\",", &[r#"{"a":1}"#, "2:0 A-2: damaged JSON: the input ends inside it"]);
}

#[test]
fn nesting_beyond_the_limit_is_damage() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
    check(&format!("{deep}\n{{\"a\":1}}"), &["1:0 : damaged JSON: nested more than 128 levels deep", r#"{"a":1}"#]);
    check(&format!("[{deep},{{\"a\":1}}]"), &["1:1 : damaged JSON: nested more than 128 levels deep", r#"{"a":1}"#]);
}

#[test]
fn hostile_input_is_read_in_linear_time() {
    let started = std::time::Instant::now();
    for pattern in
        ["{\"a\":\n", "{\"a\":[\n", "[\n", "{\n", "\"\n", "{\"issues\":[\n", "{\"a\":1,\n", "}\n", "{\"a\":[{},\n{},\n"]
    {
        pieces(pattern.repeat(2_000_000 / pattern.len()).as_bytes(), ELEMENT_CAP);
    }
    // Each is 2 MB; going back quadratically would take hours.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_split(input in "[\\[\\]{}:,\"\\\\ \nakeyissues1é]{0,200}", cap in 1_usize..100) {
        for piece in pieces(input.as_bytes(), cap) {
            proptest::prop_assert!(!piece.is_empty());
        }
    }
}
