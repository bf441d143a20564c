use crate::host::open_files::maps::Mapping;
use crate::model::{ModelId, PlacedFile, Role};
use rustix::fs::makedev;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The files of the models that are known, by path and by inode.
#[derive(Debug, Default)]
pub struct ModelFiles {
    paths: HashMap<PathBuf, ModelId>,
    /// By device and inode: in a container a file has another path.
    inodes: HashMap<(u64, u64), ModelId>,
}

impl ModelFiles {
    /// Collects the files. Of models that share one the first counts.
    pub fn of(all: Vec<PlacedFile>) -> ModelFiles {
        let mut files = ModelFiles::default();
        // A projector is shared by many models, and says nothing about which one is loaded.
        for PlacedFile { model, entries, identity, .. } in all.into_iter().filter(|file| file.role != Role::Mmproj) {
            for path in entries {
                files.paths.entry(path).or_insert_with(|| model.clone());
            }
            files.inodes.entry((identity.dev, identity.ino)).or_insert(model);
        }
        files
    }

    pub fn by_path(&self, path: &Path) -> Option<&ModelId> {
        self.paths.get(path)
    }

    pub(super) fn of_mapping(&self, mapping: &Mapping<'_>) -> Option<&ModelId> {
        let (path, _) = mapping.entry();
        let by_path = self.paths.get(Path::new(OsStr::from_bytes(&path)));
        // On some file systems the kernel reports another device for a mapping: the path decides there.
        by_path.or_else(|| self.inodes.get(&(makedev(mapping.major, mapping.minor), mapping.ino)))
    }
}
