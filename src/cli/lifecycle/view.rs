//! The status as a person sees it, on one screen.

use crate::model::lifecycle::{DeviceStatus, External, ModelStatus, Pressure, Priority, Status};
use crate::ops::daemon::LocalClock;
use crate::ui::{Cell, Column, Table, Tone, Ui, units};
use std::time::Duration;

const MODELS: &[Column] = &[
    Column::name("NAME", 0, 16),
    Column::left("STATE", 1),
    Column::left("MODE", 2),
    Column::left("PRIORITY", 3),
    Column::right("MEMORY", 4),
    Column::right("IDLE", 5),
    Column::left("DEVICE", 6),
    Column::right("BUSY", 7),
    Column::right("USES", 9),
    Column::right("CRASHES", 10),
    Column::left("FLAGS", 8),
    Column::left("ID", 11),
];

const DEVICES: &[Column] = &[
    Column::left("DEVICE", 0),
    Column::right("TOTAL", 1),
    Column::right("FREE", 2),
    Column::right("OURS", 3),
    Column::right("OTHERS", 4),
    Column::right("RESERVED", 5),
];

const DECISIONS: &[Column] = &[
    Column::left("TIME", 0),
    Column::left("WHAT", 0),
    Column::left("NAME", 1).shrink_to(12),
    Column::left("WHY", 0).shrink_to(24),
];

pub fn print(ui: &mut Ui, status: &Status, (clock, decisions): (&LocalClock, usize)) -> anyhow::Result<()> {
    head(ui, status)?;
    match status.models.is_empty() {
        true => ui.line("no model is loaded")?,
        false => ui.table(&models(&status.models))?,
    }
    if !status.devices.is_empty() {
        ui.line("")?;
        ui.table(&devices(&status.devices))?;
    }
    if !status.externals.is_empty() {
        ui.line("")?;
        ui.heading("External servers")?;
        ui.table(&externals("PROGRAM", &status.externals))?;
    }
    pending(ui, status)?;
    if !status.decisions.is_empty() && decisions > 0 {
        ui.line("")?;
        ui.heading("Last decisions")?;
        ui.table(&decided(status, clock, decisions))?;
    }
    Ok(())
}

fn head(ui: &mut Ui, status: &Status) -> anyhow::Result<()> {
    let tier = status.node_tier.and_then(|tier| serde_json::to_value(tier).ok()); // a variant is a word
    let tier = tier.as_ref().and_then(|tier| tier.as_str()).map(|tier| format!(", node tier {tier}"));
    let every = match status.interval_s > 0.0 {
        true => format!(", ticks every {:.0} s", status.interval_s),
        false => String::new(),
    };
    let state = match (status.running, status.paused) {
        (false, _) => "stopping",
        (true, true) => "paused (`modelctl lifecycle resume`)",
        (true, false) => "running",
    };
    let tone = if status.paused { Tone::Warn } else { Tone::Plain };
    ui.painted_line(&format!("lifecycle {state}{every}{}", tier.unwrap_or_default()), tone)?;
    for pressure in status.pressures.iter().filter(|pressure| pressure.is_high) {
        ui.painted_line(&high(pressure), Tone::Warn)?;
    }
    if status.throttle_factor < 1.0 {
        let share = status.throttle_factor * 100.0;
        ui.painted_line(&format!("queued tasks use {share:.0} % of the slots while this lasts"), Tone::Warn)?;
    }
    ui.line("")
}

fn high(pressure: &Pressure) -> String {
    format!("{} pressure: {}", pressure.kind.name(), pressure.message)
}

fn models(models: &[ModelStatus]) -> Table<'_> {
    let mut table = Table::new(MODELS);
    for model in models {
        let purpose = if model.purpose == "main" { String::new() } else { format!(" ({})", model.purpose) };
        let held = model.bytes.iter().fold(0u64, |sum, held| sum.saturating_add(held.bytes));
        let state = match model.kind.as_str() {
            "headroom" => "reserved".to_owned(),
            _ => model.state.clone(),
        };
        let bad = matches!(model.state.as_str(), "failed") || model.healthy == Some(false);
        let warn = model.state == "backoff" || model.downgraded;
        let tone = if bad {
            Tone::Bad
        } else if warn {
            Tone::Warn
        } else {
            Tone::Plain
        };
        let busy = (model.active_inference_count > 0 || model.queued > 0)
            .then(|| format!("{} +{}", model.active_inference_count, model.queued));
        table.row(vec![
            Cell::new(format!("{}{purpose}", model.name)),
            Cell::new(state).tone(tone),
            Cell::or_none(model.mode.map(|mode| mode.name().to_owned())),
            Cell::or_none(priority(model)),
            Cell::or_none((held > 0).then(|| units::bytes(held))),
            Cell::or_none(model.idle_seconds.map(|idle| units::ago(seconds(idle)))),
            Cell::or_none(model.device.clone()),
            Cell::or_none(busy),
            Cell::or_none((model.access_count > 0).then(|| model.access_count.to_string())),
            Cell::or_none((model.crash_count > 0).then(|| model.crash_count.to_string())),
            Cell::or_none(flags(model)),
            Cell::new(model.id.as_str()),
        ]);
    }
    table
}

