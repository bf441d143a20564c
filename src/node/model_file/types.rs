use super::super::Fact;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A model file as a service sees it and as we see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFile {
    /// As the service was given it.
    pub path: PathBuf,
    /// In the mount namespace of the service; the same as ours where it does not run.
    pub service: Fact<FileView>,
    pub ours: Fact<FileView>,
    /// The folder of the file, on both sides: where they differ, another mount is in the way.
    pub service_folder: Fact<FileView>,
    pub our_folder: Fact<FileView>,
    /// The first component that refuses the user of the service.
    pub refusing: Option<Refusing>,
    /// The target of a symbolic link that leads nowhere; `loop` for ELOOP.
    pub dangling: Option<String>,
    /// Where the path does not exist: the longest part that does, and up to three names near to the missing one.
    pub nearest: Option<(PathBuf, Vec<String>)>,
    /// Files `.gguf` beside it with their sizes, at most 20.
    pub neighbours: Vec<(String, u64)>,
    /// Size and time of change at two moments, `seconds` apart.
    pub stable: Option<Stability>,
    /// Who has it open for writing.
    pub writer: Option<(u32, String)>,
    pub content: Fact<Content>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// With links resolved.
    pub resolved: PathBuf,
    pub device: u64,
    pub inode: u64,
    /// `file`, `folder`, `fifo`, `socket`, `device`.
    pub kind: String,
    pub size: u64,
    /// Bytes that are allocated on disk.
    pub allocated: u64,
    /// Permission bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub modified: Option<Timestamp>,
    /// Source, mount point and type of its file system.
    pub mount: Option<(String, PathBuf, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusing {
    pub path: PathBuf,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// `read`, `enter`.
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    pub seconds: f64,
    pub sizes: (u64, u64),
    pub is_stable: bool,
}

/// What the first bytes and the header say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// `gguf`, `html`, `git-lfs pointer`, `zip`, `safetensors`, `empty`, `other`.
    pub format: String,
    /// The first four bytes as a person can read them.
    pub magic: String,
    pub version: Option<u32>,
    pub is_big_endian: bool,
    pub architecture: Option<String>,
    /// Whether there is a tensor `token_embd.weight`.
    pub has_token_embeddings: Option<bool>,
    /// `model`, `projector`, `adapter`, `vocabulary`, `imatrix`, `control vector`, `draft model`, `unknown`.
    pub kind: Option<String>,
    /// Bytes that the header needs the file to have; the file is cut when it has fewer.
    pub needed: Option<u64>,
    /// What a quick verify finds wrong, in its words.
    pub damage: Option<String>,
    /// Shards that should be there: this one, of how many, and the names of the missing ones.
    pub shards: Option<(u32, u32, Vec<String>)>,
    pub context: Option<u64>,
    /// Bytes of its tensors that were never written (holes); None where its blocks leave no doubt or cannot be asked
    /// for. A file system that compresses allocates less than the size too, and leaves no holes.
    pub holes: Option<u64>,
}
