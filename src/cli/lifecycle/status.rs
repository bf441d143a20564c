use super::super::server::daemon;
use super::super::{Ctx, Exit};
use super::overview::section;
use super::view;
use crate::clock;
use crate::model::lifecycle::Status;
use crate::ops::daemon::{Daemon, LocalClock};
use crate::ops::overview::{Overview, overview};
use crate::ui::Document;
use clap::Args;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

/// Show models, disk, queue, and what the daemon has loaded, on one screen
///
/// Models by state, space by store, what `prune` could free and the command for it, trash, tasks, and the last scan. If a
/// daemon runs, also its models and services with their mode and priority, memory by device, pressure, pending restarts and
/// swaps, external servers, and the last decisions with their reasons.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl status\n  modelctl status --json | jq -r '.models[] | select(.downgraded) | .name'\n  watch modelctl status --decisions 5"
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
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusReport<'a> {
    inventory: &'a Overview,
    #[serde(flatten)]
    daemon: Option<Status>,
    #[serde(flatten)]
    absent: Option<Absent>,
}

/// In place of what a daemon says.
#[derive(Debug, Serialize, JsonSchema)]
struct Absent {
    /// Whether a daemon runs that is not about to end.
    running: bool,
}

impl Document for StatusReport<'_> {
    const SCHEMA: &'static str = "modelctl.status/1";
}

pub fn run(ctx: &mut Ctx, args: &StatusArgs) -> anyhow::Result<Exit> {
    let (overview, scanned) = ctx.run(overview)?;
    let status: Option<Status> = match Daemon::find(&ctx.session.config)? {
        Some(daemon) => Some(daemon.get("/api/lifecycle")?),
        None => None,
    };
    if args.json {
        let absent = status.is_none().then_some(Absent { running: false });
        // The document has a name of its own.
        let daemon = status.map(|status| Status { schema: String::new(), ..status });
        ctx.ui.document(&StatusReport { inventory: &overview, daemon, absent })?;
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
