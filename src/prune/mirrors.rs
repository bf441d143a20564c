//! Candidates that are one file which several mounts show. They share one verdict. Pure.

use super::candidate::Candidate;
use super::decide::{Rule, Verdict};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Groups of candidates that are the same files.
pub(super) struct Mirrors {
    /// For each candidate the first one that is the same files through another mount, or the candidate itself.
    first: Vec<usize>,
    has_any: bool,
}

impl Mirrors {
    pub fn of(candidates: &[Candidate]) -> Mirrors {
        let mut first: Vec<usize> = (0..candidates.len()).collect();
        if is_plain(candidates) {
            return Mirrors { first, has_any: false };
        }
        let pieces = || candidates.iter().flat_map(|c| &c.pieces);
        let mut names: HashMap<(u64, u64), Names<'_>> = HashMap::new();
        for piece in pieces() {
            let names = names.entry(piece.file).or_default();
            names.seen = names.seen.saturating_add(piece.own_links);
            names.links = names.links.max(piece.links);
            names.is_alias |= piece.file != piece.inode();
        }
        names.retain(|_, names| names.is_alias || names.seen > names.links);
        // Models may share a file: each of its entries counts once.
        let has_any = !names.is_empty();
        for piece in pieces().filter(|p| has_any && p.own_links == p.entries.len() as u64) {
            if let Some(names) = names.get_mut(&piece.file) {
                names.entries.extend(piece.entries.iter().map(PathBuf::as_path));
            }
        }
        // A bind mount shows the same device and inode: then a file has more names here than it has links.
        let is_mirrored =
            |file: &(u64, u64)| names.get(file).is_some_and(|n| n.is_alias || n.entries.len() as u64 > n.links);
        let mut by_files: HashMap<BTreeSet<(u64, u64)>, usize> = HashMap::new();
        let mut has_any = false;
        for (at, c) in candidates.iter().enumerate() {
            if c.pieces.is_empty() || !c.pieces.iter().any(|piece| is_mirrored(&piece.file)) {
                continue;
            }
            let of_files = *by_files.entry(c.files()).or_insert(at);
            has_any |= of_files != at;
            if let Some(slot) = first.get_mut(at) {
                *slot = of_files;
            }
        }
        Mirrors { first, has_any }
    }

    /// Returns the number that identifies all candidates that are the same files.
    pub fn first(&self, at: usize) -> usize {
        self.first.get(at).copied().unwrap_or(at)
    }

    /// Gives candidates that are the same files one verdict: a file that a rule keeps stays through every mount, and a
    /// removed file is removed once. `verdicts` are parallel to `candidates`.
    pub fn agree(&self, candidates: &[Candidate], verdicts: &mut [Verdict]) {
        if !self.has_any {
            return;
        }
        let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, first) in self.first.iter().enumerate() {
            groups.entry(*first).or_default().push(at);
        }
        for group in groups.into_values().filter(|group| group.len() > 1) {
            let protects = |at: &&usize| verdicts.get(**at).is_some_and(|v| !v.goes && v.rule != Rule::NotSelected);
            let goes = |at: &&usize| verdicts.get(**at).is_some_and(|v| v.goes);
            let (of, kept) = match (group.iter().find(protects), group.iter().find(goes)) {
                (Some(kept), _) => (*kept, verdicts.get(*kept).cloned()),
                (None, Some(going)) => (*going, None),
                (None, None) => continue,
            };
            let Some(path) = candidates.get(of).map(|c| c.path.display().to_string()) else { continue };
            for at in group.into_iter().filter(|at| *at != of) {
                let Some(verdict) = verdicts.get_mut(at).filter(|v| v.goes) else { continue };
                *verdict = match &kept {
                    Some(kept) => {
                        let why = format!("it is the same file as `{path}`, which is kept: {}", kept.why);
                        Verdict::stays(kept.rule, why)
                    }
                    None => {
                        let why =
                            format!("it is the same file as `{path}` through another mount, and is removed with it");
                        Verdict::stays(Rule::NotSelected, why)
                    }
                };
            }
        }
    }
}

