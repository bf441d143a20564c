use super::machine::Owner;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The run of a process that works on a task: `HOST/PID-START-RANDOM`, where START is the process start time in clock
/// ticks since boot (proc(5)) and RANDOM is sixteen hex digits drawn once per run. A process number alone could be
/// reused after a restart, and a late write of the dead worker would be accepted. Older programs wrote no `HOST/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerId(pub String);

impl OwnerId {
    /// Creates the id of a run, without a machine.
    pub fn new(pid: u32, start: u64, random: u64) -> OwnerId {
        OwnerId(format!("{pid}-{start}-{random:016x}"))
    }

    /// Adds the machine. Characters that a host name cannot have are replaced, and an empty name adds no machine.
    pub fn on(self, host: &str) -> OwnerId {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let host: String = host.chars().take(HOST).map(|c| if is_plain(c) { c } else { '_' }).collect();
        if host.is_empty() { self } else { OwnerId(format!("{host}/{}", self.process())) }
    }

    /// Returns the machine, if the text names one.
    pub fn host(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(host, _)| host)
    }

    /// Returns the run of the process, without the machine.
    pub fn process(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, process)| process)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the process, if the text has the form of an owner.
    pub fn pid(&self) -> Option<u32> {
        self.parts().map(|(pid, _)| pid)
    }

    /// Returns the random part, if the text has the form of an owner.
    pub fn nonce(&self) -> Option<Nonce> {
        self.parts().map(|(_, nonce)| nonce)
    }

    fn parts(&self) -> Option<(u32, Nonce)> {
        if self.host().is_some_and(|host| host.is_empty() || host.contains('/')) {
            return None;
        }
        let mut parts = self.process().split('-');
        let (pid, start, random) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = parts.next().is_none()
            && !start.is_empty()
            && start.bytes().all(|b| b.is_ascii_digit())
            && random.len() == 16
            && random.bytes().all(|b| b.is_ascii_hexdigit());
        // Text that does not parse is not an owner.
        if plain { pid.parse().ok().zip(u64::from_str_radix(random, 16).ok().map(Nonce)) } else { None }
    }
}

/// The longest host name that is kept, in characters: the limit of Linux.
const HOST: usize = 64;

/// The random part of an [`OwnerId`], drawn once per run of a process: it identifies the run that holds a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(u64);

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Owners that are known to be dead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadOwners {
    /// Owners that died without giving back their tasks.
    pub crashed: Vec<OwnerId>,
    /// Owners that recorded before that they could not give back their tasks.
    pub unreleased: Vec<OwnerId>,
}

impl DeadOwners {
    pub fn is_empty(&self) -> bool {
        self.crashed.is_empty() && self.unreleased.is_empty()
    }

    /// Returns what is known about `owner`.
    pub fn owner(&self, owner: Option<&OwnerId>) -> Owner {
        let is_in = |all: &[OwnerId]| owner.is_some_and(|owner| all.contains(owner));
        if is_in(&self.unreleased) {
            Owner::Unreleased
        } else if is_in(&self.crashed) {
            Owner::Crashed
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
        assert_eq!(OwnerId::new(4711, 99, 0xfeed).nonce(), Some(Nonce(0xfeed)));
        for text in [
            "",
            "4711",
            "4711-1",
            "../../x-1-0000000000000007",
            "/1-1-0000000000000007",
            "1-1-0000000000000007-x",
            "1--0000000000000007",
        ] {
            assert_eq!((OwnerId(text.into()).pid(), OwnerId(text.into()).nonce()), (None, None), "{text}");
        }
    }

    #[test]
    fn an_owner_names_its_machine_which_changes_nothing_else_of_it() {
        let plain = OwnerId::new(4711, 99, 0xfeed);
        let there = plain.clone().on("gpu-box.example");
        assert_eq!(there.as_str(), "gpu-box.example/4711-99-000000000000feed");
        assert_eq!((there.host(), there.process()), (Some("gpu-box.example"), plain.as_str()));
        assert_eq!((there.pid(), there.nonce()), (plain.pid(), plain.nonce()));
        assert_eq!((plain.host(), plain.process()), (None, plain.as_str()));
        assert_eq!(plain.clone().on("a/../b\n").host(), Some("a_.._b_"));
        assert_eq!(there.clone().on("other").host(), Some("other"));
        assert_eq!(plain.clone().on(""), plain);
    }
}
