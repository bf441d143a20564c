//! The trash: lists, restores and deletes its items, and recovers it from interrupted runs.

pub mod empty;
mod places;
mod recover;
mod report;
pub mod restore;
mod select;
mod whereabouts;

pub use places::{Holds, everything, places};
pub use recover::{record_missing_events, recover_interrupted};
pub use report::{EmptyReport, ItemReport, RestoreReport, TrashReport};
pub use select::Which;
pub use whereabouts::{Whereabouts, explain_gone};

use super::{Session, Sink};
use crate::prune::trash::Trashed;
use std::path::PathBuf;

/// Lists everything that is in a trash. Returns whether every trash could be read. `dirs`: folders whose trash is
/// included.
///
/// # Errors
/// The database cannot be read.
pub fn list(session: &mut Session, dirs: &[PathBuf], on: &mut Sink<'_>) -> anyhow::Result<(Vec<Trashed>, bool)> {
    let (all, is_all) = everything(session, dirs, on)?;
    record_missing_events(session, dirs, &all, on);
    Ok((all, is_all))
}
