use super::{Class, Fault, FileIdentity, Found, Holding, ModelId, Role, State, StoreKind};
use std::path::PathBuf;

/// One file of a model as the database records it, with the fields that show why it exists and whether it is intact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    pub model: ModelId,
    /// The name of the model.
    pub name: String,
    pub store: StoreKind,
    pub root: PathBuf,
    pub state: State,
    /// The path of the bytes.
    pub path: PathBuf,
    /// Every directory entry known to lead to the bytes, `path` included.
    pub entries: Vec<PathBuf>,
    pub identity: FileIdentity,
    pub allocated: u64,
    /// The fault of the file: its header cannot be read, its length contradicts its header, or something in it is not
    /// supported.
    pub fault: Option<Fault>,
    /// The finding from reading its content, where no promised hash contradicts it.
    pub finding: Option<Found>,
    /// A hash over the size and what the header says.
    pub fingerprint: Option<String>,
    /// The sha256 that the store promises, lower-case hex.
    pub expected_sha256: Option<String>,
    /// The sha256 computed from exactly these bytes, lower-case hex.
    pub verified_sha256: Option<String>,
}

/// The location of one file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFile {
    pub model: ModelId,
    pub role: Role,
    /// The path of the bytes.
    pub path: PathBuf,
    /// Every directory entry known to lead to the bytes, `path` included.
    pub entries: Vec<PathBuf>,
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// The sha256 that the store promises, lower-case hex.
    pub expected_sha256: Option<String>,
    /// The sha256 computed from exactly these bytes, lower-case hex.
    pub verified_sha256: Option<String>,
}

/// Bytes stored on this machine, with everything that is known about the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The holding, with its final class.
    pub holding: Holding,
    /// The models that use it; several can share a projector.
    pub models: Vec<(ModelId, String)>,
    /// Directory entries known to lead to it.
    pub entries: Vec<PathBuf>,
    /// A hash over the size and what the header says.
    pub fingerprint: Option<String>,
    /// The sha256 computed from exactly these bytes, lower-case hex.
    pub verified_sha256: Option<String>,
    /// Whether its root could be read in the last scan.
    pub is_reachable: bool,
}

impl Stored {
    /// Returns the name that a person would use for it.
    pub fn name(&self) -> Option<&str> {
        self.models.first().map(|(_, name)| name.as_str()).or(self.holding.owner.as_deref())
    }

    /// Returns the hash of the content: computed, otherwise promised by the store. None when the bytes are known to
    /// differ from the promise.
    pub fn sha256(&self) -> Option<&str> {
        let promised = self.holding.expected_sha256.as_deref().filter(|_| self.holding.class != Class::Damaged);
        self.verified_sha256.as_deref().or(promised)
    }

    /// Returns whether its owner no longer needs it.
    pub fn is_waste(&self) -> bool {
        matches!(self.holding.class, Class::Superseded | Class::Orphan | Class::Partial)
    }
}
