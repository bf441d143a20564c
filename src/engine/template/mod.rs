//! Chat templates: the Jinja text in a model file, rendered as its author's Python would.
//!
//! The template is foreign code. It runs with bounded fuel and without a loader, and its errors are answers, never
//! panics. No llama.cpp type here.

use super::EngineError;
use super::control::ControlTexts;
use super::request::TemplateUse;
use crate::clock::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind, context};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Instructions that one rendering may take. A long chat takes some ten thousands.
const FUEL: u64 = 4_000_000;

/// One message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub role: String,
    pub content: String,
}

impl Message {
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Message {
        Message { role: role.into(), content: content.into() }
    }
}

/// What a rendering needs besides the messages.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The text of the model's begin and end tokens, empty when it has none.
    pub bos: &'a str,
    pub eos: &'a str,
    pub control: &'a ControlTexts,
    /// Further variables for the template (`enable_thinking`).
    pub variables: &'a serde_json::Map<String, serde_json::Value>,
    pub now: Timestamp,
}

/// Renders `messages` by `template`, up to where the model's answer begins.
///
/// A template that raises on a system message, or leaves its text out, is given the system text at the head of the
/// first user message instead. One that wants contents as lists of parts is given those.
pub fn render(
    template: &str,
    messages: &[Message],
    around: &Surroundings,
) -> Result<(String, TemplateUse), EngineError> {
    let messages: Vec<Message> = messages
        .iter()
        .map(|m| Message::new(around.control.broken(&m.role), around.control.broken(&m.content)))
        .collect();
    let source = python_only_tags(template);
    let first = render_either_content(&source, &messages, around);
    let system_lost = match &first {
        Ok(text) => messages.iter().any(|m| m.role == "system" && !text.contains(m.content.trim())),
        Err(error) => raised(error).is_some() && messages.iter().any(|m| m.role == "system"),
    };
    let (result, how) = if system_lost {
        (render_either_content(&source, &with_system_merged(&messages), around), TemplateUse::ModelWithoutSystem)
    } else {
        (first, TemplateUse::Model)
    };
    match result {
        Ok(text) => Ok((text, how)),
        Err(error) => Err(EngineError::Template(raised(&error).map_or_else(|| error.to_string(), str::to_string))),
    }
}

/// The prompt of a model without a template: the texts, with an empty line between them.
pub fn plain(messages: &[Message]) -> String {
    messages.iter().map(|m| m.content.as_str()).collect::<Vec<_>>().join("\n\n")
}

/// With contents as texts; where the last message then does not show, as lists of parts.
fn render_either_content(source: &str, messages: &[Message], around: &Surroundings) -> Result<String, Error> {
    let as_text = render_once(source, Value::from(Serde(messages)), around);
    let last = messages.last().map_or("", |m| m.content.trim());
    if as_text.as_ref().is_ok_and(|text| text.contains(last)) || as_text.as_ref().is_err_and(|e| raised(e).is_some()) {
        return as_text;
    }
    let parts = messages.iter().map(|m| {
        let part = context! { type => "text", text => m.content.as_str() };
        context! { role => m.role.as_str(), content => [part] }
    });
    match render_once(source, parts.collect::<Value>(), around) {
        Ok(text) if text.contains(last) => Ok(text),
        _ => as_text,
    }
}

fn render_once(source: &str, messages: Value, around: &Surroundings) -> Result<String, Error> {
    let mut env = Environment::new();
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    env.set_fuel(Some(FUEL));
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    env.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message.clone()).with_source(Raised(message)))
    });
    let now = around.now;
    env.add_function("strftime_now", move |format: String| strftime(now, &format));
    env.add_filter("tojson", tojson);
    let known = context! {
        messages, bos_token => around.bos, eos_token => around.eos, add_generation_prompt => true,
    };
    env.template_from_str(source)?.render(context! { ..known, ..Value::from(Serde(around.variables)) })
}

/// The template itself refused, by `raise_exception`.
#[derive(Debug)]
struct Raised(String);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Raised {}

/// What the template said when it refused; `None` for every other error.
fn raised(error: &Error) -> Option<&str> {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(Raised(message)) = cause.downcast_ref::<Raised>() {
            return Some(message);
        }
        source = cause.source();
    }
    None
}

/// All system texts at the head of the first user message, or as one where there is none.
fn with_system_merged(messages: &[Message]) -> Vec<Message> {
    let (system, mut others): (Vec<Message>, Vec<Message>) = messages.iter().cloned().partition(|m| m.role == "system");
    let system = plain(&system);
    match others.iter_mut().find(|m| m.role == "user") {
        Some(user) => user.content = format!("{system}\n\n{}", user.content),
        None => others.insert(0, Message::new("user", system)),
    }
    others
}

/// `{% generation %}` marks the answer for training in Hugging Face's Python; here it is a block that always shows.
fn python_only_tags(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, tag)) = rest.split_once("{%") {
        out.push_str(before);
        out.push_str("{%");
        rest = tag;
        let Some((inside, _)) = tag.split_once("%}") else { continue };
        let replaced = match inside.trim_matches(['-', '+', ' ', '\t', '\n']) {
            "generation" => inside.replace("generation", "if true"),
            "endgeneration" => inside.replace("endgeneration", "endif"),
            _ => continue,
        };
        out.push_str(&replaced);
        rest = tag.get(inside.len()..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// Python's `datetime.now().strftime`: local time.
fn strftime(now: Timestamp, format: &str) -> Result<String, Error> {
    let wrong = |error: jiff::Error| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {error}"));
    let time = jiff::Timestamp::from_millisecond(now.millis()).map_err(wrong)?;
    jiff::fmt::strtime::format(format, &time.to_zoned(jiff::tz::TimeZone::system())).map_err(wrong)
}

/// Python's `json.dumps(value, ensure_ascii=False, indent=…)`; minijinja's own filter escapes for HTML.
fn tojson(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = options.get("indent")?;
    let wrong = |error: serde_json::Error| Error::new(ErrorKind::BadSerialization, error.to_string());
    let mut out = Vec::new();
    match indent {
        Some(width) => {
            let spaces = " ".repeat(width.min(16));
            let pretty = serde_json::ser::PrettyFormatter::with_indent(spaces.as_bytes());
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, pretty)).map_err(wrong)?;
        }
        None => value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Spaced)).map_err(wrong)?,
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A space after each comma and colon, as Python writes JSON on one line.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests;
