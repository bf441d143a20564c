//! Changes of settings that a person makes to speed a node up, with what was measured before and after.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is measured before and after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Snapshot {
    pub taken: Timestamp,
    pub services: Vec<ServiceSnapshot>,
    /// In bytes.
    pub memory_available_bytes: Option<u64>,
    pub gpu_used_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServiceSnapshot {
    pub name: String,
    /// Whether it does what it should.
    pub is_well: bool,
    pub tokens_per_second: Option<f64>,
    /// Requests that wait in the server.
    pub deferred: Option<f64>,
    /// Resident bytes of all its processes.
    pub resident_bytes: Option<u64>,
}

/// A recorded change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tuning {
    pub id: i64,
    /// The setting: `--threads`, `OMP_NUM_THREADS`, `-c`.
    pub knob: String,
    pub service: Option<String>,
    /// The value before, which is the one to go back to.
    pub from: String,
    pub to: String,
    pub why: String,
    pub recorded: Timestamp,
    /// Who recorded it.
    pub by: String,
    pub before: Snapshot,
    pub done: Option<Done>,
}

/// A change to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTuning {
    pub knob: String,
    pub service: Option<String>,
    pub from: String,
    pub to: String,
    pub why: String,
    pub at: Timestamp,
    pub by: String,
    pub before: Snapshot,
}

/// The end of a recorded change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Done {
    pub time: Timestamp,
    pub after: Snapshot,
    pub verdict: Verdict,
    /// The figures behind the verdict.
    pub reason: String,
    /// Whether the new value was seen in use.
    #[serde(default)]
    pub setting: Applied,
}

/// Whether a running service has the new value of a setting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Applied {
    /// None: it cannot be seen.
    pub applied: Option<bool>,
    /// What was seen, or why nothing was.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Better,
    Same,
    Worse,
}

impl Verdict {
    pub const ALL: [Verdict; 3] = [Verdict::Better, Verdict::Same, Verdict::Worse];

    pub fn name(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Same => "same",
            Verdict::Worse => "worse",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A change of speed below this share is noise.
const NOISE: f64 = 0.05;
/// More resident memory than this share is worth a word when nothing became faster.
const MEMORY: f64 = 0.10;

/// Compares two snapshots, of one service or of all. Health weighs more than speed, and speed more than memory.
pub fn compare(before: &Snapshot, after: &Snapshot, service: Option<&str>) -> (Verdict, String) {
    let is_meant = |name: &str| service.is_none_or(|service| service == name);
    let pairs = before.services.iter().filter(|one| is_meant(&one.name)).filter_map(|was| {
        let is = after.services.iter().find(|is| is.name == was.name)?;
        Some((was, is))
    });
    let pairs: Vec<_> = pairs.collect();
    if let Some(gone) = before.services.iter().find(|one| {
        is_meant(&one.name) && one.is_well && !after.services.iter().any(|is| is.name == one.name && is.is_well)
    }) {
        return (Verdict::Worse, format!("{} was healthy and is not", gone.name));
    }
    if let Some((was, _)) = pairs.iter().find(|(was, is)| !was.is_well && is.is_well) {
        return (Verdict::Better, format!("{} was not healthy and is", was.name));
    }
    let total = |pick: fn(&ServiceSnapshot) -> Option<f64>| {
        let both: Vec<(f64, f64)> = pairs.iter().filter_map(|(was, is)| Some((pick(was)?, pick(is)?))).collect();
        (!both.is_empty()).then(|| both.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1)))
    };
    if let Some((was, is)) = total(|one| one.tokens_per_second).filter(|(was, _)| *was > 0.0) {
        let words = format!("{was:.1} tokens/s before, {is:.1} after");
        if is > was * (1.0 + NOISE) {
            return (Verdict::Better, words);
        }
        if is < was * (1.0 - NOISE) {
            return (Verdict::Worse, words);
        }
    }
    if let Some((was, is)) = total(|one| one.deferred).filter(|(was, is)| was != is) {
        let verdict = if is < was { Verdict::Better } else { Verdict::Worse };
        return (verdict, format!("{was:.0} requests waited before, {is:.0} after"));
    }
    if let Some((was, is)) = total(|one| one.resident_bytes.map(|bytes| bytes as f64)).filter(|(was, _)| *was > 0.0) {
        let words = format!("{:.0} MiB resident before, {:.0} MiB after", was / MIB, is / MIB);
        if is > was * (1.0 + MEMORY) {
            return (Verdict::Worse, words);
        }
        if is < was * (1.0 - MEMORY) {
            return (Verdict::Better, words);
        }
    }
    (Verdict::Same, "health, speed and memory are as before".to_owned())
}

const MIB: f64 = 1_048_576.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(is_well: bool, speed: Option<f64>, deferred: Option<f64>, resident: u64) -> Snapshot {
        let service = ServiceSnapshot {
            name: "llama".to_owned(),
            is_well,
            tokens_per_second: speed,
            deferred,
            resident_bytes: Some(resident),
        };
        Snapshot { taken: Timestamp(0), services: vec![service], memory_available_bytes: None, gpu_used_bytes: None }
    }

    #[test]
    fn health_weighs_more_than_speed_and_speed_more_than_memory() {
        let base = snapshot(true, Some(50.0), Some(0.0), 1 << 30);
        let verdict = |after: &Snapshot| compare(&base, after, Some("llama")).0;
        assert_eq!(verdict(&base), Verdict::Same);
        assert_eq!(verdict(&snapshot(false, Some(90.0), Some(0.0), 1 << 30)), Verdict::Worse);
        assert_eq!(verdict(&snapshot(true, Some(60.0), Some(3.0), 2 << 30)), Verdict::Better);
        assert_eq!(verdict(&snapshot(true, Some(51.0), Some(0.0), 1 << 30)), Verdict::Same);
        assert_eq!(verdict(&snapshot(true, Some(40.0), Some(0.0), 1 << 29)), Verdict::Worse);
        assert_eq!(verdict(&snapshot(true, Some(50.0), Some(2.0), 1 << 30)), Verdict::Worse);
        assert_eq!(verdict(&snapshot(true, None, None, 2 << 30)), Verdict::Worse);
        let nobody = Snapshot { services: Vec::new(), ..base.clone() };
        assert_eq!(verdict(&nobody), Verdict::Worse);
        assert_eq!(compare(&base, &nobody, Some("other")).0, Verdict::Same);
    }
}
