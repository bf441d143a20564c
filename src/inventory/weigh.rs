//! Computes the disk usage of files as it is now: apparent bytes, bytes in use, bytes that are freed by deleting them.
//! An inode counts once, whatever the number of its entries, and blocks that files share (reflinks) count once.

use super::inode::{allocated_of, vanished};
use crate::gguf::open_untouched;
use crate::host::extents;
use crate::model::{FileIdentity, OneFile, Reading, Stored};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// One inode, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mass {
    pub dev: u64,
    pub ino: u64,
    /// Apparent bytes.
    pub size: u64,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// The number of all directory entries of the inode.
    pub links: u64,
    /// The number of its entries among the given files. An entry that is visible on several mounts counts once.
    pub own_links: u64,
    /// The number of paths among the given files that lead to the inode: more than `own_links` if it is visible on
    /// several mounts.
    pub paths: u64,
    /// Ranges of the device that other files use, too.
    pub shared: Reading<Vec<Range<u64>>>,
}

/// Three sums over some files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Weight {
    pub apparent: u64,
    pub allocated: u64,
    /// The least number of bytes that are freed when all of the files are deleted: none of an inode that has an entry
    /// elsewhere, and none of blocks that another file may share.
    pub freed: u64,
}

/// Stats every entry of `rows` now. Returns each file once, on whichever mounts it is visible, and the entries whose
/// stat failed, with the reason.
pub fn masses(rows: &[&Stored]) -> (Vec<Mass>, Vec<(PathBuf, String)>) {
    let mut found: BTreeMap<(u64, u64), (Mass, Entries)> = BTreeMap::new();
    let mut unread = Vec::new();
    let mut one = OneFile::default();
    let mut folders: HashMap<PathBuf, Option<(u64, u64)>> = HashMap::new();
    let entries: BTreeSet<&Path> = rows.iter().flat_map(|r| &r.entries).map(PathBuf::as_path).collect();
    for path in entries {
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(e) if vanished(&e) => continue,
            Err(e) => {
                unread.push((path.to_owned(), e.to_string()));
                continue;
            }
        };
        // A symbolic link leads to bytes and has none.
        if !meta.is_file() {
            continue;
        }
        let key = one.key(&FileIdentity::of(&meta));
        let (mass, seen) = found.entry(key).or_insert_with(|| {
            let mass = Mass {
                dev: meta.dev(),
                ino: meta.ino(),
                size: meta.len(),
                allocated: allocated_of(&meta),
                links: meta.nlink(),
                own_links: 0,
                paths: 0,
                shared: shared(path),
            };
            (mass, Entries::default())
        });
        mass.paths += 1;
        let folder = path.parent().unwrap_or(path);
        let inode = match folders.get(folder) {
            Some(inode) => *inode,
            None => {
                // If the folder vanished meanwhile, the path identifies the entry.
                let inode = std::fs::metadata(folder).map(|meta| (meta.dev(), meta.ino())).ok();
                folders.insert(folder.to_owned(), inode);
                inode
            }
        };
        let name = if inode.is_some() { path.file_name().map(Path::new) } else { Some(path) };
        seen.entry(meta.dev()).or_default().insert((inode, name.unwrap_or(path).to_owned()));
    }
    let count = |(mut mass, seen): (Mass, Entries)| {
        mass.own_links = seen.values().map(|entries| entries.len() as u64).max().unwrap_or(0);
        mass
    };
    (found.into_values().map(count).collect(), unread)
}

/// The entries of one file by the device on which they are visible: each by its folder and name, so that a bind mount
/// adds none.
type Entries = BTreeMap<u64, BTreeSet<(Option<(u64, u64)>, PathBuf)>>;

fn shared(path: &Path) -> Reading<Vec<Range<u64>>> {
    match open_untouched(path) {
        Ok(file) if file.metadata().is_ok_and(|m| m.is_file()) => extents::shared(&file),
        Ok(_) => Reading::Unavailable("it is no longer a regular file".to_owned()),
        Err(e) => Reading::Unavailable(format!("cannot be read: {e}")),
    }
}

/// Returns the sums. Pure. If the file system does not report shared ranges, none are assumed: few file systems share
/// blocks, and those report it.
pub fn weigh(masses: &[Mass]) -> Weight {
    let mut weight = Weight::default();
    let mut shared: BTreeMap<u64, Vec<Range<u64>>> = BTreeMap::new();
    for mass in masses {
        let own: Vec<Range<u64>> = mass.shared.known().cloned().unwrap_or_default();
        let in_shared = own.iter().fold(0u64, |sum, r| sum.saturating_add(r.end.saturating_sub(r.start)));
        // Shared blocks can be more than the number from stat, if a file system counts late.
        let alone = mass.allocated.saturating_sub(in_shared);
        weight.apparent = weight.apparent.saturating_add(mass.size);
        weight.allocated = weight.allocated.saturating_add(alone);
        if mass.own_links >= mass.links {
            weight.freed = weight.freed.saturating_add(alone);
        }
        shared.entry(mass.dev).or_default().extend(own);
    }
    for ranges in shared.into_values() {
        weight.allocated = weight.allocated.saturating_add(union(ranges));
    }
    weight
}

/// Returns the number of bytes that the ranges cover together.
fn union(mut ranges: Vec<Range<u64>>) -> u64 {
    ranges.sort_by_key(|r| (r.start, r.end));
    let (mut covered, mut end) = (0u64, 0u64);
    for range in ranges {
        let start = range.start.max(end);
        covered = covered.saturating_add(range.end.saturating_sub(start));
        end = end.max(range.end);
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mass(ino: u64, links: (u64, u64), shared: Option<Range<u64>>) -> Mass {
        let (own_links, links) = links;
        Mass {
            dev: 1,
            ino,
            size: 100,
            allocated: 80,
            links,
            own_links,
            paths: own_links,
            shared: Reading::Known(shared.into_iter().collect()),
        }
    }

    #[test]
    fn an_inode_with_an_entry_elsewhere_frees_nothing() {
        let weight = weigh(&[mass(1, (2, 2), None), mass(2, (1, 2), None)]);
        assert_eq!(weight, Weight { apparent: 200, allocated: 160, freed: 80 });
    }

    #[test]
    fn blocks_that_files_share_count_once_and_are_not_promised_to_come_free() {
        let weight = weigh(&[mass(1, (1, 1), Some(1_000..1_060)), mass(2, (1, 1), Some(1_000..1_060))]);
        assert_eq!(weight, Weight { apparent: 200, allocated: 20 + 20 + 60, freed: 40 });
        // The same numbers on another device are other blocks.
        let other = Mass { dev: 2, ..mass(3, (1, 1), Some(1_000..1_060)) };
        assert_eq!(weigh(&[mass(1, (1, 1), Some(1_000..1_060)), other]).allocated, 160);
        let unknown = Mass { shared: Reading::Unavailable("no".into()), ..mass(1, (1, 1), None) };
        assert_eq!(weigh(&[unknown]), Weight { apparent: 100, allocated: 80, freed: 80 });
    }
}
