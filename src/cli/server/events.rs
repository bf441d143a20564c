use super::super::{Ctx, Exit, stop_on_signals};
use super::daemon;
use crate::ops::daemon::{EventRow, Events, Follow, event_line};
use crate::ui::text;
use clap::Args;

/// Show what happened to the model servers since the daemon started
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl events\n  modelctl events -f --limit 0\n  modelctl events --json | jq '.events[] | select(.event == \"model.crash\")'"
)]
pub struct EventsArgs {
    /// Follow new events until interrupted
    #[arg(long, short)]
    follow: bool,
    /// Number of past events; the daemon keeps 1,000
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print JSON: one document, or one object per line with --follow
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &EventsArgs) -> anyhow::Result<Exit> {
    let daemon = daemon(ctx)?;
    let path = format!("/api/events?limit={}&follow={}", args.limit, args.follow);
    if args.follow {
        let stop = stop_on_signals()?;
        daemon.follow(&path, &stop, |event: EventRow| {
            match args.json {
                true => ctx.ui.document_line(&event)?,
                false => ctx.ui.line(&line(&event))?,
            }
            ctx.ui.flush()?;
            Ok(Follow::Continue(()))
        })?;
        return Ok(Exit::Done);
    }
    let events: Events = daemon.get(&path)?;
    if args.json {
        ctx.ui.json(&events)?;
        return Ok(Exit::Done);
    }
    if events.events.is_empty() && args.limit > 0 {
        ctx.ui.note("no events since the daemon started");
    }
    events.events.iter().try_for_each(|event| ctx.ui.line(&line(event)))?;
    Ok(Exit::Done)
}

/// Returns an event as one line: `2026-11-29T03:00:00.000Z model.crash model=… exit_code=1`.
fn line(event: &EventRow) -> String {
    text::clean(&format!("{} {}", event.at, event_line(&event.event, &event.fields))).into_owned()
}
