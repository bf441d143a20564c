//! Chat templates: the Jinja text in a model file, rendered as its author's Python would.
//!
//! The template is foreign code. It runs with bounded fuel, without a loader, into a bounded text, and its errors are
//! answers, never panics. Memory and time are bounded by the process that renders (`worker/renderer.rs`): values may
//! grow with every step. No llama.cpp type here.

mod environment;
mod json;
mod limited;
mod methods;
mod python;
mod safe;
mod tags;

use super::{EngineError, Message, TemplateUse};
use crate::clock::Timestamp;
use environment::{NAME, NOW, Trouble};
use minijinja::Environment;
use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

/// The largest number of bytes of a template. The largest known have 30 KB.
pub const MOST_TEMPLATE: usize = 1 << 20;

/// A chat to be rendered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Chat {
    pub messages: Vec<Message>,
    /// Further variables for the template (`enable_thinking`), in the order of the request.
    pub variables: Map<String, serde_json::Value>,
    /// Whether the prompt ends with the head of an answer.
    pub generation_prompt: bool,
    /// Whether the answer continues the last message: the prompt ends where its text ends.
    pub continues: bool,
    /// Time in milliseconds since the epoch.
    pub now: i64,
    /// The largest number of bytes of the rendered text: more cannot fit the context.
    pub most: usize,
}

impl Chat {
    /// Creates a chat whose prompt ends where the model's answer begins, without further variables and without a limit.
    pub fn new(messages: Vec<Message>, now: Timestamp) -> Chat {
        let now = now.millis();
        Chat { messages, variables: Map::new(), generation_prompt: true, continues: false, now, most: usize::MAX }
    }
}

/// A template that was read.
pub struct Template {
    environment: Environment<'static>,
    /// The texts of the model's begin and end tokens, empty when it has none.
    bos: String,
    eos: String,
}

/// The form in which the parts of a message are passed to the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Shape {
    /// Whether contents are lists of parts instead of texts.
    parts: bool,
    /// Whether a null content becomes an empty text.
    no_null: bool,
    /// Whether arguments of calls become objects, where they are texts that hold one.
    objects: bool,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`EngineError::Template`]: the template is too long, or is not Jinja.
    pub fn new(source: &str, bos: &str, eos: &str) -> Result<Template, EngineError> {
        if source.len() > MOST_TEMPLATE {
            let why = format!("it has {} bytes, and at most {MOST_TEMPLATE} are read", source.len());
            return Err(EngineError::Template(why));
        }
        let mut environment = environment::new(source).map_err(|e| EngineError::Template(environment::reason(&e)))?;
        let added = environment.add_template_owned(NAME, tags::python_only(source));
        added.map_err(|e| EngineError::Template(environment::reason(&e)))?;
        Ok(Template { environment, bos: bos.to_owned(), eos: eos.to_owned() })
    }

    /// Renders a chat, up to where the model's answer begins.
    ///
    /// A template that raises on a system message, or leaves its text out, gets the system text at the head of the
    /// first user message instead. A template that needs contents as lists of parts gets those, and one that needs the
    /// arguments of calls as objects gets objects.
    ///
    /// # Errors
    /// [`EngineError::TemplateRefused`] when it raised, [`EngineError::TextOverflow`] when its text is too long,
    /// [`EngineError::Template`] for every other fault of the template.
    pub fn render(&self, chat: &Chat) -> Result<(String, TemplateUse), EngineError> {
        let first = self.render_best(&chat.messages, chat);
        let system = |m: &&Message| m.role() == "system";
        let system_lost = match &first {
            Ok(text) => chat.messages.iter().filter(system).any(|m| !text.contains(m.text().trim())),
            Err(trouble) => trouble.is_raised() && chat.messages.iter().any(|m| m.role() == "system"),
        };
        let (result, how) = if system_lost {
            (self.render_best(&with_system_merged(&chat.messages), chat), TemplateUse::ModelWithoutSystem)
        } else {
            (first, TemplateUse::Model)
        };
        let text = result.map_err(|trouble| trouble.into_error(chat.most))?;
        if !chat.continues {
            return Ok((text, how));
        }
        let last = chat.messages.last().map(Message::text).unwrap_or_default();
        let text = cut_after(text, &last).ok_or_else(|| {
            EngineError::Template("it does not show the last message as it is, so the answer cannot continue it".into())
        })?;
        Ok((text, how))
    }

    /// Renders in the first shape that the template accepts.
    fn render_best(&self, messages: &[Message], chat: &Chat) -> Result<String, Trouble> {
        let mut shape = Shape::default();
        let mut best = self.render_in(shape, messages, chat);
        // Python prints a null as "None", which no author wants in a prompt; but some templates detect a call by it.
        if messages.iter().any(is_null_with_calls) && !best.as_ref().is_err_and(Trouble::is_raised) {
            let other = Shape { no_null: true, ..shape };
            let without = self.render_in(other, messages, chat);
            let nulls = |text: &str| text.matches("None").count();
            let better = match (&best, &without) {
                (Ok(with), Ok(without)) => nulls(with) > nulls(without),
                (Err(_), Ok(_)) => true,
                _ => false,
            };
            if better {
                (shape, best) = (other, without);
            }
        }
        // The arguments were written twice as JSON, or used as an object.
        let is_doubled = |text: &str| arguments(messages).any(|a| text.contains(&json!(a).to_string()));
        let wants_objects = match &best {
            Ok(text) => is_doubled(text),
            Err(trouble) => !trouble.is_raised() && arguments(messages).next().is_some(),
        };
        if wants_objects {
            let other = Shape { objects: true, ..shape };
            let with_objects = self.render_in(other, messages, chat);
            if with_objects.is_ok() {
                (shape, best) = (other, with_objects);
            }
        }
        let several = messages.iter().filter_map(|m| m.get("content")?.as_array()).any(|parts| parts.len() > 1);
        let last = messages.last().map(Message::text).unwrap_or_default();
        let shows_last = |text: &str| text.contains(last.trim());
        let is_good = match &best {
            Ok(text) => shows_last(text) && !several,
            Err(trouble) => trouble.is_final(),
        };
        if is_good {
            return best;
        }
        // A template that prints the list itself did not need lists.
        let is_printed = |text: &str| text.contains("'type': 'text'") || text.contains("\"type\": \"text\"");
        match self.render_in(Shape { parts: true, ..shape }, messages, chat) {
            Ok(text) if !is_printed(&text) && messages.iter().all(|m| shows_all(&text, m)) => Ok(text),
            Ok(text)
                if !is_printed(&text) && !best.as_ref().is_ok_and(|text| shows_last(text)) && shows_last(&text) =>
            {
                Ok(text)
            }
            _ => best,
        }
    }

    fn render_in(&self, shape: Shape, messages: &[Message], chat: &Chat) -> Result<String, Trouble> {
        let shaped: Vec<Message> = messages.iter().map(|m| shaped(m, shape)).collect();
        let mut root = Map::new();
        root.insert("bos_token".into(), json!(self.bos));
        root.insert("eos_token".into(), json!(self.eos));
        root.extend(chat.variables.iter().map(|(key, value)| (key.clone(), value.clone())));
        root.insert("messages".into(), json!(shaped));
        root.insert("add_generation_prompt".into(), json!(chat.generation_prompt && !chat.continues));
        root.insert(NOW.into(), json!(chat.now));
        let template = self.environment.get_template(NAME)?;
        environment::render(&template, Value::from(Serde(root)), chat.most)
    }
}

