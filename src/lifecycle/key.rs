use crate::model::ModelId;
use crate::model::ledger::Purpose;
use serde::{Deserialize, Serialize};
use std::fmt;

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
