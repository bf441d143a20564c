//! Budgets of memory for models, with what the system could still give.

use super::gpu::{self, Gpu, GpuMemory};
use super::memory::{self, Memory};
use crate::model::ledger::{BudgetLimits, DeviceBudget};
use crate::model::{DeviceBytes, Reading};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// ggml's name of main memory.
pub const MAIN_MEMORY: &str = "CPU";
/// The largest part of a device that is left to others by default.
const MARGIN: u64 = 1 << 30;

/// Reads the budgets of the devices that `needs` name, main memory always. `modelctl` is the program that asks the GPUs
/// (see [`gpu::gpus`]), which takes up to 10.5 seconds and is only done for a need on another device than main memory.
/// A device whose memory is not known, and that has no budget of its own, is not listed.
///
/// A GPU has the name that ggml gives it when the driver's order is kept (`CUDA_DEVICE_ORDER=PCI_BUS_ID` on machines
/// with several kinds).
pub fn budgets(limits: BudgetLimits, modelctl: &Path, needs: &[DeviceBytes]) -> Vec<DeviceBudget> {
    let is_for_gpu = needs.iter().any(|need| need.device != MAIN_MEMORY);
    let gpus = if is_for_gpu { gpu::gpus(modelctl) } else { Reading::Known(Vec::new()) };
    let mut sizes = SIZES.lock().unwrap_or_else(PoisonError::into_inner);
    sizes.note(&gpus);
    of(limits, &memory::memory(), (&gpus, &sizes))
}

/// The sizes of the GPUs that this process has seen: a GPU that does not answer any more is as large as it was.
static SIZES: Mutex<Sizes> = Mutex::new(Sizes(BTreeMap::new()));

/// The bytes of GPUs by their numbers.
#[derive(Debug, Default)]
struct Sizes(BTreeMap<u32, u64>);

impl Sizes {
    fn note(&mut self, gpus: &Reading<Vec<Gpu>>) {
        let known = gpus.known().into_iter().flatten();
        self.0.extend(known.filter_map(|gpu| Some((gpu.index, gpu.memory.known()?.total))));
    }
}

/// Returns the budgets with a margin of the GPUs that is `factor` times as large, for when they cannot be read. Those that
/// could not be read for these budgets have twice the margin already.
pub fn with_margin(budgets: Vec<DeviceBudget>, factor: u32) -> Vec<DeviceBudget> {
    let larger = |budget: DeviceBudget| {
        let margin = MARGIN.min(budget.budget / 20).saturating_mul(u64::from(factor.saturating_sub(1)));
        match budget.device == MAIN_MEMORY || budget.available.is_none() {
            true => budget,
            false => DeviceBudget { budget: budget.budget.saturating_sub(margin), ..budget },
        }
    };
    budgets.into_iter().map(larger).collect()
}

fn of(
    limits: BudgetLimits,
    memory: &Reading<Memory>,
    (gpus, sizes): (&Reading<Vec<Gpu>>, &Sizes),
) -> Vec<DeviceBudget> {
    let memory = match memory {
        Reading::Known(Memory { total, available }) => Some((*total, *available)),
        Reading::Unavailable(_) => None,
    };
    let mut all: Vec<DeviceBudget> = budget(MAIN_MEMORY.to_owned(), limits.ram, memory).into_iter().collect();
    let name = |index: u32| format!("CUDA{index}");
    for gpu in gpus.known().into_iter().flatten() {
        match gpu.memory {
            Reading::Known(GpuMemory { total, free, .. }) => {
                all.extend(budget(name(gpu.index), limits.vram, Some((total, free))));
            }
            // One that is lost from the beginning has only what a person says.
            Reading::Unavailable(_) if !sizes.0.contains_key(&gpu.index) => {
                all.extend(budget(name(gpu.index), limits.vram, None));
            }
            Reading::Unavailable(_) => {}
        }
    }
    for (index, total) in &sizes.0 {
        if all.iter().any(|known| known.device == name(*index)) {
            continue;
        }
        let budget = budget(name(*index), limits.vram, Some((*total, 0)));
        // By the ledger alone, with twice the margin: what others hold is not known.
        all.extend(budget.map(|known| DeviceBudget {
            budget: known.budget.saturating_sub(MARGIN.min(total / 20)),
            available: None,
            ..known
        }));
    }
    all
}

