//! A policy carried out on a world, and what must hold afterwards.

use super::worlds::World;
use crate::model::ModelId;
use crate::prune::apply::{Acting, Done, Trashes, apply};
use crate::prune::candidate::Candidate;
use crate::prune::fate::{Doer, Fate};
use crate::prune::in_use::Use;
use crate::prune::plan::{Plan, Row, plan};
use crate::prune::policy::Policy;
use crate::prune::room::space;
use crate::prune::trash::tests::Picture;
use crate::prune::trash::{self, Point};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bits say who is in use, by the name of its main file: models are renamed when others go.
pub fn is_used(c: &Candidate, busy: u16) -> bool {
    busy >> (c.path.as_os_str().as_encoded_bytes().iter().rev().take(12).fold(0u32, |n, b| n + u32::from(*b)) % 16) & 1
        == 1
}

pub fn planned(world: &World, all: &[Candidate], policy: &Policy, busy: u16) -> Plan {
    let used = |c: &&Candidate| if is_used(c, busy) { Use::Used(vec!["somebody".into()]) } else { Use::Free };
    plan(policy, &[], all, &space(all, [], []), world.now, &mut |asked| asked.iter().map(used).collect())
}

pub fn act<'p>(
    world: &World,
    plan: &'p Plan,
    all: &[Candidate],
    (busy, purge): (u16, bool),
    hook: &mut dyn FnMut(Point) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Done<'p>>> {
    let (trashes, failed) = Trashes::hold(plan, all, world.now);
    assert!(failed.is_empty(), "{failed:?}");
    let doer = Doer { who: "me".into(), command: "modelctl prune".into(), actor: None, now: world.now };
    apply(
        plan,
        &trashes,
        &mut Acting {
            ollama: &crate::model::Reading::Unavailable("nobody is asked".to_owned()),
            candidates: all,
            doer: &doer,
            purge,
            in_use: &mut |c| if is_used(c, busy) { Use::Used(vec!["somebody".into()]) } else { Use::Free },
            is_kept: &mut |_| Ok(None),
            tell: &mut |_| Ok(()),
            stop: &|| false,
            hook,
        },
    )
}

pub fn is_gone(fate: &Fate) -> bool {
    matches!(fate, Fate::Trashed { .. } | Fate::Purged { .. })
}

/// Everything that was there, what of it is not any more, and where links led.
pub struct Before {
    pub pictures: Vec<(PathBuf, Picture)>,
    /// What can be read at a path that is no folder, through links.
    reads: BTreeMap<PathBuf, Vec<u8>>,
    blocks: BTreeMap<PathBuf, (u64, u64, u64, bool)>,
    needs: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

impl Before {
    pub fn look(world: &World) -> Before {
        let pictures = world.pictures();
        let paths: Vec<PathBuf> = pictures.iter().flat_map(|(top, all)| all.keys().map(|p| joined(top, p))).collect();
        let reads = paths.iter().filter_map(|p| Some((p.clone(), std::fs::read(p).ok()?))).collect();
        let block = |p: &PathBuf| {
            let meta = p.symlink_metadata().unwrap();
            (p.clone(), (meta.ino(), meta.nlink(), meta.blocks() * 512, meta.is_dir()))
        };
        let needs = paths.iter().filter_map(|p| Some((p.clone(), needs(p)?))).collect();
        Before { blocks: paths.iter().map(block).collect(), reads, needs, pictures }
    }

    fn gone(&self) -> BTreeSet<&PathBuf> {
        self.blocks.keys().filter(|p| p.symlink_metadata().is_err()).collect()
    }

    /// Nothing but what went has changed in any way; what leads somewhere leads there still.
    pub fn check(&self, all: &[Candidate], gone: &[&Row]) {
        let steps: BTreeSet<PathBuf> = gone
            .iter()
            .flat_map(|row| row.steps.iter().map(|s| row.base.as_ref().unwrap().path.join(s.path())))
            .collect();
        let went = self.gone();
        for path in &went {
            assert!(steps.contains(*path), "{path:?} is gone and in no plan");
        }
        let ids: BTreeSet<&ModelId> = gone.iter().filter_map(|row| row.id.as_ref()).collect();
        let paths: BTreeSet<&Path> = gone.iter().filter(|r| r.id.is_none()).map(|r| r.path.as_path()).collect();
        let goes = |c: &&Candidate| match &c.id {
            Some(id) => ids.contains(id),
            None => paths.contains(c.path.as_path()),
        };
        let inodes: BTreeSet<u64> = all.iter().filter(goes).flat_map(|c| &c.pieces).map(|p| p.identity.ino).collect();
        for path in &went {
            let (ino, _, _, is_dir) = self.blocks[*path];
            let is_payload = self.reads.get(*path).is_some_and(|b| b.starts_with(b"GGUF") || b.starts_with(b"WEIGHTS"));
            let is_link = path_kind(&self.pictures, path) == 0o120_000;
            // A name of Ollama may stand for the same model with another projector, which goes with that name.
            let is_eye = path.components().any(|c| c.as_os_str() == "models")
                && self.reads.get(*path).is_some_and(|b| b.starts_with(b"GGUF kind=mmproj"));
            assert!(is_dir || is_link || !is_payload || is_eye || inodes.contains(&ino), "{path:?} was taken along");
        }
        for c in all.iter().filter(|c| !goes(c)) {
            for path in c.paths() {
                assert_eq!(std::fs::read(&path).ok(), self.reads.get(&path).cloned(), "{path:?} of `{}`", c.name);
                assert!(!went.contains(&path), "{path:?} of `{}`, which stays", c.name);
            }
        }
        self.unchanged(&went);
        self.leads(&went);
    }

