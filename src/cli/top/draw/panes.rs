//! What is below the table: the queue, requests, events and the log.

use super::super::state::{Pane, State};
use super::theme::{Theme, Tone};
use crate::ops::daemon::{EventRow, LiveRequest, Queue, event_line};
use crate::ui::{text, units};
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row, Table, Tabs};
use std::time::Duration;

/// Draws the names of all panes.
pub fn draw_tabs(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let names = Pane::ALL.iter().map(|pane| {
        // Without colours a highlight may not be seen.
        if *pane == state.pane { format!("[{}]", pane.name()) } else { format!(" {} ", pane.name()) }
    });
    let at = Pane::ALL.iter().position(|pane| *pane == state.pane);
    let tabs = Tabs::new(names.collect::<Vec<_>>()).select(at).divider("").padding("", "");
    frame.render_widget(tabs.highlight_style(theme.style(Tone::Bold)), area);
    let said = match state.pane {
        Pane::Events | Pane::Log if !state.follows => "held, f follows",
        Pane::Events | Pane::Log => "following",
        _ => "",
    };
    let said = Paragraph::new(Line::styled(said, theme.style(Tone::Dim)).right_aligned());
    if area.width >= 60 {
        frame.render_widget(said, area);
    }
}

/// Draws a pane other than the hour.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    match state.pane {
        Pane::Hour => {}
        Pane::Queue => draw_queue(frame, area, state, theme),
        Pane::Requests => draw_requests(frame, area, state, theme),
        Pane::Events => draw_events(frame, area, state, theme),
        Pane::Log => draw_log(frame, area, state, theme),
    }
}

/// Draws a sentence in place of what is not there.
pub fn draw_note(frame: &mut Frame<'_>, area: Rect, said: &str, theme: Theme) {
    let lines = theme.wrap(said, usize::from(area.width)).into_iter();
    let lines: Vec<Line<'_>> = lines.map(|line| Line::styled(line, theme.style(Tone::Dim))).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_queue(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let queue = match &state.queue.value {
        None => return draw_note(frame, area, reading(state), theme),
        Some(Err(why)) => return draw_note(frame, area, why, theme),
        Some(Ok(queue)) => queue,
    };
    let head = Rect { height: 1, ..area }.intersection(area);
    let (said, tone) = queue_line(queue, state);
    frame.render_widget(
        Paragraph::new(Line::styled(theme.cut(&said, usize::from(area.width)), theme.style(tone))),
        head,
    );
    let rest = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
    if queue.tasks.is_empty() {
        return draw_note(frame, rest, "no running or waiting tasks: `modelctl task add` adds one", theme);
    }
    let mut columns = vec![("ID", 6), ("STATE", 9), ("PRIO", 4), ("MODEL", 24), ("AGE", 5)];
    if area.width < 70 {
        columns = vec![("ID", 6), ("STATE", 9), ("MODEL", 22), ("AGE", 5)];
    }
    let rows = queue.tasks.iter().map(|task| {
        let model = task.model.as_deref().or(task.wants_model.as_deref()).or(task.wants_tier.as_deref());
        let cell = |title: &str| match title {
            "ID" => task.id.to_string(),
            "STATE" => task.state.clone(),
            "PRIO" => task.priority.to_string(),
            "MODEL" => model.map_or_else(|| "any".to_owned(), |model| theme.name(model, 24)),
            _ => age(state, &task.created).unwrap_or_default(),
        };
        let why = task.waits_for.as_deref().unwrap_or_default();
        (columns.iter().map(|column| cell(column.0)).collect(), theme.cut(why, usize::from(area.width)))
    });
    draw_table(frame, rest, (&columns, "WAITS FOR"), rows.skip(state.scroll), theme);
}

fn queue_line(queue: &Queue, state: &State) -> (String, Tone) {
    let counts = queue.counts.iter().filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0));
    let counts: Vec<String> = counts.map(|(state, count)| format!("{count} {state}")).collect();
    let counts = if counts.is_empty() { "no tasks".to_owned() } else { counts.join(", ") };
    let full = if queue.is_full { ", the newest are shown" } else { "" };
    match (queue.inference.on, queue.inference.since.as_deref().and_then(|since| age(state, since))) {
        (true, _) => (format!("inference on; {counts}{full}"), Tone::Plain),
        (false, Some(ago)) => (format!("inference off for {ago}: `modelctl inference on`; {counts}{full}"), Tone::Warn),
        (false, None) => (format!("inference off: `modelctl inference on`; {counts}{full}"), Tone::Warn),
    }
}

/// Returns how long ago a time was.
fn age(state: &State, rfc3339: &str) -> Option<String> {
    let at = rfc3339.parse::<jiff::Timestamp>().ok()?; // a time that is none has no age
    Some(units::ago(crate::clock::Timestamp(at.as_millisecond()).age(state.clock.now)))
}

