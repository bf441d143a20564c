//! The places of trashes, and their items.

use crate::clock;
use crate::failure::{Failure, classify};
use crate::ops::known_roots::{base, roots};
use crate::ops::{OpEvent, Session, Sink};
use crate::prune::trash::{self, Place, Trashed};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Returns the places that may hold items of the known roots and of `dirs`, each once, and the faults of places that
/// cannot be read.
pub fn places(session: &mut Session, dirs: &[PathBuf]) -> anyhow::Result<(Vec<Place>, BTreeSet<String>)> {
    let mut all: BTreeMap<PathBuf, Place> = BTreeMap::new();
    let mut faults = BTreeSet::new();
    let known = roots(session)?.into_iter().map(|(_, root)| root);
    for root in known.chain(dirs.iter().cloned()) {
        let Some(base) = base(&root) else { continue };
        for place in Place::all(&base) {
            match place {
                Ok(place) => {
                    all.entry(place.path().to_owned()).or_insert(place);
                }
                // Two roots next to each other lead to one place.
                Err(fault) => {
                    faults.insert(fault.to_string());
                }
            }
        }
    }
    Ok((all.into_values().collect(), faults))
}

/// Returns the folders that are roots because the database or the configuration knows them or `dirs` names them, with
/// links resolved. The contents of a trash never add a root.
pub fn named(session: &mut Session, dirs: &[PathBuf]) -> anyhow::Result<BTreeSet<PathBuf>> {
    let known = roots(session)?.into_iter().map(|(_, root)| root);
    Ok(known.chain(dirs.iter().cloned()).filter_map(|root| base(&root)).collect())
}

/// Returns everything that is in a trash, and whether every trash could be read. Warns about those that could not.
pub fn everything(session: &mut Session, dirs: &[PathBuf], on: &mut Sink<'_>) -> anyhow::Result<(Vec<Trashed>, bool)> {
    let (places, mut faults) = places(session, dirs)?;
    let mut all = Vec::new();
    for place in &places {
        match trash::list([place]) {
            Ok(items) => all.extend(items),
            Err(error) => {
                faults.insert(format!("{error:#}"));
            }
        }
    }
    all.sort_by(Trashed::by_age);
    faults.iter().for_each(|fault| on(OpEvent::warning(fault)));
    Ok((all, faults.is_empty()))
}

/// The places of items. Each is opened once and locked from its first item until this value is dropped.
pub struct Holds {
    places: BTreeMap<PathBuf, Place>,
    held: BTreeMap<PathBuf, trash::Held>,
    failed: BTreeMap<PathBuf, Failure>,
}

impl Holds {
    pub fn of(session: &mut Session, dirs: &[PathBuf]) -> anyhow::Result<Holds> {
        let places = places(session, dirs)?.0.into_iter().map(|place| (place.path().to_owned(), place)).collect();
        Ok(Holds { places, held: BTreeMap::new(), failed: BTreeMap::new() })
    }

    /// Returns the place of an item, locked.
    ///
    /// # Errors
    /// Another process holds it, or it no longer exists.
    pub fn get(&mut self, item: &Trashed) -> anyhow::Result<&trash::Held> {
        let gone = || Failure::cannot_meet("its trash no longer exists");
        let around = item.folder.parent().ok_or_else(gone)?;
        if let Some(place) = self.places.remove(around) {
            match place.hold(clock::now()).map_err(trash::Fault::into_error) {
                Ok(held) => drop(self.held.insert(around.to_owned(), held)),
                Err(error) => {
                    let (kind, hint) = classify(&error);
                    let failure = Failure { hint: hint.map(str::to_owned), ..Failure::new(kind, format!("{error:#}")) };
                    self.failed.insert(around.to_owned(), failure);
                }
            }
        }
        if let Some(Failure { kind, message, hint, .. }) = self.failed.get(around) {
            return Err(Failure { hint: hint.clone(), ..Failure::new(*kind, message.as_str()) }.into());
        }
        Ok(self.held.get(around).ok_or_else(gone)?)
    }
}