/// Returns the budget of a device with (total, available) bytes.
fn budget(device: String, limit: Option<u64>, memory: Option<(u64, u64)>) -> Option<DeviceBudget> {
    let available = memory.map(|(_, available)| available);
    let budget = match (limit, memory) {
        (Some(limit), Some((total, _))) => limit.min(total),
        (Some(limit), None) => limit,
        (None, Some((total, _))) => total.saturating_sub(MARGIN.min(total / 20)),
        (None, None) => return None,
    };
    Some(DeviceBudget { device, budget, available })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_all_of_a_device_but_a_margin_unless_somebody_sets_it() {
        const GIB: u64 = 1 << 30;
        let memory = |total, available| Reading::Known(Memory { total, available });
        let gpu = |index, memory| Gpu { index, uuid: None, name: "x".into(), memory, processes: Vec::new() };
        let none = Reading::Known(Vec::new());
        let budget = |limits, memory: &_, gpus: &_| -> Vec<(String, u64, Option<u64>)> {
            of(limits, memory, (gpus, &Sizes::default()))
                .into_iter()
                .map(|b| (b.device, b.budget, b.available))
                .collect()
        };
        let free = BudgetLimits::default();
        assert_eq!(budget(free, &memory(64 * GIB, 9), &none), [("CPU".into(), 63 * GIB, Some(9))]);
        assert_eq!(budget(free, &memory(2 * GIB, 9), &none), [("CPU".into(), 2 * GIB - 2 * GIB / 20, Some(9))]);
        let set = BudgetLimits { ram: Some(GIB), vram: Some(3 * GIB) };
        assert_eq!(budget(set, &memory(64 * GIB, 9), &none), [("CPU".into(), GIB, Some(9))]);
        let known = Reading::Known(GpuMemory { total: 2 * GIB, free: 7, used: 0 });
        let lost = Reading::Unavailable("lost".to_owned());
        let gpus = Reading::Known(vec![gpu(0, known), gpu(1, lost)]);
        let unknown = Reading::Unavailable("no /proc".to_owned());
        let expected = [("CPU".into(), GIB, None), ("CUDA0".into(), 2 * GIB, Some(7)), ("CUDA1".into(), 3 * GIB, None)];
        assert_eq!(budget(set, &unknown, &gpus), expected);
        assert_eq!(budget(free, &unknown, &Reading::Unavailable("hung".into())), [], "unknown is no budget of 0");
    }

    /// With a driver that hangs, every load would be let in beside all others, since nothing would limit it.
    #[test]
    fn a_gpu_that_does_not_answer_any_more_is_as_large_as_it_was_less_twice_the_margin() {
        const GIB: u64 = 1 << 30;
        let gpu = |index, memory| Gpu { index, uuid: None, name: "x".into(), memory, processes: Vec::new() };
        let known = |free| Reading::Known(GpuMemory { total: 10 * GIB, free, used: 0 });
        let lost = || Reading::<GpuMemory>::Unavailable("lost".to_owned());
        let no_memory = Reading::Unavailable("no /proc".to_owned());
        let mut sizes = Sizes::default();
        sizes.note(&Reading::Known(vec![gpu(0, known(9)), gpu(1, known(9))]));
        let budgets = |limits, gpus: Reading<Vec<Gpu>>| {
            let budgets = with_margin(of(limits, &no_memory, (&gpus, &sizes)), 2);
            budgets.into_iter().map(|b| (b.device, b.budget, b.available)).collect::<Vec<_>>()
        };
        let (margin, free) = (GIB / 2, BudgetLimits::default());
        let unread = |index: u32| (format!("CUDA{index}"), 10 * GIB - 2 * margin, None);
        assert_eq!(budgets(free, Reading::Unavailable("hung".into())), [unread(0), unread(1)]);
        let read = ("CUDA0".to_owned(), 9 * GIB + margin - (9 * GIB + margin) / 20, Some(7));
        assert_eq!(budgets(free, Reading::Known(vec![gpu(0, known(7)), gpu(1, lost())])), [read, unread(1)]);
        let set = BudgetLimits { ram: None, vram: Some(3 * GIB) };
        assert_eq!(budgets(set, Reading::Unavailable("hung".into()))[0].1, 3 * GIB - margin);
    }
}
