use super::ModelId;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// What was done, as the history tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A scan found something added, changed, moved or gone.
    Scan,
    /// Settings of a model were changed.
    Set,
    /// Keep hints were added or removed.
    Keep,
    /// A model was moved into the trash.
    Prune,
    /// A model was deleted for good, without the trash.
    Purge,
    /// A model was brought back from the trash.
    Restore,
    /// The trash was emptied.
    Empty,
    /// Inference was switched on or off.
    Inference,
}

impl Action {
    pub const ALL: &'static [Action] = &[
        Action::Scan,
        Action::Set,
        Action::Keep,
        Action::Prune,
        Action::Purge,
        Action::Restore,
        Action::Empty,
        Action::Inference,
    ];

    /// The name used on the command line, in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Action::Scan => "scan",
            Action::Set => "set",
            Action::Keep => "keep",
            Action::Prune => "prune",
            Action::Purge => "purge",
            Action::Restore => "restore",
            Action::Empty => "empty",
            Action::Inference => "inference",
        }
    }

    pub fn from_name(name: &str) -> Option<Action> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }
}

/// Who did it. None is what could not be read, or is not so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// The effective user id: whose rights were used.
    pub uid: u32,
    /// The name that `/etc/passwd` has for it.
    pub user: Option<String>,
    /// Who logged in, when that is somebody else: the person behind sudo or su.
    pub login: Option<String>,
    pub pid: u32,
    /// The name of the process.
    pub process: Option<String>,
    /// The name of the process that started it.
    pub parent: Option<String>,
    /// The systemd unit; `session` in somebody's login, `cron` below a cron daemon.
    pub unit: Option<String>,
    /// The command line, quoted for a shell, shortened when it is very long.
    pub command: Option<String>,
}

/// The model that something was done to, as it was called then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub id: Option<ModelId>,
    pub name: String,
    pub path: Option<PathBuf>,
}

/// One thing that was done. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at: Timestamp,
    pub actor: Actor,
    pub action: Action,
    pub subject: Option<Subject>,
    /// Further models that it is about. They lead to the event when it is asked for by model, and are not read back.
    pub others: Vec<ModelId>,
    /// Why it was done, as a sentence.
    pub reason: Option<String>,
    pub apparent: Option<u64>,
    pub allocated: Option<u64>,
    /// What the file system gained by it.
    pub freed: Option<u64>,
    /// What belongs to this action alone; null when there is nothing.
    pub detail: Value,
}

impl Event {
    /// An event that says who, when and what, and nothing else yet.
    pub fn new(at: Timestamp, actor: Actor, action: Action) -> Event {
        Event {
            at,
            actor,
            action,
            subject: None,
            others: Vec::new(),
            reason: None,
            apparent: None,
            allocated: None,
            freed: None,
            detail: Value::Null,
        }
    }
}

/// An [`Event`] with its place in the history: a later one has a higher number.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub number: i64,
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(*action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
        assert_eq!(Action::from_name("Scan"), None);
    }
}
