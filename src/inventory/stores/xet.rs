//! The chunk cache of hf_xet next to a hub cache: `chunk-cache`, `shard-cache` and `staging`, directly or below a
//! folder for each endpoint. It may be removed at any time; only interrupted uploads start again.

use super::files::sum_of;
use crate::inventory::collector::StoreCollector;
use crate::inventory::folder::Folder;
use crate::inventory::kept::Kept;
use crate::model::{Class, StoreKind};
use std::path::Path;

const PARTS: [&str; 5] = ["chunk-cache", "chunk_cache", "shard-cache", "shard_cache", "staging"];

/// Returns whether a folder named `xet` has one of the parts in it or one level down.
pub(super) fn is_cache(folder: &Path) -> bool {
    let has = |dir: &Path| PARTS.iter().any(|part| dir.join(part).is_dir());
    // A folder that cannot be listed is walked, which reports the error.
    has(folder)
        || Folder::open(folder).and_then(|f| f.names()).is_ok_and(|all| all.iter().any(|n| has(&folder.join(&n.name))))
}

pub(super) fn read(folder: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    let sum = sum_of(folder, collector)?;
    if !sum.is_empty() {
        let kept = Kept { store: StoreKind::Hf, root: folder, owner: Some("xet") };
        let why = "chunks and shards that hf_xet keeps for later downloads; made again when they are needed";
        collector.holdings.push(kept.sum(folder, sum, Class::SideCache, why));
    }
    Ok(())
}