/// Counts the usable models that are still there. A model that several mounts show is one, and is removed with the
/// first of them.
pub(super) struct Usable {
    /// For each candidate that counts, its number among the models.
    model: Vec<Option<usize>>,
    is_gone: Vec<bool>,
    count: u64,
}

impl Usable {
    pub fn of(candidates: &[Candidate]) -> Usable {
        let mirrors = Mirrors::of(candidates);
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        let model = candidates.iter().enumerate().map(|(at, c)| {
            let next = numbers.len();
            c.counts().then(|| *numbers.entry(mirrors.first(at)).or_insert(next))
        });
        let model: Vec<Option<usize>> = model.collect();
        Usable { model, is_gone: vec![false; numbers.len()], count: numbers.len() as u64 }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn take(&mut self, at: usize) {
        let Some(number) = self.model.get(at).copied().flatten() else { return };
        if let Some(is_gone) = self.is_gone.get_mut(number).filter(|is_gone| !**is_gone) {
            *is_gone = true;
            self.count = self.count.saturating_sub(1);
        }
    }
}

/// Returns whether a quick check shows that no file is seen twice, which is nearly always so.
fn is_plain(candidates: &[Candidate]) -> bool {
    let pieces = || candidates.iter().flat_map(|c| &c.pieces);
    let mut seen: Vec<((u64, u64), u64, u64)> = pieces().map(|p| (p.file, p.own_links, p.links)).collect();
    seen.sort_unstable();
    pieces().all(|piece| piece.file == piece.inode())
        && seen.chunk_by(|a, b| a.0 == b.0).all(|same| {
            let own = same.iter().fold(0u64, |sum, (_, own, _)| sum.saturating_add(*own));
            same.iter().all(|(_, _, links)| own <= *links)
        })
}

/// The entries of a file.
#[derive(Default)]
struct Names<'a> {
    /// The number of entries that were found; an entry of several models counts for each of them.
    seen: u64,
    /// The entries among them that are known not to be links.
    entries: HashSet<&'a Path>,
    /// The number of entries by the file system.
    links: u64,
    is_alias: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prune::candidate::Piece;
    use crate::prune::tests::samples::{model, piece};

    /// One file of a disk and the same file through an overlay.
    fn pair() -> Vec<Candidate> {
        let mut merged = model("merged", 60);
        merged.pieces = vec![Piece { file: (1, 5), ..piece(50, "/merged/m.gguf", 100) }];
        let mut upper = model("upper", 60);
        upper.pieces = vec![piece(5, "/up/m.gguf", 100)];
        vec![upper, merged, model("other", 60)]
    }

    #[test]
    fn what_is_pinned_under_one_name_does_not_go_under_another() {
        let all = pair();
        let goes = || Verdict::goes(Rule::Unused, "old");
        let mut verdicts = vec![goes(), Verdict::stays(Rule::Pinned, "it is pinned"), goes()];
        Mirrors::of(&all).agree(&all, &mut verdicts);
        assert_eq!((verdicts[0].goes, verdicts[0].rule, verdicts[2].goes), (false, Rule::Pinned, true));
    }

    #[test]
    fn a_file_that_goes_is_one_row() {
        let all = pair();
        let mut verdicts = vec![Verdict::goes(Rule::Unused, "old"); 3];
        Mirrors::of(&all).agree(&all, &mut verdicts);
        assert_eq!(verdicts.iter().map(|v| v.goes).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn a_bind_mount_is_noticed_and_a_hard_link_is_none() {
        let mut all = pair();
        for (c, path) in all.iter_mut().zip(["/m/x.gguf", "/n/x.gguf", "/o/x.gguf"]) {
            c.pieces = vec![piece(5, path, 100)];
        }
        assert_eq!(Mirrors::of(&all).first, [0, 0, 0]);
        all.iter_mut().for_each(|c| c.pieces[0].links = 3);
        assert_eq!(Mirrors::of(&all).first, [0, 1, 2]);
        // Two names of a store for one blob.
        all.iter_mut().for_each(|c| c.pieces = vec![piece(5, "/s/blob", 100)]);
        assert_eq!(Mirrors::of(&all).first, [0, 1, 2]);
    }
}
