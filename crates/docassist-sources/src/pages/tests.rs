use super::*;

/// Parses a page below `docs/guide/` and compares all that was found, one item a line:
/// `LINE KIND VALUE` with the kinds `h1`–`h6`, `link`, `path` and `ticket`.
#[track_caller]
fn check(name: &str, text: &str, expected: &str) {
    let page = parse(&format!("docs/guide/{name}"), text.as_bytes(), None);
    let mut found: Vec<(u32, String)> = Vec::new();
    found.extend(page.headings.iter().map(|h| (h.line, format!("h{} {}", h.level, h.text))));
    found.extend(page.links.iter().map(|l| (l.line, format!("link {}", l.target))));
    found.extend(page.paths.iter().map(|p| (p.line, format!("path {}", p.path))));
    found.extend(page.tickets.iter().map(|t| (t.line, format!("ticket {}", t.key))));
    found.sort_by_key(|(line, _)| *line);
    let found: Vec<String> = found.into_iter().map(|(line, item)| format!("{line} {item}")).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, expected);
}

fn title(path: &str, text: &str) -> String {
    parse(path, text.as_bytes(), None).title
}

#[test]
fn the_format_goes_by_the_name() {
    for (path, format) in [
        ("a.md", Some(PageFormat::Markdown)),
        ("A.MARKDOWN", Some(PageFormat::Markdown)),
        ("a.mdx", Some(PageFormat::Markdown)),
        ("a.rst", Some(PageFormat::ReStructuredText)),
        ("a.adoc", Some(PageFormat::AsciiDoc)),
        ("README", Some(PageFormat::Plain)),
        ("src/CHANGES.txt", Some(PageFormat::Plain)),
        ("CONTRIBUTING", Some(PageFormat::Plain)),
        ("Docs/notes.txt", Some(PageFormat::Plain)),
        ("notes.txt", None),
        ("docs/requirements.txt", None),
        ("docs/CMakeLists.txt", None),
        ("LICENSE", None),
        ("docs/license.txt", None),
        ("docs/conf.py", None),
        ("src/main.rs", None),
        ("", None),
    ] {
        assert_eq!(format_of(path), format, "{path}");
    }
}

#[test]
fn the_title_is_that_of_the_front_matter_or_the_first_heading_or_the_file() {
    assert_eq!(title("a.md", "---\nlayout: x\ntitle: \"The guide\" # shown\n---\n# Other\n"), "The guide");
    assert_eq!(title("a.md", "+++\ntitle = 'The guide'\n[extra]\ntitle = 'x'\n+++\n"), "The guide");
    assert_eq!(title("a.md", "---\ntitle: >\n  The\n  guide\n---\n"), "The guide");
    assert_eq!(title("a.md", "---\nlayout: x\n---\n\n## Second *level*\n"), "Second level");
    assert_eq!(title("a.md", "Setext `x`\n=======\n"), "Setext x");
    assert_eq!(title("a.md", "<h1 align=\"center\">\n  <img src=\"x.png\"> The <b>guide</b>\n</h1>\n"), "The guide");
    assert_eq!(title("a.md", "# ![](logo.png)\n\n# The guide {#top}\n"), "The guide");
    assert_eq!(title("a/b.md", "text\n"), "b.md");
    assert_eq!(title("a.rst", "=====\nGuide\n=====\n"), "Guide");
    assert_eq!(title("a.adoc", "= Guide\n"), "Guide");
    assert_eq!(title("README", "Guide\n=====\n"), "Guide");
}

#[test]
fn a_ruler_is_no_front_matter() {
    let page = parse("a.md", b"---\n\nText of a page.\n\n---\n\n# Title\n", None);
    assert_eq!((page.title.as_str(), page.headings[0].line), ("Title", 7));
}

