//! Budgets of memory for models, with what the system could still give.

use super::gpu::{self, Gpu, GpuMemory};
use super::memory::{self, Memory};
use crate::model::ledger::{BudgetLimits, DeviceBudget};
use crate::model::{DeviceBytes, Reading};
use std::path::Path;

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
    of(limits, &memory::memory(), &gpus)
}

/// Returns the budgets with a margin of the GPUs that is `factor` times as large, for when they cannot be read.
pub fn with_margin(budgets: Vec<DeviceBudget>, factor: u32) -> Vec<DeviceBudget> {
    let larger = |budget: DeviceBudget| {
        let margin = MARGIN.min(budget.budget / 20).saturating_mul(u64::from(factor.saturating_sub(1)));
        match budget.device == MAIN_MEMORY {
            true => budget,
            false => DeviceBudget { budget: budget.budget.saturating_sub(margin), ..budget },
        }
    };
    budgets.into_iter().map(larger).collect()
}

fn of(limits: BudgetLimits, memory: &Reading<Memory>, gpus: &Reading<Vec<Gpu>>) -> Vec<DeviceBudget> {
    let memory = match memory {
        Reading::Known(Memory { total, available }) => Some((*total, *available)),
        Reading::Unavailable(_) => None,
    };
    let mut all: Vec<DeviceBudget> = budget(MAIN_MEMORY.to_owned(), limits.ram, memory).into_iter().collect();
    // Where the GPUs do not answer, how many there are is not known either.
    let Reading::Known(gpus) = gpus else { return all };
    for gpu in gpus {
        let memory = match gpu.memory {
            Reading::Known(GpuMemory { total, free, .. }) => Some((total, free)),
            Reading::Unavailable(_) => None,
        };
        all.extend(budget(format!("CUDA{}", gpu.index), limits.vram, memory));
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
            of(limits, memory, gpus).into_iter().map(|b| (b.device, b.budget, b.available)).collect()
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
}
