use super::{Access, Ctx, Exit, named};
use crate::db::{Db, TaskFilter};
use crate::model::task::machine::Refusal;
use crate::model::task::{Moment, TaskId, TaskState};
use crate::ui::units;
use clap::{ArgGroup, Args};
use serde::Serialize;

/// Tasks of a selection that are changed in one commit.
const STEP: u32 = 500;

/// Cancel tasks, also while they run
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct CancelArgs {
    /// Numbers, keys, or BATCH/KEY
    #[arg(value_name = "TASK", group = "which")]
    tasks: Vec<String>,
    /// Every task of this batch that has not ended
    #[arg(long, value_name = "BATCH", group = "which")]
    batch: Option<String>,
    /// Every task that has not ended
    #[arg(long, group = "which")]
    all: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Try tasks again that have failed or were cancelled
///
/// They start over with all their attempts. One that waits after an error is tried at once.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct RetryArgs {
    /// Numbers, keys, or BATCH/KEY
    #[arg(value_name = "TASK", group = "which")]
    tasks: Vec<String>,
    /// Every task of this batch that has failed or was cancelled
    #[arg(long, value_name = "BATCH", group = "which")]
    batch: Option<String>,
    /// Every task that has failed
    #[arg(long, group = "which")]
    failed: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub fn cancel(ctx: &mut Ctx, args: &CancelArgs) -> anyhow::Result<Exit> {
    let states = vec![TaskState::Queued, TaskState::Scheduled, TaskState::Running];
    let some = TaskFilter { states, batch: args.batch.clone() };
    change(ctx, &Which { named: &args.tasks, some, json: args.json }, "cancelled", Db::cancel_tasks)
}

pub fn retry(ctx: &mut Ctx, args: &RetryArgs) -> anyhow::Result<Exit> {
    // Who names a batch wants it whole.
    let states = match args.batch {
        Some(_) => vec![TaskState::Failed, TaskState::Cancelled],
        None => vec![TaskState::Failed],
    };
    let some = TaskFilter { states, batch: args.batch.clone() };
    change(ctx, &Which { named: &args.tasks, some, json: args.json }, "queued again", Db::retry_tasks)
}

struct Which<'a> {
    named: &'a [String],
    /// Where none are named.
    some: TaskFilter,
    json: bool,
}

#[derive(Debug, Default, Serialize)]
struct Changed {
    changed: Vec<TaskId>,
    /// Of the changed, those that ran: their worker stops within a moment.
    were_running: u64,
    refused: Vec<Refused>,
}

#[derive(Debug, Serialize)]
struct Refused {
    id: TaskId,
    reason: String,
}

type Change = fn(&mut Db, &[TaskId], Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>>;

fn change(ctx: &mut Ctx, which: &Which<'_>, word: &str, change: Change) -> anyhow::Result<Exit> {
    let at = ctx.moment();
    let mut done = Changed::default();
    if which.named.is_empty() {
        // Page by page, so that no commit is long; what was changed no longer fits the filter, and is passed anyhow.
        let mut after = TaskId(0);
        loop {
            let db = ctx.db(Access::ReadWrite)?;
            let ids: Vec<TaskId> = db.next_tickets(&which.some, after, STEP)?.into_iter().map(|t| t.id).collect();
            let Some(last) = ids.last() else { break };
            after = *last;
            done.add(&ids, change(db, &ids, at)?);
        }
    } else {
        let ids = named(ctx, which.named)?;
        done.add(&ids, change(ctx.db(Access::ReadWrite)?, &ids, at)?);
    }
    if which.json {
        ctx.ui.json(&done)?;
    } else {
        for refused in &done.refused {
            ctx.ui.warn(&refused.reason);
        }
        let running =
            if done.were_running > 0 { format!(", {} while running", done.were_running) } else { String::new() };
        ctx.ui.note(&format!("{} {word}{running}", units::plural(done.changed.len() as u64, "task")));
    }
    // What was asked for by name and could not be done is a bad answer; a selection takes what there is.
    Ok(if which.named.is_empty() || done.refused.is_empty() { Exit::Done } else { Exit::Bad })
}

impl Changed {
    fn add(&mut self, ids: &[TaskId], answers: Vec<Result<TaskState, Refusal>>) {
        for (id, answer) in ids.iter().zip(answers) {
            match answer {
                Ok(before) => {
                    self.changed.push(*id);
                    self.were_running += u64::from(before == TaskState::Running);
                }
                Err(refusal) => self.refused.push(Refused { id: *id, reason: refusal.to_string() }),
            }
        }
    }
}
