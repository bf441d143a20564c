//! The commands about the lifecycle of the daemon's servers.

pub mod offload;
mod overview;
pub mod priority;
pub mod status;
pub mod view;
pub mod why;

use super::server::daemon;
use super::{Ctx, Exit, stop_on_signals};
use crate::failure::Failure;
use crate::model::Selector;
use crate::model::lifecycle::Status;
use crate::ops::daemon::{PauseReply, service_of};
use crate::ops::resolve_model::resolve;
use crate::supervise::StopSignal;
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Pause or resume automatic loading and unloading, or show its status
///
/// While the lifecycle is paused, requests are answered and start their models as usual; nothing is loaded, unloaded,
/// evicted or restored automatically. The pause ends with the daemon.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl lifecycle pause\n  modelctl lifecycle resume\n  modelctl lifecycle status --json | jq .paused"
)]
pub struct LifecycleArgs {
    #[command(subcommand)]
    command: LifecycleCommand,
}

#[derive(Debug, Subcommand)]
enum LifecycleCommand {
    /// Load, unload and evict models only on request
    #[command(after_help = "Examples:\n  modelctl lifecycle pause\n  modelctl lifecycle pause --json | jq .was_paused")]
    Pause(PauseArgs),
    /// End a pause
    #[command(after_help = "Examples:\n  modelctl lifecycle resume\n  modelctl -q lifecycle resume")]
    Resume(PauseArgs),
    /// Show what the daemon has loaded, what memory is left, and what was decided
    #[command(after_help = "Examples:\n  modelctl lifecycle status\n  modelctl lifecycle status --json | jq .paused")]
    Status(status::StatusArgs),
}

#[derive(Debug, Args)]
struct PauseArgs {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &LifecycleArgs) -> anyhow::Result<Exit> {
    match &args.command {
        LifecycleCommand::Pause(args) => set_paused(ctx, true, args.json),
        LifecycleCommand::Resume(args) => set_paused(ctx, false, args.json),
        LifecycleCommand::Status(args) => status::of_daemon(ctx, args),
    }
}

fn set_paused(ctx: &mut Ctx, paused: bool, json: bool) -> anyhow::Result<Exit> {
    let path = if paused { "/api/lifecycle/pause" } else { "/api/lifecycle/resume" };
    let reply: PauseReply = ask(ctx, path, &Value::Null)?;
    if json {
        ctx.ui.json(&reply)?;
        return Ok(Exit::Done);
    }
    match (reply.paused, reply.was_paused) {
        (true, false) => {
            ctx.ui.note("paused: nothing is loaded, unloaded or evicted without a request");
            ctx.ui.hint("resume with `modelctl lifecycle resume`");
        }
        (true, true) => ctx.ui.note("the lifecycle is already paused"),
        (false, true) => ctx.ui.note("resumed"),
        (false, false) => ctx.ui.note("the lifecycle is not paused"),
    }
    Ok(Exit::Done)
}

/// Finds what a person names: the id of a service of the daemon, or of a model.
fn target(ctx: &mut Ctx, name: &str) -> anyhow::Result<String> {
    let status: Status = daemon(ctx)?.get("/api/lifecycle")?;
    match service_of(&status, name) {
        Some((id, _)) => Ok(id.to_owned()),
        None => Ok(resolve(&mut ctx.session, &Selector(name.to_owned()))?.id.to_string()),
    }
}

/// Sends a command to the daemon and waits for its answer.
fn ask<T: DeserializeOwned>(ctx: &Ctx, path: &str, body: &Value) -> anyhow::Result<T> {
    let (daemon, signal) = (daemon(ctx)?, stop_on_signals()?);
    daemon.post_json(path, body, &signal)?.ok_or_else(|| interrupted(&signal).into())
}

fn interrupted(signal: &StopSignal) -> Failure {
    super::server::interrupted(signal, "the daemon continues: see `modelctl status`")
}
