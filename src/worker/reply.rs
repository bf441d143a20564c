//! Answers in OpenAI's shape with llama-server's additions, and modelctl's own under `modelctl`.

use super::dialect::Usage;
use crate::engine::{EngineError, Finish, TemplateUse, Timings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Which of the two endpoints answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Chat,
    Text,
}

/// What all parts of one answer have in common.
#[derive(Debug, Clone)]
pub struct Reply {
    pub kind: Kind,
    pub id: String,
    /// Seconds since the epoch.
    pub created: i64,
    pub model: String,
    pub template: TemplateUse,
    pub include_usage: bool,
}

/// modelctl's addition to an answer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Extension {
    pub template: TemplateUse,
}

impl Reply {
    /// The whole answer at once.
    pub fn whole(&self, text: &str, finish: Finish, usage: Usage, timings: Timings) -> Value {
        let choice = match self.kind {
            Kind::Chat => {
                json!({"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}})
            }
            Kind::Text => json!({"index": 0, "finish_reason": finish, "text": text}),
        };
        let mut value = self.frame(json!([choice]), Part::Whole);
        value["usage"] = json!(usage);
        self.extend(&mut value, timings);
        value
    }

    /// The chunk that opens a stream: who speaks, and how the prompt was made. Only chats have one.
    pub fn opening(&self) -> Option<Value> {
        (self.kind == Kind::Chat).then(|| {
            let mut value = self.chunk(json!({"role": "assistant", "content": null}), None);
            value["modelctl"] = json!(Extension { template: self.template });
            value
        })
    }

    pub fn piece(&self, text: &str) -> Value {
        match self.kind {
            Kind::Chat => self.chunk(json!({"content": text}), None),
            Kind::Text => self.chunk(json!(text), None),
        }
    }

    /// The last chunks: why it ended, and the usage when asked for.
    pub fn closing(&self, finish: Finish, usage: Usage, timings: Timings) -> Vec<Value> {
        let nothing = if self.kind == Kind::Chat { json!({}) } else { json!("") };
        let mut last = self.chunk(nothing, Some(finish));
        self.extend(&mut last, timings);
        let mut chunks = vec![last];
        if self.include_usage {
            let mut value = self.frame(json!([]), Part::Chunk);
            value["usage"] = json!(usage);
            self.extend(&mut value, timings);
            chunks.push(value);
        }
        chunks
    }

    fn chunk(&self, content: Value, finish: Option<Finish>) -> Value {
        let key = if self.kind == Kind::Chat { "delta" } else { "text" };
        self.frame(json!([{"index": 0, "finish_reason": finish, key: content}]), Part::Chunk)
    }

    fn frame(&self, choices: Value, part: Part) -> Value {
        let object = match (self.kind, part) {
            (Kind::Chat, Part::Whole) => "chat.completion",
            (Kind::Chat, Part::Chunk) => "chat.completion.chunk",
            (Kind::Text, _) => "text_completion",
        };
        json!({"id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices})
    }

    fn extend(&self, value: &mut Value, timings: Timings) {
        value["timings"] = json!(timings);
        value["modelctl"] = json!(Extension { template: self.template });
    }
}

#[derive(Clone, Copy)]
enum Part {
    Whole,
    Chunk,
}

/// An error as both dialects write it: `{"error": {"code", "message", "type"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// The HTTP status.
    pub code: u16,
    pub message: String,
    #[serde(rename = "type")]
    pub kind: String,
}

impl ApiError {
    pub fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError { code: 400, message: message.into(), kind: "invalid_request_error".into() }
    }

    pub fn unavailable(message: impl Into<String>) -> ApiError {
        ApiError { code: 503, message: message.into(), kind: "unavailable_error".into() }
    }

    /// Our fault.
    pub fn broken(message: impl Into<String>) -> ApiError {
        ApiError { code: 500, message: message.into(), kind: "server_error".into() }
    }

    pub fn body(&self) -> Value {
        json!({"error": self})
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> ApiError {
        let message = error.to_string();
        match error {
            EngineError::Template(_) | EngineError::EmptyPrompt | EngineError::BadSpec(_) => {
                ApiError::bad_request(message)
            }
            EngineError::ContextOverflow { .. } | EngineError::TextTooLong { .. } => {
                ApiError { code: 400, message, kind: "exceed_context_size_error".into() }
            }
            EngineError::NotThisModel(_) => ApiError { code: 501, message, kind: "not_supported_error".into() },
            EngineError::Busy { .. } | EngineError::Stopped | EngineError::Cancelled => ApiError::unavailable(message),
            EngineError::NoEngine | EngineError::Cpu(_) | EngineError::Refused(_) | EngineError::Decode(_) => {
                ApiError::broken(message)
            }
        }
    }
}

/// One event of a stream.
pub fn sse(value: &Value) -> String {
    format!("data: {value}\n\n")
}
