use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// A unit, as `systemctl show` reports it. None where this systemd does not know the property.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    pub name: String,
    /// `active`, `failed`, `activating`, `inactive`, …
    pub active: Option<String>,
    pub sub: Option<String>,
    /// `success`, `exit-code`, `oom-kill`, `timeout`, `start-limit-hit`, `watchdog`, …
    pub result: Option<String>,
    pub restarts: Option<u32>,
    pub main_pid: Option<u32>,
    pub exit_status: Option<i32>,
    pub started: Option<Timestamp>,
    /// In bytes.
    pub memory: Option<u64>,
    pub cgroup: Option<String>,
    /// The unit file.
    pub path: Option<String>,
    pub command: Vec<String>,
    pub directory: Option<String>,
    pub user: Option<String>,
    /// In seconds; None: infinite or unknown.
    pub start_timeout_s: Option<f64>,
    pub protect_home: Option<String>,
    pub protect_system: Option<String>,
}
