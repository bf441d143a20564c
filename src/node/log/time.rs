//! Times at the start of log lines, in the forms of the programs of an LLM node.

use crate::clock::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// A time as a line writes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stamp {
    At(Timestamp),
    /// In the time zone of the node.
    Local(DateTime),
    /// Local, without a year: the last such moment. The year of the value means nothing.
    NoYear(DateTime),
    /// Milliseconds since the program began (llama-server).
    SinceStart(u64),
}

impl Stamp {
    /// Returns the moment; None: it is relative to the start of the program, or no calendar has it.
    pub fn resolve(self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let local = |time: DateTime| {
            let time = time.to_zoned(zone.clone()).ok()?; // no calendar has it
            Some(Timestamp(time.timestamp().as_millisecond()))
        };
        match self {
            Stamp::At(time) => Some(time),
            Stamp::Local(time) => local(time),
            Stamp::SinceStart(_) => None,
            Stamp::NoYear(time) => {
                let this_year = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone()).year(); // as above
                // A leap day is in one year of four, or of eight.
                (0..9).find_map(|back| {
                    let in_year = time.with().year(this_year.checked_sub(back)?).build().ok()?; // not in that year
                    local(in_year).filter(|time| time.0 <= now.0.saturating_add(999))
                })
            }
        }
    }
}

/// Reads the time at the start of a line. Returns it with the text behind it.
pub(super) fn parse(line: &str) -> Option<(Stamp, &str)> {
    if line.starts_with('{') {
        return in_json(line).map(|stamp| (stamp, line));
    }
    let text = line.trim_start_matches([' ', '\t', '[', '(', '<']);
    at_start(text).or_else(|| after_level(text)).or_else(|| in_pairs(text)).or_else(|| in_access_log(line))
}

fn at_start(text: &str) -> Option<(Stamp, &str)> {
    match text.bytes().next()? {
        b'0'..=b'9' => date_first(text).or_else(|| since_start(text)).or_else(|| epoch(text)),
        b'A'..=b'Z' => month_first(text),
        _ => None,
    }
}

/// `INFO:     2026-…`, `ERROR 11-21 03:59:12 [core.py:1]`, `E1121 03:59:12.123456`.
fn after_level(text: &str) -> Option<(Stamp, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let name = word.trim_end_matches([':', ']', '|']);
    let is_date = |digits: &&str| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(digits) = name.strip_prefix(['I', 'W', 'E', 'F', 'D']).filter(is_date) {
        let mut scan = Scan(digits);
        let (month, day) = (scan.number(2)?, scan.number(2)?);
        let (time, rest) = clock(rest)?;
        return Some((Stamp::NoYear(date(2000, month, day, time)?), rest));
    }
    if name.len() < 4 || name.len() > 8 || !name.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '[', '(', '-', '|']);
    date_first(rest).or_else(|| {
        let mut scan = Scan(rest);
        let month = scan.number(2)?;
        scan.skip('-')?;
        let day = scan.number(2)?;
        scan.skip(' ')?;
        let (time, rest) = clock(scan.0)?;
        Some((Stamp::NoYear(date(2000, month, day, time)?), rest))
    })
}

/// `time=2026-… level=…`, `ts="…"`.
fn in_pairs(text: &str) -> Option<(Stamp, &str)> {
    let (key, rest) = text.split_once('=').filter(|(key, _)| key.len() <= 9)?;
    if !matches!(key, "time" | "ts" | "t" | "timestamp") {
        return None;
    }
    let (stamp, rest) = at_start(rest.trim_start_matches('"'))?;
    Some((stamp, rest.trim_start_matches('"')))
}

/// `127.0.0.1 - - [21/Nov/2026:03:59:12 +0000] "GET …`.
fn in_access_log(line: &str) -> Option<(Stamp, &str)> {
    let head = line.get(..100.min(line.len())).unwrap_or(line);
    let at = head.find(" [")?;
    let mut scan = Scan(line.get(at.checked_add(2)?..)?);
    let day = scan.number(2)?;
    scan.skip('/')?;
    let month = scan.month()?;
    scan.skip('/')?;
    let year = scan.number(4)?;
    scan.skip(':')?;
    let (time, rest) = clock(scan.0)?;
    zoned(date(year, month, day, time)?, rest)
}

/// `2026-11-21 03:59:12,123`, `2026-11-21T03:59:12.123456Z`, `2026/11/21 03:59:12`.
fn date_first(text: &str) -> Option<(Stamp, &str)> {
    let mut scan = Scan(text);
    let year = scan.number(4)?;
    let separator = scan.one_of(&['-', '/'])?;
    let month = scan.number(2)?;
    scan.skip(separator)?;
    let day = scan.number(2)?;
    scan.one_of(&[' ', 'T', '_', 't'])?;
    let (time, rest) = clock(scan.0)?;
    zoned(date(year, month, day, time)?, rest)
}

