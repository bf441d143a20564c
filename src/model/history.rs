use super::ModelId;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// The kind of an event in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A scan found something added, changed, moved or removed.
    Scan,
    /// Settings of a model were changed.
    Set,
    /// Keep hints were added or removed.
    Keep,
    /// A model was moved into the trash.
    Prune,
    /// A model was deleted permanently, without the trash.
    Purge,
    /// A model was restored from the trash.
    Restore,
    /// The trash was emptied.
    Empty,
    /// Inference was turned on or off.
    Inference,
    /// Copies of one content were made to share their space, or given space of their own again.
    Dedupe,
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
        Action::Dedupe,
    ];

    /// Returns the name used on the command line, in JSON and in the database.
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
            Action::Dedupe => "dedupe",
        }
    }

    pub fn from_name(name: &str) -> Option<Action> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }
}

/// The process and person that caused an event. A field is None when it could not be read or does not apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// The effective user id, whose permissions were used.
    pub uid: u32,
    /// The user name for this id in `/etc/passwd`.
    pub user: Option<String>,
    /// The user who logged in, when that is another one: the person behind sudo or su.
    pub login: Option<String>,
    pub pid: u32,
    /// The process name.
    pub process: Option<String>,
    /// The name of the parent process.
    pub parent: Option<String>,
    /// The systemd unit; `session` in a login session, `cron` below a cron daemon.
    pub unit: Option<String>,
    /// The command line, quoted for a shell, shortened when it is very long.
    pub command: Option<String>,
}

/// The model that an event is about, under its name at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub id: Option<ModelId>,
    pub name: String,
    pub path: Option<PathBuf>,
}

/// One event in the history. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at: Timestamp,
    pub actor: Actor,
    pub action: Action,
    pub subject: Option<Subject>,
    /// Further models that the event is about. A query by model finds the event through them; they are not read back.
    pub others: Vec<ModelId>,
    /// The reason, as a sentence.
    pub reason: Option<String>,
    pub apparent: Option<u64>,
    pub allocated: Option<u64>,
    /// The bytes that the file system gained.
    pub freed: Option<u64>,
    /// Data specific to this action; null when there is none.
    pub detail: Value,
}

impl Event {
    /// Creates an event with only a time, an actor and an action.
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

    /// Returns the run of `prune` whose items the event is about, as `trash restore --run` takes it.
    pub fn run(&self) -> Option<&str> {
        self.detail.get("run")?.as_str()
    }
}

/// An [`Event`] with its number in the history: a later event has a higher number.
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
