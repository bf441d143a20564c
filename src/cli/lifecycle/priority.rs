use super::super::args::{limit, named};
use super::super::{Ctx, Exit};
use super::{ask, target};
use crate::model::lifecycle::Priority;
use crate::ops::daemon::PriorityReply;
use crate::ui::{text, units};
use clap::{ArgGroup, Args};
use serde_json::json;
use std::time::Duration;

/// Override the priority that the daemon computes for a model
///
/// `active` is never evicted, `warm` after idle models, `evictable` first. Without `--for` it applies until it is
/// cleared or the daemon stops. A pin (`modelctl set MODEL --pin`) is permanent.
#[derive(Debug, Args)]
#[command(
    override_usage = "modelctl priority [OPTIONS] <MODEL> <PRIORITY>\n       \
                      modelctl priority [OPTIONS] --clear <MODEL>",
    group = ArgGroup::new("what").required(true).args(["priority", "clear"]),
    after_help = "Examples:\n  modelctl priority qwen3-8b active --for 1h\n  modelctl priority qwen3-8b evictable\n  modelctl priority qwen3-8b --clear"
)]
pub struct PriorityArgs {
    /// Id (or its first digits), alias, name or path; or the name of a service
    #[arg(value_name = "MODEL")]
    model: String,
    #[arg(value_name = "PRIORITY", help = "active, warm, idle or evictable", value_parser = named(&Priority::ALL, Priority::name))]
    priority: Option<Priority>,
    /// Apply it for this time, such as `1h`
    #[arg(long = "for", value_name = "TIME", value_parser = limit, conflicts_with = "clear")]
    lasts: Option<Duration>,
    /// Let the daemon decide again
    #[arg(long)]
    clear: bool,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &PriorityArgs) -> anyhow::Result<Exit> {
    let id = target(ctx, &args.model)?;
    let ttl = args.lasts.map(|lasts| lasts.as_secs().max(1));
    let body = json!({ "priority": args.priority, "ttl_seconds": ttl });
    let reply: PriorityReply = ask(ctx, &format!("/api/models/{id}/priority"), &body)?;
    if args.json {
        ctx.ui.json(&reply)?;
        return Ok(Exit::Done);
    }
    let name = text::clean(&reply.display_name);
    ctx.ui.note(&match (reply.priority, args.lasts) {
        (None, _) => format!("{name}: the daemon decides its priority"),
        (Some(priority), None) => format!("{name}: priority {} until it is cleared", priority.name()),
        (Some(priority), Some(lasts)) => format!("{name}: priority {} for {}", priority.name(), units::took(lasts)),
    });
    Ok(Exit::Done)
}
