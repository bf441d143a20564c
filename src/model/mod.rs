//! Plain data with the words of the house: model, artifact, store, tier. No I/O here.

mod device_memory;
mod facts;
mod history;
mod holding;
mod keep;
mod listed;
mod quant;
mod reading;
mod row;
mod scan;
mod selector;
mod stamp;
mod stored;
pub mod task;
mod tier;
mod trash;

pub use device_memory::DeviceMemory;
pub use facts::{Attention, Facts, Integrity, Recurrent, Split, digits, percent};
pub use history::{Action, Actor, Event, Recorded, Subject};
pub use holding::{Class, Holding, Surveyed};
pub use keep::{HintSource, KeepHint};
pub use listed::{Listed, hex, path_bytes_hex};
pub use quant::{Quant, QuantSource};
pub use reading::Reading;
pub use row::{ModelRow, RootState};
pub use scan::{KnownFile, ScanCounts, ScanOutcome};
pub use selector::{Named, Pick, Selector, pick};
pub use stamp::FolderStamp;
pub use stored::{ModelFile, PlacedFile, Stored};
pub use tier::{Tier, TierLimits, tier_of};
pub use trash::{TRASH_FOLDER, is_trash};

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Twelve lower-case hex digits: what a person types to name a model. Given when a model is first seen, derived from
/// its content where possible, kept when it moves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelId(pub String);

impl ModelId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes two looks at a path the same bytes without opening it. From stat(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileIdentity {
    pub dev: u64,
    pub ino: u64,
    /// Apparent size, bytes.
    pub size: u64,
    /// Nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// Nanoseconds since the epoch.
    pub ctime_ns: i64,
}

impl FileIdentity {
    /// Of what `meta` describes.
    pub fn of(meta: &Metadata) -> FileIdentity {
        let ns = |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
        FileIdentity {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime_ns: ns(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: ns(meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// The same inode with the same content as far as stat can tell. A rename or a new hard link changes only `ctime`.
    pub fn same_content(&self, other: &FileIdentity) -> bool {
        (self.dev, self.ino, self.size, self.mtime_ns) == (other.dev, other.ino, other.size, other.mtime_ns)
    }
}

/// The places models are kept in, each with its own layout rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// A plain folder tree.
    Dir,
    /// The Hugging Face hub cache, and what huggingface_hub keeps beside it.
    Hf,
    /// Ollama: manifests and blobs.
    Ollama,
    /// LM Studio: `publisher/repository/file`.
    LmStudio,
    /// llama.cpp's own cache: flat files with manifests, before it took to the layout of the hub.
    LlamaCpp,
    /// RamaLama: references, snapshots and blobs of each model.
    RamaLama,
    /// Docker Model Runner: an OCI-like store.
    Docker,
}

impl StoreKind {
    pub const ALL: &'static [StoreKind] = &[
        StoreKind::Dir,
        StoreKind::Hf,
        StoreKind::Ollama,
        StoreKind::LmStudio,
        StoreKind::LlamaCpp,
        StoreKind::RamaLama,
        StoreKind::Docker,
    ];

    /// The name used on the command line, in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            StoreKind::Dir => "dir",
            StoreKind::Hf => "hf",
            StoreKind::Ollama => "ollama",
            StoreKind::LmStudio => "lmstudio",
            StoreKind::LlamaCpp => "llamacpp",
            StoreKind::RamaLama => "ramalama",
            StoreKind::Docker => "docker",
        }
    }

    /// What its owner calls itself.
    pub fn title(self) -> &'static str {
        match self {
            StoreKind::Dir => "folder",
            StoreKind::Hf => "Hugging Face",
            StoreKind::Ollama => "Ollama",
            StoreKind::LmStudio => "LM Studio",
            StoreKind::LlamaCpp => "llama.cpp",
            StoreKind::RamaLama => "RamaLama",
            StoreKind::Docker => "Docker Model Runner",
        }
    }

    pub fn from_name(name: &str) -> Option<StoreKind> {
        Self::ALL.iter().copied().find(|s| s.name() == name)
    }
}

/// What a GGUF file is for, from `general.type`, its architecture and its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Generates text.
    Generative,
    /// Gives one vector per text (a pooling type is set), or scores pairs.
    Embedding,
    /// A LoRA adapter: needs a base model.
    Adapter,
    /// A control vector.
    Control,
    /// An importance matrix: calibration data, not a model.
    Imatrix,
    /// A multimodal projector: part of another model, or alone where no model for it was found.
    Mmproj,
    /// A vocabulary without weights.
    Vocab,
    /// A file that could not be read as GGUF.
    Unknown,
}

impl Kind {
    pub const ALL: &'static [Kind] = &[
        Kind::Generative,
        Kind::Embedding,
        Kind::Adapter,
        Kind::Control,
        Kind::Imatrix,
        Kind::Mmproj,
        Kind::Vocab,
        Kind::Unknown,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Generative => "generative",
            Kind::Embedding => "embedding",
            Kind::Adapter => "adapter",
            Kind::Control => "control",
            Kind::Imatrix => "imatrix",
            Kind::Mmproj => "mmproj",
            Kind::Vocab => "vocab",
            Kind::Unknown => "unknown",
        }
    }

    pub fn from_name(name: &str) -> Option<Kind> {
        Self::ALL.iter().copied().find(|k| k.name() == name)
    }
}

/// Whether a model can be used as it lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every file is there and as long as its header says.
    Ready,
    /// A split set lacks parts or its parts do not belong together.
    Incomplete,
    /// A file is shorter than its tensors need.
    Truncated,
    /// A file is not a readable GGUF.
    Damaged,
    /// Its root could not be looked at in the last scan; nothing is known about it now.
    Unavailable,
    /// It was there once; its root was read and it was not in it.
    Gone,
}

