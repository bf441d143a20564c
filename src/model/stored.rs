use super::{Class, FileIdentity, Holding, ModelId, Role, State, StoreKind};
use std::path::PathBuf;

/// One file of a model as the database has it: what is needed to say why it is there and whether it is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    pub model: ModelId,
    /// The name of the model.
    pub name: String,
    pub store: StoreKind,
    pub root: PathBuf,
    pub state: State,
    /// Where the bytes are.
    pub path: PathBuf,
    /// Every directory entry that is known to lead to them, that path included.
    pub entries: Vec<PathBuf>,
    pub identity: FileIdentity,
    pub allocated: u64,
    /// Why its header cannot be read, or what its length says against it.
    pub fault: Option<String>,
    /// A hash over its size and what its header says.
    pub fingerprint: Option<String>,
    /// Lower-case hex: what the store promises.
    pub expected_sha256: Option<String>,
    /// Lower-case hex: what was computed of exactly these bytes.
    pub verified_sha256: Option<String>,
}

/// One file of a model as far as its place goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFile {
    pub model: ModelId,
    pub role: Role,
    /// Where the bytes are.
    pub path: PathBuf,
    /// Every directory entry that is known to lead to them, that path included.
    pub entries: Vec<PathBuf>,
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// Lower-case hex: what the store promises.
    pub expected_sha256: Option<String>,
    /// Lower-case hex: what was computed of exactly these bytes.
    pub verified_sha256: Option<String>,
}

/// Bytes that somebody put on this machine, with everything that is known about why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// With the last word on its class.
    pub holding: Holding,
    /// The models that have it; several share a projector.
    pub models: Vec<(ModelId, String)>,
    /// Directory entries that are known to lead to it.
    pub entries: Vec<PathBuf>,
    /// A hash over the size and what the header says.
    pub fingerprint: Option<String>,
    /// Lower-case hex: computed of exactly these bytes.
    pub verified_sha256: Option<String>,
    /// False when its root could not be looked at in the last scan.
    pub is_reachable: bool,
}

impl Stored {
    /// What a person would call it.
    pub fn name(&self) -> Option<&str> {
        self.models.first().map(|(_, name)| name.as_str()).or(self.holding.owner.as_deref())
    }

    /// The hash of its content: computed, else promised by the store. None when the bytes are known to be other ones.
    pub fn sha256(&self) -> Option<&str> {
        let promised = self.holding.expected_sha256.as_deref().filter(|_| self.holding.class != Class::Damaged);
        self.verified_sha256.as_deref().or(promised)
    }

    /// Whether its owner would not miss it.
    pub fn is_waste(&self) -> bool {
        matches!(self.holding.class, Class::Superseded | Class::Orphan | Class::Partial)
    }
}
