use super::to_markdown;

fn check(cases: &[(&str, &str)]) {
    for (markup, expected) in cases {
        assert_eq!(to_markdown(markup), *expected, "{markup}");
    }
}

#[test]
fn marks_within_a_line() {
    check(&[
        ("*bold*, _em_ and {{mono}}", "**bold**, *em* and `mono`"),
        (
            "-gone- +new+ x ^up^ ~down~ ??who??",
            "~~gone~~ <ins>new</ins> x <sup>up</sup> <sub>down</sub> <cite>who</cite>",
        ),
        ("*_both_*", "***both***"),
        ("a{*}b{*}c {color:red}red *x*{color}", "a**b**c red **x**"),
        ("\\*not\\* \\{code} \\[x]", "\\*not\\* {code} \\[x]"),
        ("one\\\\two \\\\ three\\\\", "one\\\ntwo \\\nthree"),
        ("a <Window> <b", "a \\<Window> \\<b"),
    ]);
}

#[test]
fn what_only_resembles_a_mark_stays() {
    for text in [
        "snake_case_name and __init__",
        "2 * 3 * 4, a*b*c",
        "well-known, 2012-05-16 - and -- so --- on",
        "use -f and -x, a -> b",
        "C++ and +1",
        "~5 minutes or ~10",
        "{app} ${x} {a: 1} {",
        "a[0] [a|b] [x] []",
        "wow! nice! !important",
        "C:\\dir C:\\\\dir",
        "why?? because",
        "*open only",
        "http://a_b_c/*x*-y-?q=_1_",
        "`*code*` `",
        "a < b && c > d",
    ] {
        check(&[(text, text)]);
    }
}

#[test]
fn links_and_images() {
    check(&[
        ("[text|http://x.y/a_b]", "[text](http://x.y/a_b)"),
        ("[http://x.y]", "<http://x.y>"),
        ("[http://x.y|http://x.y|smart-link]", "<http://x.y>"),
        ("[*b* c|http://x.y/(z)]", "[**b** c](<http://x.y/(z)>)"),
        ("[~ann.lee] [~accountid:5b:6]", "@ann.lee @5b:6"),
        ("[^my log.txt]", "[my log.txt](<my log.txt>)"),
        ("[#top] [see|#top]", "[top](#top) [see](#top)"),
        ("!shot.png|thumbnail! !http://x/y!", "![shot.png](shot.png) ![](http://x/y)"),
        ("!Screen Shot 1.PNG!", "![Screen Shot 1.PNG](<Screen Shot 1.PNG>)"),
        ("[[x|http://y]]", "[[x](http://y)]"),
    ]);
}

#[test]
fn headings_rules_and_quotes() {
    check(&[
        ("h1. One\nh6. *Six*\ntext", "# One\n\n###### **Six**\n\ntext"),
        ("h7. no\nhi. no", "h7. no\nhi. no"),
        ("a\n----\nb", "a\n\n---\n\nb"),
        ("bq. said *so*\nthen", "> said **so**\n\nthen"),
        ("a {quote}one\n\n* two{quote} b", "a\n\n> one\n>\n> - two\n\nb"),
        ("stray {quote} one", "stray\none"),
        ("{panel:title=Note|borderStyle=solid}\ntext\n{panel}\nend", "> **Note**\n>\n> text\n\nend"),
    ]);
}

#[test]
fn lists_nest_and_mix() {
    check(&[
        ("* a\n** b\n*# c\n*# d\n* e", "- a\n  - b\n  1. c\n  2. d\n- e"),
        ("# a\n#* b\n# c", "1. a\n   - b\n2. c"),
        ("- a\n-- b\n- c", "- a\n  - b\n- c"),
        ("-- no list", "-- no list"),
        ("*** deep\n* flat", "- deep\n- flat"),
        ("intro\n* a\nmore of a\n\nend", "intro\n\n- a\n  more of a\n\nend"),
        ("# a\n{code}x{code}\n# b", "1. a\n\n   ```\n   x\n   ```\n\n2. b"),
    ]);
}

