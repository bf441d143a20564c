//! Plain data with the words of the glossary: model, artifact, store, tier. No I/O here.

mod amount;
mod aside;
pub mod backoff;
mod copies;
mod device_memory;
mod facts;
mod fault;
pub mod health;
mod history;
mod holding;
mod keep;
pub mod ledger;
pub mod lifecycle;
mod listed;
mod one_file;
mod pattern;
pub mod popularity;
mod quant;
mod reading;
mod row;
mod scan;
mod selector;
pub mod server;
pub mod service;
mod share;
mod stamp;
mod stored;
pub mod task;
mod tier;
mod trash;
pub mod tuning;
mod verdict;

pub use amount::{Age, age, iec, recent, size};
pub use aside::Aside;
pub use copies::best_copies;
pub use device_memory::{DeviceBytes, DeviceMemory};
pub use facts::{Attention, Evidence, Facts, Integrity, Recurrent, Split, digits, percent};
pub(crate) use fault::fault_of;
pub use fault::{Damage, Fault, Nature, damage, other_hash};
pub use history::{Action, Actor, Event, Recorded, Subject};
pub use holding::{Class, Holding, Surveyed};
pub use keep::{HintSource, KeepHint};
pub use listed::{Listed, hex, path_bytes_hex, paths_bytes_hex};
pub use one_file::{OneFile, may_be_one_file};
pub use pattern::Pattern;
pub use quant::{Quant, QuantSource};
pub use reading::Reading;
pub use row::{ModelRow, RootState};
pub use scan::{KnownFile, ScanCounts, ScanOutcome};
pub use selector::{Named, Pick, Selector, is_named_in_full, pick};
pub use share::{Share, ShareHow};
pub use stamp::FolderStamp;
pub use stored::{ModelFile, PlacedFile, Stored};
pub use tier::{Tier, TierLimits, tier_of};
pub use trash::{TRASH_FOLDER, is_trash};
pub use verdict::{FileVerdict, Found, apply_verdicts};

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The id of a model: twelve lower-case hex digits, which a person types to name it. Assigned when a model is first
/// seen, derived from its content where possible, and kept when the model moves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
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

/// The values from stat(2) that show, without opening a file, whether a path still leads to the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileIdentity {
    pub dev: u64,
    pub ino: u64,
    /// The apparent size in bytes.
    pub size: u64,
    /// The time of the last write, in nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// The time of the last inode change, in nanoseconds since the epoch.
    pub ctime_ns: i64,
}

impl FileIdentity {
    /// Takes the identity from `meta`.
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

    /// Returns whether both are the same inode with the same content, as far as stat can show. A rename or a new hard
    /// link changes only `ctime`.
    pub fn same_content(&self, other: &FileIdentity) -> bool {
        (self.dev, self.ino, self.size, self.mtime_ns) == (other.dev, other.ino, other.size, other.mtime_ns)
    }
}

/// The kinds of stores, each with its own layout rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// A plain folder tree.
    Dir,
    /// The Hugging Face hub cache, and the files that huggingface_hub keeps next to it.
    Hf,
    /// Ollama: manifests and blobs.
    Ollama,
    /// LM Studio: `publisher/repository/file`.
    LmStudio,
    /// llama.cpp's own cache: flat files with manifests, used before llama.cpp adopted the layout of the hub.
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

    /// Returns the name used on the command line, in JSON and in the database.
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

    /// Returns the name that the owner of the store uses for itself.
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

    /// Returns other names that people type for it.
    pub fn synonyms(self) -> &'static [&'static str] {
        match self {
            StoreKind::Dir => &["folder"],
            StoreKind::Hf => &["huggingface", "hugging-face"],
            StoreKind::LmStudio => &["lm-studio"],
            StoreKind::LlamaCpp => &["llama.cpp", "llama-cpp"],
            StoreKind::Ollama | StoreKind::RamaLama | StoreKind::Docker => &[],
        }
    }

    pub fn from_name(name: &str) -> Option<StoreKind> {
        Self::ALL.iter().copied().find(|s| s.name() == name || s.synonyms().contains(&name))
    }
}

