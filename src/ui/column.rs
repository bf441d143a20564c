//! Columns and cells of a table, and how each of them is shown.

use super::text::{self, clean};
use std::borrow::Cow;
use std::path::Path;

/// Number of spaces between two columns.
pub(super) const GAP: usize = 2;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Meaning of a cell in addition to its text; shown as color where there is color, never the only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Plain,
    /// Red: broken.
    Bad,
    /// Yellow: absent, unusual or not usable now.
    Warn,
    /// Secondary.
    Dim,
    /// Headings.
    Bold,
}

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    /// Order of omission: 0 is never left out; the highest is left out first.
    pub rank: u8,
    pub align: Align,
    /// Smallest width that its cells may be shortened to; None for cells that lose their meaning when shortened.
    pub min: Option<usize>,
    pub cut: Cut,
    /// Whether the column is shown only where no other one is cut for it.
    pub is_extra: bool,
    pub alike: Alike,
}

/// What is shown of a cell on a terminal, and what is left out first when it is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The middle.
    Middle,
    /// Of the name of a model: the publisher and `-GGUF`, then the middle.
    Name,
    /// A path: `~` stands for the home folder; then the middle.
    Path,
    /// Of an id: the end, as far as the others are still different.
    Id,
}

/// Whether a column is shown on a terminal although all of its cells are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    Show,
    LeaveOut,
    /// Only if all are this.
    LeaveOutIf(&'static str),
}

impl Column {
    /// Returns a column of names or words that is not shortened.
    pub const fn left(title: &'static str, rank: u8) -> Column {
        Column { title, rank, align: Align::Left, min: None, cut: Cut::Middle, is_extra: false, alike: Alike::Show }
    }

    /// Returns a column of numbers.
    pub const fn right(title: &'static str, rank: u8) -> Column {
        Column { align: Align::Right, ..Column::left(title, rank) }
    }

    /// Returns a column of names of models, which are shortened down to a width of `min`.
    pub const fn name(title: &'static str, rank: u8, min: usize) -> Column {
        Column { cut: Cut::Name, min: Some(min), ..Column::left(title, rank) }
    }

    /// Returns a column of paths, which are shortened down to a width of `min`.
    pub const fn path(title: &'static str, rank: u8, min: usize) -> Column {
        Column { cut: Cut::Path, min: Some(min), ..Column::left(title, rank) }
    }

    /// Returns a column of ids, of which a person needs to type the beginning only.
    pub const fn id(title: &'static str, rank: u8) -> Column {
        Column { cut: Cut::Id, ..Column::left(title, rank) }
    }

    /// Returns the column with cells that may be shortened down to a width of `min`.
    #[must_use]
    pub const fn shrink_to(self, min: usize) -> Column {
        Column { min: Some(min), ..self }
    }

    /// Returns the column as one that is shown only where no other one is cut for it.
    #[must_use]
    pub const fn extra(self) -> Column {
        Column { is_extra: true, ..self }
    }

    /// Returns the column as one that is left out where all of its cells are alike.
    #[must_use]
    pub const fn unless_alike(self) -> Column {
        Column { alike: Alike::LeaveOut, ..self }
    }

    /// Returns the column as one that is left out where all of its cells are `text`.
    #[must_use]
    pub const fn unless(self, text: &'static str) -> Column {
        Column { alike: Alike::LeaveOutIf(text), ..self }
    }
}

/// One cell; its text is cleaned when the cell is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<'a> {
    text: Cow<'a, str>,
    tone: Tone,
}

impl<'a> Cell<'a> {
    /// Returns a cell with any text; an empty one becomes `-`, so that every line has every field.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        let text = match text.into() {
            Cow::Borrowed("") => Cow::Borrowed("-"),
            Cow::Borrowed(text) => clean(text),
            Cow::Owned(text) if text.is_empty() => Cow::Borrowed("-"),
            Cow::Owned(text) => match clean(&text) {
                Cow::Borrowed(_) => Cow::Owned(text),
                Cow::Owned(safe) => Cow::Owned(safe),
            },
        };
        Cell { text, tone: Tone::Plain }
    }

    /// Returns a cell with a path.
    pub fn path(path: &Path) -> Cell<'a> {
        Cell::new(text::path(path))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn shown_tone(&self) -> Tone {
        self.tone
    }

    /// Returns `-`, for a missing value.
    pub fn none() -> Cell<'a> {
        Cell { text: Cow::Borrowed("-"), tone: Tone::Plain }
    }

    /// Returns a cell with a text, or `-` where there is none.
    pub fn or_none(text: Option<impl Into<Cow<'a, str>>>) -> Cell<'a> {
        text.map_or_else(Cell::none, Cell::new)
    }

    #[must_use]
    pub fn tone(self, tone: Tone) -> Cell<'a> {
        Cell { tone, ..self }
    }
}
