//! Follows an entry of a snapshot to its bytes, link by link.

use super::dir::leaves_root;
use super::hf::{normal, promised_sha256, shared_payload};
use super::hf_blobs::Blobs;
use crate::inventory::inode::{Entity, Stamp, vanished};
use crate::inventory::paths::contains;
use std::path::{Path, PathBuf};

/// The largest number of links in a chain: a shared blob store has two, and no known layout comes near this.
const MAX_HOPS: usize = 8;

/// The target of a snapshot entry.
pub(super) enum Trace {
    Bytes { at: PathBuf, look: Stamp, sha256: Option<String> },
    Missing,
    Refused(String),
    Unreadable(std::io::Error),
}

impl Trace {
    /// Follows the chain of links by their texts, with one stat for each of them. The owner loads a file wherever it
    /// is; bytes outside the cache are not the cache's own.
    pub fn follow(root: &Path, blobs: &Blobs, entry: &Path, first: &Path) -> Trace {
        let mut at = entry.to_owned();
        let mut sha256 = None;
        for hop in 0..MAX_HOPS {
            let mut next = if hop == 0 {
                first.to_owned()
            } else {
                match std::fs::read_link(&at) {
                    Ok(text) => shared_payload(root, normal(at.parent().unwrap_or(root), &text)),
                    Err(e) if vanished(&e) => return Trace::Missing,
                    Err(e) => return Trace::Unreadable(e),
                }
            };
            if next.parent() == Some(&blobs.folder) {
                // The promise is in the name of the first blob: a shared payload is named by another kind of hash.
                sha256 = sha256.or_else(|| promised_sha256(next.file_name().unwrap_or_default()));
            } else {
                // Not where a blob belongs. A parent folder may itself be a link: ask the kernel.
                if let (Some(dir), Some(name)) = (next.parent(), next.file_name())
                    && let Ok(real) = dir.canonicalize()
                {
                    next = real.join(name);
                }
            }
            let looked = match blobs.of(&next) {
                Some(blob) => Ok(blob.look),
                None => std::fs::symlink_metadata(&next).map(|meta| Stamp::from(&meta)),
            };
            match looked {
                Ok(look) if look.entity == Entity::Link => at = next,
                Ok(look) if look.entity == Entity::File => return Trace::Bytes { at: next, look, sha256 },
                Ok(look) if look.entity == Entity::Folder && !contains(root, &next) => {
                    return Trace::Refused(leaves_root(&next));
                }
                Ok(look) => return Trace::Refused(format!("a link to {}", look.entity.not_regular_reason())),
                Err(e) if vanished(&e) => return Trace::Missing,
                Err(e) => return Trace::Unreadable(e),
            }
        }
        Trace::Refused("a link that points to itself".to_owned())
    }
}