#[test]
fn tables_get_the_header_that_markdown_needs() {
    check(&[
        (
            "||a||*b*||\n|1|[t|http://u]|\n|{{x|y}}| |",
            "| a | **b** |\n| --- | --- |\n| 1 | [t](http://u) |\n| `x\\|y` |  |",
        ),
        ("|1|2|\nend", "|  |  |\n| --- | --- |\n| 1 | 2 |\n\nend"),
        ("|a|!p.png|thumbnail!|", "|  |  |\n| --- | --- |\n| a | ![p.png](p.png) |"),
    ]);
}

#[test]
fn code_is_never_touched() {
    check(&[
        ("{code}\n  *a* [b|c] {{d}} h1. <x>\n\n* e\n{code}", "```\n  *a* [b|c] {{d}} h1. <x>\n\n* e\n```"),
        ("{code:java|title=A.java}x{code}", "**A.java**\n\n```java\nx\n```"),
        ("{code:title=a.js|lang=JavaScript}x{code}", "**a.js**\n\n```JavaScript\nx\n```"),
        ("{Code:none}x{CODE} after", "```\nx\n```\n\nafter"),
        ("{noformat}\n{code} *a* {code}\n{noformat}", "```\n{code} *a* {code}\n```"),
        ("{code}```{code}", "````\n```\n````"),
        ("before {code}cut *off*\n", "before\n\n```\ncut *off*\n```"),
        ("{{a*b*{c}}} {{ {code} }} *x*", "`a*b*{c}` ` {code} ` **x**"),
        ("```js\n*a*\n```\n*b*", "```js\n*a*\n```\n\n**b**"),
        ("a\r\n{code}\r\nx\r\ny\r\n{code}\r\n", "a\n\n```\nx\ny\n```"),
    ]);
}

/// Ticket keys in `text`, in order.
fn keys(text: &str) -> Vec<String> {
    docassist_model::reference::candidates(text).map(String::from).collect()
}

#[test]
fn long_lines_of_openers_take_linear_time() {
    let started = std::time::Instant::now();
    for opener in [
        "*a ", "[", "[a|", "{{", "{", "{code:x}", "{code", "!", "!a.png ", "`", "``` ", "|", "||", "-a ", "_*", "{*}",
        "\\\\ ", "h", "http://", "{quote}", "* ", "|!a", "|[", "|{{", "x {{\n", "```\n", "{panel}", "> ", "????",
    ] {
        let _ = to_markdown(&opener.repeat(1_000_000 / opener.len()));
    }
    // 1 MB each: seconds at most when linear, hours when quadratic.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

proptest::proptest! {
    #[test]
    fn any_text_is_converted(text in "\\PC{0,200}") {
        let _ = to_markdown(&text);
    }

    #[test]
    fn any_markup_is_converted(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "*", "_", "-", "+", "^", "~", "??", "{{", "}}", "{code}", "{code:x|title=y}", "{noformat}", "{quote}", "{panel:title=a}",
            "{color:red}", "{color}", "[", "]", "|", "||", "!", "\\", "\n", "\r\n", " ", "# ", "** ", "h1. ", "bq. ", "----", "```", "`",
            "a", "é", "\u{1f600}", "a.png", "http://x", "<", "^f", "~u", "{*}", "\t", "A-1",
        ]), 0..60),
    ) {
        let _ = to_markdown(&parts.concat());
    }

    #[test]
    fn ticket_keys_survive(
        parts in proptest::collection::vec((
            proptest::sample::select(vec![
                " ", "\n", "*", " *", " _", " -", " +", "{{", "[", "|", "||", "\n* ", "\n# ", "\nh1. ", "{code}", "{quote}", "(", "<", ": ", "\\\\", " ~", " ^",
            ]),
            proptest::sample::select(vec!["ALOY-1", "A_B-22", "word", "x_y", "aloy-3", "a b"]),
            proptest::sample::select(vec![" ", "*", "_ ", "- ", "+ ", "}}", "]", "|", "\n", "{code}", ", ", ".", ")", "^ ", "~ "]),
        ), 0..20),
    ) {
        let text: String = parts.iter().map(|(before, word, after)| format!("{before}{word}{after}")).collect();
        let markdown = to_markdown(&text);
        let mut found = keys(&markdown);
        for key in keys(&text) {
            let at = found.iter().position(|other| *other == key);
            proptest::prop_assert!(at.is_some(), "{} lost from {:?}: {:?}", key, text, markdown);
            found.remove(at.unwrap());
        }
    }
}
