//! What the deciding task keeps for those who look at it.

use crate::lifecycle::ServerKey;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How the task itself works, and what it has learnt beside the state.
#[derive(Debug, Default)]
pub struct Watched {
    pub is_ending: bool,
    /// The longest step so far.
    pub longest: Duration,
    /// The time between two looks at the machine.
    pub interval: Duration,
    /// The number of the last decision that was counted, and the counts by what was decided.
    pub decided: u64,
    pub decisions: BTreeMap<&'static str, u64>,
    /// What the models of servers can do, from their first load on.
    pub capabilities: HashMap<ServerKey, Vec<&'static str>>,
}

impl Watched {
    /// Counts a step of the deciding task.
    pub fn turned(&mut self, took: Duration) {
        self.longest = self.longest.max(took);
    }
}
