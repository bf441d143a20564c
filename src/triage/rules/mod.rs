//! The rules: data and pure predicates over the facts.

mod ask;
mod cuda;
mod files;
mod gpu;
mod gpu_memory;
mod llama;
mod machine;
mod manage;
mod memory;
mod model_file;
mod python;
#[cfg(test)]
mod samples;
mod step;
mod supervisor;
mod systemd;
#[cfg(test)]
mod tests;
mod text;
mod view;
mod whisper;
mod worker;

pub use view::Trouble;

use super::facts::{Facts, ServiceFacts};
use super::finding::{Hit, Layer, Playbook, Severity};
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// What a rule must have seen to say that there is nothing. A rule whose need was denied or timed out is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    Supervisor,
    Systemd,
    Logs,
    Process,
    Environment,
    Libraries,
    Kernel,
    ControlGroup,
    Memory,
    Disks,
    Gpu,
    Endpoint,
    ModelFile,
    Launcher,
    Listeners,
    Queue,
    Python,
    Clock,
    Database,
}

/// What a rule is asked about.
#[derive(Clone, Copy)]
pub enum Check {
    /// One service at a time.
    Service(fn(&Facts, &ServiceFacts) -> Option<Hit>),
    /// The node as a whole.
    Node(fn(&Facts) -> Vec<Hit>),
}

/// A rule: what it recognises, how bad that is, what it explains.
#[derive(Clone, Copy)]
pub struct Rule {
    pub id: &'static str,
    /// Counts up whenever its predicate changes.
    pub version: u32,
    pub playbook: Playbook,
    pub layer: Layer,
    pub severity: Severity,
    /// One line for `--rules`.
    pub title: &'static str,
    /// What is seen, why it means that, what it is not: for `--explain`.
    pub why: &'static str,
    /// Rules whose findings this one explains, for the same service or the whole node.
    pub explains: &'static [&'static str],
    pub needs: &'static [Need],
    /// Parts of log lines that this rule reads. A line that contains one of them is kept when a log is read; the other
    /// lines are not there for the rules.
    pub signs: &'static [&'static str],
    pub check: Check,
}

/// Returns every rule, in no order that means anything.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [
        cuda::RULES,
        files::RULES,
        gpu::RULES,
        llama::RULES,
        machine::RULES,
        memory::RULES,
        model_file::RULES,
        python::RULES,
        supervisor::RULES,
        systemd::RULES,
        whisper::RULES,
        worker::RULES,
    ]
    .into_iter()
    .flatten()
}

/// Returns whether a line contains a part that some rule reads.
pub fn is_known(line: &str) -> bool {
    static SIGNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let signs = all().flat_map(|rule| rule.signs.iter().copied());
        AhoCorasick::new(signs).ok() // too many signs to build it is a mistake that a test finds
    });
    SIGNS.as_ref().is_some_and(|signs| signs.is_match(line))
}
