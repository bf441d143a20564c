use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One message of a chat: `role`, `content` and all other members that a request gives it, in the order of the request.
/// Chat templates read those they know (`tool_calls`, `name`, `reasoning_content`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message {
    fields: Map<String, Value>,
}

impl Message {
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Message {
        let mut fields = Map::new();
        fields.insert("role".into(), Value::String(role.into()));
        fields.insert("content".into(), Value::String(content.into()));
        Message { fields }
    }

    pub fn from_fields(fields: Map<String, Value>) -> Message {
        Message { fields }
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key)
    }

    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    pub fn role(&self) -> &str {
        self.get("role").and_then(Value::as_str).unwrap_or("")
    }

    /// Returns the content as one text: parts with a line end between them, as llama-server joins them; null is empty.
    pub fn text(&self) -> String {
        match self.get("content") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => {
                let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
                texts.collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }

    /// Returns the message with another value for one member, in the member's place.
    pub fn with(&self, key: &str, value: impl Into<Value>) -> Message {
        let mut fields = self.fields.clone();
        fields.insert(key.to_owned(), value.into());
        Message { fields }
    }

    /// Returns the message with `change` applied to all its texts, including names of members.
    pub fn map_texts(&self, change: &dyn Fn(&str) -> String) -> Message {
        let fields = self.fields.iter().map(|(key, value)| (key.clone(), map_texts(value, change))).collect();
        Message { fields }
    }
}

/// Returns `value` with every text changed. The JSON reader bounds nesting: it refuses more than 128 levels.
fn map_texts(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| map_texts(item, change)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (change(key), map_texts(value, change))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}
