//! What a plan is made from: everything that could go, with all that is known for and against it.

use super::in_use::{Asked, InUse, Use};
use crate::clock::Timestamp;
use crate::model::{Class, FileIdentity, ModelId, State, StoreKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How it is known when something was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// This program's own journal.
    Journal,
    /// The access time of a file: weak, for a look at its beginning moves it too.
    AccessTime,
    /// No use is known: since it is here.
    Appeared,
}

impl Evidence {
    /// In a sentence after an age.
    pub fn in_words(self) -> &'static str {
        match self {
            Evidence::Journal => "by the journal of uses",
            Evidence::AccessTime => "by its access time, which is weak evidence",
            Evidence::Appeared => "no use is known since it appeared",
        }
    }
}

/// The latest use that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    pub at: Timestamp,
    pub evidence: Evidence,
}

/// The three sources of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traces {
    pub journal: Option<Timestamp>,
    /// The newest access time of its files; None where the file system keeps none.
    pub accessed: Option<Timestamp>,
    /// The newest of the times at which its files were written.
    pub written: Timestamp,
    /// When its newest file came to be on this file system, where that is known.
    pub born: Option<Timestamp>,
    /// When a scan first saw it.
    pub first_seen: Timestamp,
}

impl Traces {
    /// The journal says when it was used here; an access after that was another program's. An access time before the
    /// last write tells of no use at all: then it counts from when it appeared.
    pub fn last_use(&self) -> LastUse {
        let access = self.accessed.filter(|at| *at >= self.written).map(|at| (at, Evidence::AccessTime));
        let appeared = match self.accessed {
            // Nothing tells that nobody used it before the first scan.
            None => self.first_seen,
            Some(_) => self.first_seen.min(self.written.max(self.born.unwrap_or(self.written))),
        };
        let other = access.unwrap_or((appeared, Evidence::Appeared));
        let journal = self.journal.map(|at| (at, Evidence::Journal));
        let (at, evidence) = journal.filter(|(at, _)| *at >= other.0).unwrap_or(other);
        LastUse { at, evidence }
    }
}

/// One inode of it, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// As the inventory has it.
    pub identity: FileIdentity,
    /// Every entry that leads to it.
    pub entries: Vec<PathBuf>,
    /// Bytes of disk in use.
    pub allocated: u64,
    /// Directory entries of the inode, and those of them that are among `entries`.
    pub links: u64,
    pub own_links: u64,
    /// Other models may have it as well, and those that stay keep it without any harm to what goes.
    pub is_projector: bool,
    /// Which of the entries is the file itself and no link; None where the look found none.
    pub here: Option<Here>,
}

/// Where a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Here {
    /// Its place among the entries.
    pub entry: usize,
    /// Device and inode, as the file system tells them now.
    pub inode: (u64, u64),
}

impl Piece {
    pub fn inode(&self) -> (u64, u64) {
        (self.identity.dev, self.identity.ino)
    }
}

/// Something that goes as a whole or stays as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// None for bytes that belong to no model.
    pub id: Option<ModelId>,
    pub name: String,
    pub store: StoreKind,
    pub root: PathBuf,
    /// Of its main file.
    pub path: PathBuf,
    /// Of a model.
    pub state: Option<State>,
    /// What its bytes are to their store: of a model the best of its files.
    pub class: Class,
    /// Why they are that, in the words of the inventory.
    pub why: String,
    pub pieces: Vec<Piece>,
    pub last_use: LastUse,
    /// The newest mtime of its files.
    pub written: Timestamp,
    /// The newest ctime: a download that is put in place keeps an old mtime.
    pub changed: Timestamp,
    pub pinned: bool,
    /// The keep hints and `--keep` globs that mean it.
    pub kept_by: Vec<String>,
    /// Tasks that name it and are not finished.
    pub tasks: u64,
    /// It can be loaded and answers: it counts for the models that stay at least.
    pub is_usable: bool,
    /// What is the same for all models with the same bytes: the hashes of its files, computed or promised. None where
    /// not all of them are known, or where it is not sound.
    pub content: Option<String>,
    /// The virtual models of LM Studio that stand for its repository.
    pub stood_for_by: Vec<String>,
    /// All of those hashes were computed of the bytes that are there: nothing of its content is a promise alone.
    pub is_read: bool,
    /// Its root could be looked at, and its files are what the last scan saw.
    pub stale: Option<String>,
}

impl Candidate {
    /// Apparent bytes.
    pub fn size(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, p| sum.saturating_add(p.identity.size))
    }

    /// Bytes of disk in use.
    pub fn allocated(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, p| sum.saturating_add(p.allocated))
    }

    /// Whether it is one of the models that stay at least, as long as it stays.
    pub fn counts(&self) -> bool {
        self.is_usable && self.stale.is_none()
    }

    /// Its owner would not miss it.
    pub fn is_waste(&self) -> bool {
        matches!(self.class, Class::Superseded | Class::Orphan | Class::Partial)
    }

    /// What to ask when one wants to know who uses it: each of its files.
    pub fn asked(&self) -> impl Iterator<Item = Asked<'_>> {
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

    /// Whether any of its files is in use, or may be.
    pub fn used(&self, in_use: &InUse) -> Use {
        let mut unknown = None;
        for asked in self.asked() {
            match in_use.of(&asked) {
                Use::Free => {}
                Use::Unknown(why) => unknown = Some(why),
                used => return used,
            }
        }
        unknown.map_or(Use::Free, Use::Unknown)
    }

    pub fn inodes(&self) -> BTreeSet<(u64, u64)> {
        self.pieces.iter().map(Piece::inode).collect()
    }

    /// Every path of it.
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
        Traces { journal: None, accessed: Some(at(50)), written: at(100), born: Some(at(100)), first_seen: at(10) }
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
    fn what_was_never_used_counts_from_when_it_appeared() {
        let unread = Traces { accessed: Some(Timestamp(NOW - 200)), ..traces() };
        assert_eq!(last(unread), (100, Evidence::Appeared));
        // Copied here with its old times.
        assert_eq!(last(Traces { born: Some(Timestamp(NOW - 30)), ..unread }), (30, Evidence::Appeared));
        // Fetched again after a use.
        assert_eq!(last(Traces { journal: Some(Timestamp(NOW - 500)), ..unread }), (100, Evidence::Appeared));
        // No access times are kept: nothing is known from before the first scan.
        assert_eq!(last(Traces { accessed: None, ..traces() }), (10, Evidence::Appeared));
    }
}
