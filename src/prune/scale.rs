//! Sizes of a plan.

use super::trash::Step;
use crate::host::extents;
use crate::inventory::{Entity, Stamp, Weight};
use std::collections::HashMap;
use std::path::Path;

/// Sums up the sizes of removed files: each inode once, freed with its last entry.
#[derive(Default)]
pub(super) struct Scale {
    entries: HashMap<(u64, u64), u64>,
    /// Whether files of a device may share blocks.
    may_share: HashMap<u64, bool>,
    sums: Weight,
}

impl Scale {
    /// Adds a row and returns its sizes. `looks` are parallel to `steps`.
    pub fn put(&mut self, root: &Path, steps: &[Step], looks: &[Stamp]) -> Weight {
        let mut weight = Weight::default();
        for (step, look) in steps.iter().zip(looks) {
            if look.entity == Entity::Folder {
                weight.freed = weight.freed.saturating_add(look.allocated);
                weight.allocated = weight.allocated.saturating_add(look.allocated);
                continue;
            }
            let taken = self.entries.entry(look.inode()).or_default();
            *taken += 1;
            if *taken == 1 {
                weight.apparent = weight.apparent.saturating_add(look.identity.size);
                weight.allocated = weight.allocated.saturating_add(look.allocated);
            }
            if *taken == look.links {
                let freed = look.allocated.saturating_sub(self.shared(root, step.path(), look));
                weight.freed = weight.freed.saturating_add(freed);
            }
        }
        self.sums.apparent = self.sums.apparent.saturating_add(weight.apparent);
        self.sums.allocated = self.sums.allocated.saturating_add(weight.allocated);
        self.sums.freed = self.sums.freed.saturating_add(weight.freed);
        weight
    }

    pub fn sums(&self) -> Weight {
        self.sums
    }

    /// Returns the bytes that other files may share: only bytes that are known to be freed are promised.
    fn shared(&mut self, root: &Path, path: &Path, look: &Stamp) -> u64 {
        if look.entity != Entity::File || look.identity.size == 0 {
            return 0;
        }
        let may_share = self.may_share.entry(look.identity.dev);
        if !*may_share.or_insert_with(|| extents::may_share(&root.join(path))) {
            return 0;
        }
        let Ok(file) = crate::gguf::open_untouched(&root.join(path)) else { return 0 }; // unreadable: nothing is known
        let ranges = extents::shared(&file).known().cloned().unwrap_or_default();
        ranges.iter().fold(0, |sum, r| sum.saturating_add(r.end.saturating_sub(r.start)))
    }
}
