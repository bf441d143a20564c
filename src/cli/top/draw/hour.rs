//! The last hour: a lane for each server.

use super::super::state::{Did, Mark, State, cells};
use super::panes::{draw_note, reading};
use super::theme::{Theme, Tone};
use crate::ops::daemon::Lane;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Columns of the name of a lane, at most.
const NAME: usize = 24;

pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let hour = match &state.hour.value {
        None => return draw_note(frame, area, reading(state), theme),
        Some(Err(why)) => return draw_note(frame, area, why, theme),
        Some(Ok(hour)) if hour.next == hour.first => {
            return draw_note(
                frame,
                area,
                "the daemon has just started: the first figures appear in a few seconds",
                theme,
            );
        }
        Some(Ok(hour)) => hour,
    };
    if hour.lanes.is_empty() {
        return draw_note(frame, area, "no server ran in the last hour", theme);
    }
    let width = usize::from(area.width);
    let name = (width / 4).min(NAME);
    let room = width.saturating_sub(name).saturating_sub(1);
    let mut lanes: Vec<&Lane> = hour.lanes.iter().collect();
    // The lane of what is selected is in sight.
    let selected = state.entry().map(|entry| entry.id.as_str());
    lanes.sort_by_key(|lane| Some(lane.id.as_str()) != selected);
    let legend = 2;
    let most = usize::from(area.height).saturating_sub(legend);
    let mut lines = Vec::new();
    for lane in lanes.into_iter().skip(state.scroll).take(most) {
        let mut spans = vec![Span::raw(padded(&theme.name(&lane.name, name), name))];
        for (did, mark) in cells(hour, lane, &state.rows, room) {
            let (shape, tone) = mark.map_or_else(|| theme.did(did), |mark| theme.mark(mark));
            spans.push(Span::styled(shape, theme.style(tone)));
        }
        lines.push(Line::from(spans));
    }
    lines.push(Line::from(format!("{}{}", " ".repeat(name.saturating_add(1)), axis(room))));
    lines.push(legend_line(theme, width));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Fills a name up to its column, with a space after it.
fn padded(name: &str, width: usize) -> String {
    let gap = width.saturating_sub(crate::ui::text::width(name)).saturating_add(1);
    format!("{name}{}", " ".repeat(gap))
}

/// Returns the times below the lanes.
fn axis(room: usize) -> String {
    let marks = ["-60m", "-45m", "-30m", "-15m"];
    let quarter = room / marks.len();
    if quarter < 6 {
        return format!("{:<width$}", "-60m", width = room);
    }
    marks.iter().map(|mark| format!("{mark:<quarter$}")).collect()
}

fn legend_line(theme: Theme, width: usize) -> Line<'static> {
    let did = |did: Did, word| (theme.did(did), word);
    let mark = |mark: Mark, word| (theme.mark(mark), word);
    let all = [
        did(Did::Busy, "busy"),
        did(Did::Ready, "ready"),
        did(Did::Starting, "loading"),
        mark(Mark::Evicted, "evicted"),
        mark(Mark::Crashed, "crash"),
        did(Did::Backoff, "backoff"),
        did(Did::Failed, "failed"),
        mark(Mark::Downgraded, "downgraded"),
        mark(Mark::Restored, "restored"),
    ];
    let (mut spans, mut left) = (Vec::new(), width);
    for ((shape, tone), word) in all {
        let said = format!(" {word}  ");
        left = left.saturating_sub(said.len()).saturating_sub(1);
        if left == 0 {
            break;
        }
        spans.push(Span::styled(shape, theme.style(tone)));
        spans.push(Span::styled(said, theme.style(Tone::Dim)));
    }
    Line::from(spans)
}
