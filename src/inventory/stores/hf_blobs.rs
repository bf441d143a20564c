//! The blobs of one repository: what lies there, and which snapshots lead to it.

use super::folder::Folder;
use super::hf::promised_sha256;
use super::hf_refs::Standing;
use crate::inventory::found::{Entity, Intake, Kept, Stamp, Sum, is_partial, vanished};
use crate::model::{Class, Holding, StoreKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// One entry of `blobs/`.
pub(super) struct Blob {
    /// Of the entry itself, which is a link where the payload is shared.
    pub look: Stamp,
    /// Snapshots that lead to it.
    pub snapshots: BTreeSet<OsString>,
    /// A name under which a snapshot has it, when that is one of a model.
    pub model: Option<String>,
}

/// A link from a blob to the payload that several repositories may share.
#[derive(Debug, Clone)]
pub(crate) struct SharedUse {
    pub payload: PathBuf,
    pub owner: String,
    pub class: Class,
    pub why: String,
    pub expected_sha256: Option<String>,
}

pub(super) struct Blobs {
    pub folder: PathBuf,
    pub entries: HashMap<OsString, Blob>,
}

impl Blobs {
    /// Looks at every entry once, so that the snapshots need no look of their own.
    pub fn look(folder: PathBuf, intake: &mut Intake<'_>) -> anyhow::Result<Blobs> {
        let mut blobs = Blobs { folder, entries: HashMap::new() };
        let folder = match Folder::open(&blobs.folder) {
            Ok(folder) => folder,
            Err(e) => {
                if !vanished(&e) {
                    intake.cannot_read(&blobs.folder, &e);
                }
                return Ok(blobs);
            }
        };
        intake.stamping.folder(&folder);
        let names = match folder.names() {
            Ok(names) => names,
            Err(e) => {
                intake.cannot_read(&blobs.folder, &e);
                return Ok(blobs);
            }
        };
        for entry in names {
            intake.pulse.entry()?;
            match folder.look(&entry.name) {
                Ok(look) => {
                    if look.entity == Entity::Link {
                        // Whoever needs the payload is found out by reading all its users.
                        intake.stamping.spoil();
                    }
                    blobs.entries.insert(entry.name, Blob { look, snapshots: BTreeSet::new(), model: None });
                }
                Err(e) if vanished(&e) => {}
                Err(e) => intake.cannot_read(&blobs.folder.join(&entry.name), &e),
            }
        }
        Ok(blobs)
    }

    /// The blob that `path` is, when it lies where blobs do.
    pub fn of(&self, path: &Path) -> Option<&Blob> {
        if path.parent() != Some(&self.folder) {
            return None;
        }
        self.entries.get(path.file_name()?)
    }

    /// Notes that `snapshot` leads to the blob at `path`. False when there is none.
    pub fn lead(&mut self, path: &Path, snapshot: Option<&OsStr>, model: Option<&OsStr>) -> bool {
        let Some(blob) = path.file_name().and_then(|name| self.entries.get_mut(name)) else { return false };
        blob.snapshots.extend(snapshot.map(OsStr::to_owned));
        if let (Some(name), None) = (model, &blob.model) {
            blob.model = Some(name.to_string_lossy().into_owned());
        }
        true
    }

    /// What the repository holds in its blobs. `whole`: every snapshot could be read.
    pub fn holdings(
        self,
        kept: Kept<'_>,
        standings: &BTreeMap<OsString, Standing>,
        whole: bool,
        intake: &mut Intake<'_>,
    ) {
        let mut sums: BTreeMap<(Class, String), Sum> = BTreeMap::new();
        for (name, blob) in self.entries {
            let path = self.folder.join(&name);
            let expected_sha256 = promised_sha256(&name);
            if blob.snapshots.is_empty() && is_unfinished(&name) {
                intake.stamping.add(&path, &blob.look);
                let why = "a download that was not finished";
                intake.holdings.push(kept.file(&path, blob.look, Class::Partial, why));
                continue;
            }
            if !matches!(blob.look.entity, Entity::File | Entity::Link) {
                let why = format!("{} among the blobs", blob.look.entity.odd());
                intake.stamping.add(&path, &blob.look);
                intake.holdings.push(kept.file(&path, blob.look, Class::Damaged, why));
                continue;
            }
            let (class, why) = judge(&blob, standings, whole);
            if blob.look.entity == Entity::Link {
                // Its bytes are the shared payload's.
                if let Ok(to) = std::fs::read_link(&path) {
                    let payload = super::hf::normal(&self.folder, &to);
                    let owner = kept.owner.unwrap_or_default().to_owned();
                    intake.shared.push(SharedUse { payload, owner, class, why, expected_sha256 });
                }
                continue;
            }
            if blob.model.is_some() || class == Class::Orphan {
                intake.stamping.add(&path, &blob.look);
                intake.holdings.push(Holding { expected_sha256, ..kept.file(&path, blob.look, class, why) });
            } else {
                sums.entry((class, why)).or_default().add(blob.look);
            }
        }
        for ((class, why), sum) in sums {
            intake.holdings.push(kept.sum(&self.folder, sum, class, format!("files beside models: {why}")));
        }
    }
}

/// A blob's own name has no dot in it: `<etag>.<8 hex>.incomplete`, `.<etag>.<8 hex>.shared`.
fn is_unfinished(name: &OsStr) -> bool {
    is_partial(name) || Path::new(name).extension().is_some_and(|e| e == "shared" || e == "tmp")
}

fn judge(blob: &Blob, standings: &BTreeMap<OsString, Standing>, whole: bool) -> (Class, String) {
    let found = |pick: &dyn Fn(&Standing) -> bool| {
        blob.snapshots.iter().find_map(|s| standings.get(s).filter(|st| pick(st)).map(|st| (s, st)))
    };
    let file = blob.model.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
    let short = |commit: &OsString| commit.to_string_lossy().chars().take(7).collect::<String>();
    if let Some((commit, Standing::Named(names))) = found(&|s| matches!(s, Standing::Named(_))) {
        let names = names.join(", ");
        return (Class::Referenced, format!("snapshot {} ({names}) has it{file}", short(commit)));
    }
    if let Some((commit, _)) = found(&|s| *s == Standing::ByCommit) {
        let why =
            format!("snapshot {} has it{file}; no reference names that, as after a download by commit", short(commit));
        return (Class::Referenced, why);
    }
    if let Some((commit, Standing::Superseded { by })) = found(&|_| true) {
        return (Class::Superseded, format!("only snapshot {} has it{file}, and `{by}` has moved on", short(commit)));
    }
    if whole {
        (Class::Orphan, "no snapshot leads to it".to_owned())
    } else {
        (Class::Referenced, "may be needed: not every snapshot could be read".to_owned())
    }
}

/// The holding of a repository's blobs has this store.
pub(super) const STORE: StoreKind = StoreKind::Hf;