/// The purpose of a GGUF file, from `general.type`, its architecture and its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Generates text.
    Generative,
    /// Returns one vector per text.
    Embedding,
    /// Scores texts, or pairs of texts, instead of generating text.
    Reranker,
    /// Handles speech: recognition, synthesis, audio codecs.
    Speech,
    /// Works by diffusion: generates images, video, or whole texts at once.
    Diffusion,
    /// Encodes for another model: text encoders of image models, autoencoders.
    Encoder,
    /// Predicts tokens for the model that it was made for (MTP, EAGLE); answers nothing on its own.
    Draft,
    /// A LoRA adapter: needs a base model.
    Adapter,
    /// A control vector.
    Control,
    /// An importance matrix: calibration data, not a model.
    Imatrix,
    /// A multimodal projector: part of another model, or alone where its model was not found.
    Mmproj,
    /// A vocabulary without weights.
    Vocab,
    /// Unknown: no readable header, no architecture, or an architecture that is not known.
    Unknown,
}

impl Kind {
    /// Returns whether it answers requests with texts, vectors or scores. Tiers are for these kinds.
    pub fn is_served(self) -> bool {
        matches!(self, Kind::Generative | Kind::Embedding | Kind::Reranker)
    }

    pub const ALL: &'static [Kind] = &[
        Kind::Generative,
        Kind::Embedding,
        Kind::Reranker,
        Kind::Speech,
        Kind::Diffusion,
        Kind::Encoder,
        Kind::Draft,
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
            Kind::Reranker => "reranker",
            Kind::Speech => "speech",
            Kind::Diffusion => "diffusion",
            Kind::Encoder => "encoder",
            Kind::Draft => "draft",
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

/// Whether a model can be used as it is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every file exists and is as long as its header says.
    Ready,
    /// A split set lacks parts or its parts do not belong together.
    Incomplete,
    /// A file is shorter than its tensors need.
    Truncated,
    /// A file is not GGUF, contradicts itself, or its hash is not the promised one.
    Damaged,
    /// A file has something that this program or its llama.cpp does not know. The file is not damaged.
    Unsupported,
    /// A file cannot be read, for lack of permission or because of an I/O error. That does not prove damage.
    Unreadable,
    /// Its root could not be read in the last scan; nothing is known about the model now.
    Unavailable,
    /// It was recorded earlier; its root was read and the model was not in it.
    Gone,
}

impl State {
    pub const ALL: &'static [State] = &[
        State::Ready,
        State::Incomplete,
        State::Truncated,
        State::Damaged,
        State::Unsupported,
        State::Unreadable,
        State::Unavailable,
        State::Gone,
    ];

    pub fn name(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Incomplete => "incomplete",
            State::Truncated => "truncated",
            State::Damaged => "damaged",
            State::Unsupported => "unsupported",
            State::Unreadable => "unreadable",
            State::Unavailable => "unavailable",
            State::Gone => "gone",
        }
    }

    pub fn from_name(name: &str) -> Option<State> {
        Self::ALL.iter().copied().find(|s| s.name() == name)
    }

    /// Returns the state with its reason, such as `incomplete: part 2 is missing`. A reason that begins with the state
    /// does not get it twice.
    pub fn because(self, reason: Option<&str>) -> String {
        match reason {
            None => self.name().to_owned(),
            Some(reason) if reason.starts_with(self.name()) => reason.to_owned(),
            Some(reason) => format!("{}: {reason}", self.name()),
        }
    }
}

/// The role of one file within its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The whole model, or the adapter, imatrix and so on itself.
    Main,
    /// One part of a split set.
    Shard,
    /// The projector of the model.
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
    /// The path that a person would name: the snapshot link in a Hugging Face cache, the file itself in a folder.
    pub path: PathBuf,
    /// The path of the bytes, when it differs (the blob behind a link).
    pub target: Option<PathBuf>,
    /// Further entries of the same store that lead to the same bytes (other snapshots).
    pub also: Vec<PathBuf>,
    pub identity: FileIdentity,
    /// Bytes of disk in use (`st_blocks * 512`).
    pub allocated: u64,
    pub role: Role,
    /// The 1-based number in its split set, for [`Role::Shard`].
    pub shard_no: Option<u32>,
    /// The sha256 of the content that the store promises, lower-case hex, when the store knows it offline.
    pub expected_sha256: Option<String>,
    /// The facts of the header, or the reason why there are none.
    pub header: Result<Facts, Fault>,
}

