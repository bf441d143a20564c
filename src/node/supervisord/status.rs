//! The text of `supervisorctl status`, for a node where only the command may be used.

use super::types::{Program, ProgramState};
use crate::clock::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

/// Reads the text of `supervisorctl status`. A stop is written in local time without a year: it is the last such
/// moment that is not after `now`.
///
/// # Errors
/// The first line, where no line is that of a program.
pub fn parse_status(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Vec<Program>, String> {
    let programs: Vec<Program> = text.lines().filter_map(|line| program(line, now, zone)).collect();
    let first = text.lines().find(|line| !line.trim().is_empty());
    match first {
        Some(first) if programs.is_empty() => Err(first.chars().filter(|c| !c.is_control()).take(200).collect()),
        _ => Ok(programs),
    }
}

fn program(line: &str, now: Timestamp, zone: &TimeZone) -> Option<Program> {
    let (full_name, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (word, description) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let description = description.trim();
    let state = match word {
        "STOPPED" => ProgramState::Stopped,
        "STARTING" => ProgramState::Starting,
        "RUNNING" => ProgramState::Running,
        "BACKOFF" => ProgramState::Backoff,
        "STOPPING" => ProgramState::Stopping,
        "EXITED" => ProgramState::Exited,
        "FATAL" => ProgramState::Fatal,
        "UNKNOWN" => ProgramState::Unknown,
        _ => return None,
    };
    let (group, name) = full_name.split_once(':').unwrap_or((full_name, full_name));
    let (pid, start) = match state {
        ProgramState::Running => running(description, now),
        _ => (None, None),
    };
    let is_stopped = matches!(state, ProgramState::Stopped | ProgramState::Exited);
    let is_failed = matches!(state, ProgramState::Backoff | ProgramState::Fatal);
    Some(Program {
        state,
        pid,
        start,
        stop: is_stopped.then(|| stopped(description, now, zone)).flatten(),
        spawn_error: (is_failed && !description.is_empty()).then(|| description.to_owned()),
        description: description.to_owned(),
        ..Program::new(name, group)
    })
}

/// Reads `pid N, uptime H:MM:SS`, with `N days, ` before the hours.
fn running(description: &str, now: Timestamp) -> (Option<u32>, Option<Timestamp>) {
    let Some((pid, uptime)) = description.strip_prefix("pid ").and_then(|rest| rest.split_once(", uptime ")) else {
        return (None, None);
    };
    (pid.parse().ok(), seconds(uptime).map(|s| Timestamp(now.0.saturating_sub(s.saturating_mul(1000))))) // no number
}

fn seconds(uptime: &str) -> Option<i64> {
    let (days, clock) = match uptime.split_once(", ") {
        Some((days, clock)) => (days.split_whitespace().next()?.parse().ok()?, clock),
        None => (0_i64, uptime),
    };
    let mut total = days.checked_mul(24)?;
    let mut parts = clock.split(':');
    let mut part = || parts.next()?.parse::<i64>().ok(); // no number: no time
    total = total.checked_add(part()?)?.checked_mul(60)?.checked_add(part()?)?.checked_mul(60)?;
    total.checked_add(part()?)
}

/// Reads `Nov 21 03:59 AM`.
fn stopped(description: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let this_year = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone()).year(); // no calendar has it
    // A leap day is in one year of four, or of eight.
    (0..9).find_map(|back| {
        let year = this_year.checked_sub(back)?;
        // The day may not exist in this year, or the text is no time.
        let time = BrokenDownTime::parse("%Y %b %d %I:%M %p", format!("{year} {description}")).ok()?;
        let time: DateTime = time.to_datetime().ok()?;
        let time = time.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond(); // as above
        (time <= now.0).then_some(Timestamp(time))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = include_str!("../../../fixtures/triage/supervisord/status.txt");

    fn utc(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    /// Where XML-RPC is not allowed, the text is all there is.
    #[test]
    fn the_text_of_a_real_status_is_read() {
        let now = utc("2026-11-29T12:15:04Z");
        let programs = parse_status(TEXT, now, &TimeZone::UTC).unwrap();
        assert_eq!(programs.len(), 13);
        let of = |name: &str| programs.iter().find(|program| program.full_name() == name).unwrap();
        assert_eq!((of("api").state, of("api").pid), (ProgramState::Running, Some(18945)));
        assert_eq!(of("api").start, Some(utc("2026-11-29T12:14:50Z")));
        assert_eq!(of("fatal").spawn_error.as_deref(), Some("can't find command '/no/such'"));
        assert_eq!(of("done").stop, Some(utc("2026-11-29T12:14:00Z")));
        assert_eq!((of("flap").state, of("flap").pid), (ProgramState::Starting, None));
        assert_eq!((of("g:stoppable").group.as_str(), of("never").stop), ("g", None));
    }

    /// A stop of last December must not lie in the future.
    #[test]
    fn a_time_without_a_year_is_the_last_such_moment() {
        let stop = |text: &str, now: &str| {
            let text = format!("a   EXITED    {text}");
            parse_status(&text, utc(now), &TimeZone::UTC).unwrap()[0].stop
        };
        assert_eq!(stop("Dec 31 11:59 PM", "2026-01-01T00:10:00Z"), Some(utc("2025-12-31T23:59:00Z")));
        assert_eq!(stop("Feb 29 12:00 AM", "2026-06-01T00:00:00Z"), Some(utc("2024-02-29T00:00:00Z")));
        assert_eq!(stop("Not started", "2026-06-01T00:00:00Z"), None);
    }

    #[test]
    fn uptimes_have_days_and_errors_are_no_programs() {
        assert_eq!(seconds("1 day, 0:00:01"), Some(86_401));
        assert_eq!(seconds("12 days, 1:02:03"), Some(12 * 86_400 + 3723));
        let error = "unix:///run/supervisor.sock no such file\n";
        assert_eq!(parse_status(error, Timestamp(0), &TimeZone::UTC), Err(error.trim().to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[a-z:]{1,5} +(RUNNING|EXITED|FATAL) +[ -~]{0,40}", now: i64) {
            let _ = parse_status(&text, Timestamp(now), &TimeZone::UTC); // an error is fine
        }
    }
}
