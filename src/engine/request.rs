use crate::host::cpu;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to load and how.
#[derive(Debug, Clone)]
pub struct LoadSpec {
    pub model: PathBuf,
    /// Tokens of context of one request; 0 is what the model was trained with.
    pub context: u32,
    /// Requests answered at once, at least 1. They share the cells of a few whole contexts: see [`LoadSpec::cells`].
    pub parallel: u32,
    /// Prompt tokens per decode call.
    pub batch: u32,
    /// Threads for one token at a time, at most: fewer are used while they are faster.
    pub threads: u32,
    /// Threads for prompts, at most.
    pub threads_batch: u32,
    /// Layers on the GPU; `None` leaves it to llama.cpp (all that it can), which means nothing in a CPU build.
    pub gpu_layers: Option<u32>,
    pub mmap: bool,
    /// Requests that may wait; one more is [`EngineError::Busy`].
    pub queue: usize,
    /// Gives vectors instead of text, made of the tokens' in this way; `None` does what the file says it is for.
    pub pooling: Option<Pooling>,
    /// One text for one prompt and seed, whatever else is answered at the same time: see `engine/steady.rs`. Slower.
    pub reproducible: bool,
}

impl LoadSpec {
    /// The defaults for `model` on this machine.
    pub fn new(model: &Path) -> LoadSpec {
        let threads = super::default_threads(cpu::physical_cores());
        LoadSpec {
            model: model.into(),
            context: 0,
            parallel: 1,
            batch: 512,
            threads,
            threads_batch: threads,
            gpu_layers: None,
            mmap: true,
            queue: 32,
            pooling: None,
            reproducible: false,
        }
    }
}

/// Whole contexts that requests answered at once share at most: short ones, which are what is offloaded, fit many times
/// into one.
pub const CONTEXTS: u32 = 4;

impl LoadSpec {
    /// Cells of the KV cache for requests of `context` tokens.
    pub fn cells(&self, context: u32) -> u32 {
        context.saturating_mul(self.parallel.clamp(1, CONTEXTS))
    }
}

/// How the vectors of the tokens of a text become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// They do not: each token keeps its own.
    None,
    Mean,
    /// The first one stands for all.
    Cls,
    /// The last one stands for all.
    Last,
    /// A score of a pair of texts instead of a vector.
    Rank,
}

impl Pooling {
    pub const ALL: [Pooling; 5] = [Pooling::None, Pooling::Mean, Pooling::Cls, Pooling::Last, Pooling::Rank];

    /// As llama-server's `--pooling` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Pooling::None => "none",
            Pooling::Mean => "mean",
            Pooling::Cls => "cls",
            Pooling::Last => "last",
            Pooling::Rank => "rank",
        }
    }

    pub fn named(name: &str) -> Option<Pooling> {
        Pooling::ALL.into_iter().find(|pooling| pooling.name() == name)
    }
}

/// Where the lines of llama.cpp's log go.
pub type LogSink = fn(&str);

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// `general.name`, else the file name.
    pub name: String,
    /// Tokens that fit in the context.
    pub context: u32,
    /// Tokens of context that the model was trained with.
    pub context_trained: u32,
    pub parameters: u64,
    /// Bytes of its tensors.
    pub bytes: u64,
    pub vocabulary: u32,
    /// Whether the file carries a chat template.
    pub chat_template: bool,
    /// Answers that are generated at the same time.
    pub slots: u32,
    /// What an embedding model makes its vectors of; `None` for one that generates text.
    #[serde(default)]
    pub pooling: Option<Pooling>,
}

/// A prompt in tokens, made by the engine.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub(super) tokens: Vec<i32>,
    pub template: TemplateUse,
}

impl Prompt {
    /// Tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub fn tokens(&self) -> &[i32] {
        &self.tokens
    }
}

/// How the messages became a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateUse {
    /// The model file's own chat template.
    Model,
    /// The model file's own, with the system text moved into the first user message: it takes no system role.
    ModelWithoutSystem,
    /// The file has no chat template: the plain text of the messages. The answer goes on from the text.
    None,
    /// Not a chat: the text was given as it is.
    Raw,
}

