//! Characters and colours: how a state, a share of a bar and a text of strangers look.

use super::super::state::{Did, Mark, Status};
use crate::ui::text;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::{bar, border};

/// Bytes of a text that are looked at for each column: more cannot be seen.
const BYTES: usize = 16;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub is_ascii: bool,
    pub is_colored: bool,
}

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
    Dim,
    Bold,
    Ours,
    Services,
    Others,
    Reserved,
}

/// Who has a part of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Ours,
    Services,
    External,
    Reserved,
    Free,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_BARS: bar::Set<'static> = bar::Set {
    full: "#",
    seven_eighths: "#",
    three_quarters: "*",
    five_eighths: "*",
    half: "=",
    three_eighths: "=",
    one_quarter: "-",
    one_eighth: ".",
    empty: " ",
};

impl Theme {
    pub fn style(self, tone: Tone) -> Style {
        let (color, modifier) = match tone {
            Tone::Plain => return Style::new(),
            Tone::Dim => return Style::new().add_modifier(Modifier::DIM),
            Tone::Bold => return Style::new().add_modifier(Modifier::BOLD),
            Tone::Good => (Color::Green, Modifier::empty()),
            Tone::Warn => (Color::Yellow, Modifier::empty()),
            Tone::Bad => (Color::Red, Modifier::BOLD),
            Tone::Ours => (Color::Green, Modifier::empty()),
            Tone::Services => (Color::Cyan, Modifier::empty()),
            Tone::Others => (Color::Magenta, Modifier::empty()),
            Tone::Reserved => (Color::Yellow, Modifier::empty()),
        };
        let style = Style::new().add_modifier(modifier);
        if self.is_colored { style.fg(color) } else { style }
    }

    pub fn border(self) -> border::Set<'static> {
        if self.is_ascii { ASCII_BORDER } else { border::PLAIN }
    }

    pub fn bars(self) -> bar::Set<'static> {
        if self.is_ascii { ASCII_BARS } else { bar::NINE_LEVELS }
    }

    /// Returns the shape of a state: colour is never the only sign.
    pub fn shape(self, status: Status) -> &'static str {
        let (shape, ascii) = match status {
            Status::Busy => ("◆", "*"),
            Status::Starting => ("◐", "%"),
            Status::Queued => ("◌", "~"),
            Status::Ready => ("●", "o"),
            Status::Stopping => ("■", "-"),
            Status::Backoff => ("▲", "^"),
            Status::Failed => ("✕", "x"),
            Status::External => ("◇", "<"),
            Status::Reserved => ("▣", "="),
            Status::Stopped => ("○", "."),
            Status::Disabled => ("–", "_"),
            Status::Unusable => ("⊘", "!"),
        };
        if self.is_ascii { ascii } else { shape }
    }

    pub fn tone(self, status: Status) -> Tone {
        match status {
            Status::Busy | Status::Ready => Tone::Good,
            Status::Starting | Status::Queued | Status::Stopping | Status::Backoff | Status::Reserved => Tone::Warn,
            Status::Failed => Tone::Bad,
            Status::External => Tone::Others,
            Status::Stopped | Status::Disabled | Status::Unusable => Tone::Dim,
        }
    }

    /// Returns how a part of a device looks.
    pub fn part(self, part: Part) -> (&'static str, Tone) {
        let (shape, ascii, tone) = match part {
            Part::Ours => ("█", "#", Tone::Ours),
            Part::Services => ("▓", "=", Tone::Services),
            Part::External => ("▒", "+", Tone::Others),
            Part::Reserved => ("░", "-", Tone::Reserved),
            Part::Free => ("·", ".", Tone::Dim),
        };
        (if self.is_ascii { ascii } else { shape }, tone)
    }

    /// Returns how a time of the last hour looks.
    pub fn did(self, did: Did) -> (&'static str, Tone) {
        let (shape, ascii, tone) = match did {
            Did::Nothing => ("·", ".", Tone::Dim),
            Did::Ready => ("▄", "-", Tone::Good),
            Did::Busy => ("█", "#", Tone::Good),
            Did::Queued => ("◌", "~", Tone::Warn),
            Did::Starting => ("▒", "%", Tone::Warn),
            Did::Stopping => ("▂", "_", Tone::Warn),
            Did::Backoff => ("▲", "^", Tone::Bad),
            Did::Failed => ("✕", "x", Tone::Bad),
        };
        (if self.is_ascii { ascii } else { shape }, tone)
    }

    /// Returns the letter of what happened at one time.
    pub fn mark(self, mark: Mark) -> (&'static str, Tone) {
        match mark {
            Mark::Evicted => ("E", Tone::Warn),
            Mark::Crashed => ("C", Tone::Bad),
            Mark::Downgraded => ("D", Tone::Warn),
            Mark::Upgraded => ("U", Tone::Good),
            Mark::Restored => ("R", Tone::Good),
        }
    }

    /// Makes a text of strangers safe, and cuts its end.
    pub fn cut(self, text: &str, room: usize) -> String {
        let seen = text.get(..floor(text, room.saturating_mul(BYTES))).unwrap_or(text);
        let clean = self.clean(seen);
        if text::width(&clean) <= room && seen.len() == text.len() {
            return clean;
        }
        let mut kept = String::new();
        let keep = room.saturating_sub(1);
        for letter in clean.chars() {
            let length = kept.len();
            kept.push(letter);
            if text::width(&kept) > keep {
                kept.truncate(length);
                break;
            }
        }
        if room > 0 {
            kept.push_str(self.ellipsis());
        }
        kept
    }

    /// Makes a name of strangers safe, and cuts its middle: the end tells files apart.
    pub fn name(self, text: &str, room: usize) -> String {
        let most = room.saturating_mul(BYTES);
        let tail = text.len().saturating_sub(most);
        let ends = match text.len() > most.saturating_mul(2) {
            true => {
                let (head, tail) = (text.get(..floor(text, most)), text.get(floor(text, tail)..));
                format!("{}{}", head.unwrap_or_default(), tail.unwrap_or_default())
            }
            false => text.to_owned(),
        };
        let short = text::shorten(&self.clean(&ends), room).into_owned();
        if self.is_ascii { short.replace(text::ELLIPSIS, "~") } else { short }
    }

    /// Returns a text without characters that act on the terminal, or that it cannot show.
    pub fn clean(self, text: &str) -> String {
        let clean = text::clean(text);
        if !self.is_ascii || clean.is_ascii() {
            return clean.into_owned();
        }
        clean.chars().map(|c| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() }).collect()
    }

    fn ellipsis(self) -> &'static str {
        if self.is_ascii { "~" } else { "…" }
    }

    /// Makes a text safe, and breaks it into lines between words.
    pub fn wrap(self, text: &str, width: usize) -> Vec<String> {
        let width = width.max(1);
        let (mut lines, mut line) = (Vec::new(), String::new());
        for word in self.clean(text).split(' ') {
            let long = text::width(&line).saturating_add(1).saturating_add(text::width(word)) > width;
            if long && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            for letter in word.chars() {
                let length = line.len();
                line.push(letter);
                if text::width(&line) > width {
                    line.truncate(length);
                    lines.push(std::mem::replace(&mut line, letter.to_string()));
                }
            }
        }
        lines.push(line);
        lines
    }
}

