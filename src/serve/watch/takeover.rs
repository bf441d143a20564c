//! When ours is started because an attached server of somebody else has gone. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Looks after which one is missed: a server that is restarted is back at the next.
const LOOKS: u32 = 2;

/// Follows which servers were attached, by their names in the config.
#[derive(Debug, Default)]
pub(super) struct Takeovers {
    attached: BTreeSet<String>,
    /// The looks since which one is missed.
    missed: BTreeMap<String, u32>,
}

impl Takeovers {
    /// Notes which servers that are to be taken over are attached now, of all there are. Returns those whose model is to
    /// be started, each once.
    pub fn look(&mut self, wanted: &BTreeSet<String>, attached: &BTreeSet<String>) -> Vec<String> {
        self.attached.extend(attached.iter().cloned());
        self.attached.retain(|name| wanted.contains(name));
        self.missed.retain(|name, _| wanted.contains(name) && !attached.contains(name));
        let mut due = Vec::new();
        for name in self.attached.difference(attached).cloned().collect::<Vec<_>>() {
            let looks = self.missed.entry(name.clone()).or_default();
            *looks = looks.saturating_add(1);
            if *looks >= LOOKS {
                self.attached.remove(&name);
                self.missed.remove(&name);
                due.push(name);
            }
        }
        due
    }

    /// Returns whether a second look is due soon.
    pub fn is_waiting(&self) -> bool {
        !self.missed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that its owner restarts would find its memory taken; one that is gone for good would never be replaced.
    #[test]
    fn a_server_is_taken_over_after_a_second_look_and_once() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let (wanted, mut takeovers) = (set(&["a", "b"]), Takeovers::default());
        assert!(takeovers.look(&wanted, &set(&[])).is_empty(), "it was never there");
        assert!(takeovers.look(&wanted, &set(&["a", "b"])).is_empty());
        assert!(takeovers.look(&wanted, &set(&["b"])).is_empty() && takeovers.is_waiting());
        assert!(takeovers.look(&wanted, &set(&["a", "b"])).is_empty() && !takeovers.is_waiting(), "it is back");
        assert!(takeovers.look(&wanted, &set(&["b"])).is_empty());
        assert_eq!(takeovers.look(&wanted, &set(&["b"])), ["a"]);
        assert!(takeovers.look(&wanted, &set(&["b"])).is_empty() && !takeovers.is_waiting());
        assert!(takeovers.look(&set(&[]), &set(&[])).is_empty(), "nobody wants it any more");
    }
}
