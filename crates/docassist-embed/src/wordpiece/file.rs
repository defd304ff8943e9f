//! Reads the tokenizer's files.

use std::collections::HashMap;
use std::path::Path;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::WordPiece;
use super::characters::Rules;
use crate::error::{EmbedError, Result};

/// BERT's own, where a file says nothing.
const MAX_WORD: usize = 100;
const MARKS: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const CONTINUES: &str = "##";

pub(crate) const JSON: &str = "tokenizer.json";
/// A token a line, numbered from zero; the rest as BERT, uncased, has it.
pub(super) fn parse_vocabulary(path: &Path, bytes: &[u8]) -> Result<WordPiece> {
    let text = std::str::from_utf8(bytes).map_err(|_| EmbedError::damaged(path, "it is not UTF-8"))?;
    let vocabulary: HashMap<String, u32> = text.lines().map(str::to_owned).zip(0..).collect();
    let marks = MARKS.iter().filter_map(|mark| Some(((*mark).into(), *vocabulary.get(*mark)?))).collect();
    let around = vocabulary.get("[CLS]").copied().zip(vocabulary.get("[SEP]").copied());
    let rules = Rules { clean: true, split_cjk: true, lowercase: true, strip_accents: true };
    build(path, vocabulary, "[UNK]", CONTINUES, marks, around, rules, MAX_WORD)
}

/// The `vocab.txt` that belongs to a `tokenizer.json`, if it is of the kind that has one.
pub(crate) fn json_to_vocabulary(bytes: &[u8]) -> Option<Vec<u8>> {
    let file: File = serde_json::from_slice(bytes).ok()?;
    let mut words: Vec<(u32, String)> = serde_json::from_value::<HashMap<String, u32>>(file.model.vocab)
        .ok()?
        .into_iter()
        .map(|(word, token)| (token, word))
        .collect();
    words.sort_unstable();
    Some(words.into_iter().flat_map(|(_, word)| (word + "\n").into_bytes()).collect())
}

#[derive(Deserialize)]
struct File {
    model: Model,
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<Typed>,
    post_processor: Option<serde_json::Value>,
    #[serde(default)]
    added_tokens: Vec<Added>,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    // A list in other kinds of model, which are told apart first.
    vocab: serde_json::Value,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    max_input_chars_per_word: Option<usize>,
}

#[derive(Deserialize)]
struct Normalizer {
    #[serde(rename = "type")]
    kind: String,
    clean_text: Option<bool>,
    handle_chinese_chars: Option<bool>,
    strip_accents: Option<bool>,
    lowercase: Option<bool>,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    normalized: bool,
}

pub(super) fn parse_json(path: &Path, bytes: &[u8]) -> Result<WordPiece> {
    let damaged = |reason: String| EmbedError::damaged(path, reason);
    let file: File =
        serde_json::from_slice(bytes).map_err(|error| damaged(format!("it is not a tokenizer's file: {error}")))?;
    let kind = file.model.kind.as_deref().unwrap_or("WordPiece");
    let normalizer =
        file.normalizer.ok_or_else(|| damaged("it has no normaliser; BertNormalizer is read".to_owned()))?;
    let pre_tokenizer = file.pre_tokenizer.map_or_else(|| "none".to_owned(), |typed| typed.kind);
    for (what, found, read) in [
        ("model", kind, "WordPiece"),
        ("normaliser", &normalizer.kind, "BertNormalizer"),
        ("pre-tokenizer", &pre_tokenizer, "BertPreTokenizer"),
    ] {
        if found != read {
            return Err(damaged(format!("its {what} is {found}; only {read} is read")));
        }
    }
    let vocabulary: HashMap<String, u32> = serde_json::from_value(file.model.vocab)
        .map_err(|error| damaged(format!("its vocabulary is not one of words and numbers: {error}")))?;
    let around =
        file.post_processor.as_ref().and_then(|_| Some((*vocabulary.get("[CLS]")?, *vocabulary.get("[SEP]")?)));
    let lowercase = normalizer.lowercase.unwrap_or(true);
    let rules = Rules {
        clean: normalizer.clean_text.unwrap_or(true),
        split_cjk: normalizer.handle_chinese_chars.unwrap_or(true),
        lowercase,
        strip_accents: normalizer.strip_accents.unwrap_or(lowercase),
    };
    let marks = file.added_tokens.into_iter().filter(|added| !added.normalized && !added.content.is_empty());
    let marks = marks.map(|added| (added.content.into(), added.id)).collect();
    build(
        path,
        vocabulary,
        file.model.unk_token.as_deref().unwrap_or("[UNK]"),
        file.model.continuing_subword_prefix.as_deref().unwrap_or(CONTINUES),
        marks,
        around,
        rules,
        file.model.max_input_chars_per_word.unwrap_or(MAX_WORD),
    )
}

#[allow(clippy::too_many_arguments, reason = "the parts of a tokenizer's file, joined in this one place")]
fn build(
    path: &Path,
    vocabulary: HashMap<String, u32>,
    unknown: &str,
    continues: &str,
    marks: Vec<(Box<str>, u32)>,
    around: Option<(u32, u32)>,
    rules: Rules,
    max_word: usize,
) -> Result<WordPiece> {
    if vocabulary.is_empty() {
        return Err(EmbedError::damaged(path, "its vocabulary is empty"));
    }
    let unknown = vocabulary.get(unknown).copied();
    let tokens = vocabulary.values().chain(marks.iter().map(|(_, token)| token));
    let size = tokens.max().map_or(0, |largest| *largest as usize + 1);
    let longest = vocabulary.keys().map(String::len).max().unwrap_or(0);
    let (mut first, mut next) = (FxHashMap::default(), FxHashMap::default());
    for (piece, token) in vocabulary {
        match piece.strip_prefix(continues) {
            Some(rest) if !rest.is_empty() => next.insert(rest.into(), token),
            _ => first.insert(piece.into_boxed_str(), token),
        };
    }
    // A word has a hundred characters, whatever a file says, so that the work for each stays bounded.
    let max_word = max_word.min(MAX_WORD);
    Ok(WordPiece { first, next, longest, size, unknown, around, marks, rules, max_word })
}
