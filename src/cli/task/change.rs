use super::{Ctx, Exit};
use crate::model::task::{TaskFilter, TaskState};
use crate::ops::tasks::{self, Change};
use crate::ui::units;
use clap::{ArgGroup, Args};

/// Cancel tasks, including running ones
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct CancelArgs {
    /// Numbers, keys, or BATCH/KEY
    #[arg(value_name = "TASK", group = "which")]
    tasks: Vec<String>,
    /// All unfinished tasks of this batch
    #[arg(long, value_name = "BATCH", group = "which")]
    batch: Option<String>,
    /// All unfinished tasks
    #[arg(long, group = "which")]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Retry failed or canceled tasks
///
/// They start over with all their attempts. A task that waits after an error is retried at once.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct RetryArgs {
    /// Numbers, keys, or BATCH/KEY
    #[arg(value_name = "TASK", group = "which")]
    tasks: Vec<String>,
    /// All failed or canceled tasks of this batch
    #[arg(long, value_name = "BATCH", group = "which")]
    batch: Option<String>,
    /// All failed tasks
    #[arg(long, group = "which")]
    failed: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn cancel(ctx: &mut Ctx, args: &CancelArgs) -> anyhow::Result<Exit> {
    let states = vec![TaskState::Queued, TaskState::Scheduled, TaskState::Running];
    let some = TaskFilter { states, batch: args.batch.clone() };
    change(ctx, &Which { named: &args.tasks, some, json: args.json }, "cancelled", |queue, ids, at| {
        queue.cancel(ids, at)
    })
}

pub fn retry(ctx: &mut Ctx, args: &RetryArgs) -> anyhow::Result<Exit> {
    // A person who names a batch wants all of it retried.
    let states = match args.batch {
        Some(_) => vec![TaskState::Failed, TaskState::Cancelled],
        None => vec![TaskState::Failed],
    };
    let some = TaskFilter { states, batch: args.batch.clone() };
    change(ctx, &Which { named: &args.tasks, some, json: args.json }, "queued again", |queue, ids, at| {
        queue.retry(ids, at)
    })
}

struct Which<'a> {
    named: &'a [String],
    /// The selection used when no tasks are named.
    some: TaskFilter,
    json: bool,
}

fn change(ctx: &mut Ctx, which: &Which<'_>, word: &str, change: Change) -> anyhow::Result<Exit> {
    let done = tasks::change(&mut ctx.session, (which.named, &which.some), change)?;
    if which.json {
        ctx.ui.document(&done)?;
    } else {
        for refused in &done.refused {
            ctx.ui.warn(&refused.reason);
        }
        let running =
            if done.were_running > 0 { format!(", {} while running", done.were_running) } else { String::new() };
        let sentence = format!("{} {word}{running}", units::plural(done.changed.len() as u64, "task"));
        match done.changed.is_empty() {
            true => ctx.ui.note(&sentence),
            false => ctx.ui.act(&sentence),
        }
    }
    // A task that was named and could not be changed is a bad answer; a selection takes what there is.
    Ok(if which.named.is_empty() || done.refused.is_empty() { Exit::Done } else { Exit::Bad })
}
