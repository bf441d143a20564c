//! What `top` shows, printed once: a table, or a JSON document.

use super::super::{Ctx, Exit};
use super::draw::{Part, idle_left, shares, state_words};
use super::link::{lines, models, snapshot};
use super::local_clock;
use super::state::{Entry, Event, Kind, State};
use crate::clock::Timestamp;
use crate::model::lifecycle::Pressure;
use crate::ops::daemon::LiveMachine;
use crate::ui::{Cell, Column, Table, Tone, units};
use serde::Serialize;

const COLUMNS: &[Column] = &[
    Column::left("NAME", 0).shrink_to(16),
    Column::left("STATE", 1),
    Column::left("MODE", 4),
    Column::left("DEVICE", 7),
    Column::right("MEMORY", 2),
    Column::right("BUSY", 3),
    Column::right("TOK/S", 6),
    Column::right("IDLE", 5),
    Column::left("REASON", 8).shrink_to(24),
    Column::left("ID", 9),
];

#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct TopReport<'a> {
    schema: &'static str,
    /// RFC 3339.
    at: String,
    /// `daemon`, or `database` where no daemon answers.
    source: &'static str,
    /// Why no daemon answers.
    no_daemon: Option<&'a [String]>,
    database: String,
    daemon: Option<Daemon<'a>>,
    /// Null where only the daemon would know.
    devices: Option<Vec<Device>>,
    pressures: Option<&'a [Pressure]>,
    models: Vec<Row<'a>>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Daemon<'a> {
    host: &'a str,
    version: &'a str,
    pid: u32,
    started_at: &'a str,
    paused: Option<bool>,
    throttle_factor: Option<f64>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Device {
    device: String,
    total_bytes: Option<u64>,
    free_bytes: Option<u64>,
    ours_bytes: u64,
    services_bytes: u64,
    external_bytes: u64,
    reserved_bytes: u64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Row<'a> {
    id: &'a str,
    name: &'a str,
    /// `model`, `vectors`, `service`, `reserved`, `external`.
    kind: &'static str,
    state: &'static str,
    /// 0 to 1, while it starts.
    progress: Option<f64>,
    mode: Option<&'static str>,
    gpu_layers: Option<u32>,
    device: Option<&'a str>,
    memory_bytes: Option<u64>,
    in_flight: u32,
    queued: u32,
    tokens_per_second: Option<f32>,
    unloads_at: Option<&'a str>,
    retry_at: Option<&'a str>,
    last_used: Option<&'a str>,
    pinned: bool,
    port: Option<u16>,
    reason: Option<&'a str>,
}

pub fn run(ctx: &mut Ctx, json: bool) -> anyhow::Result<Exit> {
    let config = ctx.session.config.clone();
    let mut state = State::new(local_clock());
    let no_daemon = match snapshot(&config) {
        Ok(Some(news)) => {
            state.apply(Event::Live(news));
            None
        }
        Ok(None) => Some(vec!["the daemon closed the connection".to_owned()]),
        Err(error) => Some(lines(&error)),
    };
    if let Some(why) = &no_daemon {
        state.apply(Event::Lost(why.clone()));
        let models = models(&config)?;
        state.apply(Event::Database(Ok(models)));
    }
    if json {
        let database = crate::ui::text::path(&config.database);
        ctx.ui.json(&document(&state, no_daemon.as_deref(), database))?;
        return Ok(Exit::Done);
    }
    match &no_daemon {
        Some(why) => {
            why.iter().for_each(|line| ctx.ui.note(line));
            ctx.ui.note("showing the models of the database, as of the last scan");
        }
        None => warn(ctx, state.rows.machine.as_ref()),
    }
    if state.entries.is_empty() {
        ctx.ui.note("no models are known");
        ctx.ui.hint("run `modelctl scan`, or `modelctl scan PATH` for a folder");
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&state))?;
    Ok(Exit::Done)
}

