//! The number of cores that this process may use.

use std::num::NonZero;

/// Returns the number of cores that this process may keep busy at once: its affinity mask and its cgroup's CPU quota,
/// as the standard library reads them. At least 1.
pub fn usable_cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Returns the number of usable cores without the second hardware thread of each core: two hardware threads share the
/// units that matrix multiplication keeps busy. At least 1. All usable cores count where the machine does not report
/// its physical cores.
pub fn physical_cores() -> usize {
    let usable = usable_cores();
    sysinfo::System::physical_core_count().map_or(usable, |physical| usable.min(physical.max(1)))
}
