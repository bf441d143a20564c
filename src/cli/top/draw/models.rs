//! The table of models.

use super::super::state::{Entry, Kind, State, Status};
use super::theme::{Theme, Tone};
use crate::model::lifecycle::Mode;
use crate::ui::{text, units};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Sparkline, Table, TableState};
use std::time::Duration;

/// Columns from which on words are whole, and from which on the reason is one of the columns.
const WHOLE_FROM: u16 = 80;
pub const REASON_FROM: u16 = 110;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Name,
    State,
    Mode,
    Device,
    Memory,
    Requests,
    Speed,
    Spark,
    Idle,
    Reason,
}

struct Column {
    is: Is,
    title: &'static str,
    width: u16,
}

fn columns(width: u16) -> Vec<Column> {
    let column = |is, title, width| Column { is, title, width };
    let mut columns = match width {
        ..WHOLE_FROM => vec![
            column(Is::State, "STATE", 12),
            column(Is::Mode, "MODE", 4),
            column(Is::Memory, "MEMORY", 6),
            column(Is::Requests, "REQ", 5),
            column(Is::Spark, "TOK/S", 6),
            column(Is::Idle, "IDLE", 5),
        ],
        WHOLE_FROM..REASON_FROM => vec![
            column(Is::State, "STATE", 13),
            column(Is::Mode, "MODE", 11),
            column(Is::Memory, "MEMORY", 9),
            column(Is::Requests, "REQ", 5),
            column(Is::Speed, "TOK/S", 5),
            column(Is::Spark, "", 6),
            column(Is::Idle, "IDLE", 5),
        ],
        _ => vec![
            column(Is::State, "STATE", 13),
            column(Is::Mode, "MODE", 11),
            column(Is::Device, "DEVICE", 6),
            column(Is::Memory, "MEMORY", 9),
            column(Is::Requests, "REQ", 6),
            column(Is::Speed, "TOK/S", 6),
            column(Is::Spark, "", 12),
            column(Is::Idle, "IDLE", 6),
        ],
    };
    let taken = columns.iter().fold(0u16, |sum, column| sum.saturating_add(column.width).saturating_add(1));
    let left = width.saturating_sub(taken);
    if width < REASON_FROM {
        columns.insert(0, column(Is::Name, "NAME", left.max(1)));
        return columns;
    }
    let name = left.saturating_sub(1).min(left / 2).clamp(1, 34);
    columns.insert(0, column(Is::Name, "NAME", name));
    columns.push(column(Is::Reason, "REASON", left.saturating_sub(name).saturating_sub(1)));
    columns
}

/// Says how many rows there are, and which of them are shown in which order.
pub fn counts(state: &State, theme: Theme, width: usize) -> Line<'static> {
    let shown = match state.entries.len() == state.total {
        true => units::plural(state.models as u64, "model"),
        false => format!("{} of {}", state.entries.len(), units::plural(state.total as u64, "row")),
    };
    let filter = if state.filter.is_empty() { String::new() } else { format!(", filter: {}", state.filter) };
    let running = format!("{} running", units::plural(state.running as u64, "server"));
    let said = format!("{shown}, {running}, by {}{filter}", state.sort.name());
    Line::styled(theme.cut(&said, width), theme.style(Tone::Bold))
}

/// Draws the table.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let columns = columns(area.width);
    let height = usize::from(area.height.saturating_sub(1));
    let at = state.at();
    let first = first_row(at.unwrap_or(0), height, state.entries.len());
    let shown: Vec<&Entry> = state.entries.iter().skip(first).take(height).collect();
    let sorted = state.sort.column();
    let titles = columns.iter().map(|column| {
        let is_sorted = column.title == sorted && !sorted.is_empty();
        let sign = if is_sorted { Modifier::UNDERLINED } else { Modifier::empty() };
        let title = Line::from(column.title).alignment(alignment(column.is));
        Cell::from(title).style(theme.style(Tone::Bold).add_modifier(sign))
    });
    let rows = shown.iter().map(|entry| {
        let cells = columns.iter().map(|column| {
            let (text, tone) = cell(column, entry, state, theme);
            Cell::from(Line::from(Span::styled(text, theme.style(tone))).alignment(alignment(column.is)))
        });
        Row::new(cells.collect::<Vec<_>>())
    });
    let widths = columns.iter().map(|column| Constraint::Length(column.width));
    let table = Table::new(rows.collect::<Vec<_>>(), widths)
        .header(Row::new(titles.collect::<Vec<_>>()))
        .column_spacing(1)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut selected = TableState::new().with_selected(at.map(|at| at.saturating_sub(first)));
    frame.render_stateful_widget(table, area, &mut selected);
    draw_speeds(frame, area, (&columns, &shown), state, theme);
}