/// How the next token is chosen. The defaults are llama-server's.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 or less takes the likeliest token always.
    pub temperature: f32,
    pub top_k: i32,
    pub top_p: f32,
    pub min_p: f32,
    /// `None` draws one.
    pub seed: Option<u32>,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05, seed: None }
    }
}

/// One generation.
#[derive(Debug, Clone)]
pub struct Generate {
    pub prompt: Prompt,
    pub sampling: Sampling,
    /// Tokens at most; `None` is what the context has room for.
    pub max_tokens: Option<u32>,
    /// The text ends before the first of these.
    pub stop: Vec<String>,
    /// What the answer has to fit.
    pub form: Option<Form>,
    /// Counted from when it starts, not from when it is queued.
    pub timeout: Option<Duration>,
}

/// What an answer has to fit, enforced token by token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Form {
    /// A GBNF grammar with the root `root`.
    Grammar(String),
    /// A JSON schema, as JSON.
    Schema(String),
}

impl Form {
    /// The grammar, or the schema.
    pub fn text(&self) -> &str {
        match self {
            Form::Grammar(text) | Form::Schema(text) => text,
        }
    }
}

/// A text to be embedded, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Text(String),
    /// Its tokens, in the model's own numbers.
    Tokens(Vec<i32>),
}

/// One vector per text, in the order of the texts, each of length 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    pub vectors: Vec<Vec<f32>>,
    /// Of all texts together.
    pub prompt_tokens: u32,
}

/// What a generation reports, in this order: `Started`, any number of `Piece`, then `Done` or `Failed`.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Started {
        prompt_tokens: u32,
    },
    /// Whole characters; never a part of a stop string.
    Piece(String),
    Done {
        finish: Finish,
        timings: Timings,
    },
    Failed(EngineError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended its turn, or a stop string came.
    Stop,
    /// `max_tokens` or the context is used up.
    Length,
    /// Nobody wants it any more, or the engine stops.
    Cancelled,
    /// Its own time limit.
    TimedOut,
}

/// llama-server's names: n in tokens, ms in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Prompt tokens that were there already, from an earlier or a neighbouring request.
    #[serde(default)]
    pub cache_n: u32,
    /// Prompt tokens that were computed.
    pub prompt_n: u32,
    pub prompt_ms: f64,
    pub prompt_per_second: f64,
    pub predicted_n: u32,
    pub predicted_ms: f64,
    pub predicted_per_second: f64,
}

impl Timings {
    pub fn new(prompt: (u32, Duration), predicted: (u32, Duration)) -> Timings {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let rate = |(n, time): (u32, Duration)| if time.is_zero() { 0.0 } else { f64::from(n) / time.as_secs_f64() };
        Timings {
            cache_n: 0,
            prompt_n: prompt.0,
            prompt_ms: ms(prompt.1),
            prompt_per_second: rate(prompt),
            predicted_n: predicted.0,
            predicted_ms: ms(predicted.1),
            predicted_per_second: rate(predicted),
        }
    }
}

/// Why the engine does not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("this build has no llama engine")]
    NoEngine,
    /// Told before anything of llama.cpp runs, which would end in SIGILL.
    #[error("llama.cpp in this build needs a CPU with {0}")]
    Cpu(String),
    #[error("{0}")]
    BadSpec(String),
    /// In llama.cpp's words, from its log.
    #[error("{0}")]
    Refused(String),
    #[error("loading was cancelled")]
    Cancelled,
    #[error("the chat template of the model refuses these messages: {0}")]
    Template(String),
    #[error("the prompt is empty")]
    EmptyPrompt,
    #[error("the prompt has {prompt} tokens, and the context only {context}")]
    ContextOverflow { prompt: usize, context: u32 },
    #[error("text {index} has {tokens} tokens, and at most {most} are taken")]
    TextTooLong { index: usize, tokens: usize, most: u32 },
    /// Asked for what this kind of model does not do.
    #[error("{0}")]
    NotThisModel(&'static str),
    #[error("{waiting} requests are waiting already")]
    Busy { waiting: usize },
    #[error("llama.cpp could not decode: {0}")]
    Decode(String),
    #[error("the engine has stopped")]
    Stopped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pooling_reads_back_by_its_name() {
        for pooling in Pooling::ALL {
            assert_eq!(Pooling::named(pooling.name()), Some(pooling));
        }
        assert_eq!(Pooling::named("sum"), None);
    }
}
