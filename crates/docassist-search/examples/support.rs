//! Measures how well answers know that there is none: the questions of one collection are put to it and to another one.
//!
//! ```text
//! cargo run --release -p docassist-search --example support -- FOLDER VECTORS FOLDER VECTORS [EVIDENCE.tsv]
//! ```
//!
//! FOLDER has a collection in BEIR's format; VECTORS-corpus.f32 and VECTORS-queries.f32 have its vectors, 384 numbers each, in the
//! files' order. `docassist eval search --unanswerable` measures the same with the model. The evidence of each question is written
//! to EVIDENCE.tsv, from which the weights in `answer/support.rs` were fitted.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool at the developer's terminal")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use docassist_model::TenantScope;
use docassist_search::answer::{Support, answer};
use docassist_search::embedder::{EmbedError, Embedder};
use docassist_search::eval::{BeirData, index_beir, passage_of, read_beir};
use docassist_search::index::{DenseSpace, EdgeIndex, EdgeOptions, Index};
use docassist_search::query::SearchRequest;

const DIMS: usize = 384;

#[derive(Default)]
struct Computed(HashMap<String, Vec<f32>>);

impl Computed {
    fn read(&mut self, prefix: &str, data: &BeirData) {
        let documents: Vec<String> = data.corpus.iter().map(|document| passage_of(document).embedded_text()).collect();
        let questions: Vec<String> = data.queries.iter().map(|query| query.text.clone()).collect();
        for (name, texts) in [("corpus", documents), ("queries", questions)] {
            let bytes = std::fs::read(format!("{prefix}-{name}.f32")).unwrap();
            let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
            self.0.extend(texts.into_iter().zip(values.chunks(DIMS).map(<[f32]>::to_vec)));
        }
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
        let find = |text: &&str| {
            let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let known = self.0.get(*text).or_else(|| self.0.get(text.trim())).or_else(|| self.0.get(&squeezed));
            known.cloned().ok_or_else(|| EmbedError((*text).to_owned()))
        };
        texts.iter().map(find).collect()
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut model, mut sets) = (Computed::default(), Vec::new());
    for pair in arguments[..4].chunks(2) {
        let folder = Path::new(&pair[0]);
        if !folder.join("corpus.jsonl").exists() {
            println!("{} is not there; nothing measured", folder.display());
            return;
        }
        let open = |name: &str| BufReader::new(File::open(folder.join(name)).unwrap());
        let data = read_beir(open("corpus.jsonl"), open("queries.jsonl"), open("qrels.tsv")).unwrap();
        model.read(&pair[1], &data);
        sets.push(data);
    }
    let mut table = String::from(
        "meaning\tcorpus\tquestions\tcoverage\tjoint\tlexical\tunknown\tbest\tmean\twords\tmeancov\tmatched\n",
    );
    for with_meaning in [false, true] {
        let embedder = with_meaning.then_some(&model as &dyn Embedder);
        for corpus in 0..sets.len() {
            let scope = TenantScope::unchecked("evaluation".parse().unwrap(), "a folder of its own for one evaluation");
            let place = tempfile::tempdir().unwrap();
            let dense = embedder.map(|model| DenseSpace { dimensions: model.dims(), model: model.id().to_owned() });
            let index = EdgeIndex::new(place.path(), EdgeOptions { dense });
            index_beir(&index, &scope, embedder, &sets[corpus]).unwrap();
            for (questions, set) in sets.iter().enumerate() {
                let mut counts: HashMap<Support, usize> = HashMap::new();
                let (mut asked, mut sentences, mut contained) = (0, 0, 0);
                for query in set.queries.iter().filter(|query| set.judgements.contains_key(&query.id)) {
                    let request = SearchRequest { text: query.text.clone(), ..SearchRequest::default() };
                    let found = answer(&index, &scope, embedder, &request).unwrap();
                    asked += 1;
                    *counts.entry(found.support).or_default() += 1;
                    for sentence in &found.sentences {
                        sentences += 1;
                        let cited = index.get(&scope, &[found.citations[sentence.citation - 1].id]).unwrap();
                        contained += usize::from(cited[0].text.contains(&sentence.text));
                    }
                    let evidence = found.evidence;
                    writeln!(
                        table,
                        "{with_meaning}\t{corpus}\t{questions}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                        evidence.coverage,
                        evidence.joint_coverage,
                        evidence.lexical,
                        evidence.unknown,
                        evidence.meaning.unwrap_or(0.0),
                        evidence.mean_meaning.unwrap_or(0.0),
                        evidence.words,
                        evidence.mean_coverage,
                        evidence.matched,
                    )
                    .unwrap();
                }
                let of = |support| counts.get(&support).copied().unwrap_or(0);
                println!(
                    "meaning {with_meaning}, corpus {corpus}, questions of {questions}: {asked} asked, none {} weak {} good {}; {contained} of {sentences} sentences in their citation",
                    of(Support::None),
                    of(Support::Weak),
                    of(Support::Good)
                );
            }
        }
    }
    if let Some(path) = arguments.get(4) {
        std::fs::write(path, table).unwrap();
    }
}
