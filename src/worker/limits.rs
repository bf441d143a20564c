//! Limits on the machine's resources that the worker process may take, in addition to the bounds on its requests. Where
//! a request makes it grow all the same, the worker ends, and nothing else on the machine.

use rustix::process::{Resource, Rlimit};
use std::fs;

/// The share of the memory, in thousandths, that the OOM killer adds to ours: a worker is killed before what it serves.
const OOM_SCORE: i32 = 500;
/// Bytes of data by which the process may grow once its model is loaded. All buffers exist by then; only requests and
/// answers follow.
const HEADROOM: u64 = 4 << 30;

/// Makes this process the one that the kernel's OOM killer ends first.
pub fn volunteer_for_oom(log: fn(&str)) {
    const FILE: &str = "/proc/self/oom_score_adj";
    let now = fs::read_to_string(FILE).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if now >= OOM_SCORE {
        return;
    }
    if let Err(error) = fs::write(FILE, OOM_SCORE.to_string()) {
        log(&format!("cannot write {FILE}: {error}"));
    }
}

/// Bounds the data of this process (RLIMIT_DATA) to its present size and some headroom. A build for GPUs has no bound,
/// since their drivers map any amount of memory.
pub fn bound_memory(log: fn(&str)) {
    if cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm", feature = "metal")) {
        return;
    }
    let Some(now) = fs::read_to_string("/proc/self/status").ok().and_then(|text| data_bytes(&text)) else {
        log("cannot read our memory limit: memory is unlimited");
        return;
    };
    let limit = rustix::process::getrlimit(Resource::Data);
    let most = now.saturating_add(HEADROOM);
    if [limit.current, limit.maximum].into_iter().flatten().any(|set| set <= most) {
        return;
    }
    if let Err(error) = rustix::process::setrlimit(Resource::Data, Rlimit { current: Some(most), ..limit }) {
        log(&format!("cannot bound our memory: {error}"));
    }
}

/// Returns `VmData` of proc_pid_status(5), which RLIMIT_DATA counts.
fn data_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_a_process_is_read_from_its_status() {
        assert_eq!(data_bytes("Name:\tx\nVmData:\t    1024 kB\nVmStk:\t132 kB\n"), Some(1 << 20));
        assert_eq!(data_bytes("VmData:\t1024\n"), None);
        assert!(fs::read_to_string("/proc/self/status").ok().and_then(|text| data_bytes(&text)).is_some());
    }
}
