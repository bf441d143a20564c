use crate::model::ModelId;
use crate::model::ledger::Purpose;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Prefixes of what is no model. The id of a model is hexadecimal.
const SERVICE: &str = "service:";
const HEADROOM: &str = "headroom:";

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind<'a> {
    Model,
    /// A service of the config file, by its name.
    Service(&'a str),
    /// Memory that is reserved for another program, by its id.
    Headroom(&'a str),
}

/// One server: a model, and what it is loaded for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServerKey {
    pub model: ModelId,
    pub purpose: Purpose,
}

impl ServerKey {
    /// Returns the key of the server that does what the model was made for.
    pub fn main(model: ModelId) -> ServerKey {
        ServerKey { model, purpose: Purpose::Main }
    }

    /// Returns the key of a service of the config file.
    pub fn service(name: &str) -> ServerKey {
        ServerKey::main(ModelId(format!("{SERVICE}{name}")))
    }

    /// Returns the key of memory that is reserved for another program.
    pub fn headroom(id: &str) -> ServerKey {
        ServerKey::main(ModelId(format!("{HEADROOM}{id}")))
    }

    pub fn kind(&self) -> KeyKind<'_> {
        let id = self.model.as_str();
        let service = id.strip_prefix(SERVICE).map(KeyKind::Service);
        service.or_else(|| id.strip_prefix(HEADROOM).map(KeyKind::Headroom)).unwrap_or(KeyKind::Model)
    }

    /// Returns the keys of all servers that a model can have.
    pub fn all_of(model: &ModelId) -> [ServerKey; 2] {
        Purpose::ALL.map(|purpose| ServerKey { model: model.clone(), purpose })
    }
}

impl fmt::Display for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.purpose {
            Purpose::Main => self.model.fmt(f),
            Purpose::Vectors => write!(f, "{} (vectors)", self.model),
        }
    }
}
