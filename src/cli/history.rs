//! `modelctl history`: who did what, when, why and how much.

use super::history_view::Times;
use super::list::{Pattern, named, patterns};
use super::{Access, Ctx, Exit, history_view, select};
use crate::clock::Timestamp;
use crate::db::{Db, HistoryFilter};
use crate::model::{Action, Event, ModelId, Recorded, Selector};
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::time::Duration;

/// Events read at once.
const PAGE: u32 = 1_000;

/// Show who did what, when, why and how much, newest last
///
/// Told are scans that found a change, what was pruned, purged, restored or emptied from the trash, settings with their
/// values before and after, keep hints, and the switch of inference. Events are kept for two years, at most 200,000 of
/// them. Times are in UTC.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Only events in which this occurs, or matches as a glob: a model's name, id or path, a user, a unit, a command
    /// line, a reason, a keep hint
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Only what happened to this model: id, alias, name or path
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only events of this kind; may be given several times
    #[arg(long, value_name = "ACTION", value_parser = named(Action::ALL, Action::name))]
    what: Vec<Action>,
    /// Only from then on: so long ago (`7d`), a day (`2026-11-21`), or a time with its zone
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only up to then; a day counts whole
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// So many at most, the newest; 0 is all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Print a JSON array of objects
    #[arg(long)]
    json: bool,
}

/// A time in the past as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Ago(Duration),
    /// From the first of these to before the second.
    Day(Timestamp, Timestamp),
    At(Timestamp),
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(Moment::Ago(ago));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Moment::At(Timestamp(time.as_millisecond())));
    }
    day(text).ok_or_else(|| {
        "give so long ago (`7d`), a day (`2026-11-21`) or a time with its zone (`2026-11-21T06:00:00Z`)".to_owned()
    })
}

fn day(text: &str) -> Option<Moment> {
    // What is a day and no more: a time without its zone would be read as one.
    let date: Date = text.parse().ok().filter(|_| text.len() == "2026-11-21".len())?;
    let starts = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|t| Timestamp(t.timestamp().as_millisecond()));
    Some(Moment::Day(starts(date)?, starts(date.tomorrow().ok()?)?))
}

impl Moment {
    fn begins(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::Ago(ago) => {
                Timestamp(now.millis().saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)))
            }
            Moment::Day(begin, _) => begin,
            Moment::At(time) => time,
        }
    }

    fn ends(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::Day(_, end) => end,
            // Times are printed to the second: the event at a time that was copied from there is meant too.
            Moment::At(time) => Timestamp(time.millis().saturating_add(1_000)),
            Moment::Ago(_) => self.begins(now),
        }
    }
}

pub fn run(ctx: &mut Ctx, args: &HistoryArgs) -> anyhow::Result<Exit> {
    let patterns = patterns(&args.patterns)?;
    let filter = HistoryFilter {
        model: args.model.as_deref().map(|model| model_meant(ctx, model)).transpose()?,
        actions: args.what.clone(),
        since: args.since.map(|since| since.begins(ctx.now)),
        until: args.until.map(|until| until.ends(ctx.now)),
    };
    let limit = if args.limit == 0 { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    let found = newest(ctx.db(Access::ReadOnly)?, &filter, &patterns, limit)?;
    if args.json {
        let documents: Vec<_> = found.iter().map(history_view::document).collect();
        ctx.ui.json(&documents)?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        let is_all = patterns.is_empty() && filter == HistoryFilter::default();
        ctx.ui.note(if is_all { "nothing has happened yet" } else { "no event fits" });
        return Ok(Exit::Done);
    }
    let times = if ctx.ui.out_is_terminal() { Times::Short(ctx.now) } else { Times::Whole };
    ctx.ui.table(&history_view::table(&found, times))?;
    if found.len() == limit {
        ctx.ui.note(&format!("the newest {limit}; `-n 0` shows all"));
    }
    Ok(Exit::Done)
}

/// A model by a selector. One that the inventory does not know any more has its id.
fn model_meant(ctx: &mut Ctx, selector: &str) -> anyhow::Result<ModelId> {
    match select::resolve(ctx, &Selector(selector.to_owned())) {
        Ok(row) => Ok(row.id),
        Err(_) if selector.len() == 12 && selector.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(ModelId(selector.to_lowercase()))
        }
        Err(error) => Err(error),
    }
}

/// Newest last. Page by page, so that no read of the database is long.
fn newest(db: &Db, filter: &HistoryFilter, patterns: &[Pattern], limit: usize) -> anyhow::Result<Vec<Recorded>> {
    let mut found = Vec::new();
    let mut before = None;
    while found.len() < limit {
        // Without a pattern every event of a page is shown.
        let left = u32::try_from(limit.saturating_sub(found.len())).unwrap_or(u32::MAX);
        let page = db.history(filter, before, if patterns.is_empty() { left.min(PAGE) } else { PAGE })?;
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        let fits = |r: &Recorded| patterns.is_empty() || patterns.iter().any(|p| occurs(p, &r.event));
        found.extend(page.into_iter().filter(fits).take(limit.saturating_sub(found.len())));
    }
    found.reverse();
    Ok(found)
}

fn occurs(pattern: &Pattern, event: &Event) -> bool {
    let Event { actor, subject, .. } = event;
    let texts = [&actor.user, &actor.login, &actor.unit, &actor.parent, &actor.command, &event.reason];
    texts.into_iter().flatten().any(|text| pattern.finds(text))
        || subject.as_ref().is_some_and(|s| {
            pattern.finds(&s.name)
                || s.id.as_ref().is_some_and(|id| pattern.finds(id.as_str()))
                || s.path.as_ref().is_some_and(|path| pattern.finds(&path.to_string_lossy()))
        })
        || occurs_in(pattern, &event.detail)
}

/// Whether it is found in a value of the detail; its keys are our own words.
fn occurs_in(pattern: &Pattern, value: &Value) -> bool {
    match value {
        Value::String(text) => pattern.finds(text),
        Value::Array(values) => values.iter().any(|value| occurs_in(pattern, value)),
        Value::Object(values) => values.values().any(|value| occurs_in(pattern, value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_123);
    const DAY: i64 = 86_400_000;

    #[test]
    fn a_time_is_read_as_a_person_means_it() {
        let ago = moment("7d").unwrap();
        assert_eq!(ago.begins(NOW), Timestamp(NOW.0 - 7 * DAY));
        assert_eq!(ago.ends(NOW), ago.begins(NOW));
        let day = moment("1970-01-02").unwrap();
        assert_eq!((day.begins(NOW), day.ends(NOW)), (Timestamp(DAY), Timestamp(2 * DAY)));
        let time = moment("1970-01-02T01:00:00+01:00").unwrap();
        assert_eq!((time.begins(NOW), time.ends(NOW)), (Timestamp(DAY), Timestamp(DAY + 1_000)));
        for senseless in ["", "yesterday", "2026-13-01", "2026-11-21T06:00:00", "9999-12-31", "-7d"] {
            assert!(moment(senseless).is_err(), "{senseless}");
        }
        assert!(moment("500000000y").unwrap().begins(NOW) < Timestamp(0), "longer ago than there are times");
    }

    #[test]
    fn a_pattern_finds_what_stands_in_the_detail() {
        let detail = serde_json::json!({"changes": [{"name": "Qwen3-8B"}], "counts": {"qwen": 1}});
        let is_found = |word: &str| occurs_in(&patterns(&[word.to_owned()]).unwrap()[0], &detail);
        assert!(is_found("qwen3") && is_found("qwen*b") && !is_found("counts"));
    }
}
