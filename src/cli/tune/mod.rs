//! `modelctl tune`: the smallest setting to change next, and a record of changes with what they brought. It edits
//! nothing.

mod view;

use super::{Ctx, Exit};
use crate::failure::Failure;
use crate::model::tuning::Tuning;
use crate::ops::node::{CollectRequest, collect_until};
use crate::ops::tune::{self, RecordRequest};
use crate::triage::facts::Facts;
use crate::triage::tune::{Suggestion, next};
use clap::{Args, Subcommand};
use serde::Serialize;

/// Suggest the next setting to change on this node, and record the effect of changes
///
/// It edits nothing; you make the change.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  modelctl tune next --service llama\n  modelctl tune record --threads \
                  --from 8 --to 4 --why 'four cores'\n  modelctl tune done 1")]
pub struct TuneArgs {
    #[command(subcommand)]
    command: TuneCommand,
}

#[derive(Debug, Subcommand)]
enum TuneCommand {
    Next(NextArgs),
    Record(RecordArgs),
    Done(DoneArgs),
    List(ListArgs),
    Rollback(RollbackArgs),
}

/// Suggest the smallest setting to change in the current state
///
/// Threads and parallelism come first, then context, slots and the size of the Whisper model; GPU layers come last, and
/// never while no GPU is visible.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  modelctl tune next\n  modelctl tune next --service llama --json")]
struct NextArgs {
    /// Only this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Record a change before you make it, with the current health, speed and memory
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl tune record --ctx-size --from 32768 --to 16384 --why 'memory'\n  modelctl tune \
                  record OMP_NUM_THREADS --from 8 --to 4 --why 'four cores'"
)]
struct RecordArgs {
    /// The setting: an option of the service, or an environment variable
    #[arg(value_name = "KNOB", allow_hyphen_values = true)]
    knob: String,
    /// Current value, which a rollback restores
    #[arg(long, value_name = "A", allow_hyphen_values = true)]
    from: String,
    /// New value
    #[arg(long, value_name = "B", allow_hyphen_values = true)]
    to: String,
    /// Reason for the change
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Service that the setting belongs to
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Measure again after a change and report whether it is better, the same or worse
///
/// Also reports whether the service runs with the new value, by its command line and environment; a setting in a file
/// of its own cannot be seen.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  modelctl tune done 3\n  modelctl tune done 3 --json | jq -r .done.verdict")]
struct DoneArgs {
    /// Id printed by `tune record`
    #[arg(value_name = "ID")]
    id: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// List the recorded changes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  modelctl tune list\n  modelctl tune list --json")]
struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Print how to undo a change
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  modelctl tune rollback 3")]
struct RollbackArgs {
    /// Id printed by `tune record`
    #[arg(value_name = "ID")]
    id: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct NextDocument<'a> {
    schema: &'static str,
    suggestion: Option<&'a Suggestion>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ChangeDocument<'a> {
    schema: &'static str,
    #[serde(flatten)]
    change: &'a Tuning,
    rollback: String,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ListDocument<'a> {
    schema: &'static str,
    changes: &'a [Tuning],
}

pub fn run(ctx: &mut Ctx, args: &TuneArgs) -> anyhow::Result<Exit> {
    match &args.command {
        TuneCommand::Next(args) => run_next(ctx, args),
        TuneCommand::Record(args) => run_record(ctx, args),
        TuneCommand::Done(args) => {
            tune::find(&mut ctx.session, args.id)?;
            let after = facts(ctx, Vec::new())?;
            let tuning = tune::done(&mut ctx.session, args.id, &after)?;
            show(ctx, &tuning, args.json)
        }
        TuneCommand::List(args) => run_list(ctx, args),
        TuneCommand::Rollback(args) => {
            let tuning = tune::find(&mut ctx.session, args.id)?;
            if args.json {
                return show(ctx, &tuning, true);
            }
            ctx.ui.line(&crate::ui::text::clean(&tune::rollback(&tuning)))?;
            Ok(Exit::Done)
        }
    }
}

/// Returns the facts of this node, redacted.
fn facts(ctx: &mut Ctx, services: Vec<String>) -> anyhow::Result<Facts> {
    let stop = super::stop_on_signals()?;
    let collected = collect_until(&ctx.session, &CollectRequest { services, ..CollectRequest::default() }, &stop)?;
    Ok(crate::triage::redact_with(collected.facts, &collected.secrets)?.0)
}

fn run_next(ctx: &mut Ctx, args: &NextArgs) -> anyhow::Result<Exit> {
    let facts = facts(ctx, args.service.clone().into_iter().collect())?;
    let suggestion = next(&facts, args.service.as_deref());
    if args.json {
        ctx.ui.json(&NextDocument { schema: "modelctl.tune-next/1", suggestion: suggestion.as_ref() })?;
        return Ok(Exit::Done);
    }
    match suggestion {
        Some(suggestion) => view::suggestion(ctx, &suggestion)?,
        None => ctx.ui.note("no setting needs to change at the moment"),
    }
    Ok(Exit::Done)
}

fn run_record(ctx: &mut Ctx, args: &RecordArgs) -> anyhow::Result<Exit> {
    let RecordArgs { knob, from, to, why, service, .. } = args;
    let request = RecordRequest {
        knob: knob.clone(),
        service: service.clone(),
        from: from.clone(),
        to: to.clone(),
        why: why.clone(),
    };
    request.check()?;
    let before = facts(ctx, Vec::new())?.snapshot();
    if let Some(name) = service.as_ref().filter(|name| !before.services.iter().any(|one| one.name == **name)) {
        let known: Vec<&str> = before.services.iter().map(|one| one.name.as_str()).collect();
        let failure = Failure::cannot_meet(format!("no service is named `{name}`"));
        return Err(failure.hint(format!("services of this node: {}", known.join(", "))).into());
    }
    let tuning = tune::record(&mut ctx.session, request, before)?;
    if args.json {
        return show(ctx, &tuning, true);
    }
    ctx.ui.line(&format!("recorded as {}", tuning.id))?;
    ctx.ui.hint(&format!("make the change, then run `modelctl tune done {}`", tuning.id));
    Ok(Exit::Done)
}

fn run_list(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    let changes = tune::list(&mut ctx.session)?;
    if args.json {
        ctx.ui.json(&ListDocument { schema: "modelctl.tune-list/1", changes: &changes })?;
    } else if changes.is_empty() {
        ctx.ui.note("no changes recorded");
    } else {
        ctx.ui.table(&view::table(&changes, ctx.session.now))?;
    }
    Ok(Exit::Done)
}

fn show(ctx: &mut Ctx, tuning: &Tuning, json: bool) -> anyhow::Result<Exit> {
    let rollback = tune::rollback(tuning);
    if json {
        ctx.ui.json(&ChangeDocument { schema: "modelctl.tune/1", change: tuning, rollback })?;
    } else {
        view::outcome(ctx, tuning, &rollback)?;
    }
    Ok(Exit::Done)
}
