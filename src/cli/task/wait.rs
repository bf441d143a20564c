use super::super::args::duration;
use super::view::tone;
use super::{Access, Ctx, Exit};
use crate::failure::Failure;
use crate::model::task::{Phase, TaskState, Ticket};
use crate::ops::tasks::{self, TasksReport, TicketReport, all_of, named};
use crate::ui::Ui;
use clap::{ArgGroup, Args};
use std::collections::BTreeMap;
use std::time::Duration;

/// Wait for tasks to finish
///
/// Exits with 0 when all are done, 1 when one failed or was canceled, 4 on timeout.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct WaitArgs {
    /// Numbers, keys, or BATCH/KEY
    #[arg(value_name = "TASK", group = "which")]
    tasks: Vec<String>,
    /// All tasks of this batch
    #[arg(long, value_name = "BATCH", group = "which")]
    batch: Option<String>,
    /// All unfinished tasks
    #[arg(long, group = "which")]
    all: bool,
    /// Wait at most this long (`10m`)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,
    /// Print the tasks as a JSON array when they have finished
    #[arg(long)]
    json: bool,
}

/// Print task events as they happen
///
/// Prints a line for each start and each end. Exits when the named tasks have finished, with 1 if one of them
/// failed or was canceled. Without names, continues until interrupted.
#[derive(Debug, Args)]
pub struct FollowArgs {
    /// Numbers, keys, or BATCH/KEY; none follows all
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    /// All tasks of this batch
    #[arg(long, value_name = "BATCH", conflicts_with = "tasks")]
    batch: Option<String>,
    /// Print a JSON object per line for each event
    #[arg(long)]
    json: bool,
}

pub fn wait(ctx: &mut Ctx, args: &WaitArgs) -> anyhow::Result<Exit> {
    let ids = match args.tasks.is_empty() {
        true => all_of(&mut ctx.session, args.batch.as_deref())?,
        false => named(&mut ctx.session, &args.tasks)?,
    };
    if let Some(batch) = args.batch.as_ref().filter(|_| ids.is_empty()) {
        return Err(Failure::cannot_meet(format!("batch `{batch}` has no tasks"))
            .hint("`modelctl task list` shows batches")
            .into());
    }
    let ended = ctx.run(|session, on| tasks::wait(session, ids, args.timeout, on))?;
    if args.json {
        ctx.ui.document(&TasksReport { tasks: ended.iter().map(TicketReport::of).collect() })?;
    } else {
        ctx.ui.note(&sum(&ended));
    }
    Ok(exit(&ended))
}

pub fn follow(ctx: &mut Ctx, args: &FollowArgs) -> anyhow::Result<Exit> {
    if ctx.db(Access::ReadOnly)?.is_fresh() {
        return Err(Failure::cannot_meet("the queue is empty: no task was ever added").into());
    }
    let ids = match (&args.batch, args.tasks.is_empty()) {
        (Some(batch), _) => Some(all_of(&mut ctx.session, Some(batch))?),
        (None, false) => Some(named(&mut ctx.session, &args.tasks)?),
        (None, true) => None,
    };
    ctx.run(tasks::warn_if_off)?;
    let ui = &mut ctx.ui;
    let ended = tasks::follow(&mut ctx.session, ids.as_deref(), &mut |changed| {
        for ticket in changed {
            say(ui, ticket, args.json)?;
        }
        ui.flush()
    })?;
    Ok(exit(&ended))
}

fn sum(ended: &[Ticket]) -> String {
    let mut counts: BTreeMap<TaskState, u64> = BTreeMap::new();
    for ticket in ended {
        *counts.entry(ticket.state()).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(state, number)| format!("{number} {state}")).collect();
    if words.is_empty() { "nothing to wait for".to_owned() } else { words.join(", ") }
}

fn exit(ended: &[Ticket]) -> Exit {
    if ended.iter().all(|ticket| ticket.state() == TaskState::Done) { Exit::Done } else { Exit::Bad }
}

fn say(ui: &mut Ui, ticket: &Ticket, json: bool) -> anyhow::Result<()> {
    if json {
        return ui.document_line(&TicketReport::of(ticket));
    }
    let name = ticket.key.as_ref().map(|key| format!(" `{key}`")).unwrap_or_default();
    let more = match &ticket.phase {
        Phase::Queued => String::new(),
        Phase::Scheduled { until } => format!(" until {}", until.rfc3339()),
        Phase::Running(_) => format!(", attempt {} of {}", ticket.attempts, ticket.max_attempts),
        Phase::Done { .. } | Phase::Failed { .. } | Phase::Cancelled { .. } => String::new(),
    };
    let why = ticket.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
    ui.painted_line(&format!("task {}{name} is {}{more}{why}", ticket.id, ticket.state()), tone(ticket.state()))
}
