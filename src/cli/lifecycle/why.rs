use super::super::server::daemon;
use super::super::{Ctx, Exit};
use super::service;
use crate::clock;
use crate::model::Selector;
use crate::model::lifecycle::{ModelStatus, Status};
use crate::ops::daemon::{About, LocalClock, sentences};
use crate::ops::resolve_model::resolve;
use crate::queue::unfit;
use clap::Args;
use jiff::tz::TimeZone;

/// Explain why a model is loaded or not, and what it waits for
///
/// Its state, its mode and priority with the reasons, when it is unloaded or comes back, and the last decisions about it.
/// Services are found by their name.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl why qwen3-8b\n  modelctl why whisper\n  modelctl why qwen3-8b --json | jq -r '.decisions[-1].reason'"
)]
pub struct WhyArgs {
    /// Id (or its beginning), alias, name or path; or the name of a service
    #[arg(value_name = "MODEL")]
    model: String,
    /// Print what is known as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &WhyArgs) -> anyhow::Result<Exit> {
    let status: Status = daemon(ctx)?.get("/api/lifecycle")?;
    let about = about(ctx, &status, &args.model)?;
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

/// Finds the service or the model with that name, or the reservation with that id.
fn about(ctx: &mut Ctx, status: &Status, name: &str) -> anyhow::Result<About> {
    let is_its_id = |id: &str| id == name || id.split_once(':').is_some_and(|(_, id)| id == name);
    let is_reservation =
        |model: &&ModelStatus| model.kind == "headroom" && (is_its_id(&model.id) || model.name == name);
    let reservation = || status.models.iter().find(is_reservation).map(|model| (&*model.id, &*model.name));
    if let Some(found) = service(status, name).or_else(reservation) {
        return Ok(About::of(status, found, None));
    }
    let row = resolve(&mut ctx.session, &Selector(name.to_owned()))?;
    let not_served = unfit(&row).map(|unfit| unfit.why);
    let shown = row.alias.as_deref().unwrap_or(&row.name);
    Ok(About::of(status, (row.id.as_str(), shown), not_served))
}
