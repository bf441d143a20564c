//! `modelctl history`: shows who did what, when, why and how much.

mod runs;
mod view;

use super::args::named;
use super::{Ctx, Exit};
use crate::clock::{self, Timestamp};
use crate::model::{Action, Age, Recorded, Selector, recent};
use crate::ops::history::{Request, history, report};
use crate::ops::patterns::patterns;
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use view::Times;

/// Show the audit log: who did what, when and why, newest last
///
/// It has scans that found a change, what was pruned, purged, restored or emptied from the trash, settings with their
/// values before and after, keep hints, and the switch of inference. One line is one run of a command. Events are kept for
/// two years, at most 200,000 of them. Times on a terminal are local; in a pipe and in JSON they are in UTC.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Only events in which this occurs, or matches as a glob: a model's name, id or path, a user, a unit, a command
    /// line, a reason, a keep hint
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Only what happened to this model: id, alias, name or path
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only events of this kind; repeatable
    #[arg(long, value_name = "ACTION", value_parser = named(Action::ALL, Action::name))]
    what: Vec<Action>,
    /// Only events after this: an age (`7d`, `45min`), a day (`2026-11-21`), or a time with its zone
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only events before this; a day is included
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Show each event on a line of its own
    #[arg(long)]
    detail: bool,
    /// Show times in UTC on a terminal, too
    #[arg(long)]
    utc: bool,
    /// Maximum number to show, newest first; 0 shows all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A time in the past as typed on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Ago(Age),
    /// A day, from the first timestamp to before the second.
    Day(Timestamp, Timestamp),
    At(Timestamp),
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Moment::At(Timestamp(time.as_millisecond())));
    }
    if let Some(day) = day(text) {
        return Ok(day);
    }
    recent(text).map(Moment::Ago).map_err(|why| {
        format!("{why}; a day (`2026-11-21`) or a time with its zone (`2026-11-21T06:00:00Z`) works too")
    })
}

fn day(text: &str) -> Option<Moment> {
    // Accept a date only: a time without a zone would parse as a date too.
    let date: Date = text.parse().ok().filter(|_| text.len() == "2026-11-21".len())?;
    let starts = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|t| Timestamp(t.timestamp().as_millisecond()));
    Some(Moment::Day(starts(date)?, starts(date.tomorrow().ok()?)?))
}

impl Moment {
    fn begins(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::Ago(ago) => ago.before(now),
            Moment::Day(begin, _) => begin,
            Moment::At(time) => time,
        }
    }

    fn ends(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::Day(_, end) => end,
            // Times are printed to the second: a time copied from there must include its event.
            Moment::At(time) => Timestamp(time.millis().saturating_add(1_000)),
            Moment::Ago(_) => self.begins(now),
        }
    }
}

pub fn run(ctx: &mut Ctx, args: &HistoryArgs) -> anyhow::Result<Exit> {
    let patterns = patterns(&args.patterns)?;
    let now = ctx.session.now;
    let limit = if args.limit == 0 { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    let request = Request {
        patterns,
        model: args.model.clone().map(Selector),
        actions: args.what.clone(),
        since: args.since.map(|since| since.begins(now)),
        until: args.until.map(|until| until.ends(now)),
        limit,
    };
    let is_by_run = !(args.detail || args.json);
    let found = if is_by_run { newest_runs(ctx, request.clone())? } else { history(&mut ctx.session, &request)? };
    if args.json {
        ctx.ui.document(&report(&found))?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        let is_all = request.is_unfiltered();
        ctx.ui.note(if is_all { "history is empty" } else { "no event matches" });
        return Ok(Exit::Done);
    }
    let zone = if args.utc { TimeZone::UTC } else { clock::local_zone() };
    let times = if ctx.ui.out_is_terminal() { Times::Short { now, zone } } else { Times::Whole };
    if is_by_run {
        let runs = runs::group(&found);
        let newest = runs.len().saturating_sub(limit);
        let shown = runs.get(newest..).unwrap_or_default();
        ctx.ui.table(&runs::table(shown, &times))?;
        if newest > 0 {
            ctx.ui.note(&format!("the newest {limit} runs; `-n 0` shows all, `--detail` each event"));
        }
        return Ok(Exit::Done);
    }
    ctx.ui.table(&view::table(&found, &times))?;
    if found.len() == limit {
        ctx.ui.note(&format!("showing the newest {limit}; `-n 0` shows all"));
    }
    Ok(Exit::Done)
}

/// Reads at least as many events as the newest runs consist of, and one run more where there is one.
fn newest_runs(ctx: &mut Ctx, mut request: Request) -> anyhow::Result<Vec<Recorded>> {
    let runs = request.limit;
    request.limit = runs.saturating_mul(4).max(256);
    loop {
        let found = history(&mut ctx.session, &request)?;
        // The oldest run may have more events than were read.
        if found.len() < request.limit || runs::group(&found).len() > runs.saturating_add(1) {
            return Ok(found);
        }
        request.limit = request.limit.saturating_mul(4);
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
        assert!(moment("15000y").unwrap().begins(NOW) < Timestamp(0), "longer ago than there are times");
        assert_eq!(moment("45min").unwrap().begins(NOW), Timestamp(NOW.0 - 45 * 60_000));
        let months = moment("30m").unwrap_err();
        assert!(months.contains("did you mean 30 days or 30 months"), "{months}");
    }
}
