use super::super::{Ctx, Exit, stop_on_signals};
use super::daemon;
use crate::clock;
use crate::ops::daemon::{EventRow, Events, Follow, event_line};
use crate::ui::text;
use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

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
    let zone = ctx.ui.out_is_terminal().then(clock::local_zone);
    let path = format!("/api/events?limit={}&follow={}", args.limit, args.follow);
    if args.follow {
        let stop = stop_on_signals()?;
        daemon.follow(&path, &stop, |event: EventRow| {
            match args.json {
                true => ctx.ui.document_line(&event)?,
                false => ctx.ui.line(&line(&event, zone.as_ref()))?,
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
    events.events.iter().try_for_each(|event| ctx.ui.line(&line(event, zone.as_ref())))?;
    Ok(Exit::Done)
}

/// Returns an event as one line: `2026-11-29T03:00:00.000Z model.crash model=… exit_code=1`. With a zone, for a person:
/// the time there, and without what every event of a model repeats.
fn line(event: &EventRow, zone: Option<&TimeZone>) -> String {
    let at = event.at.parse::<jiff::Timestamp>().ok(); // a time that cannot be read is shown as it came
    let line = match zone.zip(at) {
        Some((zone, at)) => {
            let is_told = |name: &str, value: &Value| match name {
                "model_id" | "capabilities" => false,
                "purpose" => value != "main",
                _ => true,
            };
            let fields: Map<String, Value> = event
                .fields
                .iter()
                .filter(|(name, value)| is_told(name, value))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
            let at = at.to_zoned(zone.clone()).strftime("%m-%d %H:%M:%S");
            format!("{at} {}", event_line(&event.event, &fields))
        }
        None => format!("{} {}", event.at, event_line(&event.event, &event.fields)),
    };
    text::clean(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_sees_what_differs_and_a_pipe_everything() {
        let Value::Object(fields) = json!({"model": "a", "model_id": "68e7", "purpose": "main", "capabilities": ["completion"], "reason": "idle"})
        else {
            panic!("an object");
        };
        let event = EventRow { id: 1, at: "2026-11-29T03:00:00.000Z".into(), event: "model.unloaded".into(), fields };
        assert_eq!(line(&event, Some(&TimeZone::UTC)), "11-29 03:00:00 model.unloaded model=a reason=idle");
        assert!(
            line(&event, None)
                .starts_with("2026-11-29T03:00:00.000Z model.unloaded model=a model_id=68e7 purpose=main")
        );
    }
}
