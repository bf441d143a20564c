//! The holdings of a store: its files, one by one or as a sum.

use super::inode::Stamp;
use crate::model::{Class, Holding, StoreKind};
use std::path::Path;

/// The fields that the holdings of one owner have in common.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a> {
    pub store: StoreKind,
    pub root: &'a Path,
    pub owner: Option<&'a str>,
}

impl Kept<'_> {
    /// Returns the holding of one file with its bytes.
    pub fn file(self, path: &Path, look: impl Into<Stamp>, class: Class, why: impl Into<String>) -> Holding {
        let Stamp { identity, allocated, links, .. } = look.into();
        Holding {
            files: 1,
            identity: Some(identity),
            size: identity.size,
            allocated,
            links,
            ..self.nothing(path, class, why.into())
        }
    }

    /// Returns the holding of a reference to missing bytes.
    pub fn missing(self, reference: &Path, why: impl Into<String>) -> Holding {
        self.nothing(reference, Class::Missing, why.into())
    }

    /// Returns the holding of several files under `folder` together.
    pub fn sum(self, folder: &Path, sum: Sum, class: Class, why: impl Into<String>) -> Holding {
        let Sum { files, size, allocated } = sum;
        Holding { files, size, allocated, ..self.nothing(folder, class, why.into()) }
    }

    fn nothing(self, path: &Path, class: Class, why: String) -> Holding {
        Holding {
            store: self.store,
            root: self.root.to_owned(),
            owner: self.owner.map(str::to_owned),
            path: path.to_owned(),
            files: 0,
            identity: None,
            size: 0,
            allocated: 0,
            links: 1,
            class,
            why,
            expected_sha256: None,
        }
    }
}

/// The total of files that are not listed one by one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    pub files: u64,
    pub size: u64,
    pub allocated: u64,
}

impl Sum {
    pub fn add(&mut self, look: impl Into<Stamp>) {
        let Stamp { identity, allocated, .. } = look.into();
        self.files += 1;
        self.size = self.size.saturating_add(identity.size);
        self.allocated = self.allocated.saturating_add(allocated);
    }

    pub fn is_empty(&self) -> bool {
        self.files == 0
    }
}