/// Says what is scarce.
fn warn(ctx: &mut Ctx, machine: Option<&LiveMachine>) {
    let Some(machine) = machine else { return };
    for pressure in machine.pressures.iter().filter(|pressure| pressure.is_high) {
        ctx.ui.warn(&format!("{} pressure: {}", pressure.kind.name(), pressure.message));
    }
    if machine.paused {
        ctx.ui.note("the lifecycle is paused: resume it with `modelctl lifecycle resume`");
    }
}

fn table(state: &State) -> Table<'_> {
    let mut table = Table::new(COLUMNS);
    for entry in &state.entries {
        let busy = match (entry.in_flight, entry.queued) {
            (0, 0) => None,
            (running, 0) => Some(running.to_string()),
            (running, queued) => Some(format!("{running} +{queued}")),
        };
        let pinned = if entry.pinned { ", pinned" } else { "" };
        table.row(vec![
            Cell::new(entry.name.as_str()),
            Cell::new(format!("{}{pinned}", state_words(entry, state))).tone(tone(entry)),
            Cell::or_none(entry.mode.map(|mode| mode.name().to_owned())),
            Cell::or_none(entry.device.clone()),
            Cell::or_none(entry.memory.map(units::bytes)),
            Cell::or_none(busy),
            Cell::or_none(entry.tokens_per_s.map(|speed| format!("{speed:.1}"))),
            Cell::or_none(idle_left(entry, state).filter(|_| !entry.pinned)),
            Cell::or_none(entry.reason.clone()),
            Cell::new(entry.id.as_str()),
        ]);
    }
    table
}

fn tone(entry: &Entry) -> Tone {
    use super::state::Status;
    match entry.status {
        Status::Failed => Tone::Bad,
        Status::Backoff | Status::Unusable => Tone::Warn,
        Status::Stopped | Status::Disabled => Tone::Dim,
        _ => Tone::Plain,
    }
}

fn document<'a>(state: &'a State, no_daemon: Option<&'a [String]>, database: String) -> TopReport<'a> {
    let (rows, machine) = (&state.rows, state.rows.machine.as_ref());
    TopReport {
        schema: "modelctl.top/1",
        at: Timestamp::rfc3339(state.clock.now),
        source: if no_daemon.is_none() { "daemon" } else { "database" },
        no_daemon,
        database,
        daemon: rows.daemon.as_ref().map(|daemon| Daemon {
            host: &daemon.host,
            version: &daemon.version,
            pid: daemon.pid,
            started_at: &daemon.started_at,
            paused: machine.map(|machine| machine.paused),
            throttle_factor: machine.map(|machine| machine.throttle_factor),
        }),
        devices: machine.map(|machine| {
            let device = |device| {
                let shares = shares(device, rows.servers.values());
                let of = |wanted| shares.parts.iter().find(|part| part.0 == wanted).map_or(0, |part| part.1);
                Device {
                    device: device.device.clone(),
                    total_bytes: shares.total,
                    free_bytes: shares.free,
                    ours_bytes: of(Part::Ours),
                    services_bytes: of(Part::Services),
                    external_bytes: of(Part::External),
                    reserved_bytes: of(Part::Reserved),
                }
            };
            machine.devices.iter().map(device).collect()
        }),
        pressures: machine.map(|machine| machine.pressures.as_slice()),
        models: state.entries.iter().map(row).collect(),
    }
}

fn row(entry: &Entry) -> Row<'_> {
    Row {
        id: &entry.id,
        name: &entry.name,
        kind: match entry.kind {
            Kind::Model => "model",
            Kind::Vectors => "vectors",
            Kind::Service => "service",
            Kind::Reserved => "reserved",
            Kind::External => "external",
        },
        state: entry.status.name(),
        progress: entry.progress,
        mode: entry.mode.map(crate::model::lifecycle::Mode::name),
        gpu_layers: entry.gpu_layers,
        device: entry.device.as_deref(),
        memory_bytes: entry.memory,
        in_flight: entry.in_flight,
        queued: entry.queued,
        tokens_per_second: entry.tokens_per_s,
        unloads_at: entry.expires_at.as_deref(),
        retry_at: entry.retry_at.as_deref(),
        last_used: entry.last_used.as_deref(),
        pinned: entry.pinned,
        port: entry.port,
        reason: entry.reason.as_deref(),
    }
}
