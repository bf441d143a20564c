//! `modelctl ps`: the servers of the daemon, and every model that another program has open or in memory.

use super::super::lifecycle::view;
use super::super::{Ctx, Exit};
use crate::clock::{self, Timestamp};
use crate::model::lifecycle::{External, Status};
use crate::ops::daemon::{Daemon, ServerRow, Servers, elsewhere};
use crate::ops::open_models::{ModelUser, OpenModel, open_models};
use crate::ui::{Cell, Column, Document, Table, Tone, text, units};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// List the models that are loaded or open, and by which process
///
/// With a daemon these are its servers, whether they run, start or failed, and the servers of others that it knows. The
/// second table has every model of the database that another program has open or mapped, or a server says it has loaded:
/// what `prune` leaves alone.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl ps\n  modelctl ps --json | jq '.servers[] | {display_name, state}'\n  modelctl ps --json | jq -r '.models[] | .name'\n  watch modelctl ps"
)]
pub struct PsArgs {
    /// Print everything as a JSON object
    #[arg(long)]
    json: bool,
}

/// The document of `ps`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PsReport {
    /// Whether a daemon runs for this database.
    daemon: bool,
    /// The servers of the daemon.
    servers: Vec<ServerRow>,
    total_running: usize,
    /// Model servers that somebody else started, as the daemon knows them.
    externals: Vec<External>,
    /// Models that other programs have open or in memory.
    models: Vec<OpenModel>,
}

impl Document for PsReport {
    const SCHEMA: &'static str = "modelctl.ps/1";
}

pub fn run(ctx: &mut Ctx, args: &PsArgs) -> anyhow::Result<Exit> {
    let report = gather(ctx)?;
    if args.json {
        ctx.ui.document(&report)?;
        return Ok(Exit::Done);
    }
    let PsReport { daemon, servers, externals, models, .. } = &report;
    if servers.is_empty() && externals.is_empty() && models.is_empty() {
        ctx.ui.note("no model is loaded or open");
    }
    let mut tables = Vec::new();
    if !servers.is_empty() {
        tables.push(table(servers));
    }
    if !externals.is_empty() {
        tables.push(view::externals("OTHER SERVER", externals));
    }
    if !models.is_empty() {
        tables.push(opened(models, clock::now()));
    }
    for (at, table) in tables.iter().enumerate() {
        if at > 0 {
            ctx.ui.line("")?;
        }
        ctx.ui.table(table)?;
    }
    match daemon {
        true if servers.is_empty() => {
            ctx.ui.note("the daemon has no servers");
            ctx.ui.hint("start one with `modelctl start MODEL`, or send a request for a model");
        }
        true => {}
        false => match elsewhere(&ctx.session.config) {
            Some((message, hint)) => {
                ctx.ui.warn(&message);
                ctx.ui.hint(&hint);
            }
            None => ctx.ui.note("no daemon is running: `modelctl serve` starts one"),
        },
    }
    Ok(Exit::Done)
}

fn gather(ctx: &mut Ctx) -> anyhow::Result<PsReport> {
    let daemon = Daemon::find(&ctx.session.config)?;
    let (mut servers, mut externals) = (None, Vec::new());
    if let Some(daemon) = &daemon {
        servers = Some(daemon.get::<Servers>("/api/models/servers")?);
        externals = daemon.get::<Status>("/api/lifecycle")?.externals;
    }
    let mut models = ctx.run(open_models)?;
    let (servers, total_running) = servers.map_or((Vec::new(), 0), |all| (all.servers, all.total_running));
    // What the tables above have is not shown twice.
    let of_servers = servers.iter().filter_map(|server| server.pid);
    let known: Vec<u32> = of_servers.chain(externals.iter().filter_map(|other| other.pid)).collect();
    for model in &mut models {
        model.users.retain(|user| user.pid.is_none_or(|pid| !known.contains(&pid)));
    }
    models.retain(|model| !model.users.is_empty());
    Ok(PsReport { daemon: daemon.is_some(), servers, total_running, externals, models })
}

const OPENED: &[Column] = &[
    Column::name("MODEL", 0, 20),
    Column::left("BY", 1),
    Column::right("PID", 2),
    Column::left("HOW", 3),
    Column::right("STARTED", 4),
    Column::right("MEMORY", 5),
    Column::left("USER", 6),
    Column::left("STORE", 7),
    Column::left("ID", 8),
];