#[test]
fn markdown() {
    check(
        "a.md",
        "---\ntitle: x\n---\n# One\n\nTwo\n---\n\nSee [main](../../src/main.rs#L3), [ref] and <https://x.example/a>,\n\
         ![logo](img/logo%20big.png \"Logo\"), ALOY-12, aloy-12 and\nhttps://x.example/b_(c). Also `lib/a.js:12`, `Alloy.js` and \
         tools/run.sh.\n\n```js\n// [no](link.js) src/no.js ALOY-13\n```\n\n[ref]: /CHANGELOG.md \"x\"\n\n<a href=\"x.html\"><img src='y.png'></a>\n\
         - [ ] [site](https://github.com/o/r/blob/main/src/a%20b.ts?x=1#L5) mail@x.example [up](#one)\n",
        "4 h1 One
         6 h2 Two
         9 link ../../src/main.rs#L3
         9 link /CHANGELOG.md
         9 link https://x.example/a
         9 path src/main.rs
         9 path CHANGELOG.md
         10 link img/logo%20big.png
         10 path docs/guide/img/logo big.png
         10 ticket ALOY-12
         11 link https://x.example/b_(c)
         11 path lib/a.js
         11 path Alloy.js
         11 path tools/run.sh
         14 ticket ALOY-13
         19 link x.html
         19 link y.png
         19 path docs/guide/x.html
         19 path docs/guide/y.png
         20 link https://github.com/o/r/blob/main/src/a%20b.ts?x=1#L5
         20 path src/a b.ts",
    );
}

#[test]
fn restructured_text() {
    check(
        "a.rst",
        "=====\nGuide\n=====\n\nPart\n----\n\n.. _site: https://x.example\n.. image:: img/a.png\n   :target: https://y.example\n\n\
         See `main <../../src/main.rs>`_, `the\nother <b.rst>`__, site_ and :doc:`other`, ``src/x.py`` or\n:file:`conf/a.yml`, \
         :class:`a/b.py`, tools/run.sh (ALOY-1)::\n\n    no/code.py ALOY-2\n\nSub\n~~~~\n\n.. code-block:: python\n\n   open('src/no.py')\n\n\
         .. literalinclude:: /../src/y.py\n\n.. note:: see lib/z.rs\n\nPart two\n--------\n\n.. toctree::\n   :maxdepth: 2\n\n   intro\n   Api <api.md>\n",
        "2 h1 Guide
         5 h2 Part
         9 link img/a.png
         9 path docs/guide/img/a.png
         10 link https://y.example
         12 link ../../src/main.rs
         12 link b.rst
         12 path src/main.rs
         12 path docs/guide/b.rst
         13 link https://x.example
         13 link other
         13 path src/x.py
         14 path conf/a.yml
         14 path tools/run.sh
         14 ticket ALOY-1
         16 ticket ALOY-2
         18 h3 Sub
         25 link /../src/y.py
         25 path src/y.py
         27 path lib/z.rs
         29 h2 Part two
         35 link intro
         36 link api.md
         36 path docs/guide/api.md",
    );
}

#[test]
fn asciidoc() {
    check(
        "a.adoc",
        "= Guide\n:imagesdir: img\n:src: ../../src\n\n== Part `one`\n\nSee link:{src}/main.rs[main], xref:other.adoc#x[other], xref:local[here],\n\
         <<b.adoc#y,B>>, https://x.example/a[site]. Also `lib/a.js`, `+lib/b.js+` and tools/run.sh.\n\nimage::logo.png[]\n\n----\n\
         include::{src}/lib.rs[]\nno/code.rs ALOY-2\n----\n\n// comment/no.rs\n=== Sub\nALOY-1\n",
        "1 h1 Guide
         5 h2 Part one
         7 link ../../src/main.rs
         7 link other.adoc#x
         7 path src/main.rs
         7 path docs/guide/other.adoc
         8 link b.adoc#y
         8 link https://x.example/a
         8 path docs/guide/b.adoc
         8 path lib/a.js
         8 path lib/b.js
         8 path tools/run.sh
         10 link logo.png
         10 path docs/guide/img/logo.png
         13 link ../../src/lib.rs
         13 path src/lib.rs
         14 ticket ALOY-2
         18 h3 Sub
         19 ticket ALOY-1",
    );
}

