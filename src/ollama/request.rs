use super::KeepAlive;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The body of `POST /api/chat`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ChatRequest {
    pub model: Option<String>,
    pub messages: Option<Vec<Map<String, Value>>>,
    pub tools: Option<Value>,
    pub format: Option<Value>,
    pub options: Option<Map<String, Value>>,
    pub stream: Option<bool>,
    pub keep_alive: Option<Value>,
    pub think: Option<Value>,
}

/// The body of `POST /api/generate`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct GenerateRequest {
    pub model: Option<String>,
    pub prompt: Option<String>,
    pub suffix: Option<String>,
    pub system: Option<String>,
    /// A template of Ollama's, which is not used.
    pub template: Option<String>,
    /// The tokens of an earlier answer, which are not used.
    pub context: Option<Value>,
    pub raw: Option<bool>,
    pub images: Option<Value>,
    pub format: Option<Value>,
    pub options: Option<Map<String, Value>>,
    pub stream: Option<bool>,
    pub keep_alive: Option<Value>,
    pub think: Option<Value>,
}

/// The body of `POST /api/show`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ShowRequest {
    pub model: Option<String>,
    /// The older name of `model`, which some clients use.
    pub name: Option<String>,
}

/// The body of `POST /api/pull`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PullRequest {
    pub model: Option<String>,
    pub name: Option<String>,
    pub stream: Option<bool>,
}

impl ChatRequest {
    /// Returns whether it asks for no answer: such a request loads the model, or unloads it.
    pub fn is_empty(&self) -> bool {
        self.messages.as_ref().is_none_or(Vec::is_empty)
    }
}

impl GenerateRequest {
    /// As [`ChatRequest::is_empty`].
    pub fn is_empty(&self) -> bool {
        let is_none = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
        is_none(&self.prompt) && is_none(&self.suffix)
    }
}

impl ShowRequest {
    pub fn named(&self) -> Option<&str> {
        named(self.model.as_deref(), self.name.as_deref())
    }
}

impl PullRequest {
    pub fn named(&self) -> Option<&str> {
        named(self.model.as_deref(), self.name.as_deref())
    }
}

fn named<'a>(model: Option<&'a str>, name: Option<&'a str>) -> Option<&'a str> {
    model.filter(|name| !name.is_empty()).or(name).filter(|name| !name.is_empty())
}

/// What an empty request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    Load,
    Unload,
}

impl Errand {
    /// Returns the reason that the answer has.
    pub fn name(self) -> &'static str {
        match self {
            Errand::Load => "load",
            Errand::Unload => "unload",
        }
    }

    pub fn of(keep: Option<KeepAlive>) -> Errand {
        if keep.is_some_and(KeepAlive::is_zero) { Errand::Unload } else { Errand::Load }
    }
}
