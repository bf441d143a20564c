//! Which model could be loaded instead of one that does not fit.

use crate::db::Access;
use crate::display::text;
use crate::host::budget::MAIN_MEMORY;
use crate::lifecycle::Instead;
use crate::model::{Kind, ModelRow, Reading, State};
use crate::ops::Session;
use crate::ops::memory_fit::{Wanted, need};

/// The number of models that are examined, largest first: a person waits for the answer.
const EXAMINED: usize = 50;
/// Tokens of context that the suggestion is made for.
const CONTEXT: u32 = 4_096;

/// Returns the name of the largest enabled model that generates text and fits into the room that there is, by the
/// formula over its header.
///
/// # Errors
/// The database cannot be read.
pub fn largest(session: &mut Session, instead: &Instead) -> anyhow::Result<Option<String>> {
    let Some(most) = instead.capacity.iter().find(|bytes| bytes.device == MAIN_MEMORY).map(|bytes| bytes.bytes) else {
        return Ok(None);
    };
    let db = session.db(Access::ReadOnly)?;
    let is_offered = |row: &ModelRow| {
        row.id != instead.of && row.enabled && row.state == State::Ready && row.kind == Kind::Generative
    };
    let mut rows: Vec<ModelRow> = db.rows()?.into_iter().filter(|row| is_offered(row) && row.size <= most).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.size));
    for row in rows.iter().take(EXAMINED) {
        let Some(model) = db.models(Some(std::slice::from_ref(&row.id)))?.pop() else { continue };
        if let Reading::Known(need) = need(&model, &Wanted::new(Some(CONTEXT), 1))
            && need.total <= most
        {
            return Ok(Some(text::clean(row.alias.as_deref().unwrap_or(&row.name)).to_string()));
        }
    }
    Ok(None)
}
