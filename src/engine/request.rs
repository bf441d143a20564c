use super::{AtWork, Finish, Form, Sampling, TemplateUse, Timings};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tokens that a text for a vector may have where nobody asked for more: its vector is computed in one piece, and the memory
/// for that grows with this number.
pub const TEXT_TOKENS: u32 = 2_048;

/// The model to load, and its settings.
#[derive(Debug, Clone)]
pub struct LoadSpec {
    pub model: PathBuf,
    /// Tokens of context of one request; 0 means the number with which the model was trained.
    pub context: u32,
    /// The number of requests answered at once, at least 1. They share the cells of a few whole contexts: see
    /// [`LoadSpec::cells`].
    pub parallel: u32,
    /// Prompt tokens per decode call.
    pub batch: u32,
    /// The largest number of threads for one token at a time: fewer are used while they are faster.
    pub threads: u32,
    /// The largest number of threads for prompts.
    pub threads_batch: u32,
    /// The number of layers on the GPU; `None` leaves it to llama.cpp (all that it can). Without effect in a CPU build.
    pub gpu_layers: Option<u32>,
    pub mmap: bool,
    /// The number of requests that may wait; one more is [`EngineError::Busy`].
    pub queue: usize,
    /// The way in which the vectors of tokens become that of a text, for an engine that gives vectors instead of text;
    /// `None` follows the purpose that the file declares.
    pub pooling: Option<Pooling>,
    /// Tokens that a text for a vector may have, where the context allows it.
    pub text_tokens: u32,
    /// Whether one prompt and seed always give the same text, whatever else is answered at the same time: see
    /// `engine/reproducible.rs`. Slower.
    pub reproducible: bool,
}

impl LoadSpec {
    /// Returns the defaults for `model` on this machine.
    pub fn new(model: &Path) -> LoadSpec {
        let threads = super::default_threads();
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
            text_tokens: TEXT_TOKENS,
            reproducible: false,
        }
    }
}

/// The largest number of whole contexts that concurrent requests share: short contexts, as offloaded tasks need them,
/// fit many times into one.
pub const CONTEXTS: u32 = 4;

impl LoadSpec {
    /// Returns the number of cells of the KV cache for requests of `context` tokens.
    pub fn cells(&self, context: u32) -> u32 {
        context.saturating_mul(self.parallel.clamp(1, CONTEXTS))
    }
}

/// The way in which the vectors of the tokens of a text become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Each token keeps its own vector.
    None,
    Mean,
    /// The vector of the first token is used.
    Cls,
    /// The vector of the last token is used.
    Last,
    /// A score of a pair of texts instead of a vector.
    Rank,
}

impl Pooling {
    pub const ALL: [Pooling; 5] = [Pooling::None, Pooling::Mean, Pooling::Cls, Pooling::Last, Pooling::Rank];

    /// Returns the name that llama-server's `--pooling` takes.
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

/// The destination of the lines of llama.cpp's log.
pub type LogSink = fn(&str);

/// Facts about the loaded model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// `general.name`, otherwise the file name.
    pub name: String,
    /// Tokens that fit in the context.
    pub context: u32,
    /// Tokens of context with which the model was trained.
    pub context_trained: u32,
    pub parameters: u64,
    /// Bytes of its tensors.
    pub bytes: u64,
    pub vocabulary: u32,
    /// Whether the file has a chat template.
    pub chat_template: bool,
    /// The number of answers that are generated at the same time.
    pub slots: u32,
    /// The pooling of an embedding model; `None` for a model that generates text.
    #[serde(default)]
    pub pooling: Option<Pooling>,
}

/// A prompt in tokens, made by the engine.
#[derive(Debug, Clone, Default)]
pub struct Prompt {
    pub(super) tokens: Vec<i32>,
    pub template: TemplateUse,
}

impl Prompt {
    /// Returns the number of tokens.
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

/// One generation.
#[derive(Debug, Clone)]
pub struct Generate {
    pub prompt: Prompt,
    pub sampling: Sampling,
    /// The largest number of tokens; `None` means as many as fit in the context.
    pub max_tokens: Option<u32>,
    /// Stop strings: the text ends before the first of these.
    pub stop: Vec<String>,
    /// The constraint on the answer.
    pub form: Option<Form>,
    /// Limit on the time, counted from when it starts, not from when it is queued.
    pub timeout: Option<Duration>,
    /// Set by the engine while it works for this request alone.
    pub at_work: AtWork,
}

/// One vector per text, in the order of the texts, each of length 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    pub vectors: Vec<Vec<f32>>,
    /// Tokens of all texts together.
    pub prompt_tokens: u32,
}

/// An event of a generation, in this order: `Started`, any number of `Piece`, then `Done` or `Failed`.
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

/// The reason why the engine refuses or fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("this build has no llama engine")]
    NoEngine,
    /// The CPU lacks instructions. Checked before anything of llama.cpp runs, which would end in SIGILL.
    #[error("llama.cpp in this build needs a CPU with {0}")]
    Cpu(String),
    #[error("{0}")]
    BadSpec(String),
    /// The file of the model is missing, or cannot be opened.
    #[error("{0}")]
    NoFile(String),
    /// llama.cpp refused, in its own words from its log.
    #[error("{0}")]
    Refused(String),
    #[error("loading was canceled")]
    Cancelled,
    /// The template raised an exception, in its own words.
    #[error("the chat template of the model refuses these messages: {0}")]
    TemplateRefused(String),
    #[error("the chat template of the model cannot be rendered: {0}")]
    Template(String),
    /// The text has more bytes than any prompt of the context.
    #[error("the chat template of the model writes more than {most} bytes, which is more than the context can hold")]
    TextOverflow { most: usize },
    /// The process that renders is missing.
    #[error("the chat template of the model was not rendered: {0}")]
    Renderer(String),
    #[error("the prompt is empty")]
    EmptyPrompt,
    #[error("the prompt has {prompt} tokens, and the context only {context}")]
    ContextOverflow { prompt: usize, context: u32 },
    /// The prompt was not even tokenized: so many bytes cannot fit.
    #[error("the prompt has {bytes} bytes, at least {at_least} tokens, and the context only {context}")]
    PromptTooLong { bytes: usize, at_least: usize, context: u32 },
    #[error("text {index} has {tokens} tokens; the maximum is {most}")]
    TextTooLong { index: usize, tokens: usize, most: u32 },
    /// The request is for something that this kind of model does not do.
    #[error("{0}")]
    NotThisModel(&'static str),
    #[error("{waiting} requests are waiting already")]
    Busy { waiting: usize },
    #[error("llama.cpp could not decode: {0}")]
    Decode(String),
    /// The unfinished answer cannot be continued to one that fits the constraint.
    #[error("the answer cannot be completed in the requested form: {0}")]
    Stuck(String),
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
