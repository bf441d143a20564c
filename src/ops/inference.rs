//! The switch that every claim of a task checks.

use super::tasks::Lens;
use super::{Session, history_events};
use crate::clock::Timestamp;
use crate::db::Access;
use crate::model::Action;
use crate::model::task::{Counts, Inference};
use schemars::JsonSchema;
use serde::Serialize;

/// The switch, for a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InferenceReport {
    pub on: bool,
    /// The time of the last change, RFC 3339 in UTC; null when there was none.
    pub since: Option<String>,
}

impl InferenceReport {
    pub fn of(state: &Inference) -> InferenceReport {
        InferenceReport { on: state.on, since: state.since.map(Timestamp::rfc3339) }
    }
}

/// Switches inference on or off, and records a change.
///
/// # Errors
/// The database cannot be written.
pub fn switch(session: &mut Session, on: bool) -> anyhow::Result<Inference> {
    let now = session.now;
    let event = history_events::inference(session.event(Action::Inference), on);
    let (before, after) = session.queue(Access::ReadWrite)?.set_inference(on, now)?;
    // The queue and the history may be in two places. After a kill between these lines the switch is set, and the
    // history lacks the event.
    if before != after {
        session.db(Access::ReadWrite)?.record_history(&event)?;
    }
    Ok(after)
}

/// Returns whether inference is on, and since when.
///
/// # Errors
/// The queue cannot be read.
pub fn state(session: &mut Session) -> anyhow::Result<Inference> {
    session.queue(Access::ReadOnly)?.inference()
}

/// Returns the number of tasks in each state.
///
/// # Errors
/// The queue cannot be read.
pub fn counts(session: &mut Session) -> anyhow::Result<Counts> {
    let counts = session.queue(Access::ReadOnly)?.counts(None)?;
    Lens::counts(session, counts)
}
