//! The chunk cache of hf_xet beside a hub cache: `chunk-cache`, `shard-cache` and `staging`, directly or below a folder
//! for each endpoint. It may be removed at any time; only uploads that were interrupted start again.

use super::folder::Folder;
use crate::inventory::found::{Intake, Kept, sum_of};
use crate::model::{Class, StoreKind};
use std::path::Path;

const PARTS: [&str; 5] = ["chunk-cache", "chunk_cache", "shard-cache", "shard_cache", "staging"];

/// A folder named `xet` with one of the parts in it or one level down.
pub(super) fn is_cache(folder: &Path) -> bool {
    let has = |dir: &Path| PARTS.iter().any(|part| dir.join(part).is_dir());
    // What cannot be listed is walked, which says why.
    has(folder)
        || Folder::open(folder).and_then(|f| f.names()).is_ok_and(|all| all.iter().any(|n| has(&folder.join(&n.name))))
}

pub(super) fn read(folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let sum = sum_of(folder, intake)?;
    if !sum.is_empty() {
        let kept = Kept { store: StoreKind::Hf, root: folder, owner: Some("xet") };
        let why = "chunks and shards that hf_xet keeps for later downloads; made again when they are needed";
        intake.holdings.push(kept.sum(folder, sum, Class::SideCache, why));
    }
    Ok(())
}
