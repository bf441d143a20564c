use super::super::server::daemon;
use super::super::{Ctx, Exit};
use super::overview::section;
use super::view;
use crate::clock;
use crate::model::lifecycle::Status;
use crate::ops::daemon::{Daemon, LocalClock};
use crate::ops::overview::{Overview, overview};
use clap::Args;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value};

/// Show models, disk, queue, and what the daemon has loaded, on one screen
///
/// Models by state, space by store, what `prune` could free and the command for it, trash, tasks, and the last scan. If a
/// daemon runs, also its models and services with their mode and priority, memory by device, pressure, pending restarts and
/// swaps, external servers, and the last decisions with their reasons.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl status\n  modelctl status --json | jq '.models[] | select(.downgraded) | {name, mode, mode_reason}'\n  watch modelctl status --decisions 5"
)]
pub struct StatusArgs {
    /// Number of decisions to show; the daemon keeps 200
    #[arg(long, value_name = "N", default_value_t = 10)]
    decisions: usize,
    /// Print a JSON document
    #[arg(long)]
    json: bool,
}

/// The inventory, and what the daemon says where one runs.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    inventory: &'a Overview,
    /// Whether a daemon runs that is not about to end.
    running: bool,
    #[serde(flatten)]
    daemon: Option<Map<String, Value>>,
}

pub fn run(ctx: &mut Ctx, args: &StatusArgs) -> anyhow::Result<Exit> {
    let (overview, scanned) = ctx.run(overview)?;
    let status: Option<Status> = match Daemon::find(&ctx.session.config)? {
        Some(daemon) => Some(daemon.get("/api/lifecycle")?),
        None => None,
    };
    if args.json {
        let daemon = status.as_ref().map(serde_json::to_value).transpose()?;
        let daemon = daemon.and_then(|value| match value {
            Value::Object(mut members) => {
                members.remove("schema");
                members.remove("running");
                Some(members)
            }
            _ => None,
        });
        let running = status.is_some_and(|status| status.running);
        ctx.ui.json(&Document { schema: "modelctl.status/1", inventory: &overview, running, daemon })?;
        return Ok(Exit::Done);
    }
    let now = ctx.session.now;
    ctx.ui.sections(&[section(&overview, (scanned, now))])?;
    ctx.ui.line("")?;
    match &status {
        Some(status) => print(ctx, status, args.decisions)?,
        None => ctx.ui.line("no daemon runs: `modelctl serve` starts one")?,
    }
    Ok(Exit::Done)
}

/// Shows what the daemon says alone.
pub fn of_daemon(ctx: &mut Ctx, args: &StatusArgs) -> anyhow::Result<Exit> {
    let status: Status = daemon(ctx)?.get("/api/lifecycle")?;
    match args.json {
        true => ctx.ui.json(&status)?,
        false => print(ctx, &status, args.decisions)?,
    }
    Ok(Exit::Done)
}

fn print(ctx: &mut Ctx, status: &Status, decisions: usize) -> anyhow::Result<()> {
    let clock = LocalClock { zone: TimeZone::system(), now: clock::now() };
    view::print(&mut ctx.ui, status, (&clock, decisions))
}
