#![expect(clippy::needless_pass_by_value, reason = "`json!` literals read better without a borrow")]

use serde_json::{Value, json};

use super::to_markdown;

fn doc(content: Value) -> Value {
    json!({"type": "doc", "version": 1, "content": content})
}

fn text(text: &str, marks: &[&str]) -> Value {
    json!({"type": "text", "text": text, "marks": marks.iter().map(|mark| json!({"type": mark})).collect::<Vec<_>>()})
}

fn paragraph(content: Value) -> Value {
    json!({"type": "paragraph", "content": content})
}

fn plain(content: &str) -> Value {
    paragraph(json!([text(content, &[])]))
}

fn check(content: Value, expected: &str) {
    assert_eq!(to_markdown(&doc(content.clone())), expected, "{content:#}");
}

#[test]
fn marks_stay_open_over_the_nodes_that_share_them() {
    check(
        json!([paragraph(json!([
            text("a ", &["strong"]),
            text("b", &["em", "strong"]),
            text(" c", &["strike"]),
            text(" d ", &[]),
            text("e`", &["code"]),
        ]))]),
        "**a *b*** ~~c~~ d `` e` ``",
    );
    let link = json!({"type": "text", "text": "here", "marks": [{"type": "link", "attrs": {"href": "http://x/(y)"}}]});
    check(json!([paragraph(json!([link, text("!", &["underline"])]))]), "[here](<http://x/(y)>)<u>!</u>");
}

#[test]
fn text_that_looks_like_markdown_is_escaped() {
    check(
        json!([plain("# a"), plain("1. b"), plain("- c"), plain("a * b *c* _d_ e_f <g> `h` C:\\i")]),
        "\\# a\n\n1\\. b\n\n\\- c\n\na * b \\*c\\* \\_d_ e_f \\<g> \\`h\\` C:\\i",
    );
}

#[test]
fn lists_nest() {
    let item = |content: Value| json!({"type": "listItem", "content": content});
    check(
        json!([plain("x"), {"type": "bulletList", "content": [
            item(json!([plain("a"), {"type": "orderedList", "attrs": {"order": 3}, "content": [
                item(json!([plain("b"), plain("c")])), item(json!([{"type": "codeBlock", "attrs": {"language": "js"}, "content": [text("d\ne", &[])]}])),
            ]}])),
            item(json!([])),
        ]}, plain("y")]),
        "x\n\n- a\n  3. b\n\n     c\n  4. ```js\n     d\n     e\n     ```\n-\n\ny",
    );
    let task =
        |state: &str, name: &str| json!({"type": "taskItem", "attrs": {"state": state}, "content": [text(name, &[])]});
    check(
        json!([{"type": "taskList", "content": [task("DONE", "a"), {"type": "taskList", "content": [task("TODO", "b")]}, task("TODO", "c")]}]),
        "- [x] a\n  - [ ] b\n- [ ] c",
    );
    check(
        json!([{"type": "decisionList", "content": [{"type": "decisionItem", "content": [text("so", &[])]}]}]),
        "- **Decision:** so",
    );
}

#[test]
fn blocks() {
    check(
        json!([
            {"type": "heading", "attrs": {"level": 2}, "content": [text("T", &[])]},
            {"type": "blockquote", "content": [plain("q"), plain("r")]},
            {"type": "panel", "attrs": {"panelType": "warning"}, "content": [plain("w")]},
            {"type": "rule"},
            {"type": "expand", "attrs": {"title": "More"}, "content": [plain("e")]},
            {"type": "layoutSection", "content": [{"type": "layoutColumn", "content": [plain("l")]}]},
            {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "7", "alt": "p.png"}}]},
            {"type": "blockCard", "attrs": {"url": "http://x"}},
        ]),
        "## T\n\n> q\n>\n> r\n\n> **Warning**\n>\n> w\n\n---\n\n**More**\n\ne\n\nl\n\n![p.png](p.png)\n\n<http://x>",
    );
}

#[test]
fn tables() {
    let cell = |kind: &str, content: Value| json!({"type": kind, "content": content});
    let row = |content: Value| json!({"type": "tableRow", "content": content});
    check(
        json!([{"type": "table", "content": [
            row(json!([cell("tableHeader", json!([plain("h|1")])), cell("tableHeader", json!([]))])),
            row(json!([cell("tableCell", json!([plain("a"), plain("b")])), cell("tableCell", json!([plain("c")]))])),
        ]}]),
        "| h\\|1 |  |\n| --- | --- |\n| a<br>b | c |",
    );
}

#[test]
fn nodes_in_a_line() {
    check(
        json!([paragraph(json!([
            {"type": "mention", "attrs": {"id": "5", "text": "@Ann"}}, {"type": "text", "text": " "},
            {"type": "emoji", "attrs": {"shortName": ":a:", "text": "\u{1f600}"}}, {"type": "hardBreak"},
            {"type": "date", "attrs": {"timestamp": "1577836800000"}}, {"type": "text", "text": " "},
            {"type": "status", "attrs": {"text": "DONE"}}, {"type": "text", "text": " "},
            {"type": "inlineCard", "attrs": {"url": "http://x/ALOY-1"}},
            {"type": "someday", "attrs": {"text": " new"}}, {"type": "hardBreak"},
        ]))]),
        "@Ann \u{1f600}\\\n2020-01-01 DONE <http://x/ALOY-1> new",
    );
}

#[test]
fn unknown_nodes_give_their_text() {
    check(
        json!([{"type": "future", "content": [{"type": "odd", "content": [text("a", &[])]}]}, {"type": "text", "text": "b"}, 7, null]),
        "a\n\nb",
    );
}

#[test]
fn hostile_nesting_does_not_overflow_the_stack() {
    for kind in ["blockquote", "bulletList", "table", "tableCell", "listItem", "x"] {
        // `json!` would copy, and copying recurses.
        let wrap = |kind: &str, node: Value| {
            let members = [("type".to_owned(), Value::from(kind)), ("content".to_owned(), Value::Array(vec![node]))];
            Value::Object(members.into_iter().collect())
        };
        let mut node = plain("deep");
        for level in 0..3000 {
            let kind = match (kind, level % 3) {
                ("table", 1) => "tableRow",
                ("table", 0) => "tableCell",
                (kind, _) => kind,
            };
            node = wrap(kind, node);
        }
        let document = wrap("doc", node);
        assert!(to_markdown(&document).contains("deep"), "{kind}");
        // Dropping so deep a value would itself overflow; the JSON parser never makes one.
        std::mem::forget(document);
    }
}

fn node() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let kinds = prop::sample::select(vec![
        "doc",
        "paragraph",
        "text",
        "heading",
        "bulletList",
        "orderedList",
        "listItem",
        "taskList",
        "taskItem",
        "codeBlock",
        "table",
        "tableRow",
        "tableHeader",
        "tableCell",
        "panel",
        "hardBreak",
        "mention",
        "inlineCard",
        "media",
        "date",
        "expand",
        "odd",
    ]);
    let leaf = (kinds.clone(), "\\PC{0,10}").prop_map(|(kind, text)| {
        json!({"type": kind, "text": text, "attrs": {"text": text, "level": text, "url": text},
        "marks": [{"type": "strong"}, {"type": "link", "attrs": {"href": text}}]})
    });
    leaf.prop_recursive(6, 40, 5, move |inner| {
        (kinds.clone(), prop::collection::vec(inner, 0..5))
            .prop_map(|(kind, content)| json!({"type": kind, "content": content}))
    })
}

proptest::proptest! {
    #[test]
    fn any_document_is_converted(document in node()) {
        let _ = to_markdown(&document);
    }
}
