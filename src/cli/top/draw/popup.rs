//! What lies over the rest: all about one row, and the keys.

use super::super::state::{Entry, State};
use super::models::{idle_left, state_words};
use super::theme::{Part, Theme, Tone};
use crate::ui::units;
use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

const KEYS: &[(&str, &str)] = &[
    ("j k, arrows", "select a row; g and G: the first, the last"),
    ("Enter", "details, and why it is in this state"),
    ("s", "start it, or stop it"),
    ("r", "restart it"),
    ("p", "pin it, or unpin it"),
    ("o", "move it off the GPU by one step"),
    ("/", "filter; Esc shows all again"),
    ("S", "sort by the next column"),
    ("Tab", "next pane; Shift-Tab: previous"),
    ("PgUp PgDn", "scroll the pane below"),
    ("f", "follow events and log, or pause"),
    ("Ctrl-L", "redraw"),
    ("Ctrl-Z", "suspend; `fg` resumes"),
    ("?", "these keys"),
    ("q, Ctrl-C", "end"),
];

/// Draws the keys, and what the parts of a bar mean.
pub fn draw_help(frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (key, what) in KEYS {
        let key = Span::styled(format!("{key:<12}"), theme.style(Tone::Bold));
        lines.push(Line::from(vec![key, Span::raw(*what)]));
    }
    lines.push(Line::raw(""));
    let parts = [
        (Part::Ours, "ours"),
        (Part::Services, "services"),
        (Part::External, "others"),
        (Part::Reserved, "reserved"),
        (Part::Free, "free"),
    ];
    let mut legend = Vec::new();
    for (part, word) in parts {
        let (shape, tone) = theme.part(part);
        legend.push(Span::styled(shape.repeat(2), theme.style(tone)));
        legend.push(Span::raw(format!(" {word}  ")));
    }
    lines.push(Line::from(legend));
    draw_box(frame, area, ("Keys", lines), 0, theme);
}

/// Draws all about a row.
pub fn draw_detail(frame: &mut Frame<'_>, area: Rect, scroll: usize, state: &State, theme: Theme) {
    let Some(entry) = state.entry() else { return };
    let width = usize::from(area.width).saturating_sub(4);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (what, said) in facts(entry, state) {
        for (at, line) in theme.wrap(&said, width.saturating_sub(12)).into_iter().enumerate() {
            let what = Span::styled(format!("{:<12}", if at == 0 { what } else { "" }), theme.style(Tone::Dim));
            lines.push(Line::from(vec![what, Span::raw(line)]));
        }
    }
    lines.push(Line::raw(""));
    lines.push(Line::styled("Why", theme.style(Tone::Bold)));
    let said = match &state.about.value {
        Some(Ok(sentences)) => sentences.clone(),
        Some(Err(why)) => vec![why.clone()],
        // Nobody else knows.
        None => vec![entry.reason.clone().unwrap_or_else(|| super::panes::reading(state).to_owned())],
    };
    for sentence in said {
        for (at, line) in theme.wrap(&sentence, width.saturating_sub(4)).into_iter().enumerate() {
            lines.push(Line::raw(format!("{}{line}", if at == 0 { "  " } else { "    " })));
        }
    }
    draw_box(frame, area, (&entry.name, lines), scroll, theme);
}

fn facts(entry: &Entry, state: &State) -> Vec<(&'static str, String)> {
    let layers = entry.gpu_layers.map(|layers| format!(", {layers} layers on the GPU")).unwrap_or_default();
    let mode = entry.mode.map(|mode| format!("{}{layers}", mode.name()));
    let device = entry.device.as_ref().map(|device| format!(" on {device}")).unwrap_or_default();
    let requests = (entry.status.runs()).then(|| format!("{} answered now, {} waiting", entry.in_flight, entry.queued));
    let speed = entry.tokens_per_s.map(|speed| format!("{speed:.1} tokens/s"));
    [
        ("id", Some(entry.id.clone())),
        ("state", Some(state_words(entry, state))),
        ("mode", mode),
        ("memory", entry.memory.map(|bytes| format!("{}{device}", units::bytes(bytes)))),
        ("port", entry.port.map(|port| port.to_string())),
        ("requests", requests),
        ("speed", speed),
        ("unloads in", idle_left(entry, state).filter(|_| !entry.pinned)),
        ("last log", entry.last_log.clone()),
    ]
    .into_iter()
    .filter_map(|(what, said)| Some((what, said?)))
    .collect()
}

fn draw_box(frame: &mut Frame<'_>, area: Rect, (title, lines): (&str, Vec<Line<'_>>), scroll: usize, theme: Theme) {
    let inside = area.inner(Margin::new(u16::from(area.width > 70), 0));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(inside.height);
    let place = Rect { height, y: inside.y.saturating_add(inside.height.saturating_sub(height) / 2), ..inside };
    let room = usize::from(height.saturating_sub(2));
    let scroll = scroll.min(lines.len().saturating_sub(room));
    let title = format!(" {} ", theme.name(title, usize::from(place.width).saturating_sub(6)));
    let block = Block::bordered().border_set(theme.border()).title(title);
    frame.render_widget(Clear, place);
    let scroll = u16::try_from(scroll).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines).block(block).scroll((scroll, 0)), place);
}
