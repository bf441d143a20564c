//! `modelctl task …`: the durable queue from the command line. One file per verb.

mod add;
pub(super) mod batch;
mod change;
mod list;
mod show;
mod stats;
mod view;
mod wait;

pub use stats::Shown as StatsReport;

use super::{Access, Ctx, Exit};
use clap::{Args, Subcommand};

/// Queue prompts and get their answers
///
/// A task runs at least once, and its result is recorded exactly once, even if processes are killed in between.
/// Finished tasks are deleted some time after they end. TASK is its number, its key, or BATCH/KEY.
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
