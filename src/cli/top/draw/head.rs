//! The head: which daemon it is, whether its figures are of now, who has the memory of each device, and what is scarce.

use super::super::state::{Link, State};
use super::theme::{Part, Theme, Tone};
use crate::model::lifecycle::DeviceStatus;
use crate::ops::daemon::LiveServer;
use crate::ui::{text, units};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::time::Duration;

/// Devices that have a bar of their own, and sentences about what is wrong.
const DEVICES: usize = 8;
const ALERTS: usize = 4;
/// Columns of the name of a device.
const LABEL: usize = 6;
/// Columns of a bar, at most.
const BAR: usize = 60;
/// Columns from which on the parts are named as well.
const WORDS_FROM: usize = 110;

/// Who has how much of a device, in bytes.
pub struct Shares {
    pub parts: Vec<(Part, u64)>,
    pub total: Option<u64>,
    pub free: Option<u64>,
}

/// Returns who has how much of a device.
pub fn shares<'a>(device: &DeviceStatus, servers: impl Iterator<Item = &'a LiveServer>) -> Shares {
    let of_services = servers.filter(|server| server.kind == "service").flat_map(|server| &server.bytes);
    let services = of_services.filter(|held| held.device == device.device);
    let services = services.fold(0u64, |sum, held| sum.saturating_add(held.bytes)).min(device.ours);
    let ours = device.ours.saturating_sub(services);
    let used = device.total.zip(device.free).map(|(total, free)| total.saturating_sub(free));
    // What is neither ours nor a server that is known is of other processes.
    let others = used.map_or(0, |used| used.saturating_sub(device.ours)).max(device.external);
    let taken = device.ours.saturating_add(others).saturating_add(device.reserved);
    let free = device.total.map_or(0, |total| total.saturating_sub(taken));
    let parts = vec![
        (Part::Ours, ours),
        (Part::Services, services),
        (Part::External, others),
        (Part::Reserved, device.reserved),
        (Part::Free, free),
    ];
    Shares { parts, total: device.total, free: device.free }
}

/// Returns the lines of the head.
pub fn lines(state: &State, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title(state, theme, width)];
    lines.extend(connection(state, theme, width));
    if let Some(machine) = &state.rows.machine {
        let mut devices = Vec::new();
        for device in machine.devices.iter().take(DEVICES) {
            let shares = shares(device, state.rows.servers.values());
            let figures = figures(&shares, width);
            devices.push((device.device.as_str(), shares, figures));
        }
        let widest = devices.iter().map(|(_, _, figures)| text::width(figures)).max().unwrap_or(0);
        let room = width.saturating_sub(LABEL).saturating_sub(3).saturating_sub(widest).min(BAR);
        lines.extend(devices.iter().map(|(name, shares, figures)| bar(name, (shares, figures), room, theme)));
        let more = machine.devices.len().saturating_sub(DEVICES);
        if more > 0 {
            lines.push(Line::styled(format!("and {}", units::plural(more as u64, "more device")), dim(theme)));
        }
    }
    let mut wrong = alerts(state);
    let more = wrong.len().saturating_sub(ALERTS);
    wrong.truncate(ALERTS);
    let sign = if theme.is_ascii { "!" } else { "▲" };
    for alert in wrong {
        lines.push(Line::styled(theme.cut(&format!("{sign} {alert}"), width), theme.style(Tone::Warn)));
    }
    if more > 0 {
        lines.push(Line::styled(format!("{sign} and {more} more"), theme.style(Tone::Warn)));
    }
    lines
}

fn dim(theme: Theme) -> Style {
    theme.style(Tone::Dim)
}

fn title(state: &State, theme: Theme, width: usize) -> Line<'static> {
    let mut said = Vec::new();
    if let Some(daemon) = &state.rows.daemon {
        said.push(format!("{}, modelctl {}", daemon.host, daemon.version));
        if let Some(up) = age(state, &daemon.started_at) {
            said.push(format!("up {}", units::ago(up)));
        }
    }
    if let Some(machine) = &state.rows.machine {
        let percent = |reading: Option<&f64>| reading.map(|percent| format!("{percent:.0} %"));
        let readings = machine.readings.as_ref();
        let cpu = percent(readings.and_then(|readings| readings.cpu.known()));
        said.extend(cpu.map(|cpu| format!("CPU {cpu}")));
        if machine.throttle_factor < 1.0 {
            said.push(format!("tasks at {:.0} %", machine.throttle_factor * 100.0));
        }
    }
    let (sign, word, tone) = match (&state.link, theme.is_ascii) {
        (Link::Live, false) => ("●", "live", Tone::Good),
        (Link::Live, true) => ("*", "live", Tone::Good),
        (Link::Connecting, _) => ("", "connecting", Tone::Dim),
        (Link::Without(_), _) => ("", "no daemon", Tone::Warn),
        (Link::Lost { .. }, _) => ("", "not connected", Tone::Bad),
    };
    let right = format!("{sign}{}{word}", if sign.is_empty() { "" } else { " " });
    let room = width.saturating_sub(text::width(&right)).saturating_sub(1);
    let said = if said.is_empty() { "modelctl top".to_owned() } else { said.join(", ") };
    let left = theme.cut(&said, room);
    let gap = width.saturating_sub(text::width(&left)).saturating_sub(text::width(&right));
    Line::from(vec![
        Span::styled(left, theme.style(Tone::Bold)),
        Span::raw(" ".repeat(gap)),
        Span::styled(right, theme.style(tone)),
    ])
}

