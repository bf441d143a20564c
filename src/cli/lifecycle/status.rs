use super::super::server::daemon;
use super::super::{Ctx, Exit};
use super::view;
use crate::clock;
use crate::model::lifecycle::Status;
use crate::ops::daemon::LocalClock;
use clap::Args;
use jiff::tz::TimeZone;

/// Show what is loaded, what memory is left, and what was decided
///
/// Models and services of the daemon with their mode and priority, memory by device, pressure, restarts and swaps that are
/// pending, servers of others, and the last decisions with their reasons.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl status\n  modelctl status --json | jq '.models[] | select(.downgraded) | {name, mode, mode_reason}'\n  watch modelctl status --decisions 5"
)]
pub struct StatusArgs {
    /// Number of decisions to show; the daemon keeps 200
    #[arg(long, value_name = "N", default_value_t = 10)]
    decisions: usize,
    /// Print the status as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &StatusArgs) -> anyhow::Result<Exit> {
    let status: Status = daemon(ctx)?.get("/api/lifecycle")?;
    if args.json {
        ctx.ui.json(&status)?;
        return Ok(Exit::Done);
    }
    let clock = LocalClock { zone: TimeZone::system(), now: clock::now() };
    view::print(&mut ctx.ui, &status, (&clock, args.decisions))?;
    Ok(Exit::Done)
}
