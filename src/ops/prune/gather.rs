//! The input of a plan: the candidates, and their use.

use crate::config::PruneConfig;
use crate::db::Access;
use crate::inventory;
use crate::model::{HintSource, KeepHint};
use crate::ops::wide_roots::surroundings;
use crate::ops::{Session, keep_hints};
use crate::prune::candidate::Candidate;
use crate::prune::gather::{self, Known};
use crate::prune::in_use::{Asked, InUse, Settings, Use};
use std::collections::HashSet;
use std::path::Path;

/// Returns all candidates. `globs`: models to keep in addition to the keep hints.
pub fn gather(session: &mut Session, globs: &[String]) -> anyhow::Result<Vec<Candidate>> {
    let (mut sources, mut hints): (Vec<Option<HintSource>>, Vec<KeepHint>) =
        keep_hints::hints(session)?.into_iter().map(|(source, hint)| (Some(source), hint)).unzip();
    hints.extend(globs.iter().map(|glob| KeepHint::new(glob)));
    sources.resize(hints.len(), None);
    let now = session.now;
    let mut known = Known::read(session.db(Access::ReadOnly)?)?;
    known.around = surroundings(session)?;
    if !hints.is_empty() || !known.tasks.is_empty() {
        inventory::name_all(&mut known.rows);
    }
    let found = gather::candidates(&known, &hints, now);
    for (source, hint) in sources.into_iter().zip(&hints) {
        if let Some(fault) = hint.fault().filter(|_| !keeps_something(&found, &hint.text)) {
            return Err(keep_hints::no_glob(source, hint, fault).into());
        }
    }
    Ok(found)
}

/// Returns what the database knows that could be removed, without asking what keeps it.
///
/// # Errors
/// The database cannot be read.
pub fn candidates(session: &mut Session) -> anyhow::Result<Vec<Candidate>> {
    let now = session.now;
    let known = Known::read(session.db(Access::ReadOnly)?)?;
    Ok(gather::candidates(&known, &[], now))
}

/// Returns whether a glob keeps any of the candidates.
pub fn keeps_something(found: &[Candidate], text: &str) -> bool {
    found.iter().any(|c| c.kept_by.iter().any(|by| by == text))
}

/// Returns the use of each candidate. Adds to `notes` what could not be checked.
pub fn uses(servers: &PruneConfig, asked: &[&Candidate], notes: &mut Vec<String>) -> Vec<Use> {
    // The unfinished files of one download belong to every candidate that may be part of it: check them once.
    let mut seen: HashSet<&Path> = HashSet::new();
    let mut files: Vec<Asked<'_>> = asked.iter().flat_map(|c| c.asked()).collect();
    files.retain(|file| file.name.is_some() || file.entries.len() > 1 || seen.insert(file.path));
    let in_use = InUse::look(&Settings::new(servers), &files);
    let uses: Vec<Use> = asked.iter().map(|c| c.used(&in_use)).collect();
    if uses.iter().any(|used| matches!(used, Use::Unknown(_))) {
        notes.extend(in_use.notes());
    }
    uses
}
