use super::machine::Owner;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which run of which process works on a task: `PID-START-RANDOM`, where START is the process start time in clock
/// ticks since boot (proc(5)) and RANDOM sixteen hex digits drawn once per run. A number alone would come back after a
/// restart, and a dead worker's late write with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(pub String);

impl OwnerId {
    pub fn new(pid: u32, start: u64, random: u64) -> OwnerId {
        OwnerId(format!("{pid}-{start}-{random:016x}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The process, if the text has the form of an owner.
    pub fn pid(&self) -> Option<u32> {
        let mut parts = self.0.split('-');
        let (pid, start, random) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = parts.next().is_none()
            && !start.is_empty()
            && start.bytes().all(|b| b.is_ascii_digit())
            && random.len() == 16
            && random.bytes().all(|b| b.is_ascii_hexdigit());
        // What does not parse is no process number.
        if plain { pid.parse().ok() } else { None }
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Owners that are gone for certain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gone {
    /// Without a word.
    pub died: Vec<OwnerId>,
    /// After they had said that they could not give back what they held.
    pub left: Vec<OwnerId>,
}

impl Gone {
    pub fn is_empty(&self) -> bool {
        self.died.is_empty() && self.left.is_empty()
    }

    /// What is known of the owner of something.
    pub fn owner(&self, owner: Option<&OwnerId>) -> Owner {
        let is_in = |all: &[OwnerId]| owner.is_some_and(|owner| all.contains(owner));
        if is_in(&self.left) {
            Owner::LeftBehind
        } else if is_in(&self.died) {
            Owner::Dead
        } else {
            Owner::MayLive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_names_its_process_and_nothing_else_does() {
        assert_eq!(OwnerId::new(4711, 99, 7).pid(), Some(4711));
        for text in
            ["", "4711", "4711-1", "../../x-1-0000000000000007", "1-1-0000000000000007-x", "1--0000000000000007"]
        {
            assert_eq!(OwnerId(text.into()).pid(), None, "{text}");
        }
    }
}
