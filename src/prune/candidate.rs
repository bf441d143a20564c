//! Input of a plan: everything that could be removed, with all that is known for and against it.

use super::download::Together;
use super::in_use::{Asked, InUse, Use};
use super::plan_text;
use crate::clock::Timestamp;
use crate::model::{Class, Damage, FileIdentity, ModelId, State, StoreKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Evidence of the last use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The journal of uses of this program.
    Journal,
    /// The access time of a file: weak, because reading only its beginning changes it too.
    AccessTime,
    /// No use is known: counts from when the model appeared.
    Appeared,
}

/// The latest known use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    #[serde(with = "plan_text::time")]
    pub at: Timestamp,
    pub evidence: Evidence,
}

/// The recorded times from which the last use is derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traces {
    pub journal: Option<Timestamp>,
    /// The newest access time of the files; None where the file system keeps none.
    pub accessed: Option<Timestamp>,
    /// The newest mtime of the files.
    pub written: Timestamp,
    /// Time at which the newest file was created on this file system, where that is known.
    pub born: Option<Timestamp>,
    /// The newest ctime of the files: a change of an access time changes it as well.
    pub changed: Option<Timestamp>,
    /// Time of the first scan that found the model.
    pub first_seen: Timestamp,
}

impl Traces {
    /// Returns the last use. The journal records the uses by this program; a later access was another program's.
    ///
    /// An access time before the last write shows no use, and neither does one before the last change of the inode: a
    /// copy that keeps its times (`cp -a`, `rsync -a`, `mv` to another disk) has one that was set and not caused by
    /// reading. The last use is then when the copy appeared, or that access where it is later.
    pub fn last_use(&self) -> LastUse {
        let arrived = self.written.max(self.born.unwrap_or(self.written)).max(self.changed.unwrap_or(self.written));
        let other = match self.accessed {
            // Nothing shows that it was unused before the first scan.
            None => (self.first_seen, Evidence::Appeared),
            // If it equals the last write, both were set at once, or the file was never read: it counts from the write.
            Some(at) if at >= arrived || at == self.written => (at, Evidence::AccessTime),
            Some(at) => {
                let appeared = self.first_seen.min(arrived);
                // Before the last write it was another file.
                let is_later = at >= self.written && at > appeared;
                if is_later { (at, Evidence::AccessTime) } else { (appeared, Evidence::Appeared) }
            }
        };
        let journal = self.journal.map(|at| (at, Evidence::Journal));
        let (at, evidence) = journal.filter(|(at, _)| *at >= other.0).unwrap_or(other);
        LastUse { at, evidence }
    }
}

/// One inode of a candidate, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The identity that the inventory has recorded.
    pub identity: FileIdentity,
    /// Device and inode of the first view of this file: the same through every mount that shows it.
    pub file: (u64, u64),
    /// Every entry that leads to the file.
    pub entries: Vec<PathBuf>,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// The number of directory entries of the inode; `own_links` of them are among `entries`.
    pub links: u64,
    pub own_links: u64,
    /// Whether it is a projector: other models may have it as well, and it may stay with those without any harm to the
    /// removal.
    pub is_projector: bool,
    /// The entry that is the file itself and not a link; None where none was found.
    pub here: Option<Here>,
}

/// Location of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Here {
    /// Index into the entries.
    pub entry: usize,
    /// Device and inode as the file system reports them now.
    pub inode: (u64, u64),
}

impl Piece {
    pub fn inode(&self) -> (u64, u64) {
        (self.identity.dev, self.identity.ino)
    }
}

