//! Roots that hold more than models: the system, the homes of others, other roots.

use super::Session;
use crate::db::Access;
use crate::prune::wide::Surroundings;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Returns the data that decides which roots are too wide: the roots that a person named or that are known places, and
/// the homes of other users. A store that was found inside a root does not count as a root here.
pub fn surroundings(session: &mut Session) -> anyhow::Result<Surroundings> {
    let known = session.db(Access::ReadOnly)?.roots()?.into_iter();
    let named = known.filter(|root| root.is_named).map(|root| root.path);
    let configured = session.config.roots.paths.iter().map(|root| root.path.clone());
    let roots: BTreeSet<PathBuf> = named.chain(configured).filter_map(|root| root.canonicalize().ok()).collect();
    // If it cannot be read, /home and the roots decide.
    let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
    let uid = rustix::process::geteuid().as_raw();
    Ok(Surroundings::new(roots, &String::from_utf8_lossy(&passwd), uid))
}
