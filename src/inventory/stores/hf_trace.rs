//! Where an entry of a snapshot leads, link by link.

use super::hf::{normal, promised_sha256};
use super::hf_blobs::Blobs;
use crate::inventory::found::{Entity, Stamp, vanished};
use crate::inventory::roots::contains;
use std::path::{Path, PathBuf};

/// A chain has two links in a shared blob store; more than this is no layout anybody writes.
const MAX_HOPS: usize = 8;

/// Where a snapshot entry leads.
pub(super) enum Trace {
    Bytes { at: PathBuf, look: Stamp, sha256: Option<String> },
    Missing,
    Refused(String),
    Unreadable(std::io::Error),
}

impl Trace {
    /// Follows the chain of links on paper, looking at each station once. Bytes outside the cache are not its own.
    pub fn follow(root: &Path, blobs: &Blobs, entry: &Path, first: &Path) -> Trace {
        let mut at = entry.to_owned();
        let mut sha256 = None;
        for hop in 0..MAX_HOPS {
            let mut next = if hop == 0 {
                first.to_owned()
            } else {
                match std::fs::read_link(&at) {
                    Ok(text) => normal(at.parent().unwrap_or(root), &text),
                    Err(e) if vanished(&e) => return Trace::Missing,
                    Err(e) => return Trace::Unreadable(e),
                }
            };
            if next.parent() == Some(&blobs.folder) {
                // The promise is in the name of the first blob: a shared payload is named by another kind of hash.
                sha256 = sha256.or_else(|| promised_sha256(next.file_name().unwrap_or_default()));
            } else {
                // Not where a blob belongs. A folder on the way may itself be a link: ask the kernel.
                if let (Some(dir), Some(name)) = (next.parent(), next.file_name())
                    && let Ok(real) = dir.canonicalize()
                {
                    next = real.join(name);
                }
                if !contains(root, &next) {
                    return Trace::Refused("a link that leaves the root".to_owned());
                }
            }
            let looked = match blobs.of(&next) {
                Some(blob) => Ok(blob.look),
                None => std::fs::symlink_metadata(&next).map(|meta| Stamp::from(&meta)),
            };
            match looked {
                Ok(look) if look.entity == Entity::Link => at = next,
                Ok(look) if look.entity == Entity::File => return Trace::Bytes { at: next, look, sha256 },
                Ok(look) => return Trace::Refused(format!("a link to {}", look.entity.odd())),
                Err(e) if vanished(&e) => return Trace::Missing,
                Err(e) => return Trace::Unreadable(e),
            }
        }
        Trace::Refused("a link that leads to itself".to_owned())
    }
}
