//! The wait for memory of a GPU that a server gives back when it ends. A driver frees it a moment after the process is
//! gone: who looks at once finds too little, and stops another server for nothing.

use crate::clock;
use crate::host::budget::MAIN_MEMORY;
use crate::host::gpu;
use crate::host::self_child::OURSELVES;
use crate::model::{DeviceBytes, Reading};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The time that a driver has to answer, and to free the memory.
const ANSWER: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(10);
/// The time between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// Looks in a row without a change after which nothing more is waited for: an estimate may be more than was held.
const STILL: u32 = 4;

/// Free bytes of GPUs, by their names.
type Free = BTreeMap<String, u64>;

/// What is waited for.
#[derive(Debug)]
pub struct GpuRelease {
    held: Vec<DeviceBytes>,
    before: Free,
    last: Free,
    still: u32,
}

impl GpuRelease {
    /// Looks at what is free before a server is stopped that holds `held`. `None`: it holds nothing of a GPU, or nobody
    /// knows what is free.
    pub async fn begin(held: &[DeviceBytes]) -> Option<GpuRelease> {
        let held: Vec<DeviceBytes> =
            held.iter().filter(|held| held.device != MAIN_MEMORY && held.bytes > 0).cloned().collect();
        if held.is_empty() {
            return None;
        }
        let before = free().await?;
        Some(GpuRelease { held, last: before.clone(), before, still: 0 })
    }

    /// Waits until the memory is free; not for ever.
    pub async fn wait(mut self) {
        let until = clock::instant().checked_add(LIMIT);
        while until.is_some_and(|until| clock::instant() < until) {
            // What cannot be read is not waited for: the ledger decides.
            let Some(now) = free().await else { return };
            if self.is_over(now) {
                return;
            }
            // The driver gives no event for memory that is free again.
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Takes a look into account. Returns whether most of what was held is free, on each device; or some of it is, and
    /// nothing has changed for a while.
    fn is_over(&mut self, now: Free) -> bool {
        let gained = |device: &str| {
            let free = |of: &Free| i128::from(of.get(device).copied().unwrap_or(0));
            // Others may have taken some meanwhile: less than before is not a large number.
            free(&now) - free(&self.before)
        };
        let is_back = self.held.iter().all(|held| gained(&held.device) >= i128::from(held.bytes / 4 * 3));
        let is_some_back = self.held.iter().any(|held| gained(&held.device) > 0);
        self.still = if now == self.last { self.still.saturating_add(1) } else { 0 };
        self.last = now;
        is_back || (is_some_back && self.still >= STILL)
    }
}

async fn free() -> Option<Free> {
    let read = tokio::task::spawn_blocking(|| gpu::gpus(Path::new(OURSELVES)));
    // A driver that hangs, and a reader that broke down, say nothing.
    let Ok(Ok(Reading::Known(gpus))) = tokio::time::timeout(ANSWER, read).await else { return None };
    let known = gpus.iter().filter_map(|gpu| Some((format!("CUDA{}", gpu.index), gpu.memory.known()?.free)));
    Some(known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(device: &str, bytes: u64) -> DeviceBytes {
        DeviceBytes { device: device.to_owned(), bytes }
    }

    fn free(first: u64, second: u64) -> Free {
        BTreeMap::from([("CUDA0".to_owned(), first), ("CUDA1".to_owned(), second)])
    }

    /// With unsigned numbers, memory that others take meanwhile would count as an enormous release.
    #[test]
    fn memory_is_back_on_each_device_or_when_no_more_comes() {
        let release = || GpuRelease {
            held: vec![on("CUDA0", 100), on("CUDA1", 40)],
            before: free(10, 10),
            last: free(10, 10),
            still: 0,
        };
        let mut one = release();
        assert_eq!([free(85, 10), free(85, 39), free(85, 40)].map(|now| one.is_over(now)), [false, false, true]);
        let mut less = release();
        assert!((0..20).all(|_| !less.is_over(free(5, 5))), "others have taken some");
        let mut part = release();
        let looks: Vec<bool> = (0..6).map(|_| part.is_over(free(40, 10))).collect();
        assert_eq!(looks, [false, false, false, false, true, true], "it held less than was reserved");
    }

    #[tokio::test]
    async fn main_memory_is_free_with_the_end_of_the_process() {
        assert!(GpuRelease::begin(&[on(MAIN_MEMORY, 9), on("CUDA0", 0)]).await.is_none());
    }
}
