use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Token counts, by OpenAI's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u32,
    pub completion_tokens: u32,
    pub total_tokens: u32,
    #[serde(default)]
    pub prompt_tokens_details: PromptDetails,
}

/// Tokens of the prompt that were not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptDetails {
    /// Tokens that were already in the cache, from an earlier or a concurrent request.
    pub cached_tokens: u32,
}

/// The reason why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended its message, or a stop string came.
    Stop,
    /// `max_tokens` or the context is used up.
    Length,
    /// The request was canceled, or the engine stops.
    Cancelled,
    /// The time limit of the request was reached.
    TimedOut,
}

/// Times by llama-server's names: n in tokens, ms in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Prompt tokens that were already in the cache, from an earlier or a concurrent request.
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
