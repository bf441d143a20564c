//! A table that fits its output. On a terminal it never wraps: the least important columns are left out and long names
//! are shortened in the middle. In a pipe or a file it is complete: all columns, nothing shortened, no color, gaps of
//! at least two spaces (`awk -F'  +'`).

use super::text::{self, clean, shorten};
use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement, presets::NOTHING};
use std::borrow::Cow;
use std::io;

const GAP: usize = 2;
/// Largest width that other lines of a piped table are padded to; one very long name exceeds it instead.
const WIDEST_PADDING: usize = 120;

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
}

impl Column {
    /// Returns a column of names or words that is not shortened.
    pub const fn left(title: &'static str, rank: u8) -> Column {
        Column { title, rank, align: Align::Left, min: None }
    }

    /// Returns a column of numbers.
    pub const fn right(title: &'static str, rank: u8) -> Column {
        Column { title, rank, align: Align::Right, min: None }
    }

    /// Returns the column with cells that may be shortened down to a width of `min`.
    #[must_use]
    pub const fn shrink_to(self, min: usize) -> Column {
        Column { min: Some(min), ..self }
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

    /// Returns `-`, for a missing value.
    pub fn none() -> Cell<'a> {
        Cell { text: Cow::Borrowed("-"), tone: Tone::Plain }
    }

    #[must_use]
    pub fn tone(self, tone: Tone) -> Cell<'a> {
        Cell { tone, ..self }
    }
}

/// Columns and rows. A row that is shorter than the header is filled with `-`, a longer one is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<'a> {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell<'a>>>,
}

/// The output of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A terminal of that many columns.
    Terminal { width: usize, color: bool },
    /// A pipe or a file.
    Stream,
}

impl<'a> Table<'a> {
    pub fn new(columns: &[Column]) -> Table<'a> {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, mut cells: Vec<Cell<'a>>) {
        cells.resize(self.columns.len(), Cell::none());
        self.rows.push(cells);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, each line with its newline, without trailing spaces.
    pub fn write(&self, out: &mut impl io::Write, medium: Medium) -> io::Result<()> {
        match medium {
            Medium::Terminal { width, color } => {
                let layout = self.fit(width);
                out.write_all(self.drawn(&layout, color).as_bytes())
            }
            Medium::Stream => self.stream(out),
        }
    }

    /// Returns the natural width of each column.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|c| text::width(c.title)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(text::width(&cell.text));
            }
        }
        widths
    }

    /// Returns the index and the width of each column to show, in the order of the header.
    fn fit(&self, room: usize) -> Vec<(usize, usize)> {
        let natural = self.widths();
        let least: Vec<usize> =
            natural.iter().zip(&self.columns).map(|(w, c)| c.min.map_or(*w, |min| min.min(*w))).collect();
        let total = |kept: &[usize], widths: &[usize]| -> usize {
            let cells: usize = kept.iter().filter_map(|i| widths.get(*i)).sum();
            cells + GAP * kept.len().saturating_sub(1)
        };
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        while total(&kept, &least) > room {
            let rank = |i: &usize| self.columns.get(*i).map_or(0, |c| c.rank);
            match kept.iter().copied().filter(|i| rank(i) > 0).max_by_key(rank) {
                Some(victim) => kept.retain(|i| *i != victim),
                None => break,
            }
        }
        let mut spare = room.saturating_sub(total(&kept, &least));
        let mut given = least.clone();
        let mut by_rank = kept.clone();
        by_rank.sort_by_key(|i| self.columns.get(*i).map(|c| c.rank));
        for i in by_rank {
            if let (Some(given), Some(natural)) = (given.get_mut(i), natural.get(i)) {
                let more = spare.min(natural.saturating_sub(*given));
                *given += more;
                spare -= more;
            }
        }
        // The columns that are never left out are wider than the terminal: shorten the first one that may be shortened.
        let over = total(&kept, &given).saturating_sub(room);
        if over > 0
            && let Some(i) = kept.iter().copied().find(|i| self.columns.get(*i).is_some_and(|c| c.min.is_some()))
            && let Some(given) = given.get_mut(i)
        {
            *given = given.saturating_sub(over).max(1);
        }
        kept.into_iter().map(|i| (i, given.get(i).copied().unwrap_or(0))).collect()
    }

    fn drawn(&self, layout: &[(usize, usize)], color: bool) -> String {
        let mut table = comfy_table::Table::new();
        // The widths are decided already: comfy-table must neither ask the terminal nor wrap.
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        if color {
            table.enforce_styling().style_text_only();
        }
        let pick = |row: &'_ [Cell<'_>]| -> Vec<comfy_table::Cell> {
            layout
                .iter()
                .filter_map(|(i, width)| row.get(*i).map(|cell| drawn_cell(&shorten(&cell.text, *width), cell.tone)))
                .collect()
        };
        let titles: Vec<Cell> = self.columns.iter().map(|c| Cell::new(c.title).tone(Tone::Bold)).collect();
        table.set_header(pick(&titles));
        table.add_rows(self.rows.iter().map(|row| pick(row)));
        for (at, (i, _)) in layout.iter().enumerate() {
            if let (Some(drawn), Some(column)) = (table.column_mut(at), self.columns.get(*i)) {
                drawn.set_padding((if at == 0 { 0 } else { GAP as u16 }, 0));
                if column.align == Align::Right {
                    drawn.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Writes line by line, without comfy-table, which takes several times as long over 10,000 rows and has nothing to
    /// decide here.
    fn stream(&self, out: &mut impl io::Write) -> io::Result<()> {
        let widths = self.widths();
        let mut line = String::with_capacity(256);
        let titles: Vec<Cell> = self.columns.iter().map(|c| Cell::new(c.title)).collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            line.clear();
            for (at, ((cell, column), width)) in row.iter().zip(&self.columns).zip(&widths).enumerate() {
                let padding = (*width).min(WIDEST_PADDING).saturating_sub(text::width(&cell.text));
                if at > 0 {
                    line.push_str("  ");
                }
                let spaces = std::iter::repeat_n(' ', padding);
                match column.align {
                    Align::Right => {
                        line.extend(spaces);
                        line.push_str(&cell.text);
                    }
                    Align::Left => {
                        line.push_str(&cell.text);
                        line.extend(spaces);
                    }
                }
            }
            line.truncate(line.trim_end().len());
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

fn drawn_cell(text: &str, tone: Tone) -> comfy_table::Cell {
    let cell = comfy_table::Cell::new(text);
    match tone {
        Tone::Plain => cell,
        Tone::Bad => cell.fg(Color::Red),
        Tone::Warn => cell.fg(Color::Yellow),
        Tone::Dim => cell.add_attribute(Attribute::Dim),
        Tone::Bold => cell.add_attribute(Attribute::Bold),
    }
}