    /// Whatever is still there is as it was; folders may have another time.
    fn unchanged(&self, went: &BTreeSet<&PathBuf>) {
        for (top, before) in &self.pictures {
            let now = crate::prune::trash::tests::picture(top);
            for path in now.keys() {
                assert!(before.contains_key(path), "{path:?} is new in {top:?}");
            }
            for (path, (mode, uid, mtime, ino, content)) in before {
                let full = joined(top, path);
                if went.contains(&full) {
                    continue;
                }
                let (mode2, uid2, mtime2, ino2, content2) = &now[path];
                let is_dir = mode & 0o170_000 == 0o040_000;
                assert_eq!((mode, uid, ino, content), (mode2, uid2, ino2, content2), "{full:?}");
                assert!(is_dir || mtime == mtime2, "{full:?}");
            }
        }
    }

    /// No link and no reference of a store leads to nothing that led to something.
    fn leads(&self, went: &BTreeSet<&PathBuf>) {
        let outside = &self.pictures.last().unwrap().0;
        for path in self.blocks.keys().filter(|p| !went.contains(p) && !p.starts_with(outside)) {
            if self.reads.contains_key(path) {
                assert!(std::fs::read(path).is_ok(), "{path:?} leads to nothing now");
            }
        }
        for (path, needs) in self.needs.iter().filter(|(p, _)| !went.contains(p)) {
            for need in needs.iter().filter(|need| self.blocks.contains_key(*need)) {
                assert!(need.exists(), "{path:?} needs {need:?}");
            }
        }
    }

    /// Bytes of files whose last name went, and of folders.
    pub fn freed(&self) -> (u64, u64) {
        let mut names: BTreeMap<u64, (u64, u64, u64)> = BTreeMap::new();
        let mut folders = 0;
        for path in self.gone() {
            let (ino, links, bytes, is_dir) = self.blocks[path];
            if is_dir {
                folders += bytes;
            } else {
                let entry = names.entry(ino).or_insert((0, links, bytes));
                entry.0 += 1;
            }
        }
        let files = names.values().filter(|(gone, links, _)| gone == links).map(|(_, _, bytes)| bytes).sum();
        (files, folders)
    }

    /// Everything is there again, to the last bit.
    pub fn same(&self, world: &World) {
        for ((top, before), (_, after)) in self.pictures.iter().zip(world.pictures()) {
            crate::prune::trash::tests::same(before, &after, &format!("restored {top:?}"));
        }
    }
}

fn path_kind(pictures: &[(PathBuf, Picture)], path: &Path) -> u32 {
    let hit = pictures.iter().find_map(|(top, all)| all.get(path.strip_prefix(top).ok()?));
    hit.map_or(0, |entry| entry.0 & 0o170_000)
}

fn joined(top: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { top.to_owned() } else { top.join(path) }
}

/// What a reference of a store stands for: a snapshot of the hub, blobs of Ollama and RamaLama.
fn needs(path: &Path) -> Option<BTreeSet<PathBuf>> {
    let text = std::fs::read_to_string(path).ok()?;
    let top = |name: &str| path.ancestors().find(|p| p.file_name().is_some_and(|n| n == name))?.parent();
    if path.ancestors().any(|p| p.ends_with("h/hub")) {
        return Some([top("refs")?.join("snapshots").join(text)].into());
    }
    let folder = top("manifests").or_else(|| top("refs"))?;
    let mut rest = text.as_str();
    let mut all = BTreeSet::new();
    while let Some(at) = rest.find("sha256:") {
        rest = &rest[at + 7..];
        let hex: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        all.insert(folder.join("blobs").join(format!("sha256-{hex}")));
    }
    Some(all)
}

/// Puts everything back, the last first.
pub fn restore_all(world: &World, done: &[Done<'_>]) {
    for d in done.iter().rev() {
        let Fate::Trashed { id } = &d.fate else { continue };
        let place = trash::Place::of(&d.row.base.as_ref().unwrap().path).unwrap().unwrap();
        let held = place.hold(world.now).unwrap();
        trash::restore(&held, id, &mut trash::go_on).unwrap_or_else(|e| panic!("{}: {e:#}", d.row.name));
    }
}
