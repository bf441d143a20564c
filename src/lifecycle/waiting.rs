//! Those who wait, and for which server.

use super::event::WaiterId;
use super::{Class, ServerKey};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiter {
    pub key: ServerKey,
    pub want: Want,
    pub since: Duration,
    pub class: Class,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Slot,
    Start {
        may_evict: bool,
    },
    Headroom,
    /// Servers may be named that give way to it; then no others do.
    Swap {
        may_evict: bool,
    },
}

impl Want {
    pub fn may_evict(self) -> bool {
        !matches!(self, Want::Start { may_evict: false } | Want::Swap { may_evict: false })
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    all: BTreeMap<WaiterId, Waiter>,
    by_server: BTreeMap<ServerKey, BTreeSet<WaiterId>>,
    slots: usize,
}

impl Waiting {
    pub fn insert(&mut self, id: WaiterId, waiter: Waiter) {
        self.remove(id);
        self.by_server.entry(waiter.key.clone()).or_default().insert(id);
        self.slots = self.slots.saturating_add(usize::from(waiter.want == Want::Slot));
        self.all.insert(id, waiter);
    }

    pub fn get(&self, id: WaiterId) -> Option<&Waiter> {
        self.all.get(&id)
    }

    pub fn remove(&mut self, id: WaiterId) -> Option<Waiter> {
        let waiter = self.all.remove(&id)?;
        self.slots = self.slots.saturating_sub(usize::from(waiter.want == Want::Slot));
        if let Some(ids) = self.by_server.get_mut(&waiter.key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_server.remove(&waiter.key);
            }
        }
        Some(waiter)
    }

    pub fn iter(&self) -> impl Iterator<Item = (WaiterId, &Waiter)> {
        self.all.iter().map(|(id, waiter)| (*id, waiter))
    }

    pub fn of(&self, key: &ServerKey) -> impl Iterator<Item = (WaiterId, &Waiter)> {
        let ids = self.by_server.get(key).into_iter().flatten();
        ids.filter_map(|id| self.all.get(id).map(|waiter| (*id, waiter)))
    }

    pub fn has(&self, key: &ServerKey) -> bool {
        self.by_server.contains_key(key)
    }

    /// Returns the number of those who wait for a slot.
    pub fn slots(&self) -> usize {
        self.slots
    }
}
