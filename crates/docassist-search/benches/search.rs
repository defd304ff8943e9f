//! Measures how fast passages are indexed and found, at 100,000 passages. Prints one JSON object a line; `cargo xtask bench --only
//! search` makes a table.
//!
//! Texts are made of words drawn as languages draw them (few often, many seldom), vectors are random around as many centres as there
//! are matters. Both sides of a comparison have to come from one run: machines differ and drift.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a tool at the developer's terminal")]

use std::time::Instant;

use docassist_model::{TenantScope, Timestamp};
use docassist_search::embedder::{EmbedError, Embedder};
use docassist_search::index::{DenseSpace, EdgeIndex, EdgeOptions, Filter, Index, IndexedDocument, index_all};
use docassist_search::passage::{Address, Passage, PassageId, PassageKind};
use docassist_search::query::{SearchRequest, search};

const DIMS: usize = 384;
const WORDS: usize = 60_000;
const LENGTH: usize = 100;

/// A generator of its own, so that every run draws the same.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    #[allow(clippy::cast_precision_loss, reason = "a fraction")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A word by Zipf's law, nearly.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
    fn word(&mut self) -> String {
        let rank = ((WORDS as f64).powf(self.unit()) - 1.0) as usize;
        let mut word = String::from("w");
        let mut left = rank;
        loop {
            word.push(char::from(b'a' + u8::try_from(left % 26).unwrap()));
            left /= 26;
            if left == 0 {
                break word;
            }
        }
    }

    fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    #[allow(clippy::cast_possible_truncation, reason = "noise")]
    fn vector(&mut self) -> Vec<f32> {
        let mut centre = Draw(1 + self.next() % 500);
        for _ in 0..24 {
            centre.next();
        }
        let values: Vec<f32> = (0..DIMS).map(|_| (centre.unit() - 0.5 + 0.6 * (self.unit() - 0.5)) as f32).collect();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        values.into_iter().map(|value| value / length).collect()
    }
}

/// Gives the same vector to every question: embedding is measured elsewhere.
struct Given(Vec<f32>);

impl Embedder for Given {
    fn dims(&self) -> usize {
        DIMS
    }

    fn id(&self) -> &'static str {
        "given"
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|_| self.0.clone()).collect())
    }
}

fn passage(number: u64, draw: &mut Draw) -> Passage {
    let kinds = PassageKind::ALL;
    Passage {
        id: PassageId(u128::from(number) << 64 | u128::from(draw.next())),
        source: format!("source{}", number % 3),
        document: format!("document{}", number / 4),
        kind: kinds[usize::try_from(number).unwrap() % kinds.len()],
        address: Address::Lines { path: format!("docs/{number}.md"), first: 1, last: 9 },
        title: draw.text(5),
        headings: vec![draw.text(3)],
        text: draw.text(LENGTH),
        time: Some(Timestamp::from_unix(1_600_000_000 + i64::try_from(number).unwrap() * 60)),
        author: Some(format!("author{}", number % 40)),
        repository: Some(format!("repository{}", number % 5)),
        labels: vec![format!("label{}", number % 17)],
        hash: format!("{number:064x}"),
    }
}

fn percentile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a rank")]
    let rank = (times.len() as f64 * share) as usize;
    times[rank.min(times.len() - 1)]
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// Seconds of processor time that the process has used: on a shared machine the time of the clock is also others'.
#[allow(clippy::cast_precision_loss, reason = "seconds")]
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

fn queries(
    name: &str,
    index: &EdgeIndex,
    scope: &TenantScope,
    draw: &mut Draw,
    with_meaning: bool,
    filter: &Filter,
    facets: bool,
) {
    let mut times: Vec<f64> = (0..300)
        .map(|_| {
            let request =
                SearchRequest { text: draw.text(6), filter: filter.clone(), facets, ..SearchRequest::default() };
            let model = Given(draw.vector());
            let begin = Instant::now();
            let found = search(index, scope, with_meaning.then_some(&model as &dyn Embedder), &request).unwrap();
            let time = begin.elapsed().as_secs_f64() * 1e3;
            assert!(!found.documents.is_empty());
            time
        })
        .collect();
    tell(&format!("{name}, p50"), percentile(&mut times, 0.5), "ms");
    tell(&format!("{name}, p95"), percentile(&mut times, 0.95), "ms");
}