/// Returns the last place of a character that is not after `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Theme = Theme { is_ascii: false, is_colored: false };
    const ASCII: Theme = Theme { is_ascii: true, is_colored: false };

    /// A name could otherwise move the cursor, or hide the row of another model.
    #[test]
    fn hostile_texts_are_shown_as_text_and_cut() {
        assert_eq!(WIDE.cut("a\x1b[2J\u{202e}b", 40), "a\\x1b[2J\\u{202e}b");
        assert_eq!(WIDE.cut("short", 5), "short");
        assert_eq!(WIDE.cut("shorter", 5), "shor…");
        assert_eq!(ASCII.cut("模型 is long", 12), "\\u{6a21}\\u{~");
        assert_eq!((WIDE.cut("x", 0), ASCII.cut("xy", 1)), (String::new(), "~".to_owned()));
        let long = format!("{}end", "模".repeat(4_000));
        assert!(text::width(&WIDE.cut(&long, 20)) <= 20 && WIDE.name(&long, 20).ends_with("end"));
        assert_eq!(ASCII.name("Meta-Llama-3.1-70B-Instruct-Q4_K_M", 16), "Meta-Lla~-Q4_K_M");
    }

    #[test]
    fn lines_break_between_words_and_long_words_anywhere() {
        assert_eq!(WIDE.wrap("the lifecycle is paused", 13), ["the lifecycle", "is paused"]);
        assert_eq!(WIDE.wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
    }

    #[test]
    fn without_colour_no_style_has_one() {
        for tone in [Tone::Good, Tone::Warn, Tone::Bad, Tone::Dim, Tone::Ours, Tone::Others, Tone::Reserved] {
            assert_eq!((WIDE.style(tone).fg, WIDE.style(tone).bg), (None, None), "{tone:?}");
        }
    }
}
