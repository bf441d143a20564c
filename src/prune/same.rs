//! Rows whose file is that of another row, which is removed: a link to it, another mount, a root within a root.

use super::candidate::Candidate;
use super::decide::{Rule, Verdict};
use super::resolved_steps::ResolvedSteps;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Marks rows that nothing selects and whose file is removed with another row. `steps` are parallel to `going`.
pub(super) fn same_files(
    candidates: &[Candidate],
    (going, steps): (&[usize], &[Result<ResolvedSteps, String>]),
    verdicts: &mut [Verdict],
) {
    let gone: HashSet<usize> = going.iter().copied().collect();
    let goes = || going.iter().filter_map(|at| candidates.get(*at));
    let files: HashMap<(u64, u64), &Candidate> =
        goes().flat_map(|c| c.pieces.iter().filter(|p| !p.is_projector).map(move |p| (p.file, c))).collect();
    let paths = || steps.iter().flatten().flat_map(|way| way.steps.iter().map(|step| way.base.path.join(step.path())));
    let mut removed: Option<HashSet<PathBuf>> = None;
    for (at, c) in candidates.iter().enumerate().filter(|(at, _)| !gone.contains(at)) {
        let is_open = |v: &&mut Verdict| v.rule == Rule::NotSelected;
        let Some(verdict) = verdicts.get_mut(at).filter(is_open) else { continue };
        let mut weights = c.pieces.iter().filter(|p| !p.is_projector).peekable();
        let Some(other) = weights.peek().and_then(|p| files.get(&p.file)) else { continue };
        if !weights.all(|p| files.contains_key(&p.file)) {
            continue;
        }
        // Another hard link to it stays as a file of its own.
        let mut is_removed =
            || removed.get_or_insert_with(|| paths().collect::<HashSet<PathBuf>>()).contains(&real(&c.path));
        if c.inodes().is_disjoint(&other.inodes()) || is_removed() {
            let why = format!("the same file as `{}`, which is removed", other.path.display());
            *verdict = Verdict::stays(Rule::SameFile, why);
        }
    }
}

/// Returns the path of an entry through the real path of its folder.
fn real(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name))
}