fn tell(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.3},\"unit\":\"{unit}\"}}");
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn main() {
    let has = |name: &str| std::env::args().any(|argument| argument == name);
    // `cargo test --benches` starts this as well, without the flag that `cargo bench` gives, and means: does it start?
    if !has("--bench") {
        return;
    }
    let count: u64 = if has("--quick") { 5_000 } else { 100_000 };
    let scope = TenantScope::unchecked("bench".parse().unwrap(), "a folder of its own for one measurement");
    let place = tempfile::tempdir().unwrap();
    let dense = Some(DenseSpace { dimensions: DIMS, model: "given".into() });
    let index = EdgeIndex::new(place.path(), EdgeOptions { dense });
    let mut draw = Draw(88_172_645_463_325_252);
    let made: Vec<Passage> = (0..count).map(|number| passage(number, &mut draw)).collect();
    let ids: Vec<PassageId> = made.iter().map(|passage| passage.id).collect();
    let bytes: usize = made.iter().map(|passage| passage.text.len()).sum();
    tell("passages", count as f64, "");
    tell("size of a passage, mean", bytes as f64 / made.len() as f64, "bytes");

    let begin = Instant::now();
    let used = processor();
    index_all(&index, &scope, made.into_iter()).unwrap();
    index.commit(&scope, 1).unwrap();
    tell("lexical indexing, committed", count as f64 / begin.elapsed().as_secs_f64(), "passages/s");
    tell("lexical indexing, processor per passage", (processor() - used) * 1e6 / count as f64, "µs");
    let none = Filter::default();
    queries("search by words, before optimising", &index, &scope, &mut draw, false, &none, false);

    let begin = Instant::now();
    for batch in ids.chunks(2_000) {
        let vectors: Vec<(PassageId, Vec<f32>)> = batch.iter().map(|&id| (id, draw.vector())).collect();
        index.set_dense(&scope, &vectors).unwrap();
    }
    index.commit(&scope, 2).unwrap();
    tell("vectors set", count as f64 / begin.elapsed().as_secs_f64(), "passages/s");
    queries("search by both, before optimising", &index, &scope, &mut draw, true, &none, false);
    let begin = Instant::now();
    index.optimise(&scope).unwrap();
    tell("optimising", begin.elapsed().as_secs_f64() * 1e3, "ms");
    tell("resident memory", resident() as f64, "MB");
    queries("search by words", &index, &scope, &mut draw, false, &none, false);
    queries("search by both", &index, &scope, &mut draw, true, &none, false);
    queries("search by both, with facets", &index, &scope, &mut draw, true, &none, true);
    let filter =
        Filter { kinds: vec![PassageKind::Page], repositories: vec!["repository1".into()], ..Filter::default() };
    queries("search by both, one kind of one repository", &index, &scope, &mut draw, true, &filter, false);
    drop(index);
    tell("size on disk", folder_bytes(place.path()) as f64 / 1e6, "MB");
    let dense = Some(DenseSpace { dimensions: DIMS, model: "given".into() });
    let index = EdgeIndex::new(place.path(), EdgeOptions { dense });
    let begin = Instant::now();
    index.counts(&scope).unwrap();
    tell("opening the index", begin.elapsed().as_secs_f64() * 1e3, "ms");
    documents(if has("--quick") { 5_000 } else { 230_000 });
}

/// How long the notes on documents take, of which there are as many as commits and tickets of a large organisation: each change
/// reads them all.
fn documents(count: u64) {
    let scope = TenantScope::unchecked("bench".parse().unwrap(), "a folder of its own for one measurement");
    let place = tempfile::tempdir().unwrap();
    let index = EdgeIndex::new(place.path(), EdgeOptions::default());
    let noted: Vec<IndexedDocument> = (0..count)
        .map(|number| IndexedDocument {
            source: format!("source{}", number % 3),
            document: format!("{:040x}", u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
            fingerprint: number,
        })
        .collect();
    let commit = |name: &str, changed: &[IndexedDocument], sequence: u64| {
        index.note_documents(&scope, changed, &[]).unwrap();
        let begin = Instant::now();
        index.commit(&scope, sequence).unwrap();
        tell(name, begin.elapsed().as_secs_f64() * 1e3, "ms");
    };
    commit("noting all documents, committed", &noted, 1);
    commit("noting ten of them, committed", &noted[..10], 2);
    let begin = Instant::now();
    assert_eq!(index.documents(&scope).unwrap().len(), noted.len());
    tell("reading what was noted", begin.elapsed().as_secs_f64() * 1e3, "ms");
}

/// Bytes that a folder takes on disk: files of the engine have holes.
fn folder_bytes(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: std::fs::DirEntry| {
        let path = entry.path();
        if path.is_dir() {
            folder_bytes(&path)
        } else {
            std::os::unix::fs::MetadataExt::blocks(&entry.metadata().unwrap()) * 512
        }
    };
    entries.map(bytes).sum()
}
