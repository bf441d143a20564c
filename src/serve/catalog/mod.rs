//! The models that are served, and all names that lead to them: an immutable snapshot, replaced as a whole when the
//! database changes.

mod capabilities;
mod follow;
mod index;
mod needs;

pub use capabilities::Capabilities;
pub use follow::{Catalogs, follow};
pub use needs::Needs;

use crate::clock::Timestamp;
use crate::model::{ModelId, ModelRow, State, best_copies};
use index::Index;
use std::collections::HashMap;
use std::sync::Arc;

/// A model as the daemon serves it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub row: ModelRow,
    /// The time of the last write of its main file.
    pub written: Timestamp,
    /// The name in lists: its alias or name, or its id where that name leads to another model as well. `None` for a
    /// model that is not offered, or whose content is listed under this name already.
    pub listed: Option<String>,
}

impl Entry {
    /// Returns the name under which the model is listed; its own name where it is not.
    pub fn name(&self) -> &str {
        self.listed.as_deref().unwrap_or(&self.row.name)
    }
}

/// The outcome of resolving a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    One(Arc<Entry>),
    /// Several models, with different contents, that the name leads to equally well.
    Many(Vec<Arc<Entry>>),
    /// The model is known and not served, for this reason: `is disabled: …`.
    NotServed(Arc<Entry>, String),
    None,
}

/// All models of the database at one moment.
#[derive(Debug, Default)]
pub struct Catalog {
    entries: Vec<Arc<Entry>>,
    index: Index,
}

impl Catalog {
    /// Builds the snapshot. `written` has the times of the main files; a model without one gets the time when it was
    /// first seen.
    pub fn new(rows: Vec<ModelRow>, written: &HashMap<ModelId, Timestamp>) -> Catalog {
        let index = Index::new(&rows);
        let listed: Vec<Option<String>> = (0..rows.len()).map(|at| listed(&rows, &index, at)).collect();
        let entry = |(row, listed): (ModelRow, _)| {
            let written = time(&row, written);
            Arc::new(Entry { row, written, listed })
        };
        Catalog { entries: rows.into_iter().zip(listed).map(entry).collect(), index }
    }

    /// Returns whether these are the rows and times that the catalog was built of.
    fn is_of(&self, rows: &[ModelRow], written: &HashMap<ModelId, Timestamp>) -> bool {
        let is_same = |(entry, row): (&Arc<Entry>, &ModelRow)| entry.row == *row && entry.written == time(row, written);
        self.entries.len() == rows.len() && self.entries.iter().zip(rows).all(is_same)
    }

    /// Finds the model that a client names: by alias, id, name, `org/repo`, `org/repo:QUANT` or file name, each also
    /// with `:latest`. The first of these kinds of names that fits decides; upper and lower case differ only where that
    /// distinguishes two models. Takes constant time.
    pub fn resolve(&self, name: &str) -> Resolved {
        let at = |at: &usize| self.entries.get(*at).cloned();
        let rows = |index: usize| self.entries.get(index).map(|entry| &entry.row);
        let hits = self.index.best(name);
        let served: Vec<usize> =
            hits.iter().copied().filter(|at| rows(*at).is_some_and(|row| row.not_served().is_none())).collect();
        match best_copies(&served, rows).as_slice() {
            [one] => at(one).map_or(Resolved::None, Resolved::One),
            [] => match hits.first().and_then(at) {
                Some(entry) => {
                    let why = entry.row.not_served().unwrap_or_default();
                    Resolved::NotServed(entry, why)
                }
                None => Resolved::None,
            },
            several => Resolved::Many(several.iter().filter_map(at).collect()),
        }
    }

    /// Returns the model with this id, whether or not it is served. Takes constant time.
    pub fn by_id(&self, id: &ModelId) -> Option<&Arc<Entry>> {
        self.index.by_id(id).and_then(|at| self.entries.get(at))
    }

    /// Returns the model with this name whose files are gone. Its names may be those of its successor: they count where
    /// there is none.
    pub fn gone(&self, name: &str) -> Option<&Arc<Entry>> {
        let is_named =
            |row: &ModelRow| row.id.as_str() == name || row.alias.as_deref() == Some(name) || row.name == name;
        self.entries.iter().find(|entry| entry.row.state == State::Gone && is_named(&entry.row))
    }

    /// Returns the models that are served, each content once, in the order in which they were first recorded.
    pub fn offered(&self) -> impl Iterator<Item = (&str, &Arc<Entry>)> {
        self.entries.iter().filter_map(|entry| Some((entry.listed.as_deref()?, entry)))
    }

    /// Returns every model, served or not, in the order in which they were first recorded.
    pub fn all(&self) -> &[Arc<Entry>] {
        &self.entries
    }
}

fn time(row: &ModelRow, written: &HashMap<ModelId, Timestamp>) -> Timestamp {
    written.get(&row.id).copied().unwrap_or(row.first_seen)
}

/// Returns the name under which a model is listed.
fn listed(rows: &[ModelRow], index: &Index, at: usize) -> Option<String> {
    let row = rows.get(at).filter(|row| row.not_served().is_none())?;
    let name = row.alias.as_deref().unwrap_or(&row.name);
    let is_served = |at: &usize| rows.get(*at).is_some_and(|row| row.not_served().is_none());
    let served: Vec<usize> = index.best(name).into_iter().filter(is_served).collect();
    match best_copies(&served, |at| rows.get(at)).as_slice() {
        [one] if *one == at => Some(name.to_owned()),
        // A copy of it in another store is listed.
        [_] if served.contains(&at) => None,
        _ => Some(row.id.to_string()),
    }
}

#[cfg(test)]
mod tests;