/// Returns the prompt of a model without a template: the texts, with an empty line between them.
pub fn plain(messages: &[Message]) -> String {
    messages.iter().map(Message::text).collect::<Vec<_>>().join("\n\n")
}

/// Returns a message in the given shape.
fn shaped(message: &Message, shape: Shape) -> Message {
    let mut shaped = match message.get("content") {
        Some(serde_json::Value::Null) if has_calls(message) && !shape.no_null => message.clone(),
        Some(serde_json::Value::Array(_)) if shape.parts => message.clone(),
        Some(_) if shape.parts => message.with("content", json!([{"type": "text", "text": message.text()}])),
        Some(serde_json::Value::String(_)) => message.clone(),
        Some(_) => message.with("content", message.text()),
        // Absent where a call replaces it, as in Python.
        None => message.clone(),
    };
    let calls = message.get("tool_calls").filter(|_| shape.objects && has_calls(message));
    if let Some(mut calls) = calls.cloned() {
        for call in calls.as_array_mut().into_iter().flatten() {
            if let Some(arguments) = call.pointer_mut("/function/arguments") {
                let object = arguments.as_str().and_then(|text| serde_json::from_str(text).ok());
                *arguments = object.filter(serde_json::Value::is_object).unwrap_or_else(|| arguments.clone());
            }
        }
        shaped = shaped.with("tool_calls", calls);
    }
    shaped
}

fn has_calls(message: &Message) -> bool {
    message.get("tool_calls").and_then(serde_json::Value::as_array).is_some_and(|calls| !calls.is_empty())
}

fn is_null_with_calls(message: &Message) -> bool {
    has_calls(message) && message.get("content").is_some_and(serde_json::Value::is_null)
}

/// Returns the arguments of all calls that are texts, as OpenAI has them.
fn arguments(messages: &[Message]) -> impl Iterator<Item = &str> {
    let calls = messages.iter().filter_map(|m| m.get("tool_calls")?.as_array()).flatten();
    calls.filter_map(|call| call.pointer("/function/arguments")?.as_str())
}

/// Returns whether `text` shows all texts of a message.
fn shows_all(text: &str, message: &Message) -> bool {
    match message.get("content").and_then(serde_json::Value::as_array) {
        Some(parts) => {
            parts.iter().filter_map(|part| part.get("text")?.as_str()).all(|part| text.contains(part.trim()))
        }
        None => text.contains(message.text().trim()),
    }
}

/// Returns `text` up to the end of the last place that shows `last`, as transformers' `continue_final_message` cuts it:
/// with the blanks around the message where the template keeps them.
fn cut_after(mut text: String, last: &str) -> Option<String> {
    let at = text.rfind(last.trim())?;
    let whole = last.trim_start();
    let end = match text.get(at..).is_some_and(|rest| rest.starts_with(whole)) {
        true => at.saturating_add(whole.len()),
        false => at.saturating_add(last.trim().len()),
    };
    text.truncate(end);
    Some(text)
}

/// Moves all system texts to the head of the first user message, or into one of their own where there is none.
fn with_system_merged(messages: &[Message]) -> Vec<Message> {
    let (system, mut others): (Vec<Message>, Vec<Message>) =
        messages.iter().cloned().partition(|m| m.role() == "system");
    let system = plain(&system);
    match others.iter_mut().find(|m| m.role() == "user") {
        Some(user) => *user = user.with("content", format!("{system}\n\n{}", user.text())),
        None => others.insert(0, Message::new("user", system)),
    }
    others
}

#[cfg(test)]
mod tests;
