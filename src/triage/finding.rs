use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Critical,
    Warning,
    Info,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Two sources agree: what a log says and what the machine shows.
    Proven,
    Likely,
    Possible,
}

/// The order of causes: what is above explains what is below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    Host,
    Driver,
    Storage,
    Memory,
    Limits,
    Network,
    Service,
    App,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Playbook {
    Api,
    Llama,
    Worker,
    Whisper,
    Node,
}

/// A line that proves a cause, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Evidence {
    pub source: String,
    pub line: Option<u64>,
    pub time: Option<Timestamp>,
    pub text: String,
}

/// What a step changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    Nothing,
    Service(String),
    File(String),
    Host,
}

/// What a rule found: the judge makes a finding of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// None: the node, or supervisord itself.
    pub service: Option<String>,
    /// Of a cause of the node: the services that it can explain something of; None: all.
    pub affects: Option<Vec<String>>,
    /// The words after `SERVICE:`; names the cause with its numbers, without a full stop.
    pub cause: String,
    pub confidence: Confidence,
    /// Another severity than the rule's, where the facts ask for it.
    pub severity: Option<Severity>,
    /// Two at least.
    pub evidence: Vec<Evidence>,
    /// One smallest step, as an order: "raise LLAMA_WAIT_SECONDS in start.sh:12 to 300".
    pub step: String,
    /// The exact command of the step, where there is one.
    pub command: Option<Vec<String>>,
    pub changes: Changes,
    /// How to go back; never empty where something changes.
    pub undo: String,
}
