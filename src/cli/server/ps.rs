use super::super::{Ctx, Exit};
use super::daemon;
use crate::ops::daemon::{ServerRow, Servers};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use clap::Args;
use std::time::Duration;

/// List the model servers that are running, starting or failed
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl ps\n  modelctl ps --json | jq '.servers[] | {display_name, state, memory_used_bytes}'\n  watch modelctl ps"
)]
pub struct PsArgs {
    /// Print the servers as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &PsArgs) -> anyhow::Result<Exit> {
    let servers: Servers = daemon(ctx)?.get("/api/models/servers")?;
    if args.json {
        ctx.ui.json(&servers)?;
        return Ok(Exit::Done);
    }
    if servers.servers.is_empty() {
        ctx.ui.note("no model servers running");
        ctx.ui.hint("start one with `modelctl start MODEL`, or send a request for a model");
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&servers.servers))?;
    Ok(Exit::Done)
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
    let made = |text: Option<String>| text.map_or_else(Cell::none, Cell::new);
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
            made(server.memory_used_bytes.map(units::bytes)),
            made(server.port.map(|port| port.to_string())),
            Cell::new(busy),
            made(server.uptime_seconds.map(|seconds| units::took(Duration::from_secs(seconds)))),
            made(server.context.map(|tokens| units::tokens(u64::from(tokens)))),
            Cell::new(server.model_id.as_str()),
            made(mode(server)),
            made(server.engine.clone()),
            made(server.pid.map(|pid| pid.to_string())),
        ];
        if has_problem {
            cells.push(made(problem(server).map(|problem| text::clean(problem).into_owned())));
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