fn draw_requests(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if state.rows.requests.is_empty() {
        return draw_note(frame, area, "no requests since the daemon started", theme);
    }
    let mut requests: Vec<&LiveRequest> = state.rows.requests.values().collect();
    requests.sort_by(|a, b| (a.state == "ended", b.number).cmp(&(b.state == "ended", a.number)));
    let mut columns = vec![("TIME", 8), ("MODEL", 16), ("STATE", 9), ("WAIT", 6), ("FIRST", 6), ("TOKENS", 6)];
    if area.width >= 100 {
        columns.extend([("TOK/S", 6), ("CLASS", 11), ("CLIENT", 18)]);
    }
    // Where both do not fit, the state of a request that has ended is how it ended.
    let is_narrow = area.width < 80;
    columns.retain(|(title, _)| !(is_narrow && *title == "STATE"));
    let rows = requests.iter().skip(state.scroll).map(|request| {
        let cell = |title: &str| match title {
            "TIME" => time(state, &request.began),
            "MODEL" => theme.name(if request.model.is_empty() { "-" } else { &request.model }, 16),
            "STATE" => request.state.clone(),
            "WAIT" => millis(Some(request.waited_ms)),
            "FIRST" => millis(request.first_token_ms),
            "TOKENS" => request.completion_tokens.map_or_else(|| "-".to_owned(), |tokens| tokens.to_string()),
            "TOK/S" => request.tokens_per_second.map_or_else(|| "-".to_owned(), |speed| format!("{speed:.1}")),
            "CLASS" => request.class.clone(),
            _ => theme.cut(&request.client, 18),
        };
        let end = match request.state.as_str() {
            "ended" => theme.cut(&request.finish, usize::from(area.width)),
            state if is_narrow => state.to_owned(),
            _ => String::new(),
        };
        (columns.iter().map(|column| cell(column.0)).collect(), end)
    });
    draw_table(frame, area, (&columns, if is_narrow { "STATE" } else { "FINISH" }), rows, theme);
}

/// Draws rows of short cells with a text at their end.
fn draw_table(
    frame: &mut Frame<'_>,
    area: Rect,
    (columns, last): (&[(&'static str, u16)], &'static str),
    rows: impl Iterator<Item = (Vec<String>, String)>,
    theme: Theme,
) {
    let widths = columns.iter().map(|(_, width)| Constraint::Length(*width)).chain([Constraint::Fill(1)]);
    let titles = columns.iter().map(|(title, _)| *title).chain([last]);
    let rows = rows.take(usize::from(area.height.saturating_sub(1))).map(|(cells, end)| {
        let cells = cells.into_iter().zip(columns).map(|(cell, (_, width))| theme.cut(&cell, usize::from(*width)));
        Row::new(cells.chain([end]).collect::<Vec<_>>())
    });
    let header = Row::new(titles.collect::<Vec<_>>()).style(theme.style(Tone::Bold));
    frame.render_widget(Table::new(rows.collect::<Vec<_>>(), widths).header(header).column_spacing(1), area);
}

/// Returns a time as the clock of the reader showed it.
pub fn time(state: &State, rfc3339: &str) -> String {
    let at = rfc3339.parse::<jiff::Timestamp>().map(|at| at.to_zoned(state.clock.zone.clone()));
    at.map_or_else(|_| "?".to_owned(), |at| at.strftime("%H:%M:%S").to_string())
}

fn millis(millis: Option<u64>) -> String {
    match millis {
        None => "-".to_owned(),
        Some(millis @ ..1_000) => format!("{millis}ms"),
        Some(millis) => {
            let time = Duration::from_millis(millis);
            if millis < 100_000 { format!("{:.1}s", time.as_secs_f64()) } else { units::ago(time) }
        }
    }
}

fn draw_events(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    if state.rows.events.is_empty() {
        return draw_note(frame, area, "no events since the daemon started", theme);
    }
    let is_shown = |key: &String| state.held.as_ref().is_none_or(|held| key <= held);
    let events = state.rows.events.iter().rev().filter(|(key, _)| is_shown(key)).map(|(_, event)| event);
    let lines = events.skip(state.scroll).take(usize::from(area.height));
    let lines = lines.map(|event| event_row(event, state, theme, usize::from(area.width)));
    draw_last(frame, area, lines);
}

fn event_row(event: &EventRow, state: &State, theme: Theme, width: usize) -> Line<'static> {
    let at = time(state, &event.at);
    let line = event_line(&event.event, &event.fields);
    let bad = ["crash", "failed", "exhausted"].iter().any(|word| event.event.contains(word));
    let tone = if bad { Tone::Bad } else { Tone::Plain };
    let room = width.saturating_sub(text::width(&at)).saturating_sub(1);
    let line = Span::styled(theme.cut(&line, room), theme.style(tone));
    Line::from(vec![Span::styled(format!("{at} "), theme.style(Tone::Dim)), line])
}

fn draw_log(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let lines = match &state.log.value {
        None => return draw_note(frame, area, reading(state), theme),
        Some(Err(why)) => return draw_note(frame, area, why, theme),
        Some(Ok(lines)) => lines,
    };
    if lines.is_empty() {
        return draw_note(frame, area, "its server has logged nothing since the daemon started", theme);
    }
    let shown = lines.iter().rev().skip(state.scroll).take(usize::from(area.height));
    draw_last(frame, area, shown.map(|line| Line::raw(theme.cut(&line.text, usize::from(area.width)))));
}

/// Draws lines that come with the newest first, the newest at the bottom.
fn draw_last<'a>(frame: &mut Frame<'_>, area: Rect, lines: impl Iterator<Item = Line<'a>>) {
    let mut lines: Vec<Line<'_>> = lines.collect();
    lines.reverse();
    frame.render_widget(Paragraph::new(lines), area);
}

/// Says why there is nothing yet.
pub fn reading(state: &State) -> &'static str {
    use super::super::state::{Kind, Link};
    match (&state.link, state.entry().map(|entry| entry.kind)) {
        (Link::Live, Some(Kind::External | Kind::Reserved)) if state.pane == Pane::Log => {
            "no log: it was started by another program"
        }
        (Link::Live, None) if state.pane == Pane::Log => "no model is selected",
        (Link::Live | Link::Connecting, _) => "reading",
        _ => "only the daemon knows this: start it with `modelctl serve`",
    }
}
