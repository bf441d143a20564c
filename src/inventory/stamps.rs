//! Repositories that have not changed since they were read whole: told by one look at each of their folders and files
//! instead of reading them again.
//!
//! A repository is stamped when all of it could be read and nothing in it was odd. Its stamp has every folder (which
//! changes with each name that comes, goes or is replaced) and every file whose content or size counts by itself: the
//! references, models, orphans, unfinished downloads. It holds as long as all of them look the same and the database
//! has the models that were found then, present. One with something odd in it is read each time, and its stamp then
//! tells whether there is anything to compare.
//!
//! What cannot be noticed: a file that is no model and is only counted into a sum (a blob behind `config.json`) is
//! rewritten in place, so that no folder changes. Its part of the sum is corrected when the repository is next read.
//! Nor, on a network file system whose clock is behind this machine's by more than the margin below, a second change
//! within the same tick of that clock. `scan --full` goes by none of this.

use super::found::{Found, Stamp};
use super::stores::{self, Folder};
use crate::model::{FileIdentity, FolderStamp, KnownFile};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Raised whenever a repository would be read to another result than before, or stamps are packed in another way.
const FORMAT: u32 = 1;

/// What changed later than this before a scan (nanoseconds) is not stamped: it could change again without its times
/// moving on. The coarsest of the usual file systems counts in steps of 2 s.
const MARGIN_NS: i64 = 2_000_000_000;

/// Takes the stamp of a repository while that is read.
#[derive(Debug, Default)]
pub(crate) struct Stamping {
    /// The folder with a slash at its end; empty while nothing is stamped.
    folder: Vec<u8>,
    /// Nanoseconds since the epoch.
    older_than: i64,
    entries: Vec<u8>,
    odd: bool,
}

impl Stamping {
    /// `started_ns`: when the scan began, in nanoseconds since the epoch.
    pub fn of(folder: &Path, started_ns: i64) -> Stamping {
        let older_than = started_ns.saturating_sub(MARGIN_NS);
        let folder = [folder.as_os_str().as_bytes(), b"/"].concat();
        Stamping { folder, older_than, entries: Vec::new(), odd: false }
    }

    /// Something that counts, and how it looked before it was read.
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
        // A clock that was set back makes everything look too young, which costs time and nothing else.
        let settled = look.identity.mtime_ns.max(look.identity.ctime_ns) < self.older_than;
        match inside.and_then(|name| Some((name, u16::try_from(name.len()).ok()?))) {
            Some((name, length)) if settled => {
                self.entries.extend_from_slice(&length.to_le_bytes());
                self.entries.extend_from_slice(name);
                self.entries.extend_from_slice(&packed(look));
            }
            _ => self.odd = true,
        }
    }

    /// An open folder, before what is in it is read.
    pub fn folder(&mut self, folder: &Folder) {
        if self.folder.is_empty() {
            return;
        }
        match folder.stamp() {
            Ok(look) => self.add(&folder.path, &look),
            Err(_) => self.odd = true,
        }
    }

    /// There is something that looks at this repository alone do not settle.
    pub fn spoil(&mut self) {
        self.odd = true;
    }

    /// `found`: the files of models in it.
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

const PACKED: usize = 48;

/// Everything about an entry that changes when it does. A file with holes may come to be whole without a new time.
fn packed(look: &Stamp) -> [u8; PACKED] {
    let FileIdentity { dev, ino, size, mtime_ns, ctime_ns } = look.identity;
    let words = [dev, ino, size, mtime_ns.cast_unsigned(), ctime_ns.cast_unsigned(), look.allocated];
    let mut out = [0; PACKED];
    for (place, word) in out.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    out
}

/// Of files with their targets and identities, in any order, each of which may be given several times.
///
/// It is taken of every repository at every scan, so it must be cheap. Another compiler may bring another hash; then
/// everything is read once more.
fn digest(mut files: Vec<(&Path, Option<&Path>, FileIdentity)>) -> Vec<u8> {
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

/// Digest of all that models are made of, headers aside, which belong to the identity of their file.
fn everything(found: &[Found]) -> Vec<u8> {
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

/// The stamps of earlier scans.
#[derive(Default)]
pub(crate) struct Stamps<'a> {
    by_folder: HashMap<&'a OsStr, Stamped<'a>>,
}

struct Stamped<'a> {
    stamp: &'a FolderStamp,
    /// What the database has in the folder, as far as it is present.
    files: Vec<&'a KnownFile>,
}

impl<'a> Stamps<'a> {
    pub fn new(stamps: &'a [FolderStamp], known: &'a [KnownFile]) -> Self {
        let usable = stamps.iter().filter(|s| s.format == FORMAT);
        let mut by_folder: HashMap<&OsStr, Stamped<'_>> =
            usable.map(|stamp| (stamp.folder.as_os_str(), Stamped { stamp, files: Vec::new() })).collect();
        if !by_folder.is_empty() {
            for file in known.iter().filter(|f| f.present) {
                let repo = stores::repository_of(&file.path).map(Path::as_os_str);
                if let Some(stamped) = repo.and_then(|repo| by_folder.get_mut(repo)) {
                    stamped.files.push(file);
                }
            }
        }
        Stamps { by_folder }
    }

    /// Whether the folder was a repository when it was last read.
    pub fn has(&self, folder: &Path) -> bool {
        self.by_folder.contains_key(folder.as_os_str())
    }

    /// The number of models' files in a repository that has not changed; None when it has, or when nobody knows.
    /// `root`: the folder it lies in.
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
            // What cannot be looked at has changed: it could be once.
            let look = root.look(OsStr::from_bytes(&path)).ok()?;
            if packed(&look) != *was {
                return None;
            }
            rest = more;
        }
        (rest.is_empty() && stamped.is_known()).then_some(stamped.stamp.files)
    }

    /// Whether a repository that was read and is now stamped so has the very models that are known.
    pub fn has_same_models(&self, now: &FolderStamp) -> bool {
        let before = self.by_folder.get(now.folder.as_os_str());
        before.is_some_and(|b| b.stamp.found == now.found && b.stamp.known == now.known && b.is_known())
    }
}

impl Stamped<'_> {
    /// The database has the models that were found then, untouched and present.
    fn is_known(&self) -> bool {
        let files = self.files.iter().map(|f| (f.path.as_path(), f.target.as_deref(), f.identity)).collect();
        digest(files) == self.stamp.known
    }
}
