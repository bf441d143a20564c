use super::super::{Ctx, Exit, stop_on_signals};
use super::{daemon, interrupted, resolved};
use crate::ops::daemon::{StopAllReply, StopReply};
use crate::ui::{Document, text};
use clap::Args;
use serde::Serialize;

/// Stop model servers
///
/// Running answers have 30 seconds to finish. The next request for the model starts it again.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl stop qwen3-8b\n  modelctl stop --now qwen3-8b\n  modelctl stop qwen3-8b gemma-3-4b"
)]
pub struct StopArgs {
    /// Id (or its first digits), alias, name or path; or the name of a service
    #[arg(value_name = "MODEL", required = true)]
    models: Vec<String>,
    /// Cancel running answers instead of waiting for them
    #[arg(long)]
    now: bool,
    /// Print the servers as JSON
    #[arg(long)]
    json: bool,
}

/// Stop all model servers
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl stop-all\n  modelctl stop-all --now\n  modelctl stop-all --json | jq .stopped"
)]
pub struct StopAllArgs {
    /// Cancel running answers instead of waiting for them
    #[arg(long)]
    now: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

const GOES_ON: &str = "the servers are still stopping: see `modelctl ps`";

pub fn run(ctx: &mut Ctx, args: &StopArgs) -> anyhow::Result<Exit> {
    let daemon = daemon(ctx)?;
    let rows = resolved(ctx, &args.models)?;
    let signal = stop_on_signals()?;
    let mut stopped = Vec::new();
    for row in &rows {
        let Some(reply) = daemon.stop_server(row.id.as_str(), args.now, &signal)? else {
            return Err(interrupted(&signal, GOES_ON).into());
        };
        if !args.json {
            ctx.ui.note(&sentence(&reply));
        }
        stopped.push(reply);
    }
    if args.json {
        ctx.ui.document(&StopReport { servers: &stopped })?;
    }
    Ok(Exit::Done)
}

/// The document of `stop --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct StopReport<'a> {
    servers: &'a [StopReply],
}

impl Document for StopReport<'_> {
    const SCHEMA: &'static str = "modelctl.stop/1";
}

/// Returns how a stop ended, as a sentence.
pub fn sentence(reply: &StopReply) -> String {
    let name = text::clean(&reply.display_name);
    match reply.was_running {
        true => format!("{name} stopped in {:.1} s", reply.shutdown_time_seconds),
        false => format!("{name} is not running"),
    }
}

pub fn run_all(ctx: &mut Ctx, args: &StopAllArgs) -> anyhow::Result<Exit> {
    let daemon = daemon(ctx)?;
    let signal = stop_on_signals()?;
    let path = format!("/api/models/servers/stop-all?now={}", args.now);
    let Some(reply) = daemon.post::<StopAllReply>(&path, &signal, None)? else {
        return Err(interrupted(&signal, GOES_ON).into());
    };
    if args.json {
        ctx.ui.document(&reply)?;
    } else {
        ctx.ui.note(&format!("{} in {:.1} s", reply.message, reply.shutdown_time_seconds));
    }
    Ok(Exit::Done)
}