/// `Nov 21 03:59:12`, `Sat Nov 21 03:59:12 2026`.
fn month_first(text: &str) -> Option<(Stamp, &str)> {
    let mut scan = Scan(text);
    let month = match scan.month() {
        Some(month) => month,
        None => {
            scan = Scan(text);
            ["Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "].iter().find_map(|day| scan.word(day))?;
            scan.month()?
        }
    };
    scan.skip(' ')?;
    // One digit has a space before it.
    let day = if scan.skip(' ').is_some() { scan.number(1)? } else { scan.number(2)? };
    scan.skip(' ')?;
    let (time, rest) = clock(scan.0)?;
    let mut with_year = Scan(rest);
    if let Some(year) =
        with_year.skip(' ').and_then(|()| with_year.number(4)).filter(|year| (1970..2200).contains(year))
    {
        return Some((Stamp::Local(date(year, month, day, time)?), with_year.0));
    }
    Some((Stamp::NoYear(date(2000, month, day, time)?), rest))
}

/// `0.00.004.036 `: minutes, seconds, milliseconds, microseconds.
fn since_start(text: &str) -> Option<(Stamp, &str)> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut scan = Scan(text);
    let minutes = scan.number(digits)?;
    scan.skip('.')?;
    let seconds = scan.number(2)?;
    scan.skip('.')?;
    let millis = scan.number(3)?;
    scan.skip('.')?;
    scan.number(3)?;
    scan.skip(' ')?;
    let whole = u64::from(minutes).checked_mul(60)?.checked_add(seconds.into())?;
    Some((Stamp::SinceStart(whole.checked_mul(1000)?.checked_add(millis.into())?), scan.0))
}

/// `1763697552.123 ` in seconds, `1763697552123 ` in milliseconds.
fn epoch(text: &str) -> Option<(Stamp, &str)> {
    let (word, rest) = text.split_once([' ', ']'])?;
    let is_plain = word.len() >= 10 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = Some(word).filter(|_| is_plain)?.parse().ok()?; // no number
    Some((Stamp::At(of_number(number)?), rest))
}

/// Converts a number into a time: seconds, milliseconds, microseconds or nanoseconds since the epoch, by its size.
fn of_number(number: f64) -> Option<Timestamp> {
    // From 2001 to 2286 each unit has a range of its own.
    let millis = match number {
        n if (1e9..1e10).contains(&n) => n * 1e3,
        n if (1e12..1e13).contains(&n) => n,
        n if (1e15..1e16).contains(&n) => n / 1e3,
        n if (1e18..1e19).contains(&n) => n / 1e6,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most 1e13")]
    Some(Timestamp(millis as i64))
}

fn in_json(line: &str) -> Option<Stamp> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?; // cut, or no JSON
    let keys = ["time", "ts", "timestamp", "@timestamp", "asctime", "t", "datetime"];
    keys.iter().find_map(|key| match value.get(key)? {
        serde_json::Value::String(text) => at_start(text).map(|(stamp, _)| stamp),
        serde_json::Value::Number(number) => of_number(number.as_f64()?).map(Stamp::At),
        _ => None,
    })
}

/// Hour, minute, second, millisecond.
type Clock = (i8, i8, i8, u16);

/// `03:59:12`, with `,123` or `.123456789` behind it.
fn clock(text: &str) -> Option<(Clock, &str)> {
    let mut scan = Scan(text);
    let hour = scan.number(2)?;
    scan.skip(':')?;
    let minute = scan.number(2)?;
    scan.skip(':')?;
    let second = scan.number(2)?;
    let mut millis = 0;
    if let Some(fraction) = scan.0.strip_prefix(['.', ',']) {
        let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits: String = fraction.chars().take(fraction.len() - rest.len()).chain("000".chars()).take(3).collect();
        millis = digits.parse().ok()?; // three digits
        scan.0 = rest;
    }
    let small = |number: u32| i8::try_from(number).ok(); // two digits
    // A leap second is the one before it.
    Some(((small(hour)?, small(minute)?, small(second.min(59))?, millis), scan.0))
}

fn date(year: u32, month: u32, day: u32, (hour, minute, second, millis): Clock) -> Option<DateTime> {
    let (year, month, day) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    // No such day.
    DateTime::new(year, month, day, hour, minute, second, i32::from(millis).checked_mul(1_000_000)?).ok()
}

