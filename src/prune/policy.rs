//! The request of an operator: which models and bytes may be removed, which never are, and how much is enough. Pure.

use super::candidate::Candidate;
use super::plan_text;
use crate::model::{ModelId, StoreKind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Rules that select, rules that keep, and limits. Without a rule that selects nothing is removed.
///
/// The two ages and `models` select models, and where several are given a model must match all of them. The classes of
/// bytes select those, in addition to the models that are named; the ages apply to them too. `free` and `max_total` end
/// a run when enough is reached, and select everything when nothing else selects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Selects models that were not used for this long.
    #[serde(with = "plan_text::some_length")]
    pub unused_for: Option<Duration>,
    /// Selects models of which no file was written for this long.
    #[serde(with = "plan_text::some_length")]
    pub older_than: Option<Duration>,
    /// Bytes that are to be free on each file system that holds something selected.
    pub free: Option<u64>,
    /// The largest sum of all models, bytes of disk.
    pub max_total: Option<u64>,
    /// Selects bytes that only an older revision refers to.
    pub superseded: bool,
    /// Selects bytes that nothing refers to.
    pub orphans: bool,
    /// Selects unfinished downloads, and split sets with missing parts.
    pub partials: bool,
    /// Selects models and bytes that cannot be used as they are.
    pub damaged: bool,
    /// Selects further copies of a content that stays, within one store.
    pub duplicates: bool,
    /// Whether copies in different stores count as well.
    #[serde(default)]
    pub across_stores: bool,
    /// The store whose copy stays, of copies in different stores.
    #[serde(default)]
    pub prefer: Option<StoreKind>,
    /// Selects these models, and no others. None when no models were named.
    pub models: Option<Vec<ModelId>>,
    /// The minimum of usable models that stay, over all stores.
    pub min_keep: u64,
    /// Models that were used, written or put in place within this time stay.
    #[serde(with = "plan_text::length")]
    pub grace: Duration,
    /// Whether models count as unused when their use cannot be determined.
    pub assume_unused: bool,
    /// Whether more than half of a store may be removed.
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
            across_stores: false,
            prefer: None,
            models: None,
            min_keep: 0,
            grace: Duration::from_secs(3_600),
            assume_unused: false,
            allow_large: false,
        }
    }
}

impl Policy {
    /// Returns whether the policy selects nothing.
    pub fn is_empty(&self) -> bool {
        !self.selects_models() && !self.selects_bytes()
    }

    /// Returns whether the policy has a limit at which a run ends.
    pub fn has_target(&self) -> bool {
        self.free.is_some() || self.max_total.is_some()
    }

    /// Returns whether only a target was given: everything that may be removed is then selected, waste first.
    pub(super) fn is_target_alone(&self) -> bool {
        let ages = self.unused_for.is_some() || self.older_than.is_some();
        self.has_target() && !ages && self.models.is_none() && !self.selects_bytes()
    }

    /// Returns whether a person named this very model.
    pub fn names(&self, c: &Candidate) -> bool {
        self.models.as_ref().is_some_and(|named| c.id.as_ref().is_some_and(|id| named.contains(id)))
    }

    /// Returns whether classes of bytes are selected.
    pub fn selects_bytes(&self) -> bool {
        self.superseded || self.orphans || self.partials || self.damaged || self.duplicates
    }

    /// Returns whether sound models are selected.
    pub(super) fn selects_models(&self) -> bool {
        self.unused_for.is_some() || self.older_than.is_some() || self.models.is_some() || self.is_target_alone()
    }
}
