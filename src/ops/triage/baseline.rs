//! The good day that later looks are compared with.

use crate::failure::Failure;
use crate::ops::Session;
use crate::ops::triage::Triage;

/// Stores what a look found as the baseline.
///
/// # Errors
/// Cannot be met (3).
pub fn save(_: &mut Session, _: &Triage) -> anyhow::Result<()> {
    Err(unavailable())
}

/// Returns what differs from the baseline, a line for each.
///
/// # Errors
/// Cannot be met (3).
pub fn diff(_: &mut Session, _: &Triage) -> anyhow::Result<Vec<String>> {
    Err(unavailable())
}

fn unavailable() -> anyhow::Error {
    Failure::cannot_meet("this version keeps no baseline").into()
}
