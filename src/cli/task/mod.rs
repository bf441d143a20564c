//! `modelctl task …`: the durable queue from the command line. One file per verb.

mod add;
pub(super) mod batch;
mod change;
mod list;
mod show;
mod stats;
pub(super) mod target;
mod view;
mod wait;

use super::{Access, Ctx, Exit, select};
use crate::failure::Failure;
use crate::model::task::{Moment, Policy, TaskId, Wish};
use crate::model::{Selector, Tier};
use crate::ui::text;
use clap::{Args, Subcommand};

/// Queue prompts, look at them, and get their answers
///
/// A task is kept in the database until it has been answered: it runs at least once, and its result is recorded exactly
/// once, whatever is killed on the way. TASK is its number, its key, or BATCH/KEY.
#[derive(Debug, Args)]
pub struct TaskArgs {
    #[command(subcommand)]
    command: TaskCommand,
}

#[derive(Debug, Subcommand)]
enum TaskCommand {
    Add(Box<add::AddArgs>),
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    Show(show::ShowArgs),
    Cancel(change::CancelArgs),
    Retry(change::RetryArgs),
    Wait(wait::WaitArgs),
    Follow(wait::FollowArgs),
    Import(batch::ImportArgs),
    Export(batch::ExportArgs),
    Stats(stats::StatsArgs),
}

pub fn run(ctx: &mut Ctx, args: &TaskArgs) -> anyhow::Result<Exit> {
    match &args.command {
        TaskCommand::Add(args) => add::run(ctx, args),
        TaskCommand::List(args) => list::run(ctx, args),
        TaskCommand::Show(args) => show::run(ctx, args),
        TaskCommand::Cancel(args) => change::cancel(ctx, args),
        TaskCommand::Retry(args) => change::retry(ctx, args),
        TaskCommand::Wait(args) => wait::wait(ctx, args),
        TaskCommand::Follow(args) => wait::follow(ctx, args),
        TaskCommand::Import(args) => batch::import(ctx, args),
        TaskCommand::Export(args) => batch::export(ctx, args),
        TaskCommand::Stats(args) => stats::run(ctx, args),
    }
}

impl Ctx {
    /// When this command began, under the policy of the queue.
    fn moment(&self) -> Moment {
        Moment { now: self.now, policy: Policy::default() }
    }
}

/// The tasks that were named, each once.
///
/// # Errors
/// Cannot be met (3) where one is not there.
fn named(ctx: &mut Ctx, names: &[String]) -> anyhow::Result<Vec<TaskId>> {
    let db = ctx.db(Access::ReadOnly)?;
    let mut found = Vec::new();
    for name in names {
        let by_number = match name.parse().map(TaskId) {
            Ok(id) => db.ticket(id)?.map(|ticket| ticket.id),
            Err(_) => None,
        };
        let by_key = match (by_number, name.split_once('/')) {
            (Some(id), _) => Some(id),
            (None, None) => db.task_by_key("", name)?,
            (None, Some((batch, key))) => match db.task_by_key("", name)? {
                Some(id) => Some(id),
                None => db.task_by_key(batch, key)?,
            },
        };
        let id = by_key.ok_or_else(|| {
            Failure::cannot_meet(format!("there is no task `{}`", text::clean(name)))
                .hint("`modelctl task list` shows those there are; old ones are taken away some time after their end")
        })?;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

/// What `--model` and `--tier` say together.
fn wish(ctx: &mut Ctx, model: Option<&str>, tier: Option<Tier>) -> anyhow::Result<Option<Wish>> {
    Ok(match (model, tier) {
        (Some(model), _) => Some(Wish::Model(select::resolve(ctx, &Selector(model.to_owned()))?.id.0)),
        (None, Some(tier)) => Some(Wish::Tier(tier)),
        (None, None) => None,
    })
}
