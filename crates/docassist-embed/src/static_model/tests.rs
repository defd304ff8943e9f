use std::fs;

use tempfile::TempDir;

use super::*;

const TOKENIZER: &str = r###"{"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
    "vocab":{"[PAD]":0,"[UNK]":1,"restart":2,"node":3,"##s":4,"the":5,"!":6}},
    "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
    "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,"added_tokens":[]}"###;

/// Seven rows of two numbers.
const ROWS: [f32; 14] = [9.0, 9.0, 9.0, 9.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.5, 0.5, -1.0, 0.0];

fn tensor(kind: &str, name: &str, shape: &[usize], start: usize, bytes: &[u8]) -> String {
    format!(r#""{name}":{{"dtype":"{kind}","shape":{shape:?},"data_offsets":[{start},{}]}}"#, start + bytes.len())
}

/// A folder with these tensors.
fn folder(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> TempDir {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (kind, name, shape, bytes) in tensors {
        header.push(tensor(kind, name, shape, data.len(), bytes));
        data.extend_from_slice(bytes);
    }
    let header = format!("{{{}}}", header.join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(&data);
    let place = TempDir::new().unwrap();
    fs::write(place.path().join(WEIGHTS_FILE), file).unwrap();
    fs::write(place.path().join(JSON), TOKENIZER).unwrap();
    place
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn plain() -> TempDir {
    folder(&[("F32", "embeddings", &[7, 2], floats(&ROWS))])
}

fn embed(model: &StaticModel, text: &str) -> Vec<f32> {
    model.embed(&[text]).unwrap().remove(0)
}

#[test]
fn a_text_is_the_mean_of_its_known_tokens() {
    let place = plain();
    let model = StaticModel::open(place.path()).unwrap();
    assert_eq!(model.dims(), 2);
    assert_eq!(embed(&model, "Restart"), [1.0, 0.0]);
    // restart + node + ##s = (1, 2), of length 1; what is unknown does not count.
    let expected = [1.0 / 5.0_f32.sqrt(), 2.0 / 5.0_f32.sqrt()];
    for text in ["restart nodes", "RESTART, unknown nödes?"] {
        for (found, expected) in embed(&model, text).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{text}");
        }
    }
    for nothing in ["", "unknown words", "restart!", "\0\0"] {
        assert_eq!(embed(&model, nothing), [0.0, 0.0], "{nothing:?}: no direction");
    }
    // Nothing counts after 512 tokens.
    assert_eq!(embed(&model, &format!("{} {}", "restart ".repeat(512), "node ".repeat(600))), [1.0, 0.0]);
}

#[test]
fn tokens_may_share_rows_and_weigh_differently() {
    let place = folder(&[
        ("F32", "embeddings", &[2, 2], floats(&[1.0, 0.0, 0.0, 1.0])),
        (
            "F64",
            "weights",
            &[7],
            [1.0_f64, 1.0, 3.0, 4.0, 1.0, 1.0, 1.0].iter().flat_map(|w| w.to_le_bytes()).collect(),
        ),
        ("I64", "mapping", &[7], [0_i64, 0, 0, 1, 1, 0, 0].iter().flat_map(|row| row.to_le_bytes()).collect()),
    ]);
    let model = StaticModel::open(place.path()).unwrap();
    for (found, expected) in embed(&model, "restart node").iter().zip([0.6, 0.8]) {
        assert!((found - expected).abs() < 1e-6);
    }
}

#[test]
fn many_texts_keep_their_order() {
    let place = plain();
    let model = StaticModel::open(place.path()).unwrap().with_threads(3);
    let texts: Vec<&str> = (0..1_000).map(|n| if n % 3 == 0 { "restart" } else { "node" }).collect();
    for (vector, text) in model.embed(&texts).unwrap().iter().zip(&texts) {
        assert_eq!(vector[0] == 1.0, *text == "restart");
    }
}

#[test]
fn another_model_has_another_identity() {
    let (one, same) = (plain(), plain());
    let id = |place: &TempDir| StaticModel::open(place.path()).unwrap().id().to_owned();
    assert_eq!(id(&one), id(&same));
    fs::write(same.path().join(JSON), TOKENIZER.replace("\"the\"", "\"a\"")).unwrap();
    assert_ne!(id(&one), id(&same));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let error = |place: &TempDir| StaticModel::open(place.path()).unwrap_err().to_string();
    let seven = |row: i64| [0, 0, 0, 0, 0, 0, row].iter().flat_map(|row: &i64| row.to_le_bytes()).collect::<Vec<_>>();
    for (place, expected) in [
        (folder(&[("F32", "weights", &[1], floats(&[1.0]))]), "no embeddings"),
        (folder(&[("F32", "embeddings", &[14], floats(&ROWS))]), "not rows and columns"),
        (folder(&[("F32", "embeddings", &[0, 2], vec![])]), "empty"),
        (folder(&[("F32", "embeddings", &[2, 7], floats(&ROWS))]), "2 vectors, and there are 7 tokens"),
        (folder(&[("F32", "embeddings", &[7, 2], floats(&[f32::NAN; 14]))]), "infinite or none"),
        (folder(&[("U8", "embeddings", &[7, 2], vec![0; 14])]), "type U8"),
        (
            folder(&[("F32", "embeddings", &[7, 2], floats(&ROWS)), ("I64", "mapping", &[7], seven(7))]),
            "mapping leads outside",
        ),
        (
            folder(&[("F32", "embeddings", &[7, 2], floats(&ROWS)), ("I64", "mapping", &[7], seven(-1))]),
            "mapping leads outside",
        ),
        (
            folder(&[("F32", "embeddings", &[7, 2], floats(&ROWS)), ("F32", "weights", &[2], floats(&[1.0, 1.0]))]),
            "weights is of shape [2]",
        ),
    ] {
        let error = error(&place);
        assert!(error.contains(expected), "{error}");
    }
    let place = plain();
    for (tokenizer, expected) in [
        (TOKENIZER.replace("WordPiece", "Unigram"), "its model is Unigram; only WordPiece is read"),
        (TOKENIZER.replace("BertPreTokenizer", "Metaspace"), "its pre-tokenizer is Metaspace"),
        (TOKENIZER.replace("BertNormalizer", "Lowercase"), "its normaliser is Lowercase"),
        ("{".to_owned(), "not a tokenizer's file"),
        (String::new(), "not a tokenizer's file"),
    ] {
        fs::write(place.path().join(JSON), tokenizer).unwrap();
        let error = error(&place);
        assert!(error.contains(expected), "{error}");
    }
    fs::remove_file(place.path().join(JSON)).unwrap();
    assert!(error(&place).contains("tokenizer.json is missing"));
    fs::remove_file(place.path().join(WEIGHTS_FILE)).unwrap();
    assert!(error(&place).contains("model.safetensors is missing"));
}
