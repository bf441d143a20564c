//! Sizes and ages as a person types them. Both need a unit: a person who types `200` means GiB or days, and reading it
//! as bytes or seconds would remove everything.

use crate::clock::Timestamp;
use bytesize::ByteSize;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRound, Unit};
use std::time::Duration;

/// A length of time on the calendar: a month is the time between two dates, not 30 days. Never negative.
#[derive(Debug, Clone, Copy)]
pub struct Age(Span);

impl Age {
    /// Creates an age of `n` days.
    pub fn days(n: u32) -> Age {
        Age(Span::new().days(i64::from(n)))
    }

    /// Returns the time that was this long before `now`; the earliest representable time where the calendar does not
    /// reach back that far.
    pub fn before(self, now: Timestamp) -> Timestamp {
        let ago = || {
            let now = jiff::Timestamp::from_millisecond(now.millis()).ok()?;
            let then = now.to_zoned(TimeZone::UTC).checked_sub(self.0).ok()?;
            Some(Timestamp(then.timestamp().as_millisecond()))
        };
        ago().unwrap_or(Timestamp(i64::MIN))
    }

    /// Returns the length of this age when it ends at `now`.
    pub fn until(self, now: Timestamp) -> Duration {
        self.before(now).age(now)
    }

    /// Formats the age as it is typed: `3mo`, `1y 6mo`.
    pub fn text(self) -> String {
        let most = SpanRound::new().largest(Unit::Year).smallest(Unit::Second).days_are_24_hours();
        // Without months and years the units convert into each other; rounding months or years needs a date.
        let span = if self.0.get_months() == 0 && self.0.get_years() == 0 {
            self.0.round(most).unwrap_or(self.0)
        } else {
            self.0
        };
        format!("{span:#}").replace("mos", "mo")
    }
}

impl PartialEq for Age {
    /// Compares the units, not the length: the length of a month depends on the date.
    fn eq(&self, other: &Age) -> bool {
        self.0.fieldwise() == other.0.fieldwise()
    }
}

impl Eq for Age {}

/// Parses an age of at least an hour: `12h`, `30d`, `2w`, `3mo`, `1y`.
///
/// # Errors
/// A sentence that suggests what was probably meant.
pub fn age(text: &str) -> Result<Age, String> {
    let age = recent(text)?;
    if is_zero(age.0) {
        return Err(format!("`{}` selects everything: give an age of at least 1h", shown(text)));
    }
    let is_small = age.0.get_minutes() != 0 || below_minutes(age.0);
    if is_small {
        return Err(format!("`{}`: ages are given in h, d, w, mo or y, such as 12h or 30d", shown(text)));
    }
    Ok(age)
}

/// Parses an age that may be short or zero: as [`age`], and also `15min`, `45s` or `0`. `15m` is refused: it is as
/// often meant as months.
///
/// # Errors
/// As [`age`].
pub fn recent(text: &str) -> Result<Age, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Age(Span::new()));
    }
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    if !digits.is_empty() && digits.len() == text.len() {
        return Err(format!("`{digits}` needs a unit: `{digits}d` is days; h, d, w, mo and y are known"));
    }
    if text.split(|c: char| !c.is_alphabetic()).any(|word| word.eq_ignore_ascii_case("m")) {
        let n = if digits.is_empty() { "N" } else { &digits };
        return Err(format!("`{}`: did you mean {n} days or {n} months? use `{n}d` or `{n}mo`", shown(text)));
    }
    let known = || format!("`{}` is not an age such as 12h, 30d, 2w, 3mo or 1y", shown(text));
    let span: Span = text.parse().map_err(|_| known())?;
    if span.is_negative() { Err(known()) } else { Ok(Age(span)) }
}

fn is_zero(span: Span) -> bool {
    span.is_zero()
}

fn below_minutes(span: Span) -> bool {
    let parts = [span.get_seconds(), span.get_milliseconds(), span.get_microseconds(), span.get_nanoseconds()];
    parts.iter().any(|part| *part != 0)
}

/// Parses a size with its unit, in bytes: `50GiB`, `1.5TB`, `0B`.
///
/// # Errors
/// A sentence that suggests what was probably meant.
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || ".,_".contains(c)) {
        return Err(format!("`{text}` needs a unit: did you mean `{text}GiB`?"));
    }
    let known = |_| format!("`{}` is not a size such as 50GiB or 500MB", shown(text));
    text.parse::<ByteSize>().map(|size| size.as_u64()).map_err(known)
}

/// Formats bytes in binary units with one decimal: `93.8 MiB`.
pub fn iec(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// Returns the typed text for a message: without control characters, and shortened to at most 40 characters.
fn shown(text: &str) -> String {
    text.escape_debug().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28T12:00:00Z
    const NOW: Timestamp = Timestamp(1_795_867_200_000);

    fn date(age: Age) -> String {
        age.before(NOW).rfc3339()[..10].to_owned()
    }

    #[test]
    fn an_age_ends_at_a_date_of_the_calendar() {
        let dates = [
            ("12h", "2026-11-28"),
            ("30d", "2026-10-29"),
            ("2w", "2026-11-14"),
            ("3mo", "2026-08-28"),
            ("1y", "2025-11-28"),
            ("1y 6mo", "2025-05-28"),
            ("90 days", "2026-08-30"),
            ("6 months", "2026-05-28"),
        ];
        for (text, expected) in dates {
            assert_eq!(date(age(text).unwrap_or_else(|e| panic!("{text}: {e}"))), expected, "{text}");
        }
        assert_eq!(age("19998y").unwrap().before(NOW), Timestamp(i64::MIN), "longer ago than there are dates");
        assert_eq!(age("36h").unwrap().until(NOW), Duration::from_secs(36 * 3_600));
    }

    #[test]
    fn what_was_probably_meant_is_said_and_not_done() {
        let refused = [
            ("30", "`30` needs a unit: `30d` is days"),
            ("30m", "did you mean 30 days or 30 months? use `30d` or `30mo`"),
            ("3M", "use `3d` or `3mo`"),
            ("1h 5m", "did you mean"),
            ("45min", "ages are given in h, d, w, mo or y"),
            ("90s", "ages are given in h, d, w, mo or y"),
            ("0", "selects everything"),
            ("0d", "selects everything"),
            ("-5d", "is not an age"),
            ("5d ago", "is not an age"),
            ("soon", "is not an age such as 12h, 30d"),
            ("", "is not an age"),
            ("30 parsecs", "is not an age"),
            ("500000000y", "is not an age"),
        ];
        for (text, why) in refused {
            let said = age(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
        for text in ["0", "15min", "45s", "1h", "2d"] {
            assert!(recent(text).is_ok(), "{text}");
        }
        assert!(recent("15m").is_err() && recent("15").is_err());
    }

    #[test]
    fn an_age_is_shown_as_it_is_typed() {
        for text in ["30d", "12h", "3mo", "1y 6mo", "2w"] {
            assert_eq!(age(text).unwrap().text(), text);
        }
    }

    #[test]
    fn a_size_says_of_what() {
        assert_eq!(size("50GiB").unwrap(), 50 << 30);
        assert_eq!(size("1.5 GB").unwrap(), 1_500_000_000);
        assert_eq!(size("1B").unwrap(), 1);
        for (text, why) in [
            ("200", "`200` needs a unit: did you mean `200GiB`?"),
            ("0", "needs a unit"),
            ("1.5", "needs a unit"),
            ("50%", "is not a size such as 50GiB"),
            ("much", "is not a size such as 50GiB"),
            ("", "is not a size"),
            ("-5GiB", "is not a size"),
        ] {
            let said = size(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
