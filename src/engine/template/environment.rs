//! The Jinja environment of chat templates: transformers' sandbox, with the parts that templates use.

use super::limited::Limited;
use super::{json, methods, python, safe};
use crate::clock::Timestamp;
use crate::engine::EngineError;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};
use std::io;

/// The name of the template in error messages.
pub const NAME: &str = "chat_template";

/// The number of instructions that one rendering may take. A long chat takes some ten thousands.
const FUEL: u64 = 4_000_000;

/// The reason why a rendering gave no text.
#[derive(Debug)]
pub enum Trouble {
    /// The template called `raise_exception`; in its own words.
    Raised(String),
    /// The template wrote more than the limit.
    TooLong,
    Failed(String),
}

impl Trouble {
    pub fn is_raised(&self) -> bool {
        matches!(self, Trouble::Raised(_))
    }

    /// Returns whether no other shape of the messages would help.
    pub fn is_final(&self) -> bool {
        !matches!(self, Trouble::Failed(_))
    }

    pub fn into_error(self, most: usize) -> EngineError {
        match self {
            Trouble::Raised(message) => EngineError::TemplateRefused(message),
            Trouble::TooLong => EngineError::TextOverflow { most },
            Trouble::Failed(why) => EngineError::Template(why),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            if let Some(Raised(message)) = cause.downcast_ref::<Raised>() {
                return Trouble::Raised(message.clone());
            }
            let is_too_long = |error: &io::Error| error.kind() == io::ErrorKind::FileTooLarge;
            if cause.downcast_ref::<io::Error>().is_some_and(is_too_long) {
                return Trouble::TooLong;
            }
            source = cause.source();
        }
        Trouble::Failed(reason(&error))
    }
}

/// Returns the reason of an error with its line number, on one line.
pub fn reason(error: &Error) -> String {
    let line = error.line().map(|line| format!(" (line {line})")).unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => format!("it takes more than {FUEL} steps{line}"),
        kind => match error.detail() {
            Some(detail) => format!("{kind}: {detail}{line}"),
            None => format!("{kind}{line}"),
        },
    }
}

/// A refusal by the template itself, by `raise_exception`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Raised(String);

/// Creates an environment with Python's functions for a template, without the template.
///
/// # Errors
/// None that depends on the template.
pub fn new(source: &str) -> Result<Environment<'static>, Error> {
    let mut env = Environment::new();
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    env.set_fuel(Some(FUEL));
    // The name of a template is irrelevant here: chat templates are plain text.
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    minijinja_contrib::add_to_environment(&mut env);
    env.set_unknown_method_callback(methods::call);
    env.add_function("raise_exception", |message: Value| -> Result<Value, Error> {
        let message = message.to_string();
        Err(Error::new(ErrorKind::InvalidOperation, message.clone()).with_source(Raised(message)))
    });
    env.add_function("strftime_now", |state: &State, format: &str| -> Result<String, Error> {
        let now = state.lookup(NOW).and_then(|now| now.as_i64()).unwrap_or_default();
        strftime(Timestamp(now), format)
    });
    env.add_filter("tojson", json::tojson);
    for name in ["length", "count"] {
        env.add_filter(name, python::length);
    }
    env.add_filter("string", python::string);
    env.add_filter("indent", python::indent);
    env.add_filter("first", python::first);
    env.add_filter("last", python::last);
    env.add_filter("items", python::items);
    env.add_filter("int", python::int);
    env.add_filter("wordcount", python::wordcount);
    for name in ["e", "escape", "forceescape"] {
        env.add_filter(name, python::escape);
    }
    env.add_test("iterable", python::is_iterable);
    env.add_test("sequence", python::is_sequence);
    env.add_test("callable", python::is_callable);
    if safe::adds(source) {
        env.add_filter("safe", safe::mark);
        env.set_formatter(safe::write);
    }
    Ok(env)
}

/// The variable that holds the time of a rendering, milliseconds since the epoch. No template can name it.
pub const NOW: &str = "\0now";

/// Renders to at most `most` bytes.
///
/// # Errors
/// See [`Trouble`].
pub fn render(template: &minijinja::Template, root: Value, most: usize) -> Result<String, Trouble> {
    let mut out = Limited { bytes: Vec::new(), most };
    template.render_captured_to(root, &mut out)?;
    // Only texts are written to it.
    String::from_utf8(out.bytes).map_err(|error| Trouble::Failed(error.to_string()))
}

/// Formats a time as Python's `datetime.now().strftime`: local time.
fn strftime(now: Timestamp, format: &str) -> Result<String, Error> {
    let wrong = |error: jiff::Error| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {error}"));
    let time = jiff::Timestamp::from_millisecond(now.millis()).map_err(wrong)?;
    jiff::fmt::strtime::format(format, &time.to_zoned(jiff::tz::TimeZone::system())).map_err(wrong)
}
