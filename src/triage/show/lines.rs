use crate::clock::Timestamp;
use crate::display::text::{clean, width};
use crate::display::units::{ago, bytes};
use crate::host::actor::quoted;

/// What a line is, in addition to its words; shown as color where there is color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Bad,
    Warn,
    Dim,
    Bold,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub tone: Tone,
    pub text: String,
}

/// Lines of a text that fits a width.
pub struct Lines {
    width: usize,
    lines: Vec<Line>,
}

impl Lines {
    pub fn new(width: usize) -> Lines {
        Lines { width: width.max(40), lines: Vec::new() }
    }

    pub fn into_vec(self) -> Vec<Line> {
        self.lines
    }

    pub fn empty(&mut self) {
        self.whole(Tone::Plain, "");
    }

    /// Adds a line that is not broken: a command, a place.
    pub fn whole(&mut self, tone: Tone, text: &str) {
        self.lines.push(Line { tone, text: clean(text).trim_end().to_owned() });
    }

    /// Adds the name of a block.
    pub fn label(&mut self, label: &str) {
        self.whole(Tone::Plain, &format!("  {label}"));
    }

    /// Adds a named value; further lines are below its beginning.
    pub fn field(&mut self, label: &str, value: &str) {
        self.wrapped(Tone::Plain, &format!("  {label:9}"), value);
    }

    /// Adds text after `start`, broken between words; further lines are indented to the end of `start`. A word that is wider
    /// than the line (a path) is not broken.
    pub fn wrapped(&mut self, tone: Tone, start: &str, text: &str) {
        let text = clean(text);
        let indent = " ".repeat(width(start));
        let mut line = start.to_owned();
        let mut is_empty = true;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let fits = width(&line) + width(word) + usize::from(!is_empty) <= self.width;
            if !is_empty && !fits {
                let full = std::mem::replace(&mut line, indent.clone());
                self.lines.push(Line { tone, text: full });
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.lines.push(Line { tone, text: line.trim_end().to_owned() });
    }
}

/// Returns a command as a person can paste it into a shell.
pub fn shell(argv: &[String]) -> String {
    argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Returns, for example, `93.8 MiB, changed 5m ago`.
pub fn size_and_age(size: Option<u64>, modified: Option<Timestamp>, now: Timestamp) -> String {
    let size = size.map(bytes);
    let age = modified.map(|modified| format!("changed {} ago", ago(modified.age(now))));
    let words: Vec<String> = size.into_iter().chain(age).collect();
    if words.is_empty() { "size unknown".to_owned() } else { words.join(", ") }
}

/// Returns a time as text; `-` where none is known.
pub fn when(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), Timestamp::rfc3339)
}
