//! The references of one repository, and the standing of its snapshots that follows from them.

use super::hf::commit_in;
use crate::inventory::collector::StoreCollector;
use crate::inventory::folder::{Folder, Name};
use crate::inventory::inode::{Entity, vanished};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The largest depth of nested folders: `refs/pr/1` has two.
const DEEPEST: usize = 32;

/// The content of `refs/`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refs {
    /// The names that lead to a commit: `main`, `v1.0`, `refs/pr/1`.
    pub names: BTreeMap<OsString, Vec<String>>,
    /// Files in `refs/` that hold no commit.
    pub odd: Vec<PathBuf>,
    pub files: u64,
    pub bytes: u64,
}

impl Refs {
    /// Reads all references, each to its first 64 bytes only.
    pub fn read(repo: &Folder, collector: &mut StoreCollector<'_>) -> anyhow::Result<Refs> {
        let mut refs = Refs::default();
        match repo.inner_through(OsStr::new("refs")) {
            Ok(top) => refs.take(&top, "", 0, collector)?,
            Err(e) if vanished(&e) => {}
            Err(e) => collector.cannot_read(&repo.path.join("refs"), &e),
        }
        for names in refs.names.values_mut() {
            names.sort();
        }
        refs.odd.sort();
        Ok(refs)
    }

    /// `before`: the names of the parent folders below `refs/`, with a slash at the end.
    fn take(
        &mut self,
        folder: &Folder,
        before: &str,
        depth: usize,
        collector: &mut StoreCollector<'_>,
    ) -> anyhow::Result<()> {
        collector.stamping.folder(folder);
        let names = match folder.names() {
            Ok(names) => names,
            Err(e) => {
                collector.cannot_read(&folder.path, &e);
                return Ok(());
            }
        };
        for Name { name, entity } in names {
            collector.progress.entry()?;
            let path = folder.path.join(&name);
            if entity == Some(Entity::Folder) {
                match folder.inner(&name) {
                    Ok(inner) if depth < DEEPEST => {
                        let before = format!("{before}{}/", name.to_string_lossy());
                        self.take(&inner, &before, depth.saturating_add(1), collector)?;
                    }
                    Ok(_) => collector.cannot_read(&path, &std::io::Error::other("its folders are nested too deep")),
                    Err(e) if vanished(&e) => {}
                    Err(e) => collector.cannot_read(&path, &e),
                }
                continue;
            }
            self.files = self.files.saturating_add(1);
            // An entry that is no file or cannot be read holds no usable commit.
            let text = match folder.glance(&name, 64) {
                Ok((look, text)) => {
                    collector.stamping.add(&path, &look);
                    Some(text)
                }
                Err(_) => {
                    collector.stamping.spoil();
                    None
                }
            };
            self.bytes = self.bytes.saturating_add(text.as_ref().map_or(0, |t| t.len() as u64));
            match text.and_then(|text| commit_in(&text)) {
                Some(commit) => {
                    let name = format!("{before}{}", name.to_string_lossy());
                    self.names.entry(commit.into()).or_default().push(name);
                }
                None => self.odd.push(path),
            }
        }
        Ok(())
    }

    pub fn main(&self) -> Option<&OsStr> {
        let main = self.names.iter().find(|(_, names)| names.iter().any(|n| n == "main"));
        main.map(|(commit, _)| commit.as_os_str())
    }
}

/// The use of a snapshot: named by references, by its commit only, or superseded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// These references name the snapshot.
    Named(Vec<String>),
    /// No reference names the snapshot, and none has moved on from it: it was downloaded by its commit, or by a program
    /// that moves the reference without downloading (llama.cpp does at each start).
    ByCommit,
    /// A reference has moved on to a newer snapshot, which exists.
    Superseded { by: String, now: OsString },
}

/// Returns the standing of each snapshot, from the time when its folder last changed.
///
/// A snapshot without a reference counts as superseded only if an existing, named and newer one has replaced it: a
/// download by commit writes no reference, and must not be mistaken for waste.
pub(super) fn standings(refs: &Refs, made: &BTreeMap<OsString, i64>) -> BTreeMap<OsString, Standing> {
    let named = made.iter().filter_map(|(commit, time)| Some((refs.names.get(commit)?, commit, *time)));
    let newest = named.max_by_key(|(.., time)| *time);
    let standing = |commit: &OsString, time: i64| match (refs.names.get(commit), newest) {
        (Some(names), _) => Standing::Named(names.clone()),
        (None, Some((names, now, newest))) if time < newest => {
            Standing::Superseded { by: names.first().cloned().unwrap_or_default(), now: now.clone() }
        }
        (None, _) => Standing::ByCommit,
    };
    made.iter().map(|(commit, time)| (commit.clone(), standing(commit, *time))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(list: &[(&str, &str)]) -> Refs {
        let mut refs = Refs::default();
        for (name, commit) in list {
            refs.names.entry((*commit).into()).or_default().push((*name).to_owned());
        }
        refs
    }

    fn judge(list: &[(&str, &str)], made: &[(&str, i64)]) -> Vec<Standing> {
        let made = made.iter().map(|(c, t)| ((*c).into(), *t)).collect();
        standings(&refs(list), &made).into_values().collect()
    }

    #[test]
    fn a_snapshot_is_superseded_only_by_a_newer_one_that_is_there() {
        let named = |n: &str| Standing::Named(vec![n.to_owned()]);
        let old = Standing::Superseded { by: "main".into(), now: "b".into() };
        assert_eq!(judge(&[("main", "b")], &[("a", 1), ("b", 2)]), [old, named("main")]);
        // Downloaded by its commit after main.
        assert_eq!(judge(&[("main", "a")], &[("a", 1), ("b", 2)]), [named("main"), Standing::ByCommit]);
        // llama.cpp moved main without a download: programs load the existing snapshots.
        assert_eq!(judge(&[("main", "z")], &[("a", 1), ("b", 2)]), [Standing::ByCommit, Standing::ByCommit]);
        assert_eq!(judge(&[], &[("a", 1)]), [Standing::ByCommit]);
        assert_eq!(judge(&[("main", "a"), ("v1", "b")], &[("a", 1), ("b", 2)]), [named("main"), named("v1")]);
    }
}
