//! Whether steps can be done where they are: in folders that this process may change, with a trash for what is moved. Nothing is written to find out; what cannot be told now is told by the act.

use super::plan::Base;
use super::trash::{Place, Step};
use crate::model::StoreKind;
use rustix::fs::{Access, access};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What is known of folders; each is asked about once.
#[derive(Debug, Default)]
pub(super) struct Ground {
    closed: HashMap<PathBuf, bool>,
    /// Roots that can have no trash.
    trashless: HashMap<PathBuf, bool>,
}

impl Ground {
    /// Whether the steps are in folders that we cannot change, of a store whose owner can be asked to.
    pub fn is_foreign(&mut self, store: StoreKind, base: &Path, steps: &[Step]) -> bool {
        store == StoreKind::Ollama && self.closed(base, steps)
    }

    /// Why the steps cannot be done, in words that go on after the name.
    pub fn refuses(&mut self, store: StoreKind, base: &Base, steps: &[Step]) -> Option<String> {
        if self.is_foreign(store, &base.path, steps) {
            return None;
        }
        let trashless = self.trashless.entry(base.path.clone()).or_insert_with_key(|base| !Place::is_possible(base));
        (*trashless || self.closed(&base.path, steps)).then(|| "its store cannot be written".to_owned())
    }

    fn closed(&mut self, base: &Path, steps: &[Step]) -> bool {
        let mut last: Option<(&Path, bool)> = None;
        steps.iter().filter_map(|step| step.path().parent()).any(|folder| match last {
            Some((same, closed)) if same == folder => closed,
            _ => {
                let closed = |folder: &PathBuf| access(folder, Access::WRITE_OK).is_err();
                let closed = *self.closed.entry(base.join(folder)).or_insert_with_key(closed);
                last = Some((folder, closed));
                closed
            }
        })
    }
}
