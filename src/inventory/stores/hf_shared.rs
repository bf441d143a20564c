//! The payloads that repositories of one hub cache share, and the other files that the cache keeps next to its
//! repositories:
//!
//! ```text
//! <root>/blobs/.huggingface-shared-blobs   "1\n": without it the folder is no such store
//! <root>/blobs/<hh>/<xet hash>             the payload; the hash is not one of its bytes
//! <root>/blobs/<hh>/<xet hash>.refs        one line for each repository that ever linked it: a hint
//! <root>/blobs/<hh>/<xet hash>.lock        held while it is linked, published or swept; .soft where locks do not work
//! <root>/.locks/<repository>/<etag>.lock
//! ```

use super::files::each_file;
use super::files::sum_of;
use super::hf::is_bookkeeping;
use super::hf_blobs::STORE;
use crate::inventory::collector::{SharedUse, StoreCollector};
use crate::inventory::kept::{Kept, Sum};
use crate::inventory::paths::is_partial;
use crate::model::{Class, Holding};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Adds the shared files of a cache. Called after every repository under `root` was read.
pub(super) fn conclude(root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let kept = Kept { store: STORE, root, owner: None };
    let locks = root.join(".locks");
    if locks.is_dir() {
        let sum = sum_of(&locks, collector)?;
        if !sum.is_empty() {
            let why = "lock files, which their owner never removes";
            collector.holdings.push(kept.sum(&locks, sum, Class::SideCache, why));
        }
    }
    let blobs = root.join("blobs");
    if is_bookkeeping(&blobs, OsStr::new("blobs")) {
        payloads(&blobs, kept, collector)?;
    }
    Ok(())
}

fn payloads(blobs: &Path, kept: Kept<'_>, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let mut uses: HashMap<PathBuf, Vec<SharedUse>> = HashMap::new();
    for used in std::mem::take(&mut collector.shared) {
        uses.entry(used.payload.clone()).or_default().push(used);
    }
    let mut beside = Sum::default();
    let mut payloads = Vec::new();
    each_file(blobs, collector, &mut |file, collector| {
        let extension = file.path.extension().and_then(OsStr::to_str);
        if is_partial(file.name) {
            let why = "unfinished download";
            collector.holdings.push(kept.file(file.path, file.look, Class::Partial, why));
        } else if matches!(extension, Some("refs" | "lock" | "soft" | "tmp")) || file.depth < 2 {
            beside.add(file.look);
        } else {
            payloads.push((file.path.to_owned(), file.look));
        }
    })?;
    let whole = collector.unread.is_empty();
    for (path, look) in payloads {
        let holding = judge(uses.get(&path).map_or(&[], Vec::as_slice), whole, |owner, class, why| {
            Kept { owner, ..kept }.file(&path, look, class, why)
        });
        collector.holdings.push(holding);
    }
    if !beside.is_empty() {
        let why = "references and locks of the shared payloads";
        collector.holdings.push(kept.sum(blobs, beside, Class::SideCache, why));
    }
    Ok(())
}

/// Returns the holding of a payload, with the best class among its users.
fn judge(uses: &[SharedUse], whole: bool, holding: impl Fn(Option<&str>, Class, String) -> Holding) -> Holding {
    let rank = |class: Class| match class {
        Class::Referenced => 0,
        Class::Superseded => 1,
        _ => 2,
    };
    match uses.iter().min_by_key(|u| (rank(u.class), &u.owner)) {
        Some(best) => {
            let others = uses.len().saturating_sub(1);
            let why = match others {
                0 => best.why.clone(),
                1 => format!("{}; shared with 1 other repository", best.why),
                n => format!("{}; shared with {n} other repositories", best.why),
            };
            let expected_sha256 = best.expected_sha256.clone();
            Holding { expected_sha256, ..holding(Some(&best.owner), best.class, why) }
        }
        None if whole => holding(None, Class::Orphan, "no repository links to it".to_owned()),
        None => holding(None, Class::Referenced, "may be needed: not everything could be read".to_owned()),
    }
}
