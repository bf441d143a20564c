//! `modelctl top`: what runs, what it costs and why, on the whole terminal. What is known and what keys mean is in [`state`],
//! how it looks in [`draw`]; [`link`] asks the daemon in threads of its own, [`app`] is the loop between them, and [`once`]
//! prints the same as a table or as JSON.

mod app;
mod draw;
mod link;
mod once;
mod state;

pub use once::TopReport;

use super::{Ctx, Exit};
use crate::clock;
use crate::config::Color;
use crate::ops::daemon::LocalClock;
use clap::Args;
use draw::Theme;
use jiff::tz::TimeZone;

/// Watch what is loaded and why, and start or stop models with a key
///
/// Memory by device, all models with their state, requests and speed, and below them the last hour, the queue,
/// requests, events and logs, as the daemon sees them. `?` shows the keys. Without a daemon it shows the models in the
/// database. In a pipe, or on a terminal that cannot be controlled, it prints one table.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl top\n  modelctl top --once | head -5\n  modelctl top --json | jq '.models[] | {name, state, memory_bytes}'"
)]
pub struct TopArgs {
    /// Print one table and exit
    #[arg(long)]
    once: bool,
    /// Print one JSON document and exit
    #[arg(long)]
    json: bool,
    /// Use ASCII characters only, as in a locale without UTF-8
    #[arg(long)]
    ascii: bool,
}

pub fn run(ctx: &mut Ctx, args: &TopArgs) -> anyhow::Result<Exit> {
    let config = &ctx.session.config;
    if args.once || args.json || !ctx.ui.out_is_terminal() || config.is_terminal_dumb {
        return once::run(ctx, args.json);
    }
    let theme = Theme { is_ascii: args.ascii || !config.is_utf8, is_colored: config.color != Color::Never };
    app::run(config, theme)
}

/// Returns the clock of the reader as it is now.
fn local_clock() -> LocalClock {
    LocalClock { zone: TimeZone::system(), now: clock::now() }
}
