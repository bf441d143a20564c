//! What an operator asks for: which models and bytes may go, which never do, and how much is enough. Pure.

use crate::model::ModelId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Rules that select, rules that keep, and limits. Without a rule that selects nothing goes.
///
/// The two ages and `models` select models, and where several are given a model must fit all of them. The kinds of
/// bytes select those, in addition to the models that are named; the ages apply to them too. `free` and `max_total` end a run when enough is
/// reached, and select everything when nothing else selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Not used for so long.
    pub unused_for: Option<Duration>,
    /// No file of it was written for so long.
    pub older_than: Option<Duration>,
    /// Until so many bytes are free on each file system that holds something selected.
    pub free: Option<u64>,
    /// Until all models together take no more bytes of disk than this.
    pub max_total: Option<u64>,
    /// Only an older revision leads to it.
    pub superseded: bool,
    /// Nothing leads to it.
    pub orphans: bool,
    /// Downloads that were not finished, and split sets with parts missing.
    pub partials: bool,
    /// What cannot be used as it lies there.
    pub damaged: bool,
    /// Further copies of a content that stays.
    pub duplicates: bool,
    /// These models, and no others. None: no such choice was made.
    pub models: Option<Vec<ModelId>>,
    /// So many usable models stay at least, over all stores.
    pub min_keep: u64,
    /// What was used, written or put in place within this time stays.
    pub grace: Duration,
    /// Take what cannot be known to be in use for not in use.
    pub assume_unused: bool,
    /// More than half of a store may go.
    pub allow_large: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            unused_for: None,
            older_than: None,
            free: None,
            max_total: None,
            superseded: false,
            orphans: false,
            partials: false,
            damaged: false,
            duplicates: false,
            models: None,
            min_keep: 0,
            grace: Duration::from_secs(3_600),
            assume_unused: false,
            allow_large: false,
        }
    }
}

impl Policy {
    /// Whether it selects nothing.
    pub fn is_empty(&self) -> bool {
        !self.selects_models() && !self.selects_bytes()
    }

    /// Whether it ends when enough is reached.
    pub fn has_target(&self) -> bool {
        self.free.is_some() || self.max_total.is_some()
    }

    /// Nothing but a target was given: whatever may go is taken, waste first.
    pub(super) fn is_target_alone(&self) -> bool {
        let ages = self.unused_for.is_some() || self.older_than.is_some();
        self.has_target() && !ages && self.models.is_none() && !self.selects_bytes()
    }

    pub(super) fn selects_bytes(&self) -> bool {
        self.superseded || self.orphans || self.partials || self.damaged || self.duplicates
    }

    /// Whether sound models are selected.
    pub(super) fn selects_models(&self) -> bool {
        self.unused_for.is_some() || self.older_than.is_some() || self.models.is_some() || self.is_target_alone()
    }
}
