//! Files that are deleted and still open: their space is free when their holder ends.

use super::super::super::process::pids;
use super::super::super::{Place, proc_file};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files that are named.
const LARGEST: usize = 5;
/// Links of descriptors that are looked at.
const MOST_LINKS: usize = 500_000;

/// Process, its name, path, bytes on the disk.
type Held = (u32, String, PathBuf, u64);

/// Returns the largest deleted files of the file system of `at` that processes have open, as far as we may look.
///
/// # Errors
/// There is no `/proc`, or nothing at `at`.
pub(super) fn find(place: &Place, at: &Path) -> io::Result<Vec<Held>> {
    let device = std::fs::metadata(at)?.dev();
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    let mut left = MOST_LINKS;
    for pid in pids(place)? {
        // A process of another user keeps its descriptors from us.
        let Ok(entries) = std::fs::read_dir(place.at(format!("/proc/{pid}/fd"))) else { continue };
        for entry in entries.flatten() {
            let Some(rest) = left.checked_sub(1) else { return Ok(top(all)) };
            left = rest;
            let Ok(target) = std::fs::read_link(entry.path()) else { continue };
            let Some(path) = target.as_os_str().as_bytes().strip_suffix(b" (deleted)") else { continue };
            // The link leads to the open file, which has no name any more.
            let Ok(meta) = std::fs::metadata(entry.path()) else { continue };
            if meta.dev() == device && meta.is_file() && meta.nlink() == 0 && seen.insert(meta.ino()) {
                let name = proc_file::text(&place.at(format!("/proc/{pid}/comm"))).unwrap_or_default(); // it has ended
                let path = PathBuf::from(OsStr::from_bytes(path));
                all.push((pid, name.trim_end().to_owned(), path, meta.blocks().saturating_mul(512)));
            }
        }
    }
    Ok(top(all))
}

/// Returns the largest, each once.
pub(super) fn top(files: impl IntoIterator<Item = Held>) -> Vec<Held> {
    let mut all: Vec<Held> = files.into_iter().collect();
    all.sort_unstable_by(|a, b| b.3.cmp(&a.3).then_with(|| a.cmp(b)));
    all.dedup();
    all.truncate(LARGEST);
    all
}
