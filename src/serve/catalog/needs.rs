//! The bytes that servers of models take, by the headers of their files.

use super::Entry;
use super::capabilities::{Files, files_of};
use crate::model::ModelId;
use crate::model::server::ServerSettings;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the bytes depend on: the files of a model, the tokens of context, and the requests that are answered at once.
type Basis = (Files, u32, Option<u32>);

/// What was computed for models.
#[derive(Debug, Default)]
pub struct Needs(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    version: u64,
    all: HashMap<ModelId, (Basis, u64)>,
}

impl Needs {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the bytes that a server of a model takes on all devices together, if they were computed for its files and
    /// settings as they are.
    pub fn of(&self, entry: &Entry, settings: &ServerSettings) -> Option<u64> {
        let inner = self.lock();
        let (basis, bytes) = inner.all.get(&entry.row.id)?;
        (*basis == basis_of(entry, settings)).then_some(*bytes)
    }

    /// Keeps what was computed.
    pub fn keep(&self, entry: &Entry, settings: &ServerSettings, bytes: u64) {
        let mut inner = self.lock();
        inner.version = inner.version.saturating_add(1);
        inner.all.insert(entry.row.id.clone(), (basis_of(entry, settings), bytes));
    }

    /// Returns a number that grows with everything that is kept.
    pub fn version(&self) -> u64 {
        self.lock().version
    }
}

fn basis_of(entry: &Entry, settings: &ServerSettings) -> Basis {
    (files_of(entry), settings.context, settings.parallel)
}
