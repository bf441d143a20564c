//! Answers of OpenAI's dialect, made into Ollama's.

use super::time::with_offset;
use crate::clock::Timestamp;
use crate::openai::{ApiError, DONE};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The endpoint that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Chat,
    Generate,
}

/// How long a request took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    pub total: Duration,
    /// Until a server took it: waiting for others, and for the model to be loaded.
    pub load: Duration,
}

/// The content of one event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text { content: String, thinking: String },
    Nothing,
    Done,
    Failed(ApiError),
}

/// One answer, from its first event to its last.
#[derive(Debug, Clone)]
pub struct Answer {
    kind: Kind,
    model: String,
    reason: Option<String>,
    usage: Usage,
    timings: Option<Timings>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    timings: Option<Timings>,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    text: Option<String>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Timings {
    prompt_ms: Option<f64>,
    predicted_ms: Option<f64>,
}

impl Answer {
    /// Creates an answer under the name that the client asked for.
    pub fn new(kind: Kind, model: &str) -> Answer {
        Answer { kind, model: model.to_owned(), reason: None, usage: Usage::default(), timings: None }
    }

    /// Adds the payload of one event of the stream of a server.
    pub fn add(&mut self, payload: &str) -> Part {
        if payload == DONE {
            return Part::Done;
        }
        let Ok(chunk) = serde_json::from_str::<Chunk>(payload) else {
            return Part::Failed(ApiError::broken("the server of the model sent an invalid answer"));
        };
        if let Some(error) = chunk.error {
            return Part::Failed(error);
        }
        self.usage = chunk.usage.unwrap_or(self.usage);
        self.timings = chunk.timings.or(self.timings);
        let (mut content, mut thinking) = (String::new(), String::new());
        for choice in chunk.choices {
            self.reason = choice.finish_reason.or(self.reason.take());
            content.push_str(&choice.delta.content.or(choice.text).unwrap_or_default());
            thinking.push_str(&choice.delta.reasoning_content.unwrap_or_default());
        }
        match content.is_empty() && thinking.is_empty() {
            true => Part::Nothing,
            false => Part::Text { content, thinking },
        }
    }

    /// Returns a line of the stream.
    pub fn piece(&self, content: &str, thinking: &str, now: Timestamp) -> Value {
        let mut line = self.frame(content, thinking, now);
        set(&mut line, "done", false);
        line
    }

    /// Returns the last line of the stream, or, with the whole text, the answer that is no stream.
    pub fn last(&self, content: &str, thinking: &str, times: Times, now: Timestamp) -> Value {
        let mut line = self.frame(content, thinking, now);
        set(&mut line, "done", true);
        set(&mut line, "done_reason", if self.reason.as_deref() == Some("length") { "length" } else { "stop" });
        set(&mut line, "total_duration", nanos(times.total));
        set(&mut line, "load_duration", nanos(times.load));
        let Timings { prompt_ms, predicted_ms } = self.timings.unwrap_or_default();
        // A server without figures: clients divide by these durations.
        let rest = nanos(times.total.saturating_sub(times.load)).max(1);
        set(&mut line, "prompt_eval_count", self.usage.prompt_tokens.unwrap_or(0));
        set(&mut line, "prompt_eval_duration", prompt_ms.map_or(rest, nanos_of).max(1));
        set(&mut line, "eval_count", self.usage.completion_tokens.unwrap_or(0));
        set(&mut line, "eval_duration", predicted_ms.map_or(rest, nanos_of).max(1));
        line
    }

    /// Returns the answer to a request that has only loaded or unloaded the model.
    pub fn errand(&self, reason: &str, now: Timestamp) -> Value {
        let mut line = self.frame("", "", now);
        set(&mut line, "done", true);
        set(&mut line, "done_reason", reason);
        line
    }

    fn frame(&self, content: &str, thinking: &str, now: Timestamp) -> Value {
        let mut line = json!({"model": self.model, "created_at": with_offset(now)});
        match self.kind {
            Kind::Chat => {
                let mut message = json!({"role": "assistant", "content": content});
                if !thinking.is_empty() {
                    set(&mut message, "thinking", thinking);
                }
                set(&mut line, "message", message);
            }
            Kind::Generate => {
                set(&mut line, "response", content);
                if !thinking.is_empty() {
                    set(&mut line, "thinking", thinking);
                }
            }
        }
        line
    }
}

/// Sets a member of an object; every value here is one.
fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(members) = object {
        members.insert(key.to_owned(), value.into());
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A number that is not finite or negative becomes the nearest that can be written.
fn nanos_of(ms: f64) -> u64 {
    (ms * 1e6) as u64
}
