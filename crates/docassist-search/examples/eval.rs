//! Measures search on collections in BEIR's format, with the index that the product uses.
//!
//! ```text
//! cargo run --release -p docassist-search --example eval -- FOLDER [VECTORS] …
//! ```
//!
//! FOLDER has `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`. VECTORS is the beginning of the names of two files of raw
//! little-endian `f32`, `VECTORS-corpus.f32` and `VECTORS-queries.f32`, one row of 384 for each line of the collection: any
//! model's, computed elsewhere. Without it only words are measured.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool at the developer's terminal")]

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use docassist_model::TenantScope;
use docassist_search::embedder::{EmbedError, Embedder};
use docassist_search::eval::{BeirData, evaluate, index_beir, passage_of, read_beir};
use docassist_search::index::{DenseSpace, EdgeIndex, EdgeOptions};

const DIMS: usize = 384;

/// Vectors that were computed before, by text.
struct Computed(HashMap<String, Vec<f32>>);

impl Computed {
    fn read(prefix: &str, data: &BeirData) -> Self {
        let mut vectors = HashMap::new();
        let documents: Vec<String> = data.corpus.iter().map(|document| passage_of(document).embedded_text()).collect();
        let questions: Vec<String> = data.queries.iter().map(|query| query.text.clone()).collect();
        for (name, texts) in [("corpus", documents), ("queries", questions)] {
            let bytes = std::fs::read(format!("{prefix}-{name}.f32")).unwrap();
            let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
            assert_eq!(values.len(), texts.len() * DIMS, "{name}: not one row of {DIMS} a line");
            vectors.extend(texts.into_iter().zip(values.chunks(DIMS).map(<[f32]>::to_vec)));
        }
        Self(vectors)
    }
}

impl Embedder for Computed {
    fn dims(&self) -> usize {
        DIMS
    }

    fn id(&self) -> &'static str {
        "computed"
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        texts.iter().map(|text| self.0.get(*text).cloned().ok_or_else(|| EmbedError((*text).to_owned()))).collect()
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let folder = Path::new(&pair[0]);
        if !folder.join("corpus.jsonl").exists() {
            println!("{} is not there; skipped", folder.display());
            continue;
        }
        let open = |name: &str| BufReader::new(File::open(folder.join(name)).unwrap());
        let data = read_beir(open("corpus.jsonl"), open("queries.jsonl"), open("qrels.tsv")).unwrap();
        let computed = pair.get(1).map(|prefix| Computed::read(prefix, &data));
        let embedder = computed.as_ref().map(|computed| computed as &dyn Embedder);
        let scope = TenantScope::unchecked("evaluation".parse().unwrap(), "a folder of its own for one evaluation");
        let place = tempfile::tempdir().unwrap();
        let dense = embedder.map(|model| DenseSpace { dimensions: model.dims(), model: model.id().to_owned() });
        let index = EdgeIndex::new(place.path(), EdgeOptions { dense });
        index_beir(&index, &scope, embedder, &data).unwrap();
        let evaluation = evaluate(&index, &scope, embedder, &data).unwrap();
        println!("{}\n{}", folder.display(), serde_json::to_string_pretty(&evaluation).unwrap());
    }
}
