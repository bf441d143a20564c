//! The last line of a traceback.

use super::super::Trouble;
use crate::node::log::{LifeEnd, LogLine};
use crate::triage::facts::ServiceFacts;
use regex::Regex;
use std::sync::LazyLock;

/// An exception that a line names: `KeyError: 'ENV'`.
pub(super) struct Exception<'a> {
    pub(super) line: &'a LogLine,
    /// The class without its modules.
    pub(super) class: &'a str,
    pub(super) message: &'a str,
}

/// A class with its modules at the start of the line, or after the time and level that a logger puts there. A sentence
/// that speaks of an exception somewhere is none.
static LAST_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^\s*(?:[\[\]\d\-:.,TZ+/ ]*(?:ERROR|CRITICAL|FATAL)?[\]:| ]*)?(?:[A-Za-z_]\w*\.)*([A-Z]\w*(?:Error|Exception|Interrupt|Exit|Failure|Refused|Timeout|NotFound))(?::\s*(.*))?$",
    )
    .ok() // the pattern is constant, and a test reads with it
});

/// Returns the exception of a line that is the last one of a traceback.
pub(super) fn exception(line: &LogLine) -> Option<Exception<'_>> {
    let found = LAST_LINE.as_ref()?.captures(&line.text)?;
    let class = found.get(1)?.as_str();
    let message = found.get(2).map_or("", |message| message.as_str().trim());
    Some(Exception { line, class, message })
}

/// Returns whether the last life of the present trouble ended by itself as Python and its servers do after an exception,
/// or whether a process that runs does not answer. A signal or another status has another cause than what Python says.
pub(super) fn ends_as_python(service: &ServiceFacts) -> bool {
    let Some(trouble) = service.trouble() else { return false };
    match service.last_end().map(|life| &life.end) {
        // Python ends with 1; uvicorn with 1 and 3, gunicorn's workers with 3 and 4.
        Some(LifeEnd::Exited { code, .. }) => matches!(code, 1 | 3 | 4),
        Some(LifeEnd::Unknown) => true,
        Some(_) => false,
        None => trouble == Trouble::NotAnswering || trouble == Trouble::NotRunning,
    }
}

/// Returns the exception that ended the last life of the present trouble, or that keeps a process that runs from
/// answering.
pub(super) fn fatal(service: &ServiceFacts) -> Option<Exception<'_>> {
    if !ends_as_python(service) {
        return None;
    }
    service.lines_of_trouble().into_iter().rev().find_map(exception)
}

/// Returns what two failures have in common: the class and the message without numbers.
pub(super) fn signature(exception: &Exception<'_>) -> String {
    let mut text = format!("{}: ", exception.class);
    let mut was_digit = false;
    for c in exception.message.chars() {
        if !c.is_ascii_digit() {
            text.push(c);
        } else if !was_digit {
            text.push('#');
        }
        was_digit = c.is_ascii_digit();
    }
    text
}

/// Returns an exception as its line shows it, without the modules of its class.
pub(super) fn shown(exception: &Exception<'_>) -> String {
    if exception.message.is_empty() {
        exception.class.to_owned()
    } else {
        format!("{}: {}", exception.class, exception.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::testing::line;

    // A user's words about an exception would be taken for the cause of a crash.
    #[test]
    fn only_the_last_line_of_a_traceback_is_an_exception() {
        for (text, class, message) in [
            ("KeyError: 'ENV'", "KeyError", "'ENV'"),
            ("ModuleNotFoundError: No module named 'a'", "ModuleNotFoundError", "No module named 'a'"),
            (
                "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
                "ValidationError",
                "1 validation error for Settings",
            ),
            ("2026-11-21 06:00:00,123 ERROR: ValueError: no", "ValueError", "no"),
            ("[2026-11-21 06:00:00 +0000] [7] [ERROR] OSError: [Errno 28] No space", "OSError", "[Errno 28] No space"),
            ("AssertionError", "AssertionError", ""),
        ] {
            let line = line(text);
            let Some(found) = exception(&line) else { panic!("{text}") };
            assert_eq!((found.class, found.message), (class, message), "{text}");
        }
        for text in
            ["user asks: what is ModuleNotFoundError: No module named 'a'?", "raise KeyError('x')", "an Error: x", ""]
        {
            assert!(exception(&line(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn numbers_do_not_tell_two_failures_apart() {
        let (a, b) = (line("OSError: port 8001 of 10.0.0.7"), line("OSError: port 9 of 10.0.0.12"));
        assert_eq!(exception(&a).map(|e| signature(&e)), exception(&b).map(|e| signature(&e)));
    }
}
