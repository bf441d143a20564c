//! `/dev/shm` as a process sees it: a container has its own, of 64 MB unless it was told otherwise.

use super::super::{Fact, Place, proc_file};
use crate::clock;
use crate::host::self_child::{self, NoAnswer};
use rustix::fs::statvfs;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hidden command that reads a [`SharedMemoryRequest`] from its argument, and prints the answer of its `read`.
pub const SHARED_MEMORY_PROBE: [&str; 2] = ["probe", "shared-memory"];

/// Whose shared memory is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedMemoryRequest {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    pub pid: u32,
}

impl SharedMemoryRequest {
    /// Reads in this process. May never return where the root of the process is on a file system that hangs.
    pub fn read(&self) -> Fact<(u64, u64)> {
        shared_memory(&Place::new(&self.root), self.pid)
    }
}

/// Returns total and available bytes of the `/dev/shm` of a process, in this process. May never return:
/// [`ask_shared_memory`] does not hang.
pub fn shared_memory(place: &Place, pid: u32) -> Fact<(u64, u64)> {
    let source = format!("/proc/{pid}/root/dev/shm");
    let now = clock::now();
    match statvfs(place.at(&source)) {
        Ok(size) => {
            let bytes = |blocks: u64| blocks.saturating_mul(size.f_frsize);
            Fact::ok(source, now, (bytes(size.f_blocks), bytes(size.f_bavail)))
        }
        Err(error) => Fact::io_error(source, now, &error.into(), proc_file::OWNER),
    }
}

/// Returns the same from a child process with this limit. `modelctl` is the program to ask.
pub fn ask_shared_memory(modelctl: &Path, place: &Place, pid: u32, limit: Duration) -> Fact<(u64, u64)> {
    let request = SharedMemoryRequest { root: place.at("/"), pid };
    let answer: Result<Fact<(u64, u64)>, _> = self_child::ask_json(modelctl, &SHARED_MEMORY_PROBE, &request, limit);
    let unanswered =
        |why: NoAnswer| Fact::new(format!("/proc/{pid}/root/dev/shm"), clock::now(), super::disks::unanswered(&why));
    answer.unwrap_or_else(unanswered)
}
