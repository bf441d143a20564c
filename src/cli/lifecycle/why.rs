use super::super::server::daemon;
use super::super::{Ctx, Exit};
use crate::clock;
use crate::model::lifecycle::Status;
use crate::ops::daemon::{LocalClock, about, sentences};
use clap::Args;
use jiff::tz::TimeZone;

/// Explain why a model is loaded or not, and what it waits for
///
/// Its state, mode and priority with the reasons, when it is unloaded or loaded again, and the last decisions about it
/// since the daemon started. Services are found by their name.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl why qwen3-8b\n  modelctl why whisper\n  modelctl why qwen3-8b --json | jq -r '.decisions[-1].reason'"
)]
pub struct WhyArgs {
    /// Id (or its first digits), alias, name or path; or the name of a service
    #[arg(value_name = "MODEL")]
    model: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &WhyArgs) -> anyhow::Result<Exit> {
    let status: Status = daemon(ctx)?.get("/api/lifecycle")?;
    let about = about(&mut ctx.session, &status, &args.model)?;
    if args.json {
        ctx.ui.json(&about)?;
        return Ok(Exit::Done);
    }
    let clock = LocalClock { zone: TimeZone::system(), now: clock::now() };
    ctx.ui.heading(&crate::ui::text::clean(&about.name))?;
    for sentence in sentences(&about, &clock) {
        ctx.ui.line(&format!("  {sentence}"))?;
    }
    Ok(Exit::Done)
}
