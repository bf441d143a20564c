//! What a node was like on a good day, and what has changed since (pure).

use super::counters as names;
use super::facts::{Change, Changes, Facts};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of this shape.
pub const BASELINE_SCHEMA: u32 = 1;

/// Digits of a hash that are kept: enough to tell two files apart, and short enough to read.
const HASH_SHOWN: usize = 16;

/// A node on a good day. Values are texts, so that any of them can be compared and shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    pub schema: u32,
    pub taken: Option<Timestamp>,
    pub boot_id: Option<String>,
    /// Of the node: `kernel`, `NVIDIA driver`, …
    pub node: BTreeMap<String, String>,
    /// Of each service: `command line`, `file /opt/start.sh`, `listener`, …
    pub services: BTreeMap<String, BTreeMap<String, String>>,
    /// Sockets that listen: address and program.
    pub listeners: BTreeSet<String>,
    /// Counters that only grow, and figures that a rule compares, by the names of [`super::counters`].
    pub counters: BTreeMap<String, f64>,
}

impl Baseline {
    /// Takes the baseline from facts that are redacted already.
    pub fn of(facts: &Facts) -> Baseline {
        let mut baseline = Baseline {
            schema: BASELINE_SCHEMA,
            taken: Some(facts.taken),
            boot_id: facts.machine.clock.known().and_then(|clock| clock.boot_id.clone()),
            ..Baseline::default()
        };
        let mut node = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                baseline.node.insert(name.to_owned(), value);
            }
        };
        node("kernel", Some(facts.machine.kernel.clone()));
        if let Some(gpus) = facts.gpus.known() {
            node("NVIDIA kernel module", gpus.module_version.clone());
            node("NVIDIA library", gpus.library_version.clone());
            let devices = gpus.nvml.known().map(|nvml| nvml.devices.iter().map(|device| device.name.clone()).collect());
            node("GPUs", devices.map(|names: Vec<String>| names.join(", ")));
        }
        let memory = facts.machine.memory.known().map(|memory| memory.total);
        node("memory", memory.map(|total| total.to_string()));
        for service in &facts.services {
            let values = baseline.services.entry(service.name().to_owned()).or_default();
            let argv = service.argv();
            if !argv.is_empty() {
                values.insert("command line".to_owned(), argv.join(" "));
            }
            for part in &service.map {
                let value = match (&part.sha256, part.size) {
                    (Some(hash), _) => format!("sha256 {}", hash.get(..HASH_SHOWN).unwrap_or(hash)),
                    (None, Some(size)) if part.what == "model" => format!("{size} bytes"),
                    _ => continue,
                };
                values.insert(format!("file {}", part.path.display()), value);
            }
            if let Some(process) = service.process() {
                for (name, value) in process.environment.known().into_iter().flatten() {
                    if let Some(value) = value {
                        values.insert(format!("variable {name}"), value.clone());
                    }
                }
            }
            if let Some(python) = service.python.as_ref().and_then(|python| python.known()) {
                let versions = [("torch", &python.torch_version), ("ctranslate2", &python.ctranslate2_version)];
                for (name, version) in versions {
                    if let Some(version) = version {
                        values.insert(format!("package {name}"), version.clone());
                    }
                }
            }
        }
        baseline.listeners = listeners(facts);
        baseline.counters = counters(facts);
        baseline
    }

    /// Compares the facts of today with this baseline.
    pub fn changes(&self, facts: &Facts) -> Changes {
        let today = Baseline::of(facts);
        let mut changes = Vec::new();
        compare(None, &self.node, &today.node, &mut changes);
        for (name, was) in &self.services {
            match today.services.get(name) {
                Some(is) => compare(Some(name), was, is, &mut changes),
                None => changes.push(change(Some(name), "service", Some("there".into()), None)),
            }
        }
        for name in today.services.keys().filter(|name| !self.services.contains_key(*name)) {
            changes.push(change(Some(name), "service", None, Some("there".into())));
        }
        for listener in today.listeners.difference(&self.listeners) {
            changes.push(change(None, &format!("listener {listener}"), None, Some("listens".into())));
        }
        for listener in self.listeners.difference(&today.listeners) {
            changes.push(change(None, &format!("listener {listener}"), Some("listened".into()), None));
        }
        let is_same_boot = self.boot_id.is_some() && self.boot_id == today.boot_id;
        Changes { baseline_taken: self.taken, is_same_boot, changes, counters: self.counters.clone() }
    }
}

fn listeners(facts: &Facts) -> BTreeSet<String> {
    let all = facts.machine.listeners.known().into_iter().flatten();
    // Ports above this number are handed out by the kernel: another one after each start.
    let fixed = all.filter(|listener| listener.port < 32_768);
    fixed.map(|listener| format!("{} ({})", listener.address, listener.name.as_deref().unwrap_or("unknown"))).collect()
}

fn counters(facts: &Facts) -> BTreeMap<String, f64> {
    let mut counters = BTreeMap::new();
    for service in &facts.services {
        for group in service.cgroups.iter().filter_map(|group| group.known()) {
            if let Some(kills) = group.oom_kills {
                counters.insert(names::oom_kills(&group.path, group.inode), kills as f64);
            }
        }
        let snapshot =
            service.endpoint().and_then(|e| e.samples.iter().rev().find_map(|sample| sample.metrics.known()));
        if let Some(speed) = snapshot.and_then(|counters| counters.tokens_per_second) {
            counters.insert(names::tokens_per_second(service.name()), speed);
        }
        if let Some(seconds) = service.expected_load_s {
            counters.insert(format!("{} load_s", service.name()), seconds);
        }
        let layers = service.lines_of_this_life().into_iter().rev().find_map(|line| {
            let (part, _) = line.text.split_once("offloaded ")?.1.split_once('/')?;
            part.parse::<f64>().ok() // other words than a number are another line
        });
        if let Some(layers) = layers {
            counters.insert(names::offloaded_layers(service.name()), layers);
        }
        counters.insert(format!("{} lives", service.name()), service.lives.len() as f64);
    }
    counters
}

fn compare(
    service: Option<&String>,
    was: &BTreeMap<String, String>,
    is: &BTreeMap<String, String>,
    changes: &mut Vec<Change>,
) {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        let (old, new) = (was.get(name), is.get(name));
        if old != new {
            changes.push(change(service, name, old.cloned(), new.cloned()));
        }
    }
}

fn change(service: Option<&String>, what: &str, was: Option<String>, is: Option<String>) -> Change {
    let undo = match (&was, what.split_once(' ')) {
        (Some(_), Some(("file", path))) => Some(format!("restore the previous {path}")),
        (Some(was), Some(("variable", name))) => Some(format!("set {name}={was}")),
        (None, Some(("variable", name))) => Some(format!("unset {name}")),
        (Some(was), _) if what == "command line" => Some(format!("start it with: {was}")),
        (Some(was), Some(("package", name))) => Some(format!("install {name}=={was}")),
        _ => None,
    };
    Change { service: service.cloned(), what: what.to_owned(), was, is, undo }
}