fn opened(models: &[OpenModel], now: Timestamp) -> Table<'_> {
    let mut table = Table::new(OPENED);
    let rows = models.iter().flat_map(|model| model.users.iter().map(move |user| (model, user)));
    for (model, user) in rows {
        let ModelUser { program, pid, how, memory_bytes, user, started, .. } = user;
        table.row(vec![
            Cell::new(model.name.as_str()),
            Cell::new(text::clean(program).into_owned()),
            Cell::or_none(pid.map(|pid| pid.to_string())),
            Cell::new(*how),
            Cell::or_none(started.map(|started| format!("{} ago", units::ago(started.age(now))))),
            Cell::or_none(memory_bytes.map(units::bytes)),
            Cell::or_none(user.clone()),
            Cell::new(model.store),
            Cell::or_none(model.model_id.clone()),
        ]);
    }
    table
}

const COLUMNS: &[Column] = &[
    Column::name("NAME", 0, 20),
    Column::left("STATE", 1),
    Column::right("MEMORY", 3),
    Column::right("PORT", 5),
    Column::right("BUSY", 6),
    Column::right("UPTIME", 7),
    Column::right("CONTEXT", 8),
    Column::left("ID", 4),
    Column::left("MODE", 9),
    Column::left("ENGINE", 10),
    Column::right("PID", 11),
];
/// Where any server has one: an operator looks for it first.
const PROBLEM: Column = Column::left("PROBLEM", 2).shrink_to(24);

fn table(servers: &[ServerRow]) -> Table<'_> {
    let has_problem = servers.iter().any(|server| problem(server).is_some());
    let columns: Vec<Column> = COLUMNS.iter().copied().chain(has_problem.then_some(PROBLEM)).collect();
    let mut table = Table::new(&columns);
    for server in servers {
        let purpose = if server.purpose == "main" { String::new() } else { format!(" ({})", server.purpose) };
        let busy = match server.slots {
            Some(slots) => format!("{}/{slots}", server.in_flight),
            None => server.in_flight.to_string(),
        };
        let busy = if server.queued > 0 { format!("{busy} +{}", server.queued) } else { busy };
        let mut cells = vec![
            Cell::new(format!("{}{purpose}", server.display_name)),
            Cell::new(state(server)).tone(tone(server)),
            Cell::or_none(server.memory_used_bytes.map(units::bytes)),
            Cell::or_none(server.port.map(|port| port.to_string())),
            Cell::new(busy),
            Cell::or_none(server.uptime_seconds.map(|seconds| units::took(Duration::from_secs(seconds)))),
            Cell::or_none(server.context.map(|tokens| units::tokens(u64::from(tokens)))),
            Cell::new(server.model_id.as_str()),
            Cell::or_none(mode(server)),
            Cell::or_none(server.engine.clone()),
            Cell::or_none(server.pid.map(|pid| pid.to_string())),
        ];
        if has_problem {
            cells.push(Cell::or_none(problem(server).map(|problem| text::clean(problem).into_owned())));
        }
        table.row(cells);
    }
    table
}

/// Returns where its layers are: `cpu_offload, 20 layers`.
fn mode(server: &ServerRow) -> Option<String> {
    let mode = server.mode.map(|mode| mode.name().to_owned()).or_else(|| server.device.clone())?;
    Some(match server.gpu_layers {
        Some(layers) => format!("{mode}, {}", units::plural(layers.into(), "layer")),
        None => mode,
    })
}

/// Returns the error of a server, or why it is not loaded in full.
fn problem(server: &ServerRow) -> Option<&str> {
    server.last_error.as_deref().or(server.mode_reason.as_deref())
}

fn state(server: &ServerRow) -> String {
    match (server.progress, server.retry_in_seconds) {
        (Some(progress), _) => format!("starting {:.0} %", progress * 100.0),
        (_, Some(seconds)) => format!("backoff {seconds:.0} s"),
        _ if server.pinned => format!("{}, pinned", server.state),
        _ => server.state.clone(),
    }
}

fn tone(server: &ServerRow) -> Tone {
    match server.state.as_str() {
        "failed" => Tone::Bad,
        "backoff" => Tone::Warn,
        _ if server.mode_reason.is_some() => Tone::Warn,
        _ => Tone::Plain,
    }
}
