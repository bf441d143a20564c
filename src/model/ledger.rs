//! The ledger of memory: which models are in the memory of this machine, whose they are, and whether another one fits.

use super::{DeviceBytes, ModelId};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// The number of a row. It is never given to another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoadId(pub i64);

/// What a model is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// What the model was made for: text, or vectors for an embedding model.
    #[default]
    Main,
    /// Vectors of a model that generates text: a second worker with mean pooling.
    Vectors,
}

impl Purpose {
    pub const ALL: [Purpose; 2] = [Purpose::Main, Purpose::Vectors];

    pub fn name(self) -> &'static str {
        match self {
            Purpose::Main => "main",
            Purpose::Vectors => "vectors",
        }
    }

    pub fn from_name(name: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// One process for as long as it runs: a process number alone is reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    pub pid: u32,
    /// The time of its start, in clock ticks since boot (proc(5)).
    pub start: u64,
}

/// Where a process number means something: one boot of one machine, and one pid namespace (a container has its own).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub host: String,
    /// The id of the boot; empty where the kernel reports none.
    pub boot: String,
    /// The inode of the pid namespace; 0 where the kernel reports none.
    pub namespace: u64,
}

impl Place {
    /// Returns whether a row of `other` is left over from an earlier boot of this machine: its processes are gone.
    pub fn has_outlived(&self, other: &Place) -> bool {
        self.host == other.host && self.boot != other.boot && !self.boot.is_empty() && !other.boot.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadState {
    /// Admitted; its worker is about to be started, or reads the model.
    Loading,
    Ready,
    /// Its worker was asked to end. It holds its memory until it has.
    Stopping,
}

impl LoadState {
    pub fn name(self) -> &'static str {
        match self {
            LoadState::Loading => "loading",
            LoadState::Ready => "ready",
            LoadState::Stopping => "stopping",
        }
    }

    pub fn from_name(name: &str) -> Option<LoadState> {
        [LoadState::Loading, LoadState::Ready, LoadState::Stopping].into_iter().find(|state| state.name() == name)
    }
}

/// The bytes of one row on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerBytes {
    pub device: String,
    #[serde(rename = "reserved_bytes")]
    pub reserved: u64,
    /// What its process was found to hold; None until it was measured.
    #[serde(rename = "measured_bytes")]
    pub measured: Option<u64>,
}

impl LedgerBytes {
    /// Returns the bytes that count against the budget.
    pub fn held(&self) -> u64 {
        self.reserved.max(self.measured.unwrap_or(0))
    }
}

/// A model in memory, or about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    pub id: LoadId,
    pub place: Place,
    /// The process that loads the model and releases the row.
    pub owner: ProcessId,
    /// The owner, for people: `modelctl run-once (process 12, since …)`.
    pub who: String,
    /// The process that holds the memory; None until it was started.
    pub worker: Option<ProcessId>,
    pub model: ModelId,
    /// The name of the model, for people.
    pub name: String,
    pub purpose: Purpose,
    pub state: LoadState,
    pub since: Timestamp,
    pub bytes: Vec<LedgerBytes>,
}

impl LedgerRow {
    /// Returns the bytes that count on `device`.
    pub fn held(&self, device: &str) -> u64 {
        self.on(device).map(LedgerBytes::held).fold(0, u64::saturating_add)
    }

    /// Returns the bytes on `device` that are reserved and will be taken, but are still free as the system counts.
    fn pending(&self, device: &str) -> u64 {
        let resident = |bytes: &LedgerBytes| match self.state {
            LoadState::Loading => bytes.measured.unwrap_or(0),
            // Unless it was measured, a model that is loaded holds what it reserved.
            LoadState::Ready | LoadState::Stopping => bytes.measured.unwrap_or(bytes.reserved),
        };
        self.on(device).map(|bytes| bytes.reserved.saturating_sub(resident(bytes))).fold(0, u64::saturating_add)
    }

    fn on(&self, device: &str) -> impl Iterator<Item = &LedgerBytes> {
        self.bytes.iter().filter(move |bytes| bytes.device == device)
    }
}

/// The memory of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceBudget {
    pub device: String,
    /// What all models together may take.
    #[serde(rename = "budget_bytes")]
    pub budget: u64,
    /// What the system could still give, read just before; None where that is not known.
    #[serde(rename = "available_bytes")]
    pub available: Option<u64>,
}

/// What models may take of the memory of each device, where a person limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetLimits {
    /// Bytes of main memory.
    pub ram: Option<u64>,
    /// Bytes of each GPU.
    pub vram: Option<u64>,
}

/// A request for memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    pub place: Place,
    pub owner: ProcessId,
    pub who: String,
    pub model: ModelId,
    pub name: String,
    pub purpose: Purpose,
    pub needs: Vec<DeviceBytes>,
    pub at: Timestamp,
}

/// The answer to a request for memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// The memory is reserved until the row is released.
    Load(LoadId),
    Refused(Refusal),
}

