//! How often and when servers were used, and how long they take to load: kept in memory, and saved as hints for the time
//! after a restart of the daemon.

use crate::lifecycle::{Hint, Report, ServerKey, Unload};
use std::collections::BTreeMap;
use std::time::Duration;

/// The uses of one server. Times are on the clock of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    pub last_access: Option<Duration>,
    /// How long before the start of the daemon it was used, as an earlier one knew it.
    pub before: Option<Duration>,
    pub access_count: u64,
    pub load_time: Option<Duration>,
    /// Whether it is loaded, or was when the daemon began to stop.
    pub is_loaded: bool,
}

impl Use {
    /// Returns how long ago it was used.
    pub fn idle(&self, now: Duration) -> Option<Duration> {
        let since = |at: Duration| now.saturating_sub(at);
        self.last_access.map(since).or_else(|| self.before.map(|before| before.saturating_add(now)))
    }
}

/// The uses of all servers.
#[derive(Debug, Default)]
pub struct Uses {
    all: BTreeMap<ServerKey, Use>,
    changed: bool,
}

impl Uses {
    pub fn of(&self, key: &ServerKey) -> Use {
        self.all.get(key).copied().unwrap_or_default()
    }

    pub fn granted(&mut self, key: &ServerKey, now: Duration) {
        let of = self.entry(key);
        of.last_access = Some(now);
        of.access_count = of.access_count.saturating_add(1);
    }

    /// Takes into account what happened to a server.
    pub fn take(&mut self, report: &Report) {
        match report {
            Report::Loaded { key, took } => {
                let of = self.entry(key);
                (of.load_time, of.is_loaded) = (Some(*took), true);
            }
            // What runs when the daemon ends is what it may load when it begins again.
            Report::Unloaded { why: Unload::Shutdown, .. } => {}
            Report::Unloaded { key, .. } => self.entry(key).is_loaded = false,
            Report::Crash { key, will_restart: false, .. } => self.entry(key).is_loaded = false,
            _ => {}
        }
    }

    /// Goes on from what an earlier daemon counted.
    pub fn hinted(&mut self, hints: &[(ServerKey, Hint)]) {
        for (key, hint) in hints {
            let of = self.all.entry(key.clone()).or_default();
            of.before = hint.last_access;
            of.access_count = of.access_count.saturating_add(hint.access_count);
            of.load_time = of.load_time.or(hint.load_time);
        }
    }

    /// Returns all uses, if any has changed since the last time.
    pub fn changed(&mut self) -> Option<Vec<(ServerKey, Use)>> {
        std::mem::take(&mut self.changed).then(|| self.all.iter().map(|(key, of)| (key.clone(), *of)).collect())
    }

    /// Has everything be saved again: the last time it was not.
    pub fn not_saved(&mut self) {
        self.changed = true;
    }

    fn entry(&mut self, key: &ServerKey) -> &mut Use {
        self.changed = true;
        self.all.entry(key.clone()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A restart would otherwise forget how often a model was used, or invent uses.
    #[test]
    fn counts_go_on_after_a_restart_and_are_saved_only_when_they_change() {
        let key = ServerKey::service("whisper");
        let mut uses = Uses::default();
        let hint = Hint { last_access: Some(Duration::from_secs(60)), access_count: 7, load_time: None };
        uses.hinted(&[(key.clone(), hint)]);
        assert_eq!(uses.changed(), None, "what was read is not written again");
        assert_eq!(uses.of(&key).idle(Duration::from_secs(5)), Some(Duration::from_secs(65)));
        uses.granted(&key, Duration::from_secs(10));
        uses.take(&Report::Loaded { key: key.clone(), took: Duration::from_secs(2) });
        let saved = uses.changed().unwrap();
        assert_eq!((saved[0].1.access_count, saved[0].1.load_time), (8, Some(Duration::from_secs(2))));
        assert_eq!(uses.of(&key).idle(Duration::from_secs(15)), Some(Duration::from_secs(5)));
        assert_eq!(uses.changed(), None);
        uses.not_saved();
        assert!(uses.changed().is_some(), "a save that failed is tried again");
    }

    /// `preload = ["last"]` would otherwise load nothing after an ordinary restart, or what was unloaded long before.
    #[test]
    fn what_ran_when_the_daemon_stopped_is_remembered_and_what_was_unloaded_before_is_not() {
        let (kept, gone) = (ServerKey::service("kept"), ServerKey::service("gone"));
        let mut uses = Uses::default();
        for key in [&kept, &gone] {
            uses.take(&Report::Loaded { key: key.clone(), took: Duration::from_secs(2) });
        }
        uses.take(&Report::Unloaded { key: gone.clone(), why: Unload::Idle });
        uses.take(&Report::Unloaded { key: kept.clone(), why: Unload::Shutdown });
        assert_eq!((uses.of(&kept).is_loaded, uses.of(&gone).is_loaded), (true, false));
    }
}
