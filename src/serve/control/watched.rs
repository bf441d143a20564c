//! What the deciding task keeps for those who look at it.

use crate::lifecycle::{Event, ServerKey};
use crate::model::lifecycle::{External, NodeTier, Readings};
use std::collections::HashMap;
use std::time::Duration;

/// The last of what was read, and how the task itself works.
#[derive(Debug, Default)]
pub struct Watched {
    pub paused: bool,
    /// Looks at the machine.
    pub ticks: u64,
    /// The longest and the last step.
    pub longest: Duration,
    pub last: Duration,
    /// The time between two looks.
    pub interval: Duration,
    pub node_tier: Option<NodeTier>,
    pub readings: Option<Readings>,
    pub externals: Vec<External>,
    /// What the models of servers can do, from their first load on.
    pub capabilities: HashMap<ServerKey, Vec<&'static str>>,
}

impl Watched {
    /// Keeps what an event says of the machine.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Readings(readings) => {
                self.ticks = self.ticks.saturating_add(1);
                self.readings = Some(readings.clone());
            }
            Event::Externals(externals) => self.externals.clone_from(externals),
            _ => {}
        }
    }

    /// Counts a step of the deciding task.
    pub fn turned(&mut self, took: Duration) {
        self.last = took;
        self.longest = self.longest.max(took);
    }
}