fn age(state: &State, rfc3339: &str) -> Option<Duration> {
    let at = rfc3339.parse::<jiff::Timestamp>().ok()?; // a time that is none has no age
    Some(crate::clock::Timestamp(at.as_millisecond()).age(state.clock.now))
}

/// Says that figures are not of now, or that there are none.
fn connection(state: &State, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let at = |time: crate::clock::Timestamp| {
        let time = jiff::Timestamp::from_millisecond(time.millis());
        time.map_or_else(
            |_| "?".to_owned(),
            |at| at.to_zoned(state.clock.zone.clone()).strftime("%H:%M:%S").to_string(),
        )
    };
    let (said, tone) = match &state.link {
        Link::Live | Link::Connecting => (Vec::new(), Tone::Plain),
        Link::Without(why) => {
            let shown = "showing the models of the database, as of the last scan".to_owned();
            (why.iter().cloned().chain([shown]).collect(), Tone::Warn)
        }
        Link::Lost { since, why } => {
            let of = state.heard.map(|heard| format!("; all figures are from {}", at(heard))).unwrap_or_default();
            let first = format!("disconnected since {}{of}; nothing can be changed", at(*since));
            (std::iter::once(first).chain(why.first().cloned()).collect(), Tone::Bad)
        }
    };
    let mut lines = Vec::new();
    for sentence in said {
        lines.extend(theme.wrap(&sentence, width).into_iter().map(|line| Line::styled(line, theme.style(tone))));
    }
    lines
}

/// Returns what is free of a device, and from some width on who has the rest.
fn figures(shares: &Shares, width: usize) -> String {
    let figures = match (shares.free, shares.total) {
        (_, None) => "size unknown".to_owned(),
        (None, Some(total)) => format!("free unknown of {}", units::bytes(total)),
        (Some(free), Some(total)) => format!("{} free of {}", units::bytes(free), units::bytes(total)),
    };
    let words = ["ours", "services", "others", "reserved"];
    let named = words.iter().zip(&shares.parts).filter(|(_, part)| part.1 > 0);
    let named: Vec<String> = named.map(|(word, part)| format!("{word} {}", units::bytes(part.1))).collect();
    match width >= WORDS_FROM && !named.is_empty() {
        true => format!("{figures}: {}", named.join(", ")),
        false => figures,
    }
}

fn bar(device: &str, (shares, figures): (&Shares, &str), room: usize, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::raw(format!("{:<LABEL$} ", theme.cut(device, LABEL)))];
    for (part, cells) in scaled(shares, room) {
        let (shape, tone) = theme.part(part);
        spans.push(Span::styled(shape.repeat(cells), theme.style(tone)));
    }
    spans.push(Span::raw(format!("  {figures}")));
    Line::from(spans)
}

/// Returns the cells of each part of a bar; what there is of a part has one at least, as long as there is room.
pub fn scaled(shares: &Shares, room: usize) -> Vec<(Part, usize)> {
    let sum = shares.parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.1)).max(1);
    let mut left = room;
    let mut scaled = Vec::new();
    for (part, bytes) in shares.parts.iter().filter(|part| part.0 != Part::Free) {
        let cells = (*bytes as f64 / sum as f64 * room as f64).round() as usize;
        let cells = cells.max(usize::from(*bytes > 0)).min(left);
        left = left.saturating_sub(cells);
        scaled.push((*part, cells));
    }
    // A device whose size is not known has no free part.
    scaled.push((Part::Free, left));
    scaled
}

/// Returns what is wrong, in sentences.
fn alerts(state: &State) -> Vec<String> {
    let mut alerts = Vec::new();
    if let Some(machine) = &state.rows.machine {
        let high = machine.pressures.iter().filter(|pressure| pressure.is_high);
        alerts.extend(high.map(|pressure| format!("{} pressure: {}", pressure.kind.name(), pressure.message)));
        if machine.paused {
            alerts.push("the lifecycle is paused: resume it with `modelctl lifecycle resume`".to_owned());
        }
        let swaps = machine.swap_queue.iter();
        alerts
            .extend(swaps.map(|swap| format!("{} was stopped for {}: {}", swap.name, swap.evicted_by, swap.waits_for)));
        if let Some(crate::model::Reading::Unavailable(why)) = machine.readings.as_ref().map(|all| &all.devices) {
            alerts.push(format!("GPUs unknown: {why}"));
        }
    }
    if let Some(unread) = &state.rows.unread {
        alerts.push(format!("the daemon has another version: {unread}"));
    }
    alerts
}
