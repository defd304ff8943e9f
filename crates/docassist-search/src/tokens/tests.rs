use proptest::prelude::*;

use super::*;

fn terms(text: &str) -> Vec<String> {
    tokenize(text).into_iter().map(|token| token.term).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(terms(text), expected, "{text}");
}

#[test]
fn english_is_stemmed_folded_and_without_stop_words() {
    check("The indexes are being indexed, again!", &["index", "index"]);
    check("Don’t touch the server's caches", &["touch", "server", "cach"]);
    check("Übergrößen café ŒUVRE ﬁles", &["ubergrossen", "cafe", "oeuvr", "file"]);
}

#[test]
fn identifiers_are_found_whole_and_in_parts() {
    check("getUserName", &["getusernam", "get", "user", "name"]);
    check("parseHTTPResponse", &["parsehttprespons", "pars", "http", "respons"]);
    check("snake_case_name", &["snake_case_name", "snake", "case", "name"]);
    check("kebab-case", &["kebab-case", "kebab", "case"]);
    check("std::fs::read", &["std::fs::read", "std", "fs", "read"]);
    check("__init__", &["init"]);
    check("utf8 sha256 x86 log4j", &["utf8", "utf", "8", "sha256", "sha", "256", "x86", "log4j", "log", "4", "j"]);
}

#[test]
fn paths_are_found_by_path_file_and_parts() {
    check("src/net/tcp_stream.rs", &["src/net/tcp_stream.rs", "tcp_stream.rs", "src", "net", "tcp", "stream", "rs"]);
    check("./docs\\Guide.md", &["docs\\guide.md", "guide.md", "doc", "guid", "md"]);
}

#[test]
fn versions_are_found_whole_and_by_their_line() {
    check("1.2.3", &["1.2.3", "1.2", "1", "2", "3"]);
    check("v1.2.3", &["v1.2.3", "1.2", "v1", "2", "3"]);
    check("2.10", &["2.10", "2", "10"]);
}

#[test]
fn ticket_keys_are_found_whole_by_project_and_by_number() {
    check("ALOY-123: fix", &["aloy-123", "aloy", "123", "fix"]);
    assert_eq!(terms("[aloy-123]"), terms("ALOY-123"));
}

#[test]
fn object_names_stay_whole() {
    check("53aa51172d142c89", &["53aa51172d142c89"]);
    check("deadbeef1", &["deadbeef1"]);
}

#[test]
fn scripts_without_spaces_give_pairs_and_others_words() {
    check("検索エンジン", &["検索", "索エ", "エン", "ンシ", "シン"]);
    check("поиск документов", &["поиск", "документов"]);
    check("東京 is 京", &["東京", "京"]);
    assert!(terms("mix検索ed").contains(&"検索".to_owned()));
}

#[test]
fn a_sentence_s_end_joins_nothing() {
    check("end.\nNext... a - b (x)/(y)", &["end", "next", "b", "x", "y"]);
}

#[test]
fn encoded_data_gives_no_terms() {
    assert!(terms(&"A1b2".repeat(200)).is_empty());
    assert!(terms(&"a".repeat(MAX_WORD + 1)).is_empty());
    assert_eq!(terms(&"a".repeat(MAX_WORD)).len(), 1);
}

#[test]
fn a_compound_adds_no_length_for_its_own_term() {
    let tokens = tokenize("snake_case");
    assert_eq!(tokens.iter().filter(|token| !token.whole).count(), 2);
    assert_eq!(&tokens[0].at, &(0..10));
    assert_eq!(&tokens[2].at, &(6..10));
}

proptest! {
    #[test]
    fn any_text_is_read_and_every_place_is_in_it(text in "(?s).{0,300}") {
        for token in tokenize(&text) {
            prop_assert!(text.get(token.at.clone()).is_some(), "{:?}", token);
            prop_assert!(!token.at.is_empty());
            prop_assert!(token.term.len() <= 4 * MAX_COMPOUND);
        }
    }

    #[test]
    fn case_of_plain_words_does_not_matter(text in "[a-z]{1,12}( [a-z]{1,12}){0,5}") {
        prop_assert_eq!(terms(&text), terms(&text.to_uppercase()));
    }
}