/// Draws the speed of each model over its cell.
fn draw_speeds(
    frame: &mut Frame<'_>,
    area: Rect,
    (columns, shown): (&[Column], &[&Entry]),
    state: &State,
    theme: Theme,
) {
    let before = columns.iter().take_while(|column| column.is != Is::Spark);
    let x = before.fold(area.x, |x, column| x.saturating_add(column.width).saturating_add(1));
    let Some(column) = columns.iter().find(|column| column.is == Is::Spark) else { return };
    let y = area.y.saturating_add(1);
    for (entry, y) in shown.iter().zip(y..) {
        let Some(speeds) = state.speeds.get(&entry.id).filter(|_| entry.kind == Kind::Model) else { continue };
        let skip = speeds.len().saturating_sub(usize::from(column.width));
        let data: Vec<u64> = speeds.iter().skip(skip).copied().collect();
        let most = speeds.iter().copied().max().unwrap_or(1).max(1);
        let width = column.width.min(u16::try_from(data.len()).unwrap_or(u16::MAX));
        let x = x.saturating_add(column.width.saturating_sub(width));
        let place = Rect { x, y, width, height: 1 }.intersection(area);
        frame.render_widget(Sparkline::default().data(data).max(most).bar_set(theme.bars()), place);
    }
}

/// Returns the first row that is shown: the selected one is in the middle, as far as there are rows on both sides.
fn first_row(at: usize, height: usize, rows: usize) -> usize {
    at.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

fn alignment(is: Is) -> Alignment {
    match is {
        Is::Memory | Is::Requests | Is::Speed | Is::Idle => Alignment::Right,
        _ => Alignment::Left,
    }
}

fn cell(column: &Column, entry: &Entry, state: &State, theme: Theme) -> (String, Tone) {
    let width = usize::from(column.width);
    let is_short = column.width < 9;
    let none = || "-".to_owned();
    let tone = theme.tone(entry.status);
    match column.is {
        Is::Name => {
            let pin = if entry.pinned { if theme.is_ascii { "!" } else { "⚑" } } else { "" };
            let gap = if pin.is_empty() { "" } else { " " };
            let room = width.saturating_sub(text::width(pin)).saturating_sub(gap.len());
            (format!("{}{gap}{pin}", theme.name(&entry.name, room)), name_tone(entry))
        }
        Is::State => {
            let words = format!("{} {}", theme.shape(entry.status), state_words(entry, state));
            (theme.cut(&words, width), tone)
        }
        Is::Mode => (entry.mode.map_or_else(none, |mode| mode_word(mode, is_short).to_owned()), Tone::Plain),
        Is::Device => (entry.device.as_deref().map_or_else(none, |device| theme.cut(device, width)), Tone::Plain),
        Is::Memory => {
            let memory = entry.memory.map(units::bytes);
            let short = |text: String| if is_short { text.replace("iB", "").replace(' ', "") } else { text };
            (memory.map_or_else(none, short), Tone::Plain)
        }
        Is::Requests => (requests(entry), if entry.queued > 0 { Tone::Warn } else { Tone::Plain }),
        Is::Speed => {
            let speed = entry.tokens_per_s.filter(|speed| *speed > 0.0);
            (speed.map_or_else(none, |speed| format!("{speed:.1}")), Tone::Plain)
        }
        Is::Spark => (String::new(), Tone::Plain),
        Is::Idle => (idle_left(entry, state).unwrap_or_else(none), Tone::Plain),
        Is::Reason => (entry.reason.as_deref().map(|why| theme.cut(why, width)).unwrap_or_default(), Tone::Dim),
    }
}

fn name_tone(entry: &Entry) -> Tone {
    match entry.status {
        Status::Disabled | Status::Unusable => Tone::Dim,
        _ => Tone::Plain,
    }
}

/// Returns the requests that are answered, and those that wait: `2+5`.
fn requests(entry: &Entry) -> String {
    match (entry.in_flight, entry.queued) {
        (0, 0) => "-".to_owned(),
        (running, 0) => running.to_string(),
        (running, queued) => format!("{running}+{queued}"),
    }
}

pub fn state_words(entry: &Entry, state: &State) -> String {
    let now = state.pending.get(&entry.key).filter(|_| !entry.status.runs());
    match (entry.status, &entry.state) {
        _ if now.is_some() => now.map(|doing| (*doing).to_owned()).unwrap_or_default(),
        (Status::Starting, _) => match entry.progress {
            Some(share) => format!("start {:.0} %", (share.clamp(0.0, 1.0) * 100.0).floor()),
            None => "starting".to_owned(),
        },
        (Status::Backoff, _) => match entry.retry_at.as_deref().and_then(|at| state.left(at)) {
            Some(left) => format!("backoff {}", span(left)),
            None => "backoff".to_owned(),
        },
        (Status::Unusable, Some(word)) => word.replace('_', " "),
        (status, _) => status.name().to_owned(),
    }
}

pub fn mode_word(mode: Mode, is_short: bool) -> &'static str {
    match mode {
        _ if !is_short => mode.name(),
        Mode::Gpu => "gpu",
        Mode::CpuOffload => "part",
        Mode::CpuOnly => "cpu",
    }
}

/// Returns the time until it is unloaded: `3:12`, or that it never is.
pub fn idle_left(entry: &Entry, state: &State) -> Option<String> {
    match &entry.expires_at {
        _ if entry.pinned && entry.status.is_ready() => Some("pin".to_owned()),
        Some(at) => state.left(at).map(span),
        None => None,
    }
}

/// Returns a time as a clock shows it: `0:07`, `3:12`, `2h05`, `3d`.
pub fn span(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match seconds {
        ..3_600 => format!("{minutes}:{:02}", seconds % 60),
        3_600..86_400 => format!("{hours}h{:02}", minutes % 60),
        _ => units::ago(Duration::from_secs(seconds)),
    }
}
