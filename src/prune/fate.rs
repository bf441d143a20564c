//! Outcome of a row of a plan, and the actor.

use crate::clock::Timestamp;
use crate::model::Actor;
use std::path::PathBuf;

#[derive(Debug)]
pub enum Fate {
    /// It is where it was, and would be removed.
    Ready,
    /// It is in the trash under this id.
    Trashed { id: String },
    /// It is deleted for good. `left`: entries that were not in the plan and stay in the trash, as the item `id`.
    Purged { freed: u64, left: Vec<PathBuf>, id: Option<String> },
    /// It is where it was.
    Skipped { why: String },
    /// Something went wrong, and it is where it was except for what the message says.
    Failed { error: anyhow::Error },
    /// Something went wrong after its owner's own interface had deleted these names of it for good.
    Partly { deleted: Vec<String>, error: anyhow::Error },
}

/// The actor of a run, for the journal of the trash.
#[derive(Debug, Clone)]
pub struct Doer {
    pub who: String,
    pub command: String,
    pub actor: Option<Actor>,
    pub now: Timestamp,
}