/// Something that is removed as a whole or stays as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// None for bytes that belong to no model.
    pub id: Option<ModelId>,
    pub name: String,
    pub store: StoreKind,
    pub root: PathBuf,
    /// Path of the main file.
    pub path: PathBuf,
    /// None for bytes that belong to no model.
    pub state: Option<State>,
    /// Class of its bytes in their store; for a model the best class of its files.
    pub class: Class,
    /// Reason for the class, in the words of the inventory.
    pub why: String,
    /// The proof that it is damaged; None where nothing proves that, even if it cannot be used for other reasons.
    pub damage: Option<Damage>,
    pub pieces: Vec<Piece>,
    pub last_use: LastUse,
    /// The newest mtime of the files.
    pub written: Timestamp,
    /// The newest ctime of the files: a download that is put in place keeps an old mtime.
    pub changed: Timestamp,
    pub pinned: bool,
    /// The keep hints and `--keep` globs that match it.
    pub kept_by: Vec<String>,
    /// The number of unfinished tasks that name it.
    pub tasks: u64,
    /// Whether it can be loaded and answers: it then counts toward the minimum of models that stay.
    pub is_usable: bool,
    /// Identity of the content, equal for all models with the same bytes: the hashes of the files, computed or
    /// promised. None where some are unknown, or where the model is not sound.
    pub content: Option<String>,
    /// The virtual models of LM Studio that stand for its repository.
    pub stood_for_by: Vec<String>,
    /// Whether all of those hashes were computed from the bytes that are there: none is a mere promise.
    pub is_read: bool,
    /// The download that it may be a part of: set for orphans, partial files, and models with missing parts.
    pub download: Option<Arc<Together>>,
    /// Reason why it differs from the last scan or could not be inspected; None when it is unchanged.
    pub stale: Option<String>,
    /// Reason why no rule reaches it: its root is the whole machine, holds homes of others, or contains another root.
    /// It is removed only when it is named.
    pub barred: Option<String>,
    /// Further names that its store has for it.
    pub also_named: Vec<String>,
}