impl State {
    pub const ALL: &'static [State] =
        &[State::Ready, State::Incomplete, State::Truncated, State::Damaged, State::Unavailable, State::Gone];

    pub fn name(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Incomplete => "incomplete",
            State::Truncated => "truncated",
            State::Damaged => "damaged",
            State::Unavailable => "unavailable",
            State::Gone => "gone",
        }
    }

    pub fn from_name(name: &str) -> Option<State> {
        Self::ALL.iter().copied().find(|s| s.name() == name)
    }
}

/// What one file is within its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The whole model, or (for an adapter, imatrix, …) the thing itself.
    Main,
    /// One part of a split set.
    Shard,
    /// The projector that goes with the model.
    Mmproj,
}

impl Role {
    pub const ALL: &'static [Role] = &[Role::Main, Role::Shard, Role::Mmproj];

    pub fn name(self) -> &'static str {
        match self {
            Role::Main => "main",
            Role::Shard => "shard",
            Role::Mmproj => "mmproj",
        }
    }

    pub fn from_name(name: &str) -> Option<Role> {
        Self::ALL.iter().copied().find(|r| r.name() == name)
    }
}

/// One file on disk, as a store presents it.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// The entry a person would name: the snapshot link in a Hugging Face cache, the file itself in a folder.
    pub path: PathBuf,
    /// Where the bytes are, when that is another path (the blob behind a link).
    pub target: Option<PathBuf>,
    /// Further entries of the same store that lead to the same bytes (other snapshots).
    pub also: Vec<PathBuf>,
    pub identity: FileIdentity,
    /// Bytes of disk in use (`st_blocks * 512`).
    pub allocated: u64,
    pub role: Role,
    /// 1-based place in its split set, for [`Role::Shard`].
    pub shard_no: Option<u32>,
    /// sha256 of the content as the store promises it, lower-case hex, when the store knows it offline.
    pub expected_sha256: Option<String>,
    /// What the header says, or why it cannot be read.
    pub header: Result<Facts, String>,
}

impl Artifact {
    /// The path to open for reading.
    pub fn open_path(&self) -> &Path {
        self.target.as_deref().unwrap_or(&self.path)
    }
}

/// One row of the inventory: what a person loads, with all its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub id: ModelId,
    /// The name a person would use; unique enough to type, not unique by law.
    pub name: String,
    pub store: StoreKind,
    /// The root of the store it was found in.
    pub root: PathBuf,
    /// Hugging Face repository (`org/name`), or None for a plain file.
    pub repo: Option<String>,
    pub kind: Kind,
    pub state: State,
    /// Why the state is not ready; a sentence without control characters.
    pub reason: Option<String>,
    /// Content identity: a hash of what the header says and of the file sizes. Survives a move and a re-download;
    /// None when no header could be read. Settings and usage hang on it.
    pub content: Option<String>,
    /// Files in load order: first the main file or the shards by number, then the projector.
    pub artifacts: Vec<Artifact>,
    /// Shards that the set's own count promises; 1 for a whole file.
    pub shards_expected: u32,
    pub first_seen: Timestamp,
    pub settings: Settings,
    pub usage: Usage,
}

impl Model {
    /// The facts of the main file (of the first shard in a set).
    pub fn facts(&self) -> Option<&Facts> {
        self.artifacts.iter().filter(|a| a.role != Role::Mmproj).find_map(|a| a.header.as_ref().ok())
    }

    /// Tokens of context that the model was trained with, where its header says so.
    pub fn trained_context(&self) -> Option<u32> {
        self.facts().and_then(|f| f.context_length).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0)
    }

    /// The file to hand to llama.cpp: the main file, or the first shard.
    pub fn main(&self) -> Option<&Artifact> {
        self.artifacts.iter().find(|a| a.role != Role::Mmproj)
    }

    /// The projector, if it has one.
    pub fn mmproj(&self) -> Option<&Artifact> {
        self.artifacts.iter().find(|a| a.role == Role::Mmproj)
    }

    /// Apparent bytes of all files.
    pub fn size(&self) -> u64 {
        self.artifacts.iter().fold(0, |sum, a| sum.saturating_add(a.identity.size))
    }

    /// Bytes of disk in use by all files.
    pub fn allocated(&self) -> u64 {
        self.artifacts.iter().fold(0, |sum, a| sum.saturating_add(a.allocated))
    }

    /// Parameters of the whole model: elements over the tensors of all shards, without the projector.
    pub fn parameters(&self) -> Option<u64> {
        let mut known =
            self.artifacts.iter().filter(|a| a.role != Role::Mmproj).filter_map(|a| a.header.as_ref().ok()).peekable();
        known.peek()?;
        Some(known.fold(0u64, |sum, f| sum.saturating_add(f.parameters)))
    }

    /// Bytes of tensor data of the whole model, without the projector.
    pub fn weights(&self) -> u64 {
        self.artifacts
            .iter()
            .filter(|a| a.role != Role::Mmproj)
            .filter_map(|a| a.header.as_ref().ok())
            .fold(0u64, |sum, f| sum.saturating_add(f.tensor_bytes))
    }
}

/// What a person set on a model. Kept by content identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// May be started or chosen.
    pub enabled: bool,
    /// Never evicted, never pruned.
    pub pinned: bool,
    /// Overrides the computed tier.
    pub tier: Option<Tier>,
    pub alias: Option<String>,
    pub note: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { enabled: true, pinned: false, tier: None, alias: None, note: None }
    }
}

/// What modelctl's own journal says about the use of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub last_used: Option<Timestamp>,
    pub use_count: u64,
    /// Which command used it last (`run-once`, `serve`, `task`).
    pub last_source: Option<String>,
}
