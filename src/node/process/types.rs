use super::super::Fact;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A process of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// As the kernel cuts it, 15 bytes.
    pub name: String,
    pub started: Option<Timestamp>,
    pub argv: Vec<String>,
    pub exe: Option<PathBuf>,
    pub cwd: Option<PathBuf>,
    pub uid: Option<u32>,
    /// All groups, the effective one first.
    pub groups: Vec<u32>,
    /// `R`, `S`, `D`, `T`, `Z`, …
    pub state: char,
    /// The kernel function that it sleeps in.
    pub wchan: Option<String>,
    /// Every variable by its name; values of allowed names only, None for the others.
    pub environment: Fact<BTreeMap<String, Option<String>>>,
    /// Shared libraries that are mapped.
    pub libraries: Fact<Vec<PathBuf>>,
    /// Files that end in `.gguf`, or blobs of a store, that are mapped or open.
    pub models: Fact<Vec<PathBuf>>,
    pub open_files: Fact<u64>,
    /// Soft limit.
    pub open_files_limit: Option<u64>,
    /// Resident and swapped bytes.
    pub rss: Option<u64>,
    pub swap: Option<u64>,
    /// Bytes that were read from disks since its start.
    pub read_bytes: Option<u64>,
    /// The path of its control group: that of v1's memory controller where there is one, else that of v2.
    pub cgroup: Option<String>,
    /// Whether its mount namespace is another one than ours; None: unknown.
    pub other_mounts: Option<bool>,
    /// GPU device nodes that it has open.
    pub gpu_nodes: Vec<PathBuf>,
}

/// What a process is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    pub pid: u32,
    pub parent: u32,
    /// As the kernel cuts it, 15 bytes.
    pub name: String,
    /// Empty where it has ended and nobody has waited for it yet, or where it may not be read.
    pub argv: Vec<String>,
    /// The effective one.
    pub uid: Option<u32>,
}

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// `127.0.0.1:8080`, `[::]:80`.
    pub address: String,
    pub port: u16,
    /// None: the owner belongs to another user, or is in another container.
    pub pid: Option<u32>,
    pub name: Option<String>,
}
