use super::super::Fact;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A control group that holds processes of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlGroup {
    pub path: String,
    /// 1 or 2.
    pub version: u8,
    /// With the boot it identifies the counters: they only grow.
    pub inode: Option<u64>,
    /// In bytes; None: no limit.
    pub memory_limit: Option<u64>,
    pub memory_used: Option<u64>,
    pub oom_kills: Option<u64>,
    /// Times that the limit was hit (`max`, v1: `failcnt`).
    pub limit_hits: Option<u64>,
    /// Of this group, or of the whole machine where it has none.
    pub pressure: Option<Pressure>,
}

/// Shares of time in percent that some or all tasks waited (PSI), over 10, 60 and 300 seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// In hundredths of a percent, so that it compares.
    pub avg10: u32,
    pub avg60: u32,
    pub avg300: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pressure {
    pub memory_some: Waits,
    pub memory_full: Waits,
    pub io_some: Waits,
    pub io_full: Waits,
    pub cpu_some: Waits,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// In bytes.
    pub total: u64,
    pub available: u64,
    pub swap_total: u64,
    pub swap_free: u64,
    /// Pages swapped in since boot.
    pub swapped_in: Option<u64>,
    /// The largest users: pid, name, resident bytes; at most 10.
    pub largest: Vec<(u32, String, u64)>,
}

/// A file system that holds models, logs or the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    pub mount_point: PathBuf,
    pub source: String,
    pub kind: String,
    /// What of ours is on it: `models`, `logs of llama`, `database`, `shared memory`.
    pub holds: Vec<String>,
    /// In bytes; `available` is what a user without rights can write.
    pub total: u64,
    pub available: u64,
    pub inodes: u64,
    pub inodes_available: u64,
    /// Mounted, and the file system itself, read-only.
    pub is_read_only: bool,
    pub is_super_read_only: bool,
    pub is_network: bool,
    /// The largest files below the places of ours, for a full disk: path and bytes, at most 5.
    pub largest: Vec<(PathBuf, u64)>,
    /// The folder with the most entries, for a disk without inodes.
    pub crowded: Option<(PathBuf, u64)>,
    /// Files that are deleted and still open: pid, name, path, bytes; the 5 largest.
    pub deleted_open: Vec<(u32, String, PathBuf, u64)>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClockState {
    /// By `adjtimex`; None: unknown.
    pub is_synchronised: Option<bool>,
    /// Seconds by which the clock of the day has jumped against the time since boot since the baseline.
    pub jumped_s: Option<f64>,
    /// Seconds between ours and the clock of another machine.
    pub peer_skew_s: Option<f64>,
    pub booted: Option<Timestamp>,
    pub boot_id: Option<String>,
}

/// The node as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub host: String,
    pub kernel: String,
    /// `docker`, `podman`, `kubernetes`, `lxc`, …; None: no container that shows.
    pub container: Option<String>,
    pub uid: u32,
    /// Cores that this process may use.
    pub cpus: Option<u32>,
    pub cpu_flags: Fact<Vec<String>>,
    pub memory: Fact<Memory>,
    pub pressure: Fact<Pressure>,
    pub disks: Vec<Fact<Disk>>,
    pub clock: Fact<ClockState>,
    pub listeners: Fact<Vec<super::super::process::Listener>>,
    /// Addresses of our interfaces.
    pub addresses: Vec<String>,
}
