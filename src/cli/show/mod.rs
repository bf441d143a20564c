//! `modelctl show MODEL`: everything known about one model, the memory it needs, and whether that much is available
//! now.

#[cfg(test)]
mod tests;
mod view;

use super::{Ctx, Exit};
use crate::gguf::estimate::CacheType;
use crate::host::file_system::is_missing;
use crate::model::{Selector, State};
use crate::ops::memory_fit::Wanted;
use crate::ops::show::{Request, report, show};
use crate::ops::trash::Whereabouts;
use clap::Args;

/// Show the details of a model: files, metadata, memory, use
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// An id or the start of one, a name, a part of a name, an alias, or a path, also of a file that was never scanned
    pub model: String,
    /// Context in tokens to estimate the memory for [default: the model's own, at most 4096]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub ctx: Option<u32>,
    /// Number of sequences that share the context
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub parallel: u32,
    /// Type of the keys in the cache
    #[arg(long, value_name = "TYPE", default_value = "f16")]
    pub cache_type_k: CacheType,
    /// Type of the values in the cache
    #[arg(long, value_name = "TYPE", default_value = "f16")]
    pub cache_type_v: CacheType,
    /// Ask llama.cpp for the exact memory, without allocating it (cached)
    #[arg(long)]
    pub fit: bool,
    /// Show inodes, ids of contents and the types of all tensors as well
    #[arg(long, short)]
    pub verbose: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ShowArgs) -> anyhow::Result<Exit> {
    let request = Request {
        model: Selector(args.model.clone()),
        memory: Wanted {
            context: args.ctx,
            parallel: args.parallel,
            cache_k: args.cache_type_k,
            cache_v: args.cache_type_v,
        },
        measure: args.fit,
    };
    let shown = show(&mut ctx.session, &request)?;
    let limits = ctx.session.config.tiers;
    if args.json {
        ctx.ui.document(&report(&shown, &limits))?;
    } else {
        let path = |path: &std::path::Path| ctx.ui.path(path);
        let style = view::Style { limits: &limits, is_verbose: args.verbose, path: &path };
        let sections = view::sections(&shown, &style);
        ctx.ui.sections(&sections)?;
    }
    if shown.row.state == State::Gone
        && let Some(where_it_went) = ctx.run(Whereabouts::read)?.of(&shown.row.path)
    {
        ctx.ui.note(&format!("gone: {where_it_went}"));
    }
    if is_missing(&shown.row.path) && !matches!(shown.row.state, State::Gone | State::Unavailable) {
        ctx.ui.warn("the file was removed since the last scan: `modelctl scan` checks again");
    }
    Ok(Exit::Done)
}