impl Candidate {
    /// Returns the sum of the apparent sizes, bytes.
    pub fn size(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, p| sum.saturating_add(p.identity.size))
    }

    /// Returns the bytes of disk in use.
    pub fn allocated(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, p| sum.saturating_add(p.allocated))
    }

    /// Returns whether it counts toward the minimum of models that stay, as long as it stays.
    pub fn counts(&self) -> bool {
        self.is_usable && self.stale.is_none()
    }

    /// Returns whether its owner would not miss it.
    pub fn is_waste(&self) -> bool {
        matches!(self.class, Class::Superseded | Class::Orphan | Class::Partial)
    }

    /// Returns every file to ask about to find out who uses the candidate: its own files, and the unfinished ones of
    /// its download.
    pub fn asked(&self) -> impl Iterator<Item = Asked<'_>> {
        self.own().chain(self.of_download())
    }

    fn of_download(&self) -> impl Iterator<Item = Asked<'_>> {
        let unfinished = self.download.iter().flat_map(|download| &download.unfinished);
        let others = unfinished.filter(|file| !self.pieces.iter().any(|piece| piece.entries.contains(&file.path)));
        others.map(|file| Asked {
            store: self.store,
            root: &self.root,
            name: None,
            path: &file.path,
            entries: std::slice::from_ref(&file.path),
            identity: file.identity,
            seen: Some((file.identity.dev, file.identity.ino)),
        })
    }

    fn own(&self) -> impl Iterator<Item = Asked<'_>> {
        self.pieces.iter().filter_map(|piece| {
            let here = piece.here.and_then(|here| piece.entries.get(here.entry));
            let path = here.or_else(|| piece.entries.first())?;
            Some(Asked {
                store: self.store,
                root: &self.root,
                name: self.id.is_some().then_some(self.name.as_str()),
                path,
                entries: &piece.entries,
                identity: piece.identity,
                seen: piece.here.map(|here| here.inode),
            })
        })
    }

    /// Returns whether any of its files is in use, or may be, or its download is in progress.
    pub fn used(&self, in_use: &InUse) -> Use {
        let mut unknown = None;
        for asked in self.own() {
            match in_use.of(&asked) {
                Use::Free => {}
                Use::Unknown(why) => unknown = Some(why),
                used => return used,
            }
        }
        let Some(download) = &self.download else { return unknown.map_or(Use::Free, Use::Unknown) };
        for asked in self.of_download() {
            let name = asked.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match in_use.of(&asked) {
                Use::Free => {}
                Use::Unknown(why) => unknown = Some(format!("it may be part of the download `{name}`: {why}")),
                Use::Used(by) => {
                    let by = by.join(", ");
                    return Use::Used(vec![format!("it may be part of a download in progress, `{name}`: {by}")]);
                }
            }
        }
        let client = in_use.client(self.store, &self.path, !download.unfinished.is_empty());
        client.map(|by| Use::Used(vec![by])).or(unknown.map(Use::Unknown)).unwrap_or(Use::Free)
    }

    /// Returns its files, each once even when several mounts show it.
    pub fn files(&self) -> BTreeSet<(u64, u64)> {
        self.pieces.iter().map(|piece| piece.file).collect()
    }

    pub fn inodes(&self) -> BTreeSet<(u64, u64)> {
        self.pieces.iter().map(Piece::inode).collect()
    }

    /// Returns every path that leads to its files.
    pub fn paths(&self) -> BTreeSet<PathBuf> {
        self.pieces.iter().flat_map(|p| &p.entries).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn traces() -> Traces {
        let at = |t: i64| Timestamp(NOW - t);
        let (written, born, changed) = (at(100), Some(at(100)), Some(at(100)));
        Traces { journal: None, accessed: Some(at(50)), written, born, changed, first_seen: at(10) }
    }

    fn last(traces: Traces) -> (i64, Evidence) {
        let last = traces.last_use();
        (NOW - last.at.0, last.evidence)
    }

    #[test]
    fn a_use_by_another_program_counts_as_well_as_one_of_ours() {
        assert_eq!(last(traces()), (50, Evidence::AccessTime));
        assert_eq!(last(Traces { journal: Some(Timestamp(NOW - 20)), ..traces() }), (20, Evidence::Journal));
        assert_eq!(last(Traces { journal: Some(Timestamp(NOW - 80)), ..traces() }), (50, Evidence::AccessTime));
    }

    #[test]
    fn an_access_time_that_was_set_is_no_use() {
        // `cp -a`, 5 s ago, of a file that was read 60 s ago and written 90 s ago.
        let at = |t: i64| Timestamp(NOW - t);
        let copy =
            Traces { accessed: Some(at(60)), written: at(90), born: Some(at(5)), changed: Some(at(5)), ..traces() };
        assert_eq!(last(Traces { first_seen: at(3), ..copy }), (5, Evidence::Appeared));
        // The model was known on its former disk: the last access there is the best evidence.
        assert_eq!(last(Traces { first_seen: at(80), ..copy }), (60, Evidence::AccessTime));
        // It was read since.
        assert_eq!(last(Traces { accessed: Some(at(2)), ..copy }), (2, Evidence::AccessTime));
        // Only its mode was changed after it was read, and it has been known for a long time.
        let old = Traces { accessed: Some(at(40)), changed: Some(at(5)), first_seen: at(99), ..traces() };
        assert_eq!(last(old), (40, Evidence::AccessTime));
    }

    #[test]
    fn what_was_never_used_counts_from_when_it_appeared() {
        let unread = Traces { accessed: Some(Timestamp(NOW - 200)), ..traces() };
        assert_eq!(last(unread), (100, Evidence::Appeared));
        // Copied here with its old times.
        assert_eq!(last(Traces { born: Some(Timestamp(NOW - 30)), ..unread }), (30, Evidence::Appeared));
        // No creation time is kept: the inode changed when its times were set.
        assert_eq!(last(Traces { born: None, changed: Some(Timestamp(NOW - 30)), ..unread }), (30, Evidence::Appeared));
        // Downloaded again after a use.
        assert_eq!(last(Traces { journal: Some(Timestamp(NOW - 500)), ..unread }), (100, Evidence::Appeared));
        // No access times are kept: nothing is known from before the first scan.
        assert_eq!(last(Traces { accessed: None, ..traces() }), (10, Evidence::Appeared));
    }
}