/// Reads a zone behind a time: `Z`, ` UTC`, `+01:00`, ` +0100`. Without one it is local.
fn zoned(time: DateTime, rest: &str) -> Option<(Stamp, &str)> {
    let at = |offset: Offset, rest| {
        let time = offset.to_timestamp(time).ok()?; // no calendar has it
        Some((Stamp::At(Timestamp(time.as_millisecond())), rest))
    };
    if let Some(rest) = rest.strip_prefix('Z').or_else(|| rest.strip_prefix(" UTC")) {
        return at(Offset::UTC, rest);
    }
    let mut scan = Scan(rest.strip_prefix(' ').unwrap_or(rest));
    let offset = (|| {
        let sign = scan.one_of(&['+', '-'])?;
        let hours = scan.number(2)?;
        let _ = scan.skip(':'); // may be left out
        let minutes = scan.number(2)?;
        let seconds = i32::try_from(hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?).ok()?; // small
        let is_end = !scan.0.starts_with(|c: char| c.is_ascii_digit());
        // No such offset.
        is_end.then(|| Offset::from_seconds(if sign == '-' { -seconds } else { seconds }).ok()).flatten()
    })();
    match offset {
        Some(offset) => at(offset, scan.0),
        None => Some((Stamp::Local(time), rest)),
    }
}

/// The rest of a text that is read from its start.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    /// Reads exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if digits == 0 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        number.parse().ok() // more digits than a number has
    }

    fn skip(&mut self, c: char) -> Option<()> {
        self.0 = self.0.strip_prefix(c)?;
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    fn one_of(&mut self, chars: &[char]) -> Option<char> {
        let c = self.0.chars().next().filter(|c| chars.contains(c))?;
        self.skip(c).map(|()| c)
    }

    /// Reads `Nov`: 11.
    fn month(&mut self) -> Option<u32> {
        const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (number, name) = (1..).zip(NAMES).find(|(_, name)| self.0.starts_with(name))?;
        self.word(name).map(|()| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utc(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn read(line: &str) -> Option<Timestamp> {
        let now = utc("2026-11-29T12:00:00Z");
        parse(line)?.0.resolve(&TimeZone::fixed(jiff::tz::offset(2)), now)
    }

    /// A line whose time is not read cannot be said to belong to the life that failed.
    #[test]
    fn the_times_of_common_programs_are_read() {
        let local = Some(utc("2026-11-21T01:59:12.123Z"));
        let whole = Some(utc("2026-11-21T01:59:12Z"));
        let utc_whole = Some(utc("2026-11-21T03:59:12Z"));
        for (line, time) in [
            ("2026-11-21 03:59:12,123 INFO spawned: 'a' with pid 1", local),
            ("2026-11-21 03:59:12.123 | ERROR    | m:f:1 - x", local),
            ("2026-11-21T01:59:12.123456Z ERROR m: x", local),
            ("2026-11-21T03:59:12+02:00 x", whole),
            ("[2026-11-21 03:59:12 +0000] [7] [INFO] Booting", utc_whole),
            ("2026/11/21 03:59:12 [error] 12#12: *1 x", whole),
            ("Nov 21 03:59:12 host app[7]: x", whole),
            ("Sat Nov 21 03:59:12 2026 x", whole),
            ("127.0.0.1 - - [21/Nov/2026:03:59:12 +0000] \"GET / HTTP/1.1\" 200", utc_whole),
            ("time=2026-11-21T03:59:12.000Z level=ERROR msg=x", utc_whole),
            ("INFO:     2026-11-21 03:59:12 x", whole),
            ("ERROR 11-21 03:59:12 [core.py:1] x", whole),
            ("E1121 03:59:12.123456 77 x.cc:9] y", local),
            (r#"{"ts": 1795226352.123, "level": "error"}"#, local),
            (r#"{"time":"2026-11-21T03:59:12Z","msg":"x"}"#, utc_whole),
            ("1795226352.123 x", local),
            ("0.00.004.036 E gguf: x", None),
            ("plain 2026-11-21 03:59:12", None),
            ("2026-02-30 03:59:12 x", None),
        ] {
            assert_eq!(read(line), time, "{line}");
        }
        assert_eq!(parse("12.03.004.036 E x"), Some((Stamp::SinceStart(723_004), "E x")));
    }

    /// An old line must not come from the future.
    #[test]
    fn a_time_without_a_year_is_the_last_such_moment() {
        let at = |line: &str, now: &str| parse(line).unwrap().0.resolve(&TimeZone::UTC, utc(now));
        assert_eq!(at("Dec 31 23:59:59 h x", "2026-01-01T00:00:05Z"), Some(utc("2025-12-31T23:59:59Z")));
        assert_eq!(at("Jan  1 00:00:05 h x", "2026-01-01T00:00:05Z"), Some(utc("2026-01-01T00:00:05Z")));
        assert_eq!(at("Feb 29 00:00:00 h x", "2026-01-01T00:00:05Z"), Some(utc("2024-02-29T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_a_panic(line in "\\PC{0,60}", digits in "[0-9:./\\- ,TZ+{}\"a-zé]{0,60}", now: i64) {
            for line in [line, digits] {
                if let Some((stamp, _)) = parse(&line) {
                    stamp.resolve(&TimeZone::UTC, Timestamp(now));
                }
            }
        }
    }
}
