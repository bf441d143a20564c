//! Detection of a clock that jumped ahead, which would make everything look old. The database keeps the largest time
//! that was seen, with the uptime of the machine then: the wall clock must have advanced by as much as the boot clock.
//! Pure.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The largest jump that counts as a correction of the clock.
const ALLOWED: Duration = Duration::from_secs(86_400);

/// 2025-01-01T00:00:00Z. Times before this program existed show that a clock was not set yet.
const EARLIEST: Timestamp = Timestamp(1_735_689_600_000);

/// The clocks of this machine at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks {
    pub wall: Timestamp,
    /// Id of the boot; None where the kernel does not report it.
    pub boot: Option<String>,
    /// Time since that boot, including suspended time.
    pub uptime: Option<Duration>,
    /// Whether the kernel's clock follows a time server.
    pub is_synchronized: bool,
}

/// The largest time that was seen and believed, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Milliseconds since the epoch.
    pub wall: Timestamp,
    pub boot: Option<String>,
    pub uptime_ms: Option<u64>,
}

impl From<&Clocks> for Seen {
    fn from(clocks: &Clocks) -> Seen {
        let uptime_ms = clocks.uptime.and_then(|up| u64::try_from(up.as_millis()).ok());
        Seen { wall: clocks.wall, boot: clocks.boot.clone(), uptime_ms }
    }
}

/// The time from which ages are computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The wall clock, or the latest certain time where the wall clock cannot be believed.
    pub now: Timestamp,
    pub leap: Option<Leap>,
}

/// An advance of the wall clock that the uptime does not explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leap {
    /// Time by the wall clock.
    pub wall: Timestamp,
    /// Time at which the clock was last believed.
    pub last: Timestamp,
    /// Lead of the wall clock over the certain time.
    pub ahead: Duration,
    /// Whether the machine has been up since, which means that the clock was changed; otherwise it may have been off.
    pub is_same_boot: bool,
}

/// Decides whether the wall clock can be believed.
///
/// Within one boot the boot clock measures the elapsed time, and nothing overrules it. After another boot the machine
/// may have been off for any length of time: then a clock that follows a time server is believed, and one that does not
/// is believed up to a day more than the machine has been up. Where it is not believed, ages are computed up to the
/// certain time, so nothing looks older than it is.
pub fn judge(seen: Option<&Seen>, clocks: &Clocks) -> Judged {
    let believed = Judged { now: clocks.wall, leap: None };
    let Some(seen) = seen.filter(|seen| seen.wall >= EARLIEST) else { return believed };
    let before = seen.uptime_ms.map(Duration::from_millis);
    let is_same = seen.boot.is_some() && seen.boot == clocks.boot && clocks.uptime >= before;
    let ran = match (is_same, clocks.uptime, before) {
        (true, Some(up), Some(before)) => up.saturating_sub(before),
        (_, up, _) => up.unwrap_or_default(),
    };
    let certain = Timestamp(seen.wall.millis().saturating_add(i64::try_from(ran.as_millis()).unwrap_or(i64::MAX)));
    let ahead = certain.age(clocks.wall);
    if ahead <= ALLOWED || !is_same && clocks.is_synchronized {
        return believed;
    }
    Judged { now: certain, leap: Some(Leap { wall: clocks.wall, last: seen.wall, ahead, is_same_boot: is_same }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    /// 2026-11-28
    const THEN: i64 = 1_795_824_000_000;

    fn seen() -> Seen {
        Seen { wall: Timestamp(THEN), boot: Some("a".into()), uptime_ms: Some(DAY * 1_000) }
    }

    /// Makes clocks this many days later by the wall clock, with the given uptime.
    fn clocks(boot: &str, wall_days: i64, up_days: u64) -> Clocks {
        Clocks {
            wall: Timestamp(THEN + wall_days * DAY as i64 * 1_000),
            boot: Some(boot.into()),
            uptime: Some(Duration::from_secs(up_days * DAY)),
            is_synchronized: false,
        }
    }

    fn ahead(judged: &Judged) -> Option<u64> {
        judged.leap.as_ref().map(|leap| leap.ahead.as_secs() / DAY)
    }

    #[test]
    fn a_clock_that_ran_with_the_machine_is_believed() {
        for (wall, up) in [(0, 1), (1, 2), (40, 41), (40, 40), (400, 401)] {
            let now = clocks("a", wall, up);
            assert_eq!(judge(Some(&seen()), &now), Judged { now: now.wall, leap: None }, "{wall} {up}");
        }
        assert_eq!(judge(None, &clocks("a", 900, 1)).leap, None, "nothing is known yet");
    }

    #[test]
    fn a_clock_that_leapt_within_a_boot_makes_nothing_older() {
        // 29 days ahead at once, and after two days.
        let judged = judge(Some(&seen()), &clocks("a", 29, 1));
        assert_eq!((ahead(&judged), judged.now), (Some(29), Timestamp(THEN)));
        let judged = judge(Some(&seen()), &clocks("a", 31, 3));
        assert_eq!((ahead(&judged), judged.now), (Some(29), Timestamp(THEN + 2 * DAY as i64 * 1_000)));
        // A server with a wrong time does not overrule the boot clock.
        let wrong = Clocks { is_synchronized: true, ..clocks("a", 29, 1) };
        assert_eq!(ahead(&judge(Some(&seen()), &wrong)), Some(29));
    }

    #[test]
    fn a_machine_that_was_off_for_weeks_is_believed_with_a_time_server_and_asked_once_without() {
        let off = clocks("b", 21, 0);
        let judged = judge(Some(&seen()), &off);
        assert_eq!((ahead(&judged), judged.leap.unwrap().is_same_boot), (Some(21), false));
        assert_eq!(judge(Some(&seen()), &Clocks { is_synchronized: true, ..off.clone() }).leap, None);
        // Once the time was confirmed, counting continues from there.
        let later = clocks("b", 50, 29);
        assert_eq!(judge(Some(&Seen::from(&off)), &later).leap, None);
        // A reboot, a night off, a machine that has been up since then.
        for (wall, up) in [(0, 0), (1, 0), (30, 29), (30, 30)] {
            assert_eq!(judge(Some(&seen()), &clocks("b", wall, up)).leap, None, "{wall} {up}");
        }
    }

    #[test]
    fn a_clock_set_back_widens_nothing_and_needs_no_question() {
        for boot in ["a", "b"] {
            let back = clocks(boot, -300, 2);
            assert_eq!(judge(Some(&seen()), &back), Judged { now: back.wall, leap: None });
        }
    }

    #[test]
    fn a_first_time_before_the_clock_was_set_is_no_time() {
        let unset = Seen { wall: Timestamp(1_000), ..seen() };
        assert_eq!(judge(Some(&unset), &clocks("a", 0, 2)).leap, None);
    }

    #[test]
    fn what_the_kernel_does_not_tell_is_no_proof() {
        let unknown = |wall_days| Clocks { boot: None, uptime: None, ..clocks("a", wall_days, 0) };
        assert_eq!(ahead(&judge(Some(&seen()), &unknown(29))), Some(29));
        assert_eq!(judge(Some(&seen()), &unknown(1)).leap, None);
        // A restarted container reports the same boot and a shorter uptime.
        assert_eq!(ahead(&judge(Some(&seen()), &clocks("a", 29, 0))), Some(29));
    }
}
