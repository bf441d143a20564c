//! `modelctl inference on|off|status`: the switch that every claim checks.

use super::{Ctx, Exit};
use crate::clock::Timestamp;
use crate::model::task::{Counts, Inference, TaskState};
use crate::ops::inference::{InferenceReport, counts, state, switch};
use crate::ui::{Document, units};
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

/// Pause or resume the task queue
///
/// While inference is off, no process starts tasks of this database; running tasks finish, and new tasks can be added.
/// The setting survives restarts. Prompts (`run-once --prompt`) and requests to the daemon are still answered.
#[derive(Debug, Args)]
pub struct InferenceArgs {
    #[arg(value_enum, default_value = "status")]
    what: What,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Resume the queue
    On,
    /// Start no new tasks
    Off,
    /// Show whether inference is on
    Status,
}

/// The document of `inference --json`: the API's, and how many tasks there are.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    inference: InferenceReport,
    running: u64,
    waiting: u64,
}

impl Document for Shown {
    const SCHEMA: &'static str = "modelctl.inference/1";
}

pub fn run(ctx: &mut Ctx, args: &InferenceArgs) -> anyhow::Result<Exit> {
    let now = ctx.session.now;
    let state = match args.what {
        What::Status => state(&mut ctx.session)?,
        What::On => switch(&mut ctx.session, true)?,
        What::Off => switch(&mut ctx.session, false)?,
    };
    let shown = shown(&counts(&mut ctx.session)?, state);
    if args.json {
        ctx.ui.document(&shown)?;
    } else {
        let text = sentence(&shown, &state, now);
        ctx.ui.line(&text)?;
    }
    Ok(Exit::Done)
}

fn shown(counts: &Counts, state: Inference) -> Shown {
    let of = |state| counts.get(&state).copied().unwrap_or(0);
    Shown {
        inference: InferenceReport::of(&state),
        running: of(TaskState::Running),
        waiting: of(TaskState::Queued).saturating_add(of(TaskState::Scheduled)),
    }
}

fn sentence(shown: &Shown, state: &Inference, now: Timestamp) -> String {
    let since = state.since.map(|at| format!(", for {}", units::ago(at.age(now)))).unwrap_or_default();
    let still = if !state.on && shown.running > 0 { " still" } else { "" };
    format!(
        "inference is {}{since}: {}{still} running, {} waiting",
        if state.on { "on" } else { "off" },
        units::plural(shown.running, "task"),
        shown.waiting
    )
}
