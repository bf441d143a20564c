//! Forgets folders that were scanned once and are no longer wanted.

use super::Session;
use super::known_roots::base;
use crate::config::RootsFrom;
use crate::db::{Access, KnownRoot};
use crate::display::{Document, text};
use crate::failure::Failure;
use crate::inventory;
use crate::model::{Action, Event};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Number of known roots that a failure lists.
const LISTED: usize = 10;

/// The roots that were forgotten.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Forgotten {
    /// Lossily decoded.
    pub roots: Vec<String>,
    /// Number of models that are no longer known.
    pub models: u64,
    /// Where a root comes from that the next scan looks in again nevertheless.
    pub again: Vec<String>,
}

impl Document for Forgotten {
    const SCHEMA: &'static str = "modelctl.forget/1";
}

/// Forgets roots with everything that is known in them. Changes no file of them; settings and uses of models stay.
///
/// # Errors
/// Cannot be met (3) for a folder that is no known root; nothing is forgotten then.
pub fn forget(session: &mut Session, paths: &[PathBuf]) -> anyhow::Result<Forgotten> {
    let known = session.db(Access::ReadOnly)?.roots()?;
    let mut roots: Vec<PathBuf> = Vec::new();
    for path in paths {
        let root = find(&known, path)?;
        roots.extend(with_inner(&known, &root));
    }
    roots.sort();
    roots.dedup();
    let configured = &session.config.roots;
    let source = match configured.from {
        RootsFrom::Environment => "MODEL_SCAN_PATH names it",
        RootsFrom::File => "the config file names it",
        RootsFrom::Default => "it is a known place of a tool",
    };
    let is_configured = |root: &&PathBuf| {
        configured.paths.iter().any(|c| c.path == **root || c.path.canonicalize().is_ok_and(|real| real == **root))
    };
    let again = roots.iter().filter(is_configured).map(|root| format!("{}: {source}", text::path(root))).collect();
    let shown: Vec<String> = roots.iter().map(|root| root.to_string_lossy().into_owned()).collect();
    let event = session.event(Action::Scan);
    let models = session.db(Access::ReadWrite)?.forget_roots(&roots, |models| Event {
        reason: Some("the root was forgotten".to_owned()),
        detail: json!({ "forgotten": shown, "models": models }),
        ..event
    })?;
    Ok(Forgotten { roots: shown, models, again })
}

/// Returns the known root that a path means: as it is written, or where its links lead.
fn find(known: &[KnownRoot], path: &Path) -> anyhow::Result<PathBuf> {
    let written = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()); // without a working directory
    let real = base(&written); // a root that is gone has only its name
    let meant = known.iter().map(|root| &root.path).find(|root| **root == written || Some(*root) == real.as_ref());
    if let Some(root) = meant {
        return Ok(root.clone());
    }
    let mut message = format!("`{}` is not a folder that was scanned", text::path(&written));
    let named: Vec<&KnownRoot> = known.iter().filter(|root| root.is_named).collect();
    for root in named.iter().take(LISTED) {
        message.push_str(&format!("\n  {}", text::path(&root.path)));
    }
    if let Some(more) = named.len().checked_sub(LISTED).filter(|more| *more > 0) {
        message.push_str(&format!("\n  and {more} more"));
    }
    Err(Failure::cannot_meet(message).hint("`modelctl list --stores` shows the known folders").into())
}

/// Returns a root with those that were found inside of it, and in no other root that was named.
fn with_inner(known: &[KnownRoot], root: &Path) -> Vec<PathBuf> {
    let named: Vec<&Path> = known.iter().filter(|other| other.is_named).map(|other| other.path.as_path()).collect();
    let nearest = |path: &Path| {
        named.iter().copied().filter(|other| inventory::contains(other, path)).max_by_key(|o| o.as_os_str().len())
    };
    let inner = known.iter().filter(|other| !other.is_named && inventory::contains(root, &other.path));
    let inner = inner.filter(|other| nearest(&other.path).is_none_or(|named| named == root));
    std::iter::once(root.to_owned()).chain(inner.map(|other| other.path.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::{RootState, StoreKind};

    fn known(path: &str, is_named: bool) -> KnownRoot {
        KnownRoot {
            path: path.into(),
            store: StoreKind::Dir,
            state: RootState::Read,
            last_scan: Timestamp(1),
            is_named,
            is_remembered: false,
        }
    }

    /// A store that another root still covers must not leave the list.
    #[test]
    fn a_root_takes_along_what_was_found_in_it_and_nothing_that_was_named() {
        let all = [known("/m", true), known("/m/hub", false), known("/m/own", true), known("/m/own/hub", false)];
        let inner = |root: &str| with_inner(&all, Path::new(root));
        assert_eq!(inner("/m"), [Path::new("/m"), Path::new("/m/hub")]);
        assert_eq!(inner("/m/own"), [Path::new("/m/own"), Path::new("/m/own/hub")]);
        let error = find(&all, Path::new("/nowhere")).unwrap_err().to_string();
        assert!(error.contains("`/nowhere` is not a folder that was scanned") && error.contains("/m/own"), "{error}");
    }
}
