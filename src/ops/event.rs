use crate::failure::ErrorReport;
use crate::queue::executor::{ExecutorEvent, Summary};
use serde::Serialize;

/// Receives the events of a recipe, in order.
pub type Sink<'a> = dyn FnMut(OpEvent) + Send + 'a;

/// An event for a person or a client while a recipe works. Texts may contain names that others wrote: code that shows
/// them on a terminal must make them safe.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum OpEvent {
    /// A message about something that happened.
    Note { message: String },
    /// A problem that does not stop the work.
    Warning { message: String },
    /// The next step after a note or a warning.
    Hint { message: String },
    /// A part of the work failed; the rest continues.
    Error { error: ErrorReport },
    /// An item of a trash was restored. `root` is safe to print.
    Restored { id: String, name: String, root: String },
    /// Items that had been in the trash for `limit` (`7d`) were deleted for good.
    TrashExpired { items: u64, freed_bytes: u64, limit: String },
    /// The result of a run of tasks.
    RunEnded(Summary),
    /// A piece of generated text, as the model wrote it.
    Text { text: String },
    /// Progress of a step.
    Progress(Progress),
    /// A long step has ended.
    StepEnded { step: Step },
    /// An event of a task, or of the model that answers tasks. Serializes under its own names.
    #[serde(untagged)]
    Task(ExecutorEvent),
}

impl OpEvent {
    pub fn note(text: impl Into<String>) -> OpEvent {
        OpEvent::Note { message: text.into() }
    }

    pub fn warning(text: impl Into<String>) -> OpEvent {
        OpEvent::Warning { message: text.into() }
    }

    pub fn hint(text: impl Into<String>) -> OpEvent {
        OpEvent::Hint { message: text.into() }
    }

    pub fn error(error: &anyhow::Error) -> OpEvent {
        OpEvent::Error { error: ErrorReport::of(error) }
    }
}

/// Progress of one step of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub step: Step,
    pub unit: Unit,
    pub done: u64,
    /// The total; None while it is not known.
    pub total: Option<u64>,
    /// The thing that is being worked on.
    pub about: Option<String>,
}

impl Progress {
    /// Returns the start of a step that is counted in items.
    pub fn new(step: Step, total: Option<u64>) -> Progress {
        Progress { step, unit: Unit::Items, done: 0, total, about: None }
    }
}

impl From<Progress> for OpEvent {
    fn from(progress: Progress) -> OpEvent {
        OpEvent::Progress(progress)
    }
}

/// A step of the work that can take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Scanning,
    Verifying,
    Loading,
    Answering,
    /// Moving into the trash.
    Moving,
    Deleting,
    /// Making files share their space, or giving them space of their own.
    Sharing,
}

impl Step {
    pub fn name(self) -> &'static str {
        match self {
            Step::Scanning => "scanning",
            Step::Verifying => "verifying",
            Step::Loading => "loading",
            Step::Answering => "answering",
            Step::Moving => "moving",
            Step::Deleting => "deleting",
            Step::Sharing => "sharing",
        }
    }
}

/// The unit of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Items,
    Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_reads_events_by_their_name() {
        let json = |event: OpEvent| serde_json::to_value(event).unwrap();
        assert_eq!(json(OpEvent::note("done")), serde_json::json!({"event": "note", "message": "done"}));
        let progress = Progress::new(Step::Scanning, Some(3));
        let expected = serde_json::json!({
            "event": "progress", "step": "scanning", "unit": "items", "done": 0, "total": 3, "about": null,
        });
        assert_eq!(json(progress.into()), expected);
        let error = anyhow::Error::from(crate::failure::Failure::cannot_meet("no").hint("yes"));
        assert_eq!(json(OpEvent::error(&error))["error"]["exit_code"], 3);
    }
}
