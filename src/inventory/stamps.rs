//! Recognizes repositories that have not changed since they were read whole, by one stat of each of their folders and
//! files instead of reading them again.
//!
//! A repository is stamped when all of it could be read and nothing in it was odd. Its stamp has every folder (which
//! changes with each name that is added, removed or replaced) and every file whose content or size counts: references,
//! models, orphans, unfinished downloads. It is valid as long as all of them have the same stat results and the
//! database has the same models, present. A repository with something odd in it is read each time, and its stamp then
//! shows whether anything must be compared.
//!
//! Two changes are not noticed. A file that is no model and only counts in a sum (a blob behind `config.json`) is
//! rewritten in place, so that no folder changes: its part of the sum is corrected when the repository is next read.
//! And on a network file system whose clock is behind this machine's by more than the margin in `stamping`, a second
//! change within the same tick of that clock. `scan --full` ignores all stamps.

use super::folder::Folder;
use super::stamping::{FORMAT, PACKED, digest, packed};
use super::stores;
use crate::model::{FolderStamp, KnownFile};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The stamps of earlier scans.
#[derive(Default)]
pub(crate) struct Stamps<'a> {
    by_folder: HashMap<&'a OsStr, Stamped<'a>>,
}

struct Stamped<'a> {
    stamp: &'a FolderStamp,
    /// The present files of the folder in the database.
    files: Vec<&'a KnownFile>,
}

impl<'a> Stamps<'a> {
    pub fn new(stamps: &'a [FolderStamp], known: &'a [KnownFile]) -> Self {
        let usable = stamps.iter().filter(|s| s.format == FORMAT);
        let mut by_folder: HashMap<&OsStr, Stamped<'_>> =
            usable.map(|stamp| (stamp.folder.as_os_str(), Stamped { stamp, files: Vec::new() })).collect();
        if !by_folder.is_empty() {
            // A repository with a header that must be read again is not skipped.
            for repo in known.iter().filter(|f| f.again).filter_map(|f| stores::repository_of(&f.path)) {
                by_folder.remove(repo.as_os_str());
            }
            for file in known.iter().filter(|f| f.present) {
                let repo = stores::repository_of(&file.path).map(Path::as_os_str);
                if let Some(stamped) = repo.and_then(|repo| by_folder.get_mut(repo)) {
                    stamped.files.push(file);
                }
            }
        }
        Stamps { by_folder }
    }

    /// Returns whether the folder was a repository when it was last read.
    pub fn has(&self, folder: &Path) -> bool {
        self.by_folder.contains_key(folder.as_os_str())
    }

    /// Returns the number of models' files in an unchanged repository. None when it has changed, or has no usable
    /// stamp. `root`: its parent folder.
    pub fn unchanged(&self, repo: &Path, root: &Folder) -> Option<u64> {
        let stamped = self.by_folder.get(repo.as_os_str()).filter(|s| !s.stamp.entries.is_empty())?;
        let name = repo.file_name()?.as_bytes();
        let mut path = Vec::with_capacity(256);
        let mut rest = stamped.stamp.entries.as_slice();
        while let Some((length, more)) = rest.split_first_chunk::<2>() {
            let (inside, more) = more.split_at_checked(u16::from_le_bytes(*length).into())?;
            let (was, more) = more.split_first_chunk::<PACKED>()?;
            path.clear();
            path.extend_from_slice(name);
            path.push(b'/');
            path.extend_from_slice(inside);
            // An entry whose stat fails has changed: it worked before.
            let look = root.look(OsStr::from_bytes(&path)).ok()?;
            if packed(&look) != *was {
                return None;
            }
            rest = more;
        }
        (rest.is_empty() && stamped.is_known()).then_some(stamped.stamp.files)
    }

    /// Returns whether a repository that was read, and now has the stamp `now`, has exactly the known models.
    pub fn has_same_models(&self, now: &FolderStamp) -> bool {
        let before = self.by_folder.get(now.folder.as_os_str());
        before.is_some_and(|b| b.stamp.found == now.found && b.stamp.known == now.known && b.is_known())
    }
}

impl Stamped<'_> {
    /// Returns whether the database has the models that were found then, unchanged and present.
    fn is_known(&self) -> bool {
        let files = self.files.iter().map(|f| (f.path.as_path(), f.target.as_deref(), f.identity)).collect();
        digest(files) == self.stamp.known
    }
}
