//! Checks whether steps can be applied where they are: in folders that this process may change, on one file system,
//! with a trash for the moved files. Writes nothing to find out; applying the steps reports the rest.

use super::resolved_steps::BaseDir;
use super::trash::{Place, Step};
use crate::host::mounts;
use crate::inventory::Stamp;
use crate::model::StoreKind;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The known facts of folders; each folder is checked once.
#[derive(Debug, Default)]
pub(super) struct StepPreconditions {
    closed: HashMap<PathBuf, bool>,
    /// Roots that can have no trash.
    trashless: HashMap<PathBuf, bool>,
    /// The mount points in each root.
    mounts: HashMap<PathBuf, Vec<PathBuf>>,
}

impl StepPreconditions {
    /// Returns whether the steps are in folders that we cannot change, of a store whose owner has an interface for
    /// deletion.
    pub fn is_foreign(&mut self, store: StoreKind, base: &Path, steps: &[Step]) -> bool {
        store == StoreKind::Ollama && self.closed(base, steps)
    }

    /// Returns the reason why the steps cannot be applied, in words that follow a name. `looks` are parallel to
    /// `steps`.
    pub fn refuses(&mut self, store: StoreKind, base: &BaseDir, steps: &[Step], looks: &[Stamp]) -> Option<String> {
        let mounts = self.mounts.entry(base.path.clone()).or_insert_with_key(|base| mounts_in(base));
        // A folder on another file system stays when it is empty.
        let is_beyond = |(step, look): &(&Step, &Stamp)| {
            let is_below = || mounts.iter().any(|point| base.path.join(step.path()).starts_with(point));
            matches!(step, Step::Move { .. }) && (look.identity.dev != base.is.dev || is_below())
        };
        if let Some((step, _)) = steps.iter().zip(looks).find(is_beyond) {
            return Some(format!("`{}` is on another file system than its store", step.path().display()));
        }
        if self.is_foreign(store, &base.path, steps) {
            return None;
        }
        let trashless = self.trashless.entry(base.path.clone()).or_insert_with_key(|base| !Place::is_possible(base));
        (*trashless || self.closed(&base.path, steps)).then(|| "its store is not writable".to_owned())
    }

    fn closed(&mut self, base: &Path, steps: &[Step]) -> bool {
        let mut last: Option<(&Path, bool)> = None;
        steps.iter().filter_map(|step| step.path().parent()).any(|folder| match last {
            Some((same, closed)) if same == folder => closed,
            _ => {
                // Capabilities count, which `access` ignores for everybody but root.
                let closed = |folder: &PathBuf| accessat(CWD, folder, Access::WRITE_OK, AtFlags::EACCESS).is_err();
                let closed = *self.closed.entry(base.join(folder)).or_insert_with_key(closed);
                last = Some((folder, closed));
                closed
            }
        })
    }
}

/// Returns the mount points below a folder. Where they are unknown, moving out of one fails.
fn mounts_in(base: &Path) -> Vec<PathBuf> {
    let points = mounts::read().unwrap_or_default().into_iter().map(|mount| mount.point);
    points.filter(|point| point != base && point.starts_with(base)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mounts_below_a_folder_are_found() {
        assert_eq!(mounts_in(Path::new("/")).iter().filter(|p| p.starts_with("/proc")).count().min(1), 1);
    }
}
