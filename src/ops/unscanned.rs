//! A model file that no scan has found.

use super::scan::{self, read_header};
use super::{OpEvent, Session, Sink, resolve_model};
use crate::clock::Timestamp;
use crate::display::text;
use crate::inventory;
use crate::model::{Model, ModelRow, Selector};
use crate::supervise::StopSignal;
use std::path::PathBuf;

/// Returns the path of the file that a selector names; None where it names none.
pub fn file(selector: &Selector) -> Option<PathBuf> {
    let path = std::path::absolute(&selector.0).ok()?; // an empty text is no path
    path.is_file().then_some(path)
}

/// Reads the model that a selector names by the path of its file; None where it names no file.
pub fn read(selector: &Selector, now: Timestamp) -> Option<Model> {
    inventory::read_one(&file(selector)?, &read_header, now)
}

/// Finds the model that a selector names. A file that no scan has found is recorded first, with what is in its folder:
/// what is run has a history and settings.
///
/// # Errors
/// Those of [`resolve_model::resolve`] and [`scan::scan`].
pub fn recorded(
    session: &mut Session,
    selector: &Selector,
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<ModelRow> {
    let unknown = match resolve_model::resolve(session, selector) {
        Ok(row) => return Ok(row),
        Err(error) => error,
    };
    let folder = file(selector).and_then(|file| file.parent().map(PathBuf::from));
    let Some(folder) = folder else { return Err(unknown) };
    on(OpEvent::note(format!("{} is not recorded yet: scanning its folder", text::clean(&selector.0))));
    scan::scan(session, &scan::Request { paths: vec![folder], ..scan::Request::default() }, stop, on)?;
    resolve_model::resolve(session, selector)
}
