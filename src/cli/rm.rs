//! `modelctl rm MODEL…`: removes models by name, as `prune --model` does, and asks before.

use super::prune::{PruneArgs, remove_by_name};
use super::{Ctx, Exit};
use clap::Args;

/// Remove models by name: shows what would be removed and asks
///
/// Moves the models to the trash, as `prune --model` does. What is pinned, kept by a hint or in use is not removed.
/// Without a terminal, --yes is needed. With --yes, a model must be named in full or by its id.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modelctl rm smollm2:135m
  modelctl rm --yes 68e762bf3e6b
  modelctl rm --dry-run llama3.2:3b
  modelctl trash restore --last")]
pub struct RmArgs {
    /// Ids or the start of them, names, aliases or paths
    #[arg(value_name = "MODEL", required = true)]
    pub models: Vec<String>,
    /// Remove without asking
    #[arg(short, long, visible_alias = "confirm")]
    pub yes: bool,
    /// Show what would be removed and change nothing
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Treat files whose use cannot be checked (processes of other users) as unused
    #[arg(long)]
    pub assume_unused: bool,
    /// Delete permanently instead of moving to the trash: no undo
    #[arg(long)]
    pub purge: bool,
    /// Print the plan, and what became of it, as a JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &RmArgs) -> anyhow::Result<Exit> {
    let RmArgs { models, yes, purge, json, assume_unused, dry_run: _ } = args;
    let named = PruneArgs::of_models(models.clone(), *yes, *purge, *json);
    let prune = PruneArgs { assume_unused: *assume_unused, ..named };
    if args.yes || args.dry_run { super::prune::run(ctx, &prune) } else { remove_by_name(ctx, &prune) }
}
