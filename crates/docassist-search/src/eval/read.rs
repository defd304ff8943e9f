//! Reading a collection. A line that cannot be read is left out and noted; it costs no other.

use std::io::BufRead;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

/// Longer lines than any document of a collection; they are left out, so that a file without line ends does not fill memory.
const MAX_LINE: usize = 16 << 20;
/// Notes that are kept word for word; further ones are counted.
const MAX_NOTES: usize = 20;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BeirDocument {
    /// Its name.
    #[serde(rename = "_id", alias = "id", deserialize_with = "name")]
    pub id: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// Its text.
    #[serde(default)]
    pub text: String,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BeirQuery {
    /// Its name.
    #[serde(rename = "_id", alias = "id", deserialize_with = "name")]
    pub id: String,
    /// What is asked.
    pub text: String,
}

/// A collection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BeirData {
    /// The documents, in the file's order.
    pub corpus: Vec<BeirDocument>,
    /// The questions.
    pub queries: Vec<BeirQuery>,
    /// The grade of each judged document, by question.
    pub judgements: FxHashMap<String, FxHashMap<String, f64>>,
    /// What could not be read.
    pub notes: Vec<String>,
}

/// A file could not be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{file} could not be read: {source}")]
pub struct ReadError {
    file: &'static str,
    source: std::io::Error,
}

/// Names are numbers in some collections.
fn name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(name) => Ok(name),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("a name is text or a number")),
    }
}

/// Reads a collection from its three files.
///
/// # Errors
///
/// Where a file cannot be read at all.
pub fn read_beir(corpus: impl BufRead, queries: impl BufRead, qrels: impl BufRead) -> Result<BeirData, ReadError> {
    let mut notes = Notes::default();
    let mut data = BeirData::default();
    let mut seen = FxHashSet::default();
    lines("corpus", corpus, &mut notes, |line| {
        let document: BeirDocument = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if !seen.insert(document.id.clone()) {
            return Err(format!("document {} comes twice", document.id));
        }
        data.corpus.push(document);
        Ok(())
    })?;
    data.queries = questions("queries", queries, &mut notes)?;
    let mut is_first = true;
    lines("qrels", qrels, &mut notes, |line| {
        let is_header = std::mem::take(&mut is_first);
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        // TREC's form has a column more.
        let ([query, document, grade] | [query, _, document, grade]) = fields[..] else {
            return Err("not three columns".into());
        };
        match grade.parse::<f64>() {
            Ok(grade) if grade.is_finite() => {
                data.judgements.entry(query.into()).or_default().insert(document.into(), grade);
                Ok(())
            }
            _ if is_header => Ok(()),
            _ => Err(format!("`{grade}` is no grade")),
        }
    })?;
    data.notes = notes.finish();
    Ok(data)
}

/// Reads questions alone, and what of them could not be read.
///
/// # Errors
///
/// Where the file cannot be read at all.
pub fn read_questions(file: impl BufRead) -> Result<(Vec<BeirQuery>, Vec<String>), ReadError> {
    let mut notes = Notes::default();
    let read = questions("questions", file, &mut notes)?;
    Ok((read, notes.finish()))
}

fn questions(name: &'static str, file: impl BufRead, notes: &mut Notes) -> Result<Vec<BeirQuery>, ReadError> {
    let mut read = Vec::new();
    let mut seen = FxHashSet::default();
    lines(name, file, notes, |line| {
        let query: BeirQuery = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if !seen.insert(query.id.clone()) {
            return Err(format!("question {} comes twice", query.id));
        }
        read.push(query);
        Ok(())
    })?;
    Ok(read)
}

fn lines(
    file: &'static str,
    mut reader: impl BufRead,
    notes: &mut Notes,
    mut each: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), ReadError> {
    let mut buffer = Vec::new();
    for number in 1_u64.. {
        buffer.clear();
        let mut limited = std::io::Read::take(&mut reader, MAX_LINE as u64);
        let read = limited.read_until(b'\n', &mut buffer).map_err(|source| ReadError { file, source })?;
        if read == 0 {
            break;
        }
        if read == MAX_LINE && buffer.last() != Some(&b'\n') {
            notes.add(file, number, "the line is too long");
            reader.skip_until(b'\n').map_err(|source| ReadError { file, source })?;
            continue;
        }
        let line = String::from_utf8_lossy(&buffer);
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() {
            continue;
        }
        if let Err(problem) = each(line) {
            notes.add(file, number, &problem);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Notes {
    kept: Vec<String>,
    more: usize,
}

impl Notes {
    fn add(&mut self, file: &str, line: u64, problem: &str) {
        if self.kept.len() < MAX_NOTES {
            self.kept.push(format!("{file}, line {line}: {problem}"));
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.kept.push(format!("and {} more lines that could not be read", self.more));
        }
        self.kept
    }
}
