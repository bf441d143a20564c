//! Builds the stamp of a repository while it is read.

use super::folder::Folder;
use super::found::Found;
use super::inode::Stamp;
use crate::model::{FileIdentity, FolderStamp};
use sha2::{Digest, Sha256};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The format of stamps. Raised whenever reading a repository would have another result than before, or stamps are
/// packed in another way.
pub(super) const FORMAT: u32 = 2;

/// The margin before a scan in nanoseconds. A file that changed within it is not stamped: it could change again without
/// a change of its times. The coarsest of the usual file systems counts in steps of 2 s.
const MARGIN_NS: i64 = 2_000_000_000;

/// The stamp of a repository, incomplete while the repository is read.
#[derive(Debug, Default)]
pub(crate) struct Stamping {
    /// The folder with a slash at its end; empty while nothing is stamped.
    folder: Vec<u8>,
    /// The time before which a change must be, in nanoseconds since the epoch.
    older_than: i64,
    entries: Vec<u8>,
    odd: bool,
}

impl Stamping {
    /// Starts a stamp. `started_ns`: the start of the scan, in nanoseconds since the epoch.
    pub fn of(folder: &Path, started_ns: i64) -> Stamping {
        let older_than = started_ns.saturating_sub(MARGIN_NS);
        let folder = [folder.as_os_str().as_bytes(), b"/"].concat();
        Stamping { folder, older_than, entries: Vec::new(), odd: false }
    }

    /// Adds an entry that affects the result, with its stat result before it was read.
    pub fn add(&mut self, path: &Path, look: &Stamp) {
        if self.folder.is_empty() {
            return;
        }
        let bytes = path.as_os_str().as_bytes();
        let inside = if self.folder.strip_suffix(b"/") == Some(bytes) {
            Some(b".".as_slice())
        } else {
            bytes.strip_prefix(self.folder.as_slice())
        };
        // A clock that was set back makes everything seem too new, which only costs time.
        let is_old = look.identity.mtime_ns.max(look.identity.ctime_ns) < self.older_than;
        match inside.and_then(|name| Some((name, u16::try_from(name.len()).ok()?))) {
            Some((name, length)) if is_old => {
                self.entries.extend_from_slice(&length.to_le_bytes());
                self.entries.extend_from_slice(name);
                self.entries.extend_from_slice(&packed(look));
            }
            _ => self.odd = true,
        }
    }

    /// Adds an open folder, before its entries are read.
    pub fn folder(&mut self, folder: &Folder) {
        if self.folder.is_empty() {
            return;
        }
        match folder.stamp() {
            Ok(look) => self.add(&folder.path, &look),
            Err(_) => self.odd = true,
        }
    }

    /// Marks the repository as one that cannot be recognized as unchanged from its own entries alone.
    pub fn spoil(&mut self) {
        self.odd = true;
    }

    /// Returns the stamp. `found`: the files of models in the repository.
    pub fn finish(self, folder: &Path, found: &[Found]) -> FolderStamp {
        let odd = self.odd || found.iter().any(|f| f.fault.is_some());
        let files = found.iter().map(|f| (f.path.as_path(), f.target.as_deref(), f.identity)).collect();
        FolderStamp {
            folder: folder.to_owned(),
            format: FORMAT,
            files: found.len() as u64,
            known: digest(files),
            found: everything(found),
            entries: if odd { Vec::new() } else { self.entries },
        }
    }
}

pub(super) const PACKED: usize = 48;

/// Packs all fields that change with an entry. A file with holes may become whole without a new time.
pub(super) fn packed(look: &Stamp) -> [u8; PACKED] {
    let FileIdentity { dev, ino, size, mtime_ns, ctime_ns } = look.identity;
    let words = [dev, ino, size, mtime_ns.cast_unsigned(), ctime_ns.cast_unsigned(), look.allocated];
    let mut out = [0; PACKED];
    for (place, word) in out.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    out
}

/// Returns a digest of files with their targets and identities, given in any order and possibly several times.
///
/// It is computed for every repository at every scan, so it must be cheap. Another compiler may bring another hash;
/// then everything is read once more.
pub(super) fn digest(mut files: Vec<(&Path, Option<&Path>, FileIdentity)>) -> Vec<u8> {
    if files.len() > 1 {
        let key = |file: &(&'_ Path, Option<&'_ Path>, FileIdentity)| (file.2.ino, file.2.ctime_ns, file.2.size);
        files.sort_unstable_by(|a, b| {
            a.0.as_os_str().cmp(b.0.as_os_str()).then_with(|| key(a).cmp(&key(b))).then_with(|| a.1.cmp(&b.1))
        });
        files.dedup();
    }
    let mut hash = DefaultHasher::new();
    for (path, target, i) in files {
        (path.as_os_str(), target.map(Path::as_os_str), i).hash(&mut hash);
    }
    hash.finish().to_le_bytes().to_vec()
}

/// Returns a digest of all fields of the models' files. Headers are covered by the identity of their file.
pub(super) fn everything(found: &[Found]) -> Vec<u8> {
    let mut found: Vec<&Found> = found.iter().collect();
    found.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    let mut hash = Sha256::new();
    for file in found {
        let Found { store, root, repo, name, set, path, target, also, identity, allocated, expected_sha256, fault } =
            file;
        let i = identity;
        let words = [i.dev, i.ino, i.size, i.mtime_ns.cast_unsigned(), i.ctime_ns.cast_unsigned(), *allocated];
        for word in words.into_iter().chain([u64::from(set.is_some()), set.unwrap_or_default().into()]) {
            hash.update(word.to_le_bytes());
        }
        let text = |text: &Option<String>| text.as_ref().map(|t| t.as_bytes().to_vec());
        let path_of = |path: &Path| path.as_os_str().as_bytes().to_vec();
        let mut parts = vec![
            Some(store.name().as_bytes().to_vec()),
            Some(path_of(root)),
            Some(path_of(path)),
            target.as_deref().map(path_of),
            text(name),
            text(expected_sha256),
            text(fault),
            repo.as_ref().map(|r| path_of(&r.folder)),
            repo.as_ref().map(|r| r.name.as_bytes().to_vec()),
            repo.as_ref().and_then(|r| r.current.as_ref()).map(|c| c.as_bytes().to_vec()),
        ];
        parts.extend(also.iter().map(|p| Some(path_of(p))));
        hash.update((parts.len() as u64).to_le_bytes());
        for part in parts {
            let length = part.as_ref().map_or(u64::MAX, |p| p.len() as u64);
            hash.update(length.to_le_bytes());
            hash.update(part.unwrap_or_default());
        }
    }
    hash.finalize().to_vec()
}
