use std::path::Path;

use super::*;

fn tokenizer(words: &[&str]) -> WordPiece {
    WordPiece::from_vocabulary(Path::new("vocab.txt"), words.join("\n").as_bytes()).unwrap()
}

fn bare(tokenizer: &WordPiece, text: &str, limit: usize) -> Vec<u32> {
    let mut tokens = Vec::new();
    tokenizer.encode_bare(text, limit, &mut tokens);
    tokens
}

const SMALL: [&str; 9] = ["[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "a", "##a", "."];

#[test]
fn the_longest_pieces_are_taken_and_a_word_is_known_as_a_whole_or_not() {
    let small = tokenizer(&SMALL);
    assert_eq!(bare(&small, "unaffable", 9), [3, 4, 5]);
    assert_eq!(bare(&small, "Un. ÄFF unaffx aaa", 9), [3, 8, 0, 0, 6, 7, 7]);
    let mut tokens = Vec::new();
    small.encode("un un un un", 5, &mut tokens);
    assert_eq!(tokens, [1, 3, 3, 3, 2]);
    assert_eq!(bare(&small, "unaffable", 2), [3, 4], "cut within a word");
    assert_eq!(bare(&small, "un", 0), [0; 0]);
    assert_eq!(bare(&small, &"a".repeat(100), 200).len(), 100);
    assert_eq!(bare(&small, &"a".repeat(101), 200), [0]);
}

#[test]
fn only_the_beginning_of_a_text_is_read() {
    let small = tokenizer(&SMALL);
    assert_eq!(bare(&small, &format!("{}un", " ".repeat(MAX_BYTES - 2)), 9), [3]);
    assert_eq!(bare(&small, &format!("{}un", " ".repeat(MAX_BYTES)), 9), [0; 0]);
    // Never within a character.
    assert_eq!(bare(&small, &format!("{}é", " ".repeat(MAX_BYTES - 1)), 9), [0; 0]);
}

#[test]
fn files_that_cannot_be_understood_are_refused() {
    let path = Path::new("tokenizer");
    for (error, expected) in [
        (WordPiece::from_vocabulary(path, b"\xff").err(), "not UTF-8"),
        (WordPiece::from_vocabulary(path, b"").err(), "empty"),
        (WordPiece::from_json(path, b"\xff").err(), "not a tokenizer's file"),
    ] {
        let error = error.unwrap().to_string();
        assert!(error.starts_with("tokenizer cannot be used") && error.contains(expected), "{error}");
    }
    assert_eq!(json_to_vocabulary(b"{}"), None);
}

/// Beside this table, `tokenizers` 0.23 and this tokenizer were compared over every character between two letters and over
/// 69,601 texts (two test collections, this repository, random mixtures of scripts). They differ for 618 characters, all of
/// them accents, punctuation and format characters that Unicode got after the other's tables were made, and agree on every
/// text without those.
#[test]
fn tokens_are_the_references() {
    let Some(folder) = crate::provided::folder() else { return };
    let path = folder.join("vocab.txt");
    let tokenizer = WordPiece::from_vocabulary(&path, &std::fs::read(&path).unwrap()).unwrap();
    for (text, expected) in TABLE {
        assert_eq!(bare(&tokenizer, text, 254), *expected, "{text:?}");
    }
}

/// Odd strings and their tokens by `tokenizers`.
const TABLE: &[(&str, &[u32])] = &[
    ("", &[]),
    ("   \u{9}\u{d}\u{a} ", &[]),
    ("Hello, World!", &[7592, 1010, 2088, 999]),
    ("How do I restart a node?", &[2129, 2079, 1045, 23818, 1037, 13045, 1029]),
    ("naïve Café ÅNGSTRÖM İstanbul ǅ ﬁne", &[15743, 7668, 17076, 15687, 9960, 100, 1984, 2638]),
    ("GrÖße ẞ straße", &[24665, 2080, 17499, 1096, 2358, 27807]),
    ("日本語テキスト と 漢字", &[1864, 1876, 1950, 1713, 30227, 30233, 30240, 1666, 1904, 100]),
    (
        "한국어 조선말",
        &[1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 1464, 30011, 29997, 30008, 30021, 29995, 30006, 30022],
    ),
    ("русский Ёж й", &[1195, 29748, 29747, 29747, 23925, 15414, 1185, 29743, 1188]),
    (
        "ελληνικά; ΑΣ τέλος",
        &[1159, 29727, 29727, 24824, 16177, 18199, 29726, 14608, 1025, 1155, 29733, 1174, 29723, 29727, 15297],
    ),
    ("عَرَبِيّ עִבְרִית", &[1288, 17149, 29816, 14498, 1259, 29789, 29811, 29796, 29813]),
    ("हिन्दी नमस्ते", &[1339, 29877, 29863, 29861, 29878, 1327, 29867, 29874, 29859]),
    ("ไทย ภาษา", &[100, 100]),
    (
        "don't_panic(x+1) == snake_case::camelCase->path/to/file-v1.2.3.rs",
        &[
            2123, 1005, 1056, 1035, 6634, 1006, 1060, 1009, 1015, 1007, 1027, 1027, 7488, 1035, 2553, 1024, 1024,
            19130, 18382, 1011, 1028, 4130, 1013, 2000, 1013, 5371, 1011, 1058, 2487, 1012, 1016, 1012, 1017, 1012,
            12667,
        ],
    ),
    (
        "DOC-1234: fix #42 @user 3.14e-10 $5 50%",
        &[
            9986, 1011, 13138, 2549, 1024, 8081, 1001, 4413, 1030, 5310, 1017, 1012, 2403, 2063, 1011, 2184, 1002,
            1019, 2753, 1003,
        ],
    ),
    ("a\u{0}b�c\u{200b}d\u{ad}e\u{7}f\u{7f}g\u{b}h\u{c}i\u{85}j", &[5925, 3207, 2546, 28891, 3501]),
    ("\u{2028}x\u{2029}y\u{3000}z\u{a0}w\u{1680}v", &[1060, 1061, 1062, 1059, 1058]),
    ("emoji 😀👩\u{200d}👩\u{200d}👧 ✈\u{fe0f} ❤", &[7861, 29147, 2072, 100, 100, 100]),
    ("e\u{301} o\u{308}\u{323} Z\u{351}\u{352}alg\u{334}o", &[1041, 1051, 23564, 2140, 3995]),
    ("𝒜𝓃 ① Ⅷ ½ ² ™ ©", &[100, 100, 100, 1092, 1082, 1580, 1075]),
    (
        "¿Qué? «quoted» “curly” ‘single’ – — … ·",
        &[1094, 10861, 1029, 1077, 9339, 1090, 1523, 17546, 1524, 1520, 2309, 1521, 1516, 1517, 1529, 1087],
    ),
    (
        "[CLS] x [SEP] [MASK][PAD] [UNK] [cls] [SEP",
        &[101, 1060, 102, 103, 0, 100, 1031, 18856, 2015, 1033, 1031, 19802],
    ),
    (
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb c",
        &[100, 1039],
    ),
    ("##ing # #ing", &[1001, 1001, 13749, 1001, 1001, 13749]),
    ("; ` KÅ Ω", &[1025, 1036, 10556, 1179]),
    ("𠀀𠮷 豈 㐀 ㋿ ｱ Ａ", &[100, 100, 100, 100, 100, 100, 100]),
    ("x\u{300}\u{301}x\u{300}\u{301}x\u{300}\u{301}", &[22038, 2595]),
    ("\u{e0001}\u{e000}\u{10ffff} q", &[100, 1053]),
];