/// Why a model does not fit now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The missing bytes of each device that is too small or too full.
    pub short: Vec<DeviceBytes>,
    /// Whether it could fit with nothing else in memory. If not, waiting does not help.
    pub can_ever_fit: bool,
    /// The rows that hold memory of those devices.
    pub rows: Vec<LedgerRow>,
}

/// Decides whether `needs` fit beside the rows of this place. Rows of another machine, or of another pid namespace, do
/// not count: whether they are still alive cannot be found out from here, but what they hold is missing from
/// `available`. A device without a budget has no limit: nothing is known about it.
///
/// # Errors
/// What is missing.
pub fn decide(
    rows: &[LedgerRow],
    place: &Place,
    needs: &[DeviceBytes],
    budgets: &[DeviceBudget],
) -> Result<(), Refusal> {
    let ours: Vec<&LedgerRow> = rows.iter().filter(|row| row.place == *place).collect();
    let sum = |count: &dyn Fn(&LedgerRow) -> u64| ours.iter().map(|row| count(row)).fold(0, u64::saturating_add);
    let (mut short, mut can_ever_fit) = (Vec::<DeviceBytes>::new(), true);
    for budget in budgets {
        let device = budget.device.as_str();
        let need = needs.iter().filter(|need| need.device == device).map(|need| need.bytes);
        let need = need.fold(0, u64::saturating_add);
        if need == 0 {
            continue;
        }
        let over_budget = sum(&|row| row.held(device)).saturating_add(need).saturating_sub(budget.budget);
        let pending = sum(&|row| row.pending(device)).saturating_add(need);
        let over_available = budget.available.map_or(0, |available| pending.saturating_sub(available));
        let bytes = over_budget.max(over_available);
        if bytes > 0 {
            can_ever_fit &= need <= budget.budget;
            short.push(DeviceBytes { device: device.to_owned(), bytes });
        }
    }
    if short.is_empty() {
        return Ok(());
    }
    let holds = |row: &&&LedgerRow| short.iter().any(|short| row.held(&short.device) > 0);
    let rows = ours.iter().filter(holds).map(|row| (*row).clone()).collect();
    Err(Refusal { short, can_ever_fit, rows })
}

/// Returns the bytes of a device that one more model may take.
pub fn left(rows: &[LedgerRow], place: &Place, budget: &DeviceBudget) -> u64 {
    let ours = || rows.iter().filter(|row| row.place == *place);
    let held = ours().map(|row| row.held(&budget.device)).fold(0, u64::saturating_add);
    let pending = ours().map(|row| row.pending(&budget.device)).fold(0, u64::saturating_add);
    let available = budget.available.map_or(u64::MAX, |available| available.saturating_sub(pending));
    budget.budget.saturating_sub(held).min(available)
}