#[test]
fn antora_finds_pages_and_pictures_in_the_folders_of_their_module() {
    let page = parse(
        "d/modules/api/pages/sub/a.adoc",
        b"xref:b.adoc[] xref:cli:c.adoc[]\nimage::x.png[]\ninclude::partial$p.adoc[]\n",
        None,
    );
    let paths: Vec<&str> = page.paths.iter().map(|mention| mention.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "d/modules/api/pages/b.adoc",
            "d/modules/cli/pages/c.adoc",
            "d/modules/api/images/x.png",
            "d/modules/api/partials/p.adoc"
        ]
    );
}

#[test]
fn plain_text() {
    check(
        "a.txt",
        "Guide\n=====\n\nSee src/main.rs, https://x.example/a.\nALOY-1 aloy-1 ALOY-2\n",
        "1 h1 Guide
         4 link https://x.example/a
         4 path src/main.rs
         5 ticket ALOY-1
         5 ticket ALOY-2",
    );
}

/// Paths mentioned in a page `docs/guide/a.md`.
fn paths(text: &str) -> Vec<String> {
    parse("docs/guide/a.md", text.as_bytes(), None).paths.into_iter().map(|mention| mention.path).collect()
}

#[test]
fn paths_are_found_in_links() {
    for (target, path) in [
        ("b.md", Some("docs/guide/b.md")),
        ("./b.md?plain=1", Some("docs/guide/b.md")),
        ("../../Makefile", Some("Makefile")),
        ("/src/a.rs#L3-L9", Some("src/a.rs")),
        ("../../src/a.rs:12", Some("src/a.rs")),
        ("../../../a.rs", None),
        ("#part", None),
        ("//x.example/a.js", None),
        ("mailto:a@b.example", None),
        ("intro", None),
        ("../guide/", None),
        ("https://x.example/src/a.rs", None),
        ("https://github.com/o/r", None),
        ("https://github.com/o/r/issues/12", None),
        ("https://github.com/o/r/tree/main/src", None),
        ("https://gitlab.example/g/s/r/-/blob/main/src/a.rs#L1", Some("src/a.rs")),
        ("https://raw.githubusercontent.com/o/r/main/src/a.rs", Some("src/a.rs")),
        ("https://bitbucket.org/o/r/src/main/src/a.rs", Some("src/a.rs")),
        ("https://codeberg.org/o/r/src/branch/main/src/a.rs", Some("src/a.rs")),
        ("%FF.md", None),
        ("%", None),
    ] {
        let found = paths(&format!("[x](<{target}>)"));
        assert_eq!(found.first().map(String::as_str), path, "{target}");
    }
}

#[test]
fn paths_are_found_in_code_and_text() {
    for (text, path) in [
        ("`src/main.rs`", "src/main.rs"),
        ("`./src/main.rs:12:3`", "src/main.rs"),
        ("`../img/a.png`", "docs/img/a.png"),
        ("`package.json`", "package.json"),
        ("`.eslintrc.js`", ".eslintrc.js"),
        ("`bin/alloy`", "bin/alloy"),
        ("`docker/Dockerfile`", "docker/Dockerfile"),
        ("`node tools/run.js --all`", "tools/run.js"),
        ("(src/main.rs)", "src/main.rs"),
        ("in src/main.rs.", "src/main.rs"),
        ("**src/main.rs**", "src/main.rs"),
        ("src/main.rs#L12", "src/main.rs"),
    ] {
        assert_eq!(paths(text), [path], "{text}");
    }
}

