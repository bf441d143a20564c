//! The filter `safe` with `+`. In Python its value escapes for HTML whatever is added to it, with or without
//! autoescaping (MarkupSafe's `Markup.__add__`), and the authors of a template trained their model with that.
//!
//! minijinja only adds two texts. So `safe` puts its text between two noncharacters, and where a value with them is
//! written, everything outside of them is escaped. Only templates that add to such a value pay for it.

use super::python;
use minijinja::value::Value;
use minijinja::{Error, ErrorKind, Output, State};
use std::fmt::Write;

const OPEN: char = '\u{fdd1}';
const CLOSE: char = '\u{fdd2}';

/// Returns whether a template adds something to the value of `safe`. Joined by `~` such a value is an ordinary text,
/// and afterwards it could not be recognized.
pub fn adds(source: &str) -> bool {
    let is_safe = |tag: &&str| tag.split('|').skip(1).any(|filter| filter.trim_start().starts_with("safe"));
    let tags = || source.split("{{").chain(source.split("{%")).skip(1).filter_map(|rest| rest.split(['}', '%']).next());
    let safe: Vec<&str> = if source.contains("safe") { tags().filter(is_safe).collect() } else { Vec::new() };
    safe.iter().any(|tag| tag.contains('+')) && !safe.iter().any(|tag| tag.contains('~'))
}

/// Implements the filter: marks a text as safe.
pub fn mark(text: &Value) -> Value {
    if text.is_undefined() { Value::from("") } else { Value::from(format!("{OPEN}{text}{CLOSE}")) }
}

/// Writes a value as [`minijinja::escape_formatter`] does, and escapes the text that was added to a safe one.
pub fn write(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let marked = value.as_str().filter(|text| text.contains(OPEN));
    let Some(text) = marked else { return minijinja::escape_formatter(out, state, value) };
    let mut is_safe = false;
    let failed = |error| Error::new(ErrorKind::WriteFailure, "writing failed").with_source(error);
    text.chars()
        .try_for_each(|c| match c {
            OPEN | CLOSE => {
                is_safe = c == OPEN;
                Ok(())
            }
            c if is_safe => out.write_char(c),
            c => match python::escaped(c) {
                Some(text) => out.write_str(text),
                None => out.write_char(c),
            },
        })
        .map_err(failed)
}
