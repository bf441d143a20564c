use super::super::Fact;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub url: String,
    pub port: Option<u16>,
    /// Who listens on its port. Known(None): nobody that we can see.
    pub owner: Fact<Option<Owner>>,
    pub health: Answer,
    /// Ids of `/v1/models`, and who owns them.
    pub models: Fact<Vec<(String, Option<String>)>>,
    /// Two samples about two seconds apart, where the server has something to sample.
    pub samples: Vec<Sample>,
    /// Time for one token, in seconds, where it was asked for.
    pub token_s: Option<Fact<f64>>,
    /// Seconds between the clock of the server (`Date`) and ours.
    pub date_skew_s: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub pid: u32,
    pub name: String,
    pub argv: Vec<String>,
    /// Whether it is the service's process or below it.
    pub is_service: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Answer {
    Http {
        code: u16,
        /// The start of the body, 500 characters at most.
        body: String,
        seconds: f64,
    },
    /// Nobody listens.
    Refused,
    /// The connection is made and no answer comes.
    Silent { seconds: f64 },
    /// No connection within the limit.
    Unreachable { why: String },
    /// An answer that is no HTTP, or too large.
    Garbage { why: String },
    /// `https://`, which is not spoken.
    Tls,
    /// There is nothing to ask.
    NotAsked,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub time: Timestamp,
    /// Seconds since the first sample, by the clock that does not jump.
    pub at_s: f64,
    pub slots: Fact<Vec<Slot>>,
    pub metrics: Fact<Counters>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub id: i64,
    pub is_processing: bool,
    pub decoded: Option<u64>,
    pub context: Option<u64>,
}

/// Counters of llama-server, or of another server with Prometheus metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Batches decoded (`n_decode_total`), or tokens generated where another server counts those.
    pub decoded: Option<f64>,
    /// Tokens of prompts.
    pub prompt_tokens: Option<f64>,
    pub processing: Option<f64>,
    pub deferred: Option<f64>,
    /// Tokens per second, as the server says.
    pub tokens_per_second: Option<f64>,
}
