//! `modelctl measure`: prints the memory that a model takes according to llama.cpp. Hidden: `show --fit` starts it,
//! since a bad file may end the process.

use super::super::{Ctx, Exit};
use crate::engine;
use crate::gguf::estimate::{CacheType, Settings};
use crate::model::Reading;
use clap::Args;
use std::path::PathBuf;

/// Prints what a model takes in memory as JSON: started by other commands, hidden from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct MeasureArgs {
    /// The GGUF file (of a split model: its first shard)
    file: PathBuf,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    ctx: u32,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=256))]
    parallel: u32,
    #[arg(long)]
    cache_type_k: CacheType,
    #[arg(long)]
    cache_type_v: CacheType,
}

pub fn run(ctx: &mut Ctx, args: &MeasureArgs) -> anyhow::Result<Exit> {
    let settings = Settings {
        n_ctx: args.ctx,
        n_parallel: args.parallel,
        cache_k: args.cache_type_k,
        cache_v: args.cache_type_v,
        ..Settings::default()
    };
    let reading = match engine::measure(&args.file, &settings) {
        Ok(devices) => Reading::Known(devices),
        Err(error) => Reading::Unavailable(error.to_string()),
    };
    ctx.ui.line(&serde_json::to_string(&reading)?)?;
    Ok(Exit::Done)
}
