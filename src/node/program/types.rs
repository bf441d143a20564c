use super::super::Fact;
use super::super::model_file::FileView;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A limit on the time of a start, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateFound {
    pub name: String,
    /// In seconds.
    pub seconds: f64,
    /// `start-llama.sh:12`, `environment of process 17`, `[program:llama] startsecs`, `configuration`.
    pub place: String,
}

/// What starts a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Launcher {
    /// The program of the command, and whether it exists, may be executed and is for this machine.
    pub program: PathBuf,
    pub file: Fact<FileView>,
    /// `elf x86_64`, `script /bin/sh`, `truncated elf`, `elf aarch64`, `no format`.
    pub format: Option<String>,
    /// The interpreter of a script, and whether it exists.
    pub interpreter: Option<(PathBuf, bool)>,
    /// The longest part of the path that exists.
    pub nearest: Option<PathBuf>,
    pub is_noexec: Option<bool>,
    /// Whether the folder that it should start in exists.
    pub directory: Option<(PathBuf, Fact<FileView>)>,
    /// `module:attribute` of an ASGI or WSGI server, and the file of the module below the folder, if it is there.
    pub application: Option<(String, Option<PathBuf>)>,
}

/// A shared library that a program needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    pub name: String,
    /// None: not found by the loader's rules.
    pub found: Option<PathBuf>,
    /// `RUNPATH`, `LD_LIBRARY_PATH`, `cache`, `default`.
    pub by: Option<String>,
    /// A file of that name somewhere else that the loader does not search.
    pub elsewhere: Option<PathBuf>,
    /// Whether it asks for an executable stack.
    pub wants_executable_stack: bool,
}

/// The answer of `queue.check`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueAnswer {
    #[serde(default)]
    pub queue: Option<String>,
    #[serde(default)]
    pub pollers: Option<Vec<Poller>>,
    #[serde(default)]
    pub backlog: Option<u64>,
    #[serde(default)]
    pub done: Option<u64>,
    #[serde(default)]
    pub failed: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Poller {
    #[serde(default)]
    pub identity: Option<String>,
    #[serde(default)]
    pub last_seen_s: Option<f64>,
}

/// The Python of a service, read without running it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonFacts {
    pub interpreter: PathBuf,
    pub version: Option<String>,
    pub site_packages: Vec<PathBuf>,
    pub torch_version: Option<String>,
    /// `torch.version.cuda`; Some(None): built without CUDA.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub torch_cuda: Option<Option<String>>,
    pub ctranslate2_version: Option<String>,
}

/// What the torch of a service says when its own Python imports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TorchFacts {
    pub interpreter: PathBuf,
    /// None: it cannot be imported.
    pub version: Option<String>,
    /// The CUDA or HIP that it was built for.
    pub cuda: Option<String>,
    /// `torch.cuda.is_available()`.
    pub is_available: Option<bool>,
    pub devices: u32,
    /// Why it cannot be imported, or cannot use a GPU.
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubFacts {
    pub repository: String,
    pub is_present: bool,
    pub is_offline_set: bool,
}

/// Reads a null that is there as Some(None), which serde takes for None.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}