/// Returns the bytes of a device that one model may take once all of `rows` have ended.
pub fn left_alone(rows: &[LedgerRow], place: &Place, budget: &DeviceBudget) -> u64 {
    let resident = |row: &LedgerRow| row.held(&budget.device).saturating_sub(row.pending(&budget.device));
    let resident = rows.iter().filter(|row| row.place == *place).map(resident).fold(0, u64::saturating_add);
    budget.budget.min(budget.available.map_or(u64::MAX, |available| available.saturating_add(resident)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> Place {
        Place { host: "here".into(), boot: "b".into(), namespace: 1 }
    }

    fn row(id: i64, state: LoadState, bytes: &[(&str, u64, Option<u64>)]) -> LedgerRow {
        LedgerRow {
            id: LoadId(id),
            place: place(),
            owner: ProcessId { pid: 1, start: 2 },
            who: "run-once".into(),
            worker: None,
            model: ModelId(format!("{id:012}")),
            name: "smol".into(),
            purpose: Purpose::Main,
            state,
            since: Timestamp(0),
            bytes: bytes
                .iter()
                .map(|(device, reserved, measured)| LedgerBytes {
                    device: (*device).into(),
                    reserved: *reserved,
                    measured: *measured,
                })
                .collect(),
        }
    }

    fn bytes(all: &[(&str, u64)]) -> Vec<DeviceBytes> {
        all.iter().map(|(device, bytes)| DeviceBytes { device: (*device).into(), bytes: *bytes }).collect()
    }

    fn budgets(all: &[(&str, u64, Option<u64>)]) -> Vec<DeviceBudget> {
        all.iter()
            .map(|(device, budget, available)| DeviceBudget {
                device: (*device).into(),
                budget: *budget,
                available: *available,
            })
            .collect()
    }

    #[test]
    fn a_model_fits_beside_what_others_hold_or_it_does_not() {
        let rows =
            [row(1, LoadState::Ready, &[("CPU", 40, Some(50))]), row(2, LoadState::Loading, &[("CUDA0", 7, None)])];
        let all = budgets(&[("CPU", 100, None), ("CUDA0", 10, None)]);
        assert_eq!(decide(&rows, &place(), &bytes(&[("CPU", 50), ("CUDA0", 3)]), &all), Ok(()));
        let refusal = decide(&rows, &place(), &bytes(&[("CPU", 51), ("CUDA0", 3)]), &all).unwrap_err();
        assert_eq!((refusal.short, refusal.can_ever_fit), (bytes(&[("CPU", 1)]), true));
        assert_eq!(refusal.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [LoadId(1)], "who holds the memory");
        let refusal = decide(&rows, &place(), &bytes(&[("CUDA0", 11)]), &all).unwrap_err();
        assert!(!refusal.can_ever_fit, "nobody waits for what can never fit");
        assert_eq!(decide(&rows, &place(), &bytes(&[("Vulkan0", 1 << 60)]), &all), Ok(()), "unknown is no limit");
    }

    #[test]
    fn what_is_reserved_and_not_yet_taken_counts_against_what_the_system_has() {
        let all = budgets(&[("CPU", 1000, Some(100))]);
        let fits = |rows: &[LedgerRow], need| decide(rows, &place(), &bytes(&[("CPU", need)]), &all).is_ok();
        assert!(fits(&[], 100) && !fits(&[], 101), "the memory of other programs counts");
        let loading = [row(1, LoadState::Loading, &[("CPU", 60, None)])];
        assert!(fits(&loading, 40) && !fits(&loading, 41));
        let ready = [row(1, LoadState::Ready, &[("CPU", 60, None)])];
        assert!(fits(&ready, 100), "what is taken is missing from the reading already");
        let measured = [row(1, LoadState::Ready, &[("CPU", 60, Some(50))])];
        assert!(fits(&measured, 90) && !fits(&measured, 91));
        let both = [loading, ready].concat();
        assert_eq!((left(&both, &place(), &all[0]), left_alone(&both, &place(), &all[0])), (40, 160));
        let refusal = decide(&[], &place(), &bytes(&[("CPU", 101)]), &all).unwrap_err();
        assert!(refusal.can_ever_fit, "other programs may end");
    }

    #[test]
    fn only_rows_of_this_place_count_and_those_of_an_earlier_boot_are_over() {
        let other = |host: &str, boot: &str, namespace| Place { host: host.into(), boot: boot.into(), namespace };
        let all = budgets(&[("CPU", 100, None)]);
        for place_of_row in [other("there", "b", 1), other("here", "c", 1), other("here", "b", 2)] {
            let rows = [LedgerRow { place: place_of_row, ..row(1, LoadState::Ready, &[("CPU", 100, None)]) }];
            assert_eq!(decide(&rows, &place(), &bytes(&[("CPU", 100)]), &all), Ok(()));
        }
        assert!(place().has_outlived(&other("here", "a", 1)));
        for living in [other("here", "b", 2), other("there", "a", 1), other("here", "", 1)] {
            assert!(!place().has_outlived(&living));
        }
    }

    proptest! {
        /// Whatever is asked for and released, in whatever order: no device is ever above its budget.
        #[test]
        fn no_device_is_ever_above_its_budget(
            steps in prop::collection::vec((0u8..4, 0usize..2, 0u64..80, 0u64..80), 1..60),
            limits in (0u64..200, 0u64..200),
        ) {
            let all = budgets(&[("CPU", limits.0, None), ("CUDA0", limits.1, None)]);
            let mut rows: Vec<LedgerRow> = Vec::new();
            for (index, (action, device, first, second)) in steps.into_iter().enumerate() {
                if action == 0 && !rows.is_empty() {
                    rows.remove(device % rows.len());
                } else {
                    let needs = bytes(&[("CPU", first), ("CUDA0", second)]);
                    if decide(&rows, &place(), &needs, &all).is_ok() {
                        let state = if device == 0 { LoadState::Loading } else { LoadState::Ready };
                        rows.push(row(index as i64, state, &[("CPU", first, Some(first / 2)), ("CUDA0", second, None)]));
                    }
                }
                for budget in &all {
                    let held: u64 = rows.iter().map(|row| row.held(&budget.device)).sum();
                    prop_assert!(held <= budget.budget, "{} of {}", held, budget.budget);
                }
            }
        }

        /// A refusal says how much has to go, and with that much gone the same request fits.
        #[test]
        fn a_refusal_names_the_missing_bytes(
            held in prop::collection::vec(0u64..100, 0..5), need in 1u64..150, limit in 0u64..300, available in 0u64..300,
        ) {
            let rows: Vec<LedgerRow> = held.iter().enumerate()
                .map(|(id, bytes)| row(id as i64, LoadState::Ready, &[("CPU", *bytes, None)])).collect();
            let all = budgets(&[("CPU", limit, Some(available))]);
            if let Err(refusal) = decide(&rows, &place(), &bytes(&[("CPU", need)]), &all) {
                let missing = refusal.short[0].bytes;
                let more = budgets(&[("CPU", limit + missing, Some(available + missing))]);
                prop_assert_eq!(decide(&rows, &place(), &bytes(&[("CPU", need)]), &more), Ok(()));
                prop_assert_eq!(refusal.can_ever_fit, need <= limit);
                prop_assert!(left(&rows, &place(), &all[0]) < need);
            } else {
                prop_assert!(left(&rows, &place(), &all[0]) >= need);
            }
        }
    }
}
