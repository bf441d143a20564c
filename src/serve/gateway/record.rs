//! What is kept of each request, without texts.

use crate::lifecycle::Class;
use crate::model::ModelId;
use serde::Serialize;
use std::fmt;

/// The endpoint that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    Chat,
    Completions,
    Embeddings,
    /// A path of a server that is passed on as it is.
    Upstream,
}

impl Endpoint {
    pub fn name(self) -> &'static str {
        match self {
            Endpoint::Chat => "chat",
            Endpoint::Completions => "completions",
            Endpoint::Embeddings => "embeddings",
            Endpoint::Upstream => "upstream",
        }
    }

    /// Returns the path of a server.
    pub(super) fn path(self) -> &'static str {
        match self {
            Endpoint::Chat => "/v1/chat/completions",
            Endpoint::Completions => "/v1/completions",
            Endpoint::Embeddings => "/v1/embeddings",
            // That of the request.
            Endpoint::Upstream => "/",
        }
    }
}

/// One request that has ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    pub endpoint: Endpoint,
    /// The listed name of the model; empty when the request named none that is served.
    pub model: String,
    #[serde(skip)]
    pub model_id: Option<ModelId>,
    /// Whether a server took it.
    #[serde(skip)]
    pub is_granted: bool,
    /// Whether whoever asked records it as a use of the model.
    #[serde(skip)]
    pub is_recorded: bool,
    pub class: Class,
    /// The id of the request, as its answer has it.
    pub id: String,
    /// The name of the key, or the address of the client.
    pub client: String,
    /// The HTTP status.
    pub status: u16,
    /// Time until a server took it.
    pub waited_ms: u64,
    /// Time from then until the first token of the answer, or the whole of one that is no stream.
    pub first_token_ms: Option<u64>,
    /// Time in all.
    pub took_ms: u64,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub tokens_per_second: Option<f64>,
    /// Why it ended: `stop`, `length`, another reason of the server, `error: …`, or `client left`.
    pub finish: String,
}

impl Record {
    /// Returns the tokens of the prompt and the answer that a model has generated.
    pub fn used(&self) -> Option<(&ModelId, u64)> {
        let completion = self.completion_tokens?;
        Some((self.model_id.as_ref()?, completion.saturating_add(self.prompt_tokens?)))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { endpoint, class, status, waited_ms, took_ms, finish, .. } = self;
        let (endpoint, class) = (endpoint.name(), class.name());
        write!(f, "{endpoint} model={:?} class={class} status={status} waited_ms={waited_ms}", self.model)?;
        if let Some(first) = self.first_token_ms {
            write!(f, " first_token_ms={first}")?;
        }
        write!(f, " took_ms={took_ms}")?;
        if let Some(tokens) = self.completion_tokens {
            write!(f, " tokens={tokens}")?;
        }
        if let Some(rate) = self.tokens_per_second {
            write!(f, " tokens_per_second={rate:.1}")?;
        }
        write!(f, " finish={finish:?} id={} client={:?}", self.id, self.client)
    }
}