#[test]
fn what_only_resembles_a_path_is_not_one() {
    for text in [
        "and/or",
        "`and/or`",
        "`application/json`",
        "`application/vnd.api+json`",
        "`text/x.html`",
        "1/2/2020",
        "`2020/01/02`",
        "v1.2/3.4",
        "`1.2.3`",
        "`src/*.rs`",
        "`src/**/a.rs`",
        "`<dir>/a.rs`",
        "`{dir}/a.rs`",
        "`$DIR/a.rs`",
        "path/to/a.rs",
        "`path/to/a.rs`",
        "`src/.../a.rs`",
        "`foo/bar.rs`",
        "`foo.js`",
        "`your-app/a.rs`",
        "`db/NNNN-x.sql`",
        "https://x.example/a.js",
        "x.example.com/a.js",
        "`/etc/hosts.conf`",
        "/usr/lib/a.so",
        "`~/.config/a.toml`",
        "`@scope/name`",
        "`@scope/name/a.js`",
        "`lodash/fp`",
        "origin/main",
        "`Node.js`",
        "Vue.js/Nuxt.js",
        "package.json/yarn.lock",
        "`res.json`",
        "`console.log`",
        "`a.b`",
        "`x.y()`",
        "`.rst`",
        "main.rs",
        "`main.rs::run`",
        "he/she.They",
        "`C:\\a\\b.rs`",
        "TCP/IP",
        "./",
        "../..",
    ] {
        assert_eq!(paths(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let page = parse("a.md", b"\xef\xbb\xbf# A\xff\n\nALOY-1\r\n", None);
    assert_eq!(page.title, "A\u{fffd}");
    assert_eq!(page.text, "# A\u{fffd}\n\nALOY-1\r\n");
    assert_eq!(page.tickets[0].line, 3);
}

#[test]
fn a_page_is_read_up_to_the_limit_and_cut_between_characters() {
    for (unit, offset) in [("ä", 0), ("ä", 1), ("€", 1), ("😀", 3)] {
        let text = format!("{}{}", "x".repeat(offset), unit.repeat(MAX_PAGE_BYTES / unit.len() + 10));
        let page = parse("a.txt", text.as_bytes(), None);
        assert!(page.text.len() <= MAX_PAGE_BYTES && page.text.len() > MAX_PAGE_BYTES - 4);
        assert!(text.starts_with(&page.text), "{unit} {offset}");
    }
    let page = parse("a.txt", &vec![0xff; MAX_PAGE_BYTES], None);
    assert!(page.text.len() <= MAX_PAGE_BYTES);
}

/// Each of these would take minutes or hours if anything were done twice for each repetition.
#[test]
fn hostile_pages_take_linear_time() {
    let size = 1 << 20;
    for unit in [
        "[",
        "*",
        "![a](",
        "`",
        "> ",
        "- ",
        "1. ",
        "<",
        "<!--",
        "<a href=\"",
        "_a",
        "|",
        "[a]: b\n",
        "http://",
        "{a}",
        "<<",
        "link:",
        ":a:`",
        "`a <",
        "a_ ",
        "(",
        "A-1 ",
        "../a.js ",
        "%41/",
    ] {
        let text = unit.repeat(size / unit.len());
        for name in ["a.md", "a.rst", "a.adoc", "a.txt"] {
            let page = parse(&format!("docs/{name}"), text.as_bytes(), None);
            assert_eq!(page.text.len(), text.len());
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_page(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        for name in ["docs/a.md", "docs/a.rst", "docs/a.adoc", "docs/a.txt", ""] {
            check_lines(&parse(name, &bytes, None));
        }
    }

    #[test]
    fn any_markup_is_a_page(text in "([#=*_`<>\\[\\]():|~+.\"'{}/\\\\ \t\r\n-]|a|é|b\\.js|<!--|-->|::|``|\\.\\. |image|link:|http://|---\n|&amp;|%2F|ALOY-1){0,120}") {
        for name in ["docs/a.md", "docs/a.rst", "docs/a.adoc", "docs/a.txt", "d/modules/m/pages/a.adoc"] {
            check_lines(&parse(name, text.as_bytes(), None));
        }
    }
}

/// Every item stands on a line that the page has, and they are in order.
fn check_lines(page: &Page) {
    let last = u32::try_from(page.text.split('\n').count()).unwrap();
    for lines in [
        page.headings.iter().map(|item| item.line).collect::<Vec<_>>(),
        page.links.iter().map(|item| item.line).collect(),
        page.tickets.iter().map(|item| item.line).collect(),
        page.paths.iter().map(|item| item.line).collect(),
    ] {
        assert!(lines.is_sorted());
        assert!(lines.iter().all(|line| (1..=last).contains(line)));
    }
    for mention in &page.paths {
        assert!(!mention.path.is_empty() && !mention.path.starts_with('/') && !mention.path.contains("//"));
    }
}
