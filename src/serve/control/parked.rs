//! Services that stay without the memory that was counted.

use super::prepared::{Prepared, What};
use super::task::Order;
use crate::lifecycle::{Generation, ServerKey};
use crate::model::DeviceBytes;
use std::collections::HashMap;
use tokio::sync::mpsc::UnboundedSender;

/// A service that stays.
#[derive(Debug)]
pub(super) struct Parked {
    pub orders: UnboundedSender<Order>,
    /// How it was started: another start needs another process.
    pub started_as: (u64, bool),
    pub is_ending: bool,
}

/// What waits for the ends of parked services, and what is known of services that run.
#[derive(Debug, Default)]
pub(super) struct Parking {
    /// Reservations that were refused and are tried once more.
    pub again: Vec<(ServerKey, Generation)>,
    /// Whether everything else has ended.
    pub is_last: bool,
    pub footprints: Footprints,
}

/// What services were found to hold, by whether they were on the CPU.
pub(super) type Footprints = HashMap<(ServerKey, bool), Vec<DeviceBytes>>;

pub(super) fn started_as(prepared: &Prepared) -> (u64, bool) {
    let is_on_cpu = matches!(&prepared.what, What::Service(parts) if parts.is_on_cpu);
    (prepared.profile.files, is_on_cpu)
}