impl Artifact {
    /// Returns the path to open for reading.
    pub fn open_path(&self) -> &Path {
        self.target.as_deref().unwrap_or(&self.path)
    }
}

/// One row of the inventory: a model that a person can load, with all its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub id: ModelId,
    /// The name that a person would use; usually unique, but not guaranteed to be.
    pub name: String,
    pub store: StoreKind,
    /// The root of the store that it was found in.
    pub root: PathBuf,
    /// The Hugging Face repository (`org/name`); None for a plain file.
    pub repo: Option<String>,
    pub kind: Kind,
    pub state: State,
    /// The reason why the state is not ready; a sentence without control characters.
    pub reason: Option<String>,
    /// The content identity: a hash of what the header says and of the file sizes. It survives a move and a new
    /// download; None when no header could be read. Settings and usage are stored by it.
    pub content: Option<String>,
    /// Files in load order: first the main file or the shards by number, then the projector.
    pub artifacts: Vec<Artifact>,
    /// The facts over all readable parts of a split set; None for one file.
    pub whole: Option<Box<Facts>>,
    /// The number of shards that the set's own count promises; 1 for a whole file.
    pub shards_expected: u32,
    pub first_seen: Timestamp,
    pub settings: Settings,
    pub usage: Usage,
}

impl Model {
    /// Returns the facts of the main file, or of all parts of a split set together.
    pub fn facts(&self) -> Option<&Facts> {
        if let Some(whole) = &self.whole {
            return Some(whole);
        }
        self.artifacts.iter().filter(|a| a.role != Role::Mmproj).find_map(|a| a.header.as_ref().ok())
    }

    /// Returns the number of tokens of context that the model was trained with, where its header says so.
    pub fn trained_context(&self) -> Option<u32> {
        self.facts().and_then(|f| f.context_length).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0)
    }

    /// Returns the file to pass to llama.cpp: the main file, or the first shard.
    pub fn main(&self) -> Option<&Artifact> {
        self.artifacts.iter().find(|a| a.role != Role::Mmproj)
    }

    /// Returns the projector, if the model has one.
    pub fn mmproj(&self) -> Option<&Artifact> {
        self.artifacts.iter().find(|a| a.role == Role::Mmproj)
    }

    /// Returns the apparent bytes of all files.
    pub fn size(&self) -> u64 {
        self.artifacts.iter().fold(0, |sum, a| sum.saturating_add(a.identity.size))
    }

    /// Returns the bytes of disk in use by all files.
    pub fn allocated(&self) -> u64 {
        self.artifacts.iter().fold(0, |sum, a| sum.saturating_add(a.allocated))
    }

    /// Returns the number of parameters of the whole model: elements over the tensors of all shards, without the
    /// projector.
    pub fn parameters(&self) -> Option<u64> {
        let mut known =
            self.artifacts.iter().filter(|a| a.role != Role::Mmproj).filter_map(|a| a.header.as_ref().ok()).peekable();
        known.peek()?;
        Some(known.fold(0u64, |sum, f| sum.saturating_add(f.parameters)))
    }

    /// Returns the bytes of tensor data of the whole model, without the projector.
    pub fn weights(&self) -> u64 {
        self.artifacts
            .iter()
            .filter(|a| a.role != Role::Mmproj)
            .filter_map(|a| a.header.as_ref().ok())
            .fold(0u64, |sum, f| sum.saturating_add(f.tensor_bytes))
    }
}

/// The settings that a person made for a model. Stored by content identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Settings {
    /// Whether the model may be started or chosen.
    pub enabled: bool,
    /// Whether the model is never evicted and never pruned.
    pub pinned: bool,
    /// The tier that overrides the computed one.
    pub tier: Option<Tier>,
    pub alias: Option<String>,
    pub note: Option<String>,
    /// The choices for its server; those of the config file apply below them.
    #[serde(default, skip_serializing_if = "server::Choices::is_empty")]
    pub server: server::Choices,
}

impl Default for Settings {
    fn default() -> Self {
        let server = server::Choices::default();
        Settings { enabled: true, pinned: false, tier: None, alias: None, note: None, server }
    }
}

/// The use of a model, from modelctl's own records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub last_used: Option<Timestamp>,
    pub use_count: u64,
    /// The command that used it last (`run-once`, `serve`, `task`).
    pub last_source: Option<String>,
}
