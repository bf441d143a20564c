//! Faults that keep a file from being used as a model, and whether a fault proves damage.

use super::{Facts, Integrity};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of a fault. Each kind calls for a different answer; only damage is a reason to delete a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Nature {
    /// The file has something that this program or its llama.cpp does not know; other programs may read it.
    Unsupported,
    /// The file system did not return the file's bytes (permission, an I/O error): nothing is known about them.
    Unreadable,
    /// The bytes contradict themselves, end too early, or are not GGUF at all.
    Damaged,
}

impl Nature {
    pub const ALL: &'static [Nature] = &[Nature::Unsupported, Nature::Unreadable, Nature::Damaged];

    /// Returns the name used in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Nature::Unsupported => "unsupported",
            Nature::Unreadable => "unreadable",
            Nature::Damaged => "damaged",
        }
    }

    pub fn from_name(name: &str) -> Option<Nature> {
        Self::ALL.iter().copied().find(|n| n.name() == name)
    }
}

/// The reason why the header of a file gives no facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub nature: Nature,
    /// A sentence that does not name the path.
    pub why: String,
}

impl Fault {
    pub fn damaged(why: impl Into<String>) -> Fault {
        Fault { nature: Nature::Damaged, why: why.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// The kind of proof that a file is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Damage {
    /// The header of the file, or its length compared to its header.
    Structure,
    /// The sha256 of the content differs from the known one.
    Hash,
}

impl Damage {
    /// Returns the word for reasons and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Damage::Structure => "structure",
            Damage::Hash => "hash",
        }
    }
}

/// Returns the proof that a file is damaged, with a sentence that states it; None when there is none.
///
/// `promised` and `found` are lower-case hex: the sha256 that the store promises, and the one computed from exactly
/// these bytes. Where both are known they decide: a file with the promised hash is as it was published, even if its
/// structure looks wrong to this program.
pub fn damage(header: &Result<Facts, Fault>, promised: Option<&str>, found: Option<&str>) -> Option<(Damage, String)> {
    if let (Some(promised), Some(found)) = (promised, found) {
        let differs = !promised.eq_ignore_ascii_case(found);
        return differs.then(|| (Damage::Hash, other_hash(promised, found)));
    }
    let why = match header {
        Err(fault) => (fault.nature == Nature::Damaged).then(|| fault.why.clone()),
        Ok(facts) => facts.integrity.fault(),
    };
    why.map(|why| (Damage::Structure, why))
}

/// Returns the sentence about a file whose hash differs from the one that its store promises.
pub fn other_hash(promised: &str, found: &str) -> String {
    format!("its sha256 is {found}, but its store declares {promised}")
}

/// Returns the fault of a file whose facts were read: it is cut off, or has something that is not supported.
pub(crate) fn fault_of(integrity: &Integrity, unsupported: &[String]) -> Option<Fault> {
    if let Some(why) = integrity.fault() {
        return Some(Fault::damaged(why));
    }
    let why = format!("not supported: {}", unsupported.join("; "));
    (!unsupported.is_empty()).then_some(Fault { nature: Nature::Unsupported, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_broken_bytes_prove_damage_and_a_hash_outweighs_the_structure() {
        let fault = |nature| Err(Fault { nature, why: "x".into() });
        assert_eq!(damage(&fault(Nature::Unsupported), None, None), None);
        assert_eq!(damage(&fault(Nature::Unreadable), Some("aa"), None), None);
        assert_eq!(damage(&fault(Nature::Damaged), Some("aa"), None), Some((Damage::Structure, "x".into())));
        assert_eq!(damage(&fault(Nature::Damaged), Some("AA"), Some("aa")), None);
        let other = damage(&fault(Nature::Unsupported), Some("aa"), Some("bb"));
        assert_eq!(other.map(|(by, _)| by), Some(Damage::Hash));
        // A hash that nobody promised proves nothing.
        assert_eq!(damage(&fault(Nature::Damaged), None, Some("aa")).map(|(by, _)| by), Some(Damage::Structure));
    }
}
