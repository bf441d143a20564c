//! The screen, drawn of the state.

mod head;
mod hour;
mod models;
mod panes;
mod popup;
#[cfg(test)]
mod tests;
mod theme;

pub use head::shares;
pub use models::{idle_left, state_words};
pub use theme::{Part, Theme};

use super::state::{Focus, Link, Pane, State};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use theme::Tone;

/// Lines of the table that stay in sight, of a pane that is worth its place, and of a notice.
const LEAST_TABLE: u16 = 4;
const LEAST_PANE: u16 = 4;
const NOTICE: usize = 6;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: Theme) {
    let area = frame.area();
    let width = usize::from(area.width);
    let height = |lines: &[Line<'_>]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let mut foot = foot(state, theme, width);
    foot.truncate(usize::from(area.height));
    let rest = area.height.saturating_sub(height(&foot));
    let mut head = head::lines(state, theme, width);
    head.truncate(usize::from(rest.saturating_sub(LEAST_TABLE).max(1)));
    let rest = rest.saturating_sub(height(&head));
    let why = u16::from(area.width < models::REASON_FROM && rest > LEAST_TABLE);
    let pane = rest.saturating_sub(why).saturating_sub(2) / 2;
    let pane = if pane >= LEAST_PANE { pane } else { 0 };
    let tabs = u16::from(pane > 0);
    let places = Layout::vertical([
        Constraint::Length(height(&head)),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(why),
        Constraint::Length(tabs),
        Constraint::Length(pane),
        Constraint::Length(height(&foot)),
    ]);
    let [of_head, of_counts, of_table, of_why, of_tabs, of_pane, of_foot]: [Rect; 7] = places.areas(area);
    frame.render_widget(Paragraph::new(head), of_head);
    frame.render_widget(Paragraph::new(models::counts(state, theme, width)), of_counts);
    match (state.entries.is_empty(), empty(state)) {
        (true, Some(said)) => panes::draw_note(frame, of_table, said, theme),
        _ => models::draw(frame, of_table, state, theme),
    }
    if let Some(reason) = state.entry().and_then(|entry| entry.reason.as_deref()) {
        frame.render_widget(Paragraph::new(Line::styled(theme.cut(reason, width), theme.style(Tone::Dim))), of_why);
    }
    if tabs > 0 {
        panes::draw_tabs(frame, of_tabs, state, theme);
        match state.pane {
            Pane::Hour => hour::draw(frame, of_pane, state, theme),
            _ => panes::draw(frame, of_pane, state, theme),
        }
    }
    if matches!(state.link, Link::Lost { .. }) {
        for old in [of_counts, of_table, of_why, of_pane] {
            frame.buffer_mut().set_style(old, theme.style(Tone::Dim));
        }
    }
    frame.render_widget(Paragraph::new(foot), of_foot);
    let above = Rect { height: area.height.saturating_sub(1), ..area };
    match state.focus {
        Focus::Help => popup::draw_help(frame, above, theme),
        Focus::Detail(scroll) => popup::draw_detail(frame, above, scroll, state, theme),
        Focus::Table | Focus::Filter | Focus::Sure(..) => {}
    }
}

/// Says why there are no rows.
fn empty(state: &State) -> Option<&'static str> {
    match (&state.link, state.total) {
        (Link::Connecting, _) => None,
        (_, 0) => Some("no models known: run `modelctl scan`, or `modelctl scan PATH` for a folder"),
        _ => Some("no row matches the filter: Esc shows all"),
    }
}

/// Returns the last lines: what was done or asked, and the keys.
fn foot(state: &State, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(notice) = &state.notice {
        let tone = if notice.is_error { Tone::Bad } else { Tone::Good };
        let wrapped = notice.lines.iter().flat_map(|line| theme.wrap(line, width));
        lines.extend(wrapped.take(NOTICE).map(|line| Line::styled(line, theme.style(tone))));
    }
    match &state.focus {
        Focus::Sure(question, _) => {
            let asked = format!("{question} [y/N]");
            let wrapped = theme.wrap(&asked, width).into_iter();
            lines.extend(wrapped.map(|line| Line::styled(line, theme.style(Tone::Warn))));
        }
        Focus::Filter => {
            let typed = theme.clean(&state.filter);
            let room = width.saturating_sub(2);
            // The end of what is typed is in sight.
            let skip = typed.chars().count().saturating_sub(room);
            let seen: String = typed.chars().skip(skip).collect();
            lines.push(Line::styled(format!("/{seen}_"), theme.style(Tone::Bold)));
        }
        _ => {
            let all = "q end  ? keys  Enter why  s start/stop  r restart  p pin  o offload  / filter  S sort  Tab pane";
            let few = "q end ? keys Enter why s start/stop / filter Tab pane";
            let keys = if width > all.len() { all } else { few };
            let dismiss = state.notice.as_ref().is_some_and(|notice| notice.is_error);
            let keys = if dismiss { format!("Esc closes the message  {keys}") } else { keys.to_owned() };
            lines.push(Line::styled(theme.cut(&keys, width), theme.style(Tone::Dim)));
        }
    }
    lines
}
