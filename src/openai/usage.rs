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

impl Usage {
    pub fn of(prompt_tokens: u32, timings: Timings) -> Usage {
        let completion_tokens = timings.predicted_n;
        Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            prompt_tokens_details: PromptDetails { cached_tokens: timings.cache_n },
        }
    }

    /// Returns the counts of both together.
    pub fn plus(self, other: Usage) -> Usage {
        let cached = self.prompt_tokens_details.cached_tokens;
        Usage {
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_add(other.completion_tokens),
            total_tokens: self.total_tokens.saturating_add(other.total_tokens),
            prompt_tokens_details: PromptDetails {
                cached_tokens: cached.saturating_add(other.prompt_tokens_details.cached_tokens),
            },
        }
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
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

    /// Returns the times of two answers, one after the other.
    pub fn plus(self, other: Timings) -> Timings {
        let rate = |n: u32, ms: f64| if ms > 0.0 { f64::from(n) * 1_000.0 / ms } else { 0.0 };
        let (prompt_n, prompt_ms) = (self.prompt_n.saturating_add(other.prompt_n), self.prompt_ms + other.prompt_ms);
        let predicted_n = self.predicted_n.saturating_add(other.predicted_n);
        let predicted_ms = self.predicted_ms + other.predicted_ms;
        Timings {
            cache_n: self.cache_n.saturating_add(other.cache_n),
            prompt_n,
            prompt_ms,
            prompt_per_second: rate(prompt_n, prompt_ms),
            predicted_n,
            predicted_ms,
            predicted_per_second: rate(predicted_n, predicted_ms),
        }
    }
}
