//! Services that stay without the memory that was counted.

use super::prepared::{Prepared, What};
use super::task::Order;
use crate::lifecycle::{Generation, ServerKey};
use crate::model::DeviceBytes;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// A service that stays.
#[derive(Debug)]
pub(super) struct Parked {
    pub orders: UnboundedSender<Order>,
    /// How it was started: another start needs another process.
    pub started_as: (u64, bool),
    /// What it still holds.
    pub kept: Vec<DeviceBytes>,
    pub is_ending: bool,
}

/// The time after which parked services end for a load to which others have not made room.
const PATIENT: Duration = Duration::from_secs(30);
/// The time after which a refusal belongs to another try.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// What waits for the ends of parked services, and what is known of services that run.
#[derive(Debug, Default)]
pub(super) struct Parking {
    /// Reservations that were refused and are tried once more.
    pub again: Vec<(ServerKey, Generation)>,
    /// Loads for which parked services alone cannot make room, with the time of the first refusal and of the last one.
    pub refused: HashMap<ServerKey, (Instant, Instant)>,
    /// Whether everything else has ended.
    pub is_last: bool,
    pub footprints: Footprints,
}

impl Parking {
    /// Notes the refusal of a reservation. Returns whether it has been refused for long.
    pub fn is_refused_for_long(&mut self, key: &ServerKey, now: Instant) -> bool {
        let (first, last) = self.refused.entry(key.clone()).or_insert((now, now));
        if now.saturating_duration_since(*last) >= FORGOTTEN {
            *first = now;
        }
        *last = now;
        now.saturating_duration_since(*first) >= PATIENT
    }
}

/// What services were found to hold, by whether they were on the CPU.
pub(super) type Footprints = HashMap<(ServerKey, bool), Vec<DeviceBytes>>;

pub(super) fn started_as(prepared: &Prepared) -> (u64, bool) {
    let is_on_cpu = matches!(&prepared.what, What::Service(parts) if parts.is_on_cpu);
    (prepared.profile.files, is_on_cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_one_wait_belong_together_and_others_do_not() {
        let (mut parking, key, began) = (Parking::default(), ServerKey::service("a"), crate::clock::instant());
        let mut at = |seconds| parking.is_refused_for_long(&key, began + Duration::from_secs(seconds));
        assert_eq!([0, 1, 29, 30, 31].map(&mut at), [false, false, false, true, true]);
        assert_eq!([91, 100, 121].map(&mut at), [false, false, true]);
    }
}
