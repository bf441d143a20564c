//! Events during an executor run, and its summary.

use crate::model::task::{TaskId, TaskState};
use crate::supervise::Stop;
use std::time::Duration;

/// Progress of an executor run.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ExecutorEvent {
    Recovered {
        requeued: u64,
        failed: u64,
    },
    /// A model is being loaded, with the reason for its choice.
    Loading {
        model: String,
    },
    /// Another executor uses the device; it takes the same tasks.
    Waiting {
        who: String,
    },
    /// The number of tasks of the batch that have ended while another executor had the device.
    ByOthers {
        ended: u64,
    },
    /// Due tasks wait because nothing here can answer them, with the reason. None once that is over.
    Waits {
        why: Option<String>,
    },
    Ready {
        model: String,
        #[serde(rename = "took_ms", serialize_with = "millis")]
        took: Duration,
    },
    /// All tasks of the batch have ended; so many others that had begun are still running.
    BatchEnded {
        others: u64,
    },
    /// A stop was requested; so many running tasks may go on for `grace`.
    Stopping {
        running: u64,
        #[serde(rename = "grace_ms", serialize_with = "millis")]
        grace: Duration,
    },
    Started {
        id: TaskId,
    },
    Ended {
        id: TaskId,
        state: TaskState,
        error: Option<String>,
    },
    /// The task failed through its model and is tried with another one.
    Swapped {
        id: TaskId,
        to: String,
        why: String,
    },
    /// A warning for people that does not stop the run.
    Warning {
        message: String,
    },
}

fn millis<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// The summary of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Summary {
    pub done: u64,
    /// Tasks that have failed permanently.
    pub failed: u64,
    /// Tasks that will be tried again.
    pub retried: u64,
    /// Tasks that were given back untouched because of a stop.
    pub given_back: u64,
    /// Tasks that were cancelled or taken over while they ran.
    pub lost: u64,
    /// Whether inference is turned off.
    pub off: bool,
    /// The holder of the device, if it was busy; nothing was run then.
    pub busy: Option<String>,
    /// The number of due tasks that wait for something that this machine lacks; untouched.
    pub waiting: u64,
    /// The reason why those tasks wait.
    pub waits_for: Option<String>,
    #[serde(skip)]
    pub stopped: Option<Stop>,
}

impl crate::display::Document for Summary {
    const SCHEMA: &'static str = "modelctl.run-once/1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_an_object_that_says_which_it_is() {
        let json = |event: ExecutorEvent| serde_json::to_value(event).unwrap();
        let ready = ExecutorEvent::Ready { model: "smol".into(), took: Duration::from_millis(1500) };
        assert_eq!(json(ready), serde_json::json!({"event": "ready", "model": "smol", "took_ms": 1500}));
        let ended = ExecutorEvent::Ended { id: TaskId(7), state: TaskState::Done, error: None };
        assert_eq!(json(ended), serde_json::json!({"event": "ended", "id": 7, "state": "done", "error": null}));
        let warning = ExecutorEvent::Warning { message: "x".into() };
        assert_eq!(json(warning), serde_json::json!({"event": "warning", "message": "x"}));
    }
}
