//! The known roots, and a new scan of those in which modelctl changed something.

use super::{OpEvent, Session, Sink, scan};
use crate::db::Access;
use crate::inventory;
use crate::model::StoreKind;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Returns the roots that the database knows, and those that are configured: the trash outlives the database.
pub fn roots(session: &mut Session) -> anyhow::Result<Vec<(StoreKind, PathBuf)>> {
    let mut roots: Vec<(StoreKind, PathBuf)> =
        session.db(Access::ReadOnly)?.roots()?.into_iter().map(|root| (root.store, root.path)).collect();
    for root in &session.config.roots.paths {
        if !roots.iter().any(|(_, known)| *known == root.path) {
            roots.push((root.store.unwrap_or(StoreKind::Dir), root.path.clone()));
        }
    }
    Ok(roots)
}

/// Returns the folder that the trash of a root is next to, or in. The trash stays there when the root is gone.
pub fn base(root: &Path) -> Option<PathBuf> {
    if let Ok(real) = root.canonicalize() {
        return if real.is_dir() { Some(real) } else { real.parent().map(Path::to_owned) };
    }
    let root = std::path::absolute(root).ok()?; // an empty path has no trash
    let root = match std::fs::read_link(&root) {
        Ok(target) => root.parent()?.join(target),
        Err(_) => root,
    };
    // A parent folder that is gone is not a fault: the trash is gone too.
    let around = root.parent()?.canonicalize().ok()?;
    Some(around.join(root.file_name()?))
}

/// Scans the known roots that hold one of these folders, in which something was changed. A folder in no known root is
/// not scanned: its path came from a trash or a plan, and only a person makes a root known. A scan that fails is a
/// warning and does not fail the change.
pub fn rescan(session: &mut Session, touched: &BTreeSet<PathBuf>, on: &mut Sink<'_>) -> anyhow::Result<()> {
    if touched.is_empty() {
        return Ok(());
    }
    let known = roots(session)?;
    // A root that was reached through a link is known by the name of the link.
    let real: Vec<Option<PathBuf>> = known.iter().map(|(_, root)| base(root)).collect();
    let holder = |path: &PathBuf| {
        let around = known.iter().zip(&real).filter(|((_, root), real)| {
            let holds = |root: &Path| inventory::contains(root, path);
            root == path || real.as_deref().is_some_and(holds)
        });
        around.max_by_key(|(_, real)| real.as_ref().map(|real| real.as_os_str().len())).map(|(root, _)| root.clone())
    };
    let roots: BTreeSet<(StoreKind, PathBuf)> = touched.iter().filter_map(holder).collect();
    if roots.is_empty() {
        return Ok(());
    }
    let roots: Vec<_> = roots.into_iter().collect();
    if let Err(error) = scan::rescan(session, &roots) {
        on(OpEvent::warning(format!("could not update the inventory, run `modelctl scan`: {error:#}")));
    }
    Ok(())
}
