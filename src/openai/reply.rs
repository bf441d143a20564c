//! Answers in OpenAI's shape with llama-server's additions, and modelctl's own under `modelctl`.

use super::usage::{Finish, Timings, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The endpoint that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Chat,
    Text,
}

/// The members that all parts of one answer share.
#[derive(Debug, Clone)]
pub struct Reply {
    pub kind: Kind,
    pub id: String,
    /// Seconds since the epoch.
    pub created: i64,
    pub model: String,
    pub template: TemplateUse,
    pub include_usage: bool,
    pub dialect: Dialect,
}

/// How closely an answer keeps to OpenAI's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// With reasons for the end and comments that only clients of this program know.
    #[default]
    Own,
    /// What clients of OpenAI's service expect, and nothing that one of them could trip over.
    OpenAi,
}

/// The way in which the messages became a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TemplateUse {
    /// The model file's own chat template.
    Model,
    /// The model file's own template, with the system text moved into the first user message, because the template
    /// takes no system role.
    ModelWithoutSystem,
    /// The plain text of the messages, because the file has no chat template. The answer continues the text.
    None,
    /// No chat: the text as it was given.
    #[default]
    Raw,
}

/// modelctl's addition to an answer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Extension {
    pub template: TemplateUse,
}

impl Reply {
    /// Returns the whole answer at once.
    pub fn whole(&self, text: &str, finish: Finish, usage: Usage, timings: Timings) -> Value {
        self.whole_of(&[(text, finish)], usage, timings)
    }

    /// Returns the whole answer with several choices.
    pub fn whole_of<T: AsRef<str>>(&self, choices: &[(T, Finish)], usage: Usage, timings: Timings) -> Value {
        let choice = |(index, (text, finish)): (usize, &(T, Finish))| {
            let (text, finish) = (text.as_ref(), self.reason(*finish));
            match self.kind {
                Kind::Chat => {
                    json!({"index": index, "finish_reason": finish, "message": {"role": "assistant", "content": text}})
                }
                Kind::Text => json!({"index": index, "finish_reason": finish, "text": text}),
            }
        };
        let choices: Vec<Value> = choices.iter().enumerate().map(choice).collect();
        let mut value = self.frame(json!(choices), Part::Whole);
        set(&mut value, "usage", json!(usage));
        self.extend(&mut value, timings);
        value
    }

    /// Returns the chunk that opens a stream: the role, and how the prompt was made. Only chats have one.
    pub fn opening(&self) -> Option<Value> {
        (self.kind == Kind::Chat).then(|| {
            let content = if self.dialect == Dialect::OpenAi { json!("") } else { Value::Null };
            let mut value = self.chunk(0, json!({"role": "assistant", "content": content}), None);
            set(&mut value, "modelctl", json!(Extension { template: self.template }));
            value
        })
    }

    pub fn piece(&self, text: &str) -> Value {
        self.piece_of(0, text)
    }

    /// Returns a chunk of one of several choices.
    pub fn piece_of(&self, index: usize, text: &str) -> Value {
        match self.kind {
            Kind::Chat => self.chunk(index, json!({"content": text}), None),
            Kind::Text => self.chunk(index, json!(text), None),
        }
    }

    /// Returns the chunk that ends one of several choices.
    pub fn end_of(&self, index: usize, finish: Finish) -> Value {
        let nothing = if self.kind == Kind::Chat { json!({}) } else { json!("") };
        self.chunk(index, nothing, Some(self.reason(finish)))
    }

    /// Returns the chunk with the usage if requested.
    pub fn usage(&self, usage: Usage, timings: Timings) -> Option<Value> {
        self.include_usage.then(|| {
            let mut value = self.frame(json!([]), Part::Chunk);
            set(&mut value, "usage", json!(usage));
            self.extend(&mut value, timings);
            value
        })
    }

    /// Returns the last chunks: the reason for the end, and the usage if requested.
    pub fn closing(&self, finish: Finish, usage: Usage, timings: Timings) -> Vec<Value> {
        let mut last = self.end_of(0, finish);
        self.extend(&mut last, timings);
        std::iter::once(last).chain(self.usage(usage, timings)).collect()
    }

    /// Returns the reason for the end in this dialect. OpenAI has no word for a time limit: what is cut off is `length`.
    fn reason(&self, finish: Finish) -> Finish {
        match (self.dialect, finish) {
            (Dialect::OpenAi, Finish::TimedOut) => Finish::Length,
            (_, finish) => finish,
        }
    }

    fn chunk(&self, index: usize, content: Value, finish: Option<Finish>) -> Value {
        let key = if self.kind == Kind::Chat { "delta" } else { "text" };
        self.frame(json!([{"index": index, "finish_reason": finish, key: content}]), Part::Chunk)
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
        set(value, "timings", json!(timings));
        set(value, "modelctl", json!(Extension { template: self.template }));
    }
}

/// Sets a member of an object; every value here is one.
fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}

#[derive(Clone, Copy)]
enum Part {
    Whole,
    Chunk,
}

/// The payload of the last event of a stream.
pub const DONE: &str = "[DONE]";

/// Formats one event of a stream.
pub fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// Returns whether bytes of a stream are only the chunk with the role, which comes before the first token.
pub fn is_opening(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk {
        choices: Vec<Choice>,
    }
    #[derive(Deserialize)]
    struct Choice {
        delta: Map<String, Value>,
        finish_reason: Option<Value>,
    }
    let event = bytes.strip_prefix(b"data: ").and_then(|rest| rest.strip_suffix(b"\n\n"));
    // Several events, half of one, and what is no chunk are no opening.
    let Some(chunk) = event.and_then(|event| serde_json::from_slice::<Chunk>(event).ok()) else { return false };
    let is_nothing = |(key, value): (&String, &Value)| key == "role" || value.is_null() || value == "";
    let is_open = |choice: &Choice| choice.finish_reason.is_none() && choice.delta.contains_key("role");
    !chunk.choices.is_empty()
        && chunk.choices.iter().all(|choice| is_open(choice) && choice.delta.iter().all(is_nothing))
}

/// Formats a comment of a stream, which readers pass over.
pub fn comment(text: &str) -> String {
    format!(": {text}\n\n")
}
