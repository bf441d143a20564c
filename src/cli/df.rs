use super::args::store;
use super::{Ctx, Exit, list};
use crate::model::StoreKind;
use clap::Args;

/// Show the disk space of the stores and how much of it can be reclaimed
///
/// The same as `modelctl list --stores`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl df\n  modelctl df --store ollama\n  modelctl df --json | jq '[.stores[].allocated_bytes] | add'"
)]
pub struct DfArgs {
    /// Only this kind of store
    #[arg(long, value_parser = store())]
    store: Vec<StoreKind>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &DfArgs) -> anyhow::Result<Exit> {
    let list = list::ListArgs { store: args.store.clone(), stores: true, json: args.json, ..list::ListArgs::default() };
    list::run(ctx, &list)
}
