//! Python tracebacks: the diagnosis is their last line, and the place is the last frame.

use super::level::is_exception;

const HEAD: &str = "Traceback (most recent call last)";
const CHAINS: [&str; 2] = ["During handling of the above exception", "The above exception was the direct cause"];
/// Lines of others that may stand between those of a traceback.
const OTHERS: u32 = 20;
/// Lines behind a validation error that name what is wrong with which value.
const DETAILS: u32 = 8;

/// What a line is to a traceback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Nothing,
    /// The first line of a traceback that no other one led to.
    Head,
    /// `File "x.py", line 3, in f`
    Frame,
    /// Its last line.
    Diagnosis,
    /// A line behind it that says more.
    Detail,
    /// Any other line of it.
    Inner,
}

#[derive(Debug, Default)]
pub(super) struct Tracebacks {
    /// Lines of others since the last line of the traceback; None: outside of one.
    inside: Option<u32>,
    is_chained: bool,
    details: u32,
}

impl Tracebacks {
    /// Says what the next line is. `text` is without the time before it.
    pub fn next(&mut self, text: &str) -> Part {
        let bare = text.trim_start_matches([' ', '\t', '|', '+', '-']);
        if bare.starts_with(HEAD) || text.ends_with("Traceback (most recent call last):") {
            let is_first = !self.is_chained && self.inside.is_none();
            (self.inside, self.is_chained, self.details) = (Some(0), false, 0);
            return if is_first { Part::Head } else { Part::Inner };
        }
        if CHAINS.iter().any(|chain| bare.starts_with(chain)) {
            self.is_chained = true;
            return Part::Inner;
        }
        if let Some(others) = self.inside {
            return self.next_inside(text, bare, others);
        }
        let is_detail = self.details > 0 && !text.trim().is_empty();
        self.details = if is_detail { self.details.saturating_sub(1) } else { 0 };
        if !text.trim().is_empty() {
            self.is_chained = false;
        }
        if is_detail { Part::Detail } else { Part::Nothing }
    }

    /// Says that the next line belongs to this one: Rust writes what a panic says behind where it was.
    pub fn expect_detail(&mut self) {
        self.details = 1;
    }

    fn next_inside(&mut self, text: &str, bare: &str, others: u32) -> Part {
        if text.starts_with([' ', '\t', '|', '+']) || text.is_empty() {
            return match () {
                () if bare.starts_with("File \"") => Part::Frame,
                // A member of an exception group.
                () if text.contains("| ") && is_exception(bare) => Part::Diagnosis,
                () => Part::Inner,
            };
        }
        // By its form the first line that is not indented ends a traceback; lines of other threads may come before it.
        let name = text.split(':').next().unwrap_or(text);
        let is_name = name.contains('.') || name.starts_with(|c: char| c.is_ascii_uppercase());
        let is_end =
            is_exception(text) || (is_name && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.')));
        if is_end && !matches!(name, "INFO" | "WARNING" | "ERROR" | "DEBUG" | "CRITICAL") {
            self.inside = None;
            self.details = if text.contains("validation error") { DETAILS } else { 0 };
            return Part::Diagnosis;
        }
        self.inside = (others < OTHERS).then(|| others.saturating_add(1));
        Part::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<Part> {
        let mut tracebacks = Tracebacks::default();
        text.lines().map(|line| tracebacks.next(line)).collect()
    }

    /// "Traceback (most recent call last)" says nothing; its last line says everything.
    #[test]
    fn the_last_line_is_the_diagnosis() {
        let text = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    x()\n    ^^^\nKeyError: 'ENV'\nnext";
        use Part::*;
        assert_eq!(parts(text), [Head, Frame, Inner, Inner, Diagnosis, Nothing]);
        let chained = "Traceback (most recent call last):\n  File \"a\"\nKeyError: 'a'\n\nDuring handling of the above exception, another \
            exception occurred:\n\nTraceback (most recent call last):\n  File \"b\"\nmy.Odd: b";
        assert_eq!(parts(chained), [Head, Frame, Diagnosis, Nothing, Inner, Nothing, Inner, Frame, Diagnosis]);
        let mixed = "Traceback (most recent call last):\n  File \"a\"\nINFO:     127.0.0.1 - GET\nsomething else: x\nOSError: [Errno 98] x";
        assert_eq!(parts(mixed), [Head, Frame, Nothing, Nothing, Diagnosis]);
        let validation = "Traceback (most recent call last):\n  File \"a\"\npydantic.ValidationError: 1 validation error for S\nAPI_KEY\n  Field required\n\nx";
        assert_eq!(parts(validation), [Head, Frame, Diagnosis, Detail, Detail, Nothing, Nothing]);
    }
}