/// Returns the priority; `*` marks one that a person set.
fn priority(model: &ModelStatus) -> Option<String> {
    let set = model.priority_override.map(|priority| format!("{}*", priority.name()));
    set.or_else(|| model.priority.map(Priority::name).map(str::to_owned))
}

fn flags(model: &ModelStatus) -> Option<String> {
    let flags = [
        (model.pinned, "pinned"),
        (model.essential, "essential"),
        (model.pressure_evict_only, "pressure-evict-only"),
        (model.boost, "boost"),
    ];
    let set: Vec<&str> = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name).collect();
    (!set.is_empty()).then(|| set.join(","))
}

fn devices(devices: &[DeviceStatus]) -> Table<'_> {
    let mut table = Table::new(DEVICES);
    let known = |bytes: Option<u64>| bytes.map_or_else(|| Cell::new("unknown"), |bytes| Cell::new(units::bytes(bytes)));
    for device in devices {
        table.row(vec![
            Cell::new(device.device.as_str()),
            known(device.total),
            known(device.free),
            Cell::new(units::bytes(device.ours)),
            Cell::new(units::bytes(device.external)),
            Cell::new(units::bytes(device.reserved)),
        ]);
    }
    table
}

/// Returns the table of the servers that somebody else started; `title`: that of its first column.
pub fn externals<'e>(title: &'static str, externals: &'e [External]) -> Table<'e> {
    let mut table = Table::new(&[
        Column::left(title, 0),
        Column::name("MODEL", 1, 16),
        Column::right("MEMORY", 2),
        Column::left("USER", 4),
        Column::right("PID", 3),
        Column::right("PORT", 5),
        Column::left("ATTACHED", 6),
        Column::left("KNOWN BY", 7),
    ]);
    for other in externals {
        let held = other.bytes.iter().fold(0u64, |sum, held| sum.saturating_add(held.bytes));
        table.row(vec![
            Cell::new(other.program.as_str()),
            Cell::or_none(other.model_name.clone().or_else(|| other.model.as_ref().map(ToString::to_string))),
            Cell::or_none((held > 0).then(|| units::bytes(held))),
            Cell::or_none(other.user.clone()),
            Cell::or_none(other.pid.map(|pid| pid.to_string())),
            Cell::or_none(other.port.map(|port| port.to_string())),
            Cell::new(if other.attached { "yes" } else { "no" }),
            Cell::new(other.known_by.join(",")),
        ]);
    }
    table
}

fn pending(ui: &mut Ui, status: &Status) -> anyhow::Result<()> {
    if status.restart_pending.is_empty() && status.swap_queue.is_empty() {
        return Ok(());
    }
    ui.line("")?;
    for restart in &status.restart_pending {
        let mode = restart.downgrade.map(|mode| format!(" as {}", mode.name())).unwrap_or_default();
        let wait = units::took(seconds(restart.retry_in_s.ceil()));
        ui.line(&one_line(&format!("{} restarts in {wait}{mode}", restart.name)))?;
    }
    for swap in &status.swap_queue {
        let (name, by, waits) = (&swap.name, &swap.evicted_by, &swap.waits_for);
        ui.line(&one_line(&format!("{name} was stopped for {by} and will be loaded again: {waits}")))?;
    }
    Ok(())
}

fn decided<'s>(status: &'s Status, clock: &LocalClock, count: usize) -> Table<'s> {
    let mut table = Table::new(DECISIONS);
    let skip = status.decisions.len().saturating_sub(count);
    for decision in status.decisions.iter().skip(skip) {
        table.row(vec![
            Cell::new(clock.shown(&decision.time)),
            Cell::new(decision.what.as_str()),
            decision.name.as_deref().map_or_else(Cell::none, Cell::new),
            Cell::new(decision.reason.as_str()),
        ]);
    }
    table
}

fn one_line(text: &str) -> String {
    crate::ui::text::clean(text).into_owned()
}

/// Returns a time that came as a number; what is none counts as none.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
