//! A table that fits its output. On a terminal it never wraps: the least important columns are left out, so are those
//! whose cells say nothing, and long names are shortened. In a pipe or a file it is complete: all columns, nothing
//! shortened, no color, gaps of at least two spaces (`awk -F'  +'`).

use super::column::{Align, Cell, Column, GAP, Tone};
use super::cut;
use super::layout::{Layout, widths};
use super::text::{self, clean};
use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement, presets::NOTHING};
use std::io;

/// Largest width that other lines of a piped table are padded to; one very long name exceeds it instead.
const WIDEST_PADDING: usize = 120;

/// Columns and rows. A row that is shorter than the header is filled with `-`, a longer one is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<'a> {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell<'a>>>,
    /// Lines between the rows: before which row, and the text.
    headings: Vec<(usize, String)>,
    has_header: bool,
}

/// The output of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium<'h> {
    /// A terminal of that many columns. `home`: the folder that `~` stands for.
    Terminal { width: usize, color: bool, home: Option<&'h str> },
    /// A reader who wants all columns whole, in color or not.
    Wide { color: bool },
    /// A pipe or a file.
    Stream,
}

impl<'a> Table<'a> {
    pub fn new(columns: &[Column]) -> Table<'a> {
        Table { columns: columns.to_vec(), rows: Vec::new(), headings: Vec::new(), has_header: true }
    }

    /// Leaves the line with the titles out.
    #[must_use]
    pub fn without_header(self) -> Table<'a> {
        Table { has_header: false, ..self }
    }

    pub fn row(&mut self, mut cells: Vec<Cell<'a>>) {
        cells.resize(self.columns.len(), Cell::none());
        self.rows.push(cells);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a line between the rows, on a terminal only: a program that reads rows does not expect it.
    pub fn heading(&mut self, text: impl Into<String>) {
        self.headings.push((self.rows.len(), text.into()));
    }

    /// Returns the number of lines on a terminal.
    pub(super) fn height(&self) -> usize {
        self.rows.len().saturating_add(self.headings.len()).saturating_add(1)
    }

    /// Writes the table, each line with its newline, without trailing spaces. Returns the columns that were left out,
    /// with the value that all of their cells have.
    pub fn write(&self, out: &mut impl io::Write, medium: Medium<'_>) -> io::Result<Vec<String>> {
        let (layout, color) = match medium {
            Medium::Stream => return self.stream(out).map(|()| Vec::new()),
            Medium::Wide { color } => (Layout::whole(&self.columns, &self.rows), color),
            Medium::Terminal { width, color, home } => (Layout::fit((&self.columns, &self.rows), width, home), color),
        };
        out.write_all(self.drawn(&layout, color).as_bytes())?;
        Ok(layout.hidden)
    }

    fn drawn(&self, layout: &Layout<'_>, color: bool) -> String {
        let mut table = comfy_table::Table::new();
        // The widths are decided already: comfy-table must neither ask the terminal nor wrap.
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        if color {
            table.enforce_styling().style_text_only();
        }
        let titles = layout.columns.iter().filter_map(|(i, width)| {
            let title = self.columns.get(*i)?.title;
            Some(drawn_cell(&text::shorten(title, *width), Tone::Bold))
        });
        table.set_header(titles.collect::<Vec<_>>());
        table.add_rows(self.rows.iter().map(|row| {
            let cells = layout.columns.iter().filter_map(|(i, width)| {
                let (cell, column) = (row.get(*i)?, self.columns.get(*i)?);
                Some(drawn_cell(&cut::fitted(column.cut, cell.text(), *width, layout.home), cell.shown_tone()))
            });
            cells.collect::<Vec<_>>()
        }));
        for (at, (i, _)) in layout.columns.iter().enumerate() {
            if let (Some(drawn), Some(column)) = (table.column_mut(at), self.columns.get(*i)) {
                drawn.set_padding((if at == 0 { 0 } else { GAP as u16 }, 0));
                if column.align == Align::Right {
                    drawn.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        let mut text = String::new();
        let mut headings = self.headings.iter().peekable();
        // The first line has the titles, and each row is one line.
        for (at, line) in table.lines().enumerate().skip(usize::from(!self.has_header)) {
            while let Some((_, heading)) = headings.next_if(|(before, _)| at > 0 && *before < at) {
                text.push_str(&super::painted(&clean(heading), Tone::Bold, color));
                text.push('\n');
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Writes line by line, without comfy-table, which takes several times as long over 10,000 rows and has nothing to
    /// decide here.
    fn stream(&self, out: &mut impl io::Write) -> io::Result<()> {
        let widths = widths(&self.columns, &self.rows);
        let mut line = String::with_capacity(256);
        let titles: Vec<Cell> = self.columns.iter().map(|c| Cell::new(c.title)).collect();
        for row in std::iter::once(&titles).filter(|_| self.has_header).chain(&self.rows) {
            line.clear();
            for (at, ((cell, column), width)) in row.iter().zip(&self.columns).zip(&widths).enumerate() {
                let padding = (*width).min(WIDEST_PADDING).saturating_sub(text::width(cell.text()));
                if at > 0 {
                    line.push_str("  ");
                }
                let spaces = std::iter::repeat_n(' ', padding);
                match column.align {
                    Align::Right => {
                        line.extend(spaces);
                        line.push_str(cell.text());
                    }
                    Align::Left => {
                        line.push_str(cell.text());
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
