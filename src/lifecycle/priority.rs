//! How much a server is needed, and what it costs to lose it.

use crate::model::lifecycle::Priority;
use std::time::Duration;

/// The popularity above which a model is boosted.
const POPULAR: f64 = 0.6;
/// The time after which a use boosts nothing any more.
pub(super) const RECENT: Duration = Duration::from_secs(24 * 3_600);
/// Reload times below this are alike: of two such servers the longest unused one goes first.
const LEAST_RELOAD: u64 = 4;
/// The weight of an answer that would have to be waited for.
const BUSY: u64 = 1_000;

/// What a priority follows from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Use {
    /// It answers requests, is pinned, or is reserved for somebody.
    pub is_active: bool,
    /// The time since it was used.
    pub idle: Duration,
    pub timeout: Duration,
    pub is_boosted: bool,
}

pub(super) fn priority(of: Use) -> Priority {
    if of.is_active {
        Priority::Active
    } else if of.idle >= of.timeout {
        Priority::Evictable
    } else if of.is_boosted || of.idle < of.timeout / 2 {
        Priority::Warm
    } else {
        Priority::Idle
    }
}

/// Returns whether a model is boosted: it was used within the last day, and often compared with the most used one.
pub(super) fn is_boosted(popularity: f64, last_access: Option<Duration>) -> bool {
    popularity > POPULAR && last_access.is_some_and(|ago| ago < RECENT)
}

/// Returns what it costs to stop a server that takes this long to be loaded again: seconds × priority.
pub(super) fn cost(reload: Duration, priority: Priority, is_busy: bool) -> u64 {
    let weight = match priority {
        Priority::Evictable => 1,
        Priority::Idle => 2,
        Priority::Warm => 4,
        Priority::Active => 8,
    };
    let seconds = reload.as_secs().max(LEAST_RELOAD).checked_next_power_of_two().unwrap_or(u64::MAX);
    seconds.saturating_mul(weight).saturating_mul(if is_busy { BUSY } else { 1 })
}

/// Returns how long a load takes that was never measured: a gigabyte per second is read.
pub(super) fn guessed_reload(bytes: u64) -> Duration {
    Duration::from_secs(bytes >> 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNUSED: fn(u64) -> Use = |idle| Use {
        is_active: false,
        idle: Duration::from_secs(idle),
        timeout: Duration::from_secs(300),
        is_boosted: false,
    };

    #[test]
    fn a_server_cools_down_in_two_halves_of_its_timeout() {
        use Priority::{Active, Evictable, Idle, Warm};
        assert_eq!([0, 149, 150, 299, 300].map(|idle| priority(UNUSED(idle))), [Warm, Warm, Idle, Idle, Evictable]);
        let boosted = |idle| priority(Use { is_boosted: true, ..UNUSED(idle) });
        assert_eq!([150, 299, 300].map(boosted), [Warm, Warm, Evictable]);
        assert_eq!(priority(Use { is_active: true, ..UNUSED(9_999) }), Active);
    }

    /// The only model of a machine is always the most used one: without a recent use that would boost it for ever.
    #[test]
    fn a_model_is_boosted_that_was_used_often_and_of_late() {
        let hour = Duration::from_secs(3_600);
        assert!(is_boosted(0.61, Some(hour)));
        assert!(!is_boosted(0.6, Some(hour)) && !is_boosted(1.0, Some(25 * hour)) && !is_boosted(1.0, None));
    }

    #[test]
    fn what_loads_quickly_and_is_needed_least_costs_least() {
        let cost = |seconds, priority| cost(Duration::from_secs(seconds), priority, false);
        assert_eq!(cost(1, Priority::Idle), cost(4, Priority::Idle));
        assert!(cost(5, Priority::Idle) > cost(4, Priority::Idle));
        assert!(cost(60, Priority::Warm) > cost(60, Priority::Idle));
        assert!(cost(60, Priority::Idle) > cost(60, Priority::Evictable));
        assert_eq!(cost(u64::MAX, Priority::Warm), u64::MAX);
    }
}
