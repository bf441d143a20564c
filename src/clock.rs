//! Time. The only caller of the system clocks in the program; all other code receives a [`Timestamp`].

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Returns the time from `self` to `now`; zero when `self` is in the future (a clock was set back).
    pub fn age(self, now: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(now.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Formats the time as RFC 3339 in UTC, to the second: `2026-11-21T06:00:00Z`. A time that the calendar cannot
    /// represent is printed as its number.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_duration(SignedDuration::from_millis(self.0)) {
            Ok(t) => t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Err(_) => format!("{} ms", self.0),
        }
    }
}

/// Reads the wall clock.
#[expect(clippy::disallowed_methods, reason = "the one caller of the wall clock")]
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// Returns the time zone of this machine; UTC where none is set.
pub fn local_zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::system()
}

/// Reads the monotonic clock, for measuring and for deadlines.
#[expect(clippy::disallowed_methods, reason = "the one caller of the monotonic clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Returns the id of the machine's current boot; None where the kernel does not report one.
pub fn boot_id() -> Option<String> {
    // Read from a file, so that a program that runs with another wall clock sees the machine's own boot.
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?; // without /proc the boot is unknown
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Returns the time since the machine booted, including time asleep (CLOCK_BOOTTIME, to the hundredth of a second).
pub fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?; // without /proc the uptime is unknown
    let seconds: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok() // text that is no valid duration is treated as unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_future_has_age_zero() {
        assert_eq!(Timestamp(2_000).age(Timestamp(1_000)), Duration::ZERO);
        assert_eq!(Timestamp(i64::MIN).age(Timestamp(i64::MAX)).as_millis() as i64, i64::MAX);
    }

    #[test]
    fn prints_rfc3339_and_survives_an_impossible_time() {
        assert_eq!(Timestamp(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(i64::MAX).rfc3339(), format!("{} ms", i64::MAX));
    }
}
