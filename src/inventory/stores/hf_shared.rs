//! The payloads that repositories of one hub cache share, and what the cache keeps beside its repositories:
//!
//! ```text
//! <root>/blobs/.huggingface-shared-blobs   "1\n": without it the folder is no such store
//! <root>/blobs/<hh>/<xet hash>             the payload; the hash is none of its bytes
//! <root>/blobs/<hh>/<xet hash>.refs        one line for each repository that ever linked it: a hint
//! <root>/blobs/<hh>/<xet hash>.lock        held while it is linked, published or swept; .soft where locks are missing
//! <root>/.locks/<repository>/<etag>.lock
//! ```

use super::folder::each_file;
use super::hf::is_bookkeeping;
use super::hf_blobs::{STORE, SharedUse};
use crate::inventory::found::{Intake, Kept, Sum, is_partial, sum_of};
use crate::model::{Class, Holding};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Called when every repository under `root` was read.
pub(super) fn conclude(root: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let kept = Kept { store: STORE, root, owner: None };
    let locks = root.join(".locks");
    if locks.is_dir() {
        let sum = sum_of(&locks, intake)?;
        if !sum.is_empty() {
            let why = "lock files, which their owner never removes";
            intake.holdings.push(kept.sum(&locks, sum, Class::SideCache, why));
        }
    }
    let blobs = root.join("blobs");
    if is_bookkeeping(&blobs, OsStr::new("blobs")) {
        payloads(&blobs, kept, intake)?;
    }
    Ok(())
}

fn payloads(blobs: &Path, kept: Kept<'_>, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let mut uses: HashMap<PathBuf, Vec<SharedUse>> = HashMap::new();
    for used in std::mem::take(&mut intake.shared) {
        uses.entry(used.payload.clone()).or_default().push(used);
    }
    let before = intake.unread.len();
    let mut beside = Sum::default();
    let mut payloads = Vec::new();
    each_file(blobs, intake, &mut |file, intake| {
        let extension = file.path.extension().and_then(OsStr::to_str);
        if is_partial(file.name) {
            let why = "a download that was not finished";
            intake.holdings.push(kept.file(file.path, file.look, Class::Partial, why));
        } else if matches!(extension, Some("refs" | "lock" | "soft" | "tmp")) || file.depth < 2 {
            beside.add(file.look);
        } else {
            payloads.push((file.path.to_owned(), file.look));
        }
    })?;
    let whole = intake.unread.is_empty() && before == intake.unread.len();
    for (path, look) in payloads {
        let holding = judge(uses.get(&path).map_or(&[], Vec::as_slice), whole, |owner, class, why| {
            Kept { owner, ..kept }.file(&path, look, class, why)
        });
        intake.holdings.push(holding);
    }
    if !beside.is_empty() {
        let why = "references and locks of the shared payloads";
        intake.holdings.push(kept.sum(blobs, beside, Class::SideCache, why));
    }
    Ok(())
}

/// A payload is what the best of its users makes it.
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
