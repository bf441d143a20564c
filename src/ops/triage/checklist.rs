//! What must hold after a fix.

use crate::failure::Failure;
use crate::ops::Session;
use crate::ops::triage::Request;
use crate::supervise::StopSignal;
use std::time::Duration;

/// Watches the node for `watch` and returns what does not hold, a line for each.
///
/// # Errors
/// Cannot be met (3).
pub fn checklist(_: &mut Session, _: &Request, _: Duration, _: &StopSignal) -> anyhow::Result<Vec<String>> {
    Err(Failure::cannot_meet("this version has no checklist").into())
}
