//! Faults of the trash, for callers that branch on them and for people.

use crate::clock::Timestamp;
use crate::failure::Failure;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A path of an order that must not be acted on, whatever is there.
    #[error("`{}` is not a valid path inside a store: {why}", path.display())]
    Path { path: PathBuf, why: &'static str },
    /// A folder on the path is a link, or another file system is mounted there.
    #[error("the path to `{}` passes through a link or another file system", path.display())]
    Leaves { path: PathBuf },
    /// The entry differs from its state when the order was made.
    #[error("`{}` {why}", path.display())]
    Changed { path: PathBuf, why: &'static str },
    /// The other copy, which was to stay, was moved as well or has changed.
    #[error("`{}` is the same file through another mount, or has changed", path.display())]
    WentAlong { path: PathBuf },
    #[error("`{}` is no longer the same folder", path.display())]
    RootChanged { path: PathBuf },
    /// No person named this root, and the text in a trash does not make a root known.
    #[error("`{}` is not a known root", path.display())]
    UnknownRoot { path: PathBuf },
    #[error("the store `{}` no longer exists", path.display())]
    NoRoot { path: PathBuf },
    /// Others could have put anything there.
    #[error("the trash `{}` cannot be trusted: {why}", place.display())]
    Untrusted { place: PathBuf, why: String },
    #[error("the trash `{}` is in use by {holder}", place.display())]
    Busy { place: PathBuf, holder: Holder },
    /// Something else is at the path to restore.
    #[error("`{}` exists again", path.display())]
    Occupied { path: PathBuf },
    /// Somebody took the payload out of the trash.
    #[error("the files of `{}` are no longer in the trash", path.display())]
    Missing { path: PathBuf },
    #[error("the trash has no item `{id}`")]
    NoItem { id: String },
    #[error("trash item `{id}` is invalid: {why}")]
    Damaged { id: String, why: String },
    /// An operation on the item was interrupted, and it has to be recovered first.
    #[error("trash item `{id}` is incomplete: {state}")]
    Unsettled { id: String, state: &'static str },
    /// The move failed, and so did putting back the entries that had been moved.
    #[error("{why}; the files moved so far are in the trash as item `{id}`")]
    HalfDone { id: String, why: Box<Fault>, source: Box<Fault> },
    /// Some of the item is deleted, and the rest could not be.
    #[error("trash item `{id}` is partly deleted: {}", told(gone))]
    HalfDeleted { id: String, gone: Vec<PathBuf>, freed_bytes: u64, source: Box<Fault> },
    /// The item is being deleted, which cannot be undone.
    #[error("trash item `{id}` is being deleted: {}", told(gone))]
    BeingDeleted { id: String, gone: Vec<PathBuf> },
    /// The trash of that root is on another file system.
    #[error("`{}` is not on the file system of its trash", path.display())]
    Elsewhere { path: PathBuf },
    #[error("cannot {doing} `{}`", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The hook returned an error.
    #[error("stopped")]
    Stopped(#[source] anyhow::Error),
}

impl Fault {
    pub(super) fn io(doing: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Fault {
        Fault::Io { doing, path: path.into(), source: source.into() }
    }

    pub(super) fn changed(path: &Path, why: &'static str) -> Fault {
        Fault::Changed { path: path.to_owned(), why }
    }

    /// Returns whether something else changed the entries since the order was made: a reason to leave the item alone,
    /// but not to stop the run.
    pub fn is_change(&self) -> bool {
        matches!(
            self,
            Fault::Leaves { .. } | Fault::Changed { .. } | Fault::RootChanged { .. } | Fault::WentAlong { .. }
        )
    }

    /// Returns whether the file system has no room, for bytes or for files.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Fault::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// Converts to an error for people, with its kind and the next step.
    pub fn into_error(self) -> anyhow::Error {
        let cannot = |message: &str| Failure::cannot_meet(message);
        let failure = match &self {
            Fault::Stopped(_) => {
                let Fault::Stopped(error) = self else { return self.into() };
                return error;
            }
            Fault::Busy { .. } => Failure::busy("the trash is in use").hint("wait until it has finished, and try again"),
            Fault::Occupied { .. } => {
                cannot("nothing was restored").hint("move the existing file away, then restore again")
            }
            Fault::Missing { .. } => cannot("nothing was restored")
                .hint("the rest is still in the trash: `modelctl trash list` shows the folder"),
            Fault::Untrusted { .. } => cannot("the trash cannot be used")
                .hint("make it a folder that belongs to you and only you can write to (chmod 700)"),
            Fault::NoRoot { .. } => cannot("nothing was restored").hint("create that folder, then restore again"),
            Fault::UnknownRoot { .. } => cannot("the item is unchanged")
                .hint("add a root with `modelctl scan DIR`; restore an item with `modelctl trash restore ID`"),
            Fault::NoItem { .. } => cannot("no such item").hint("see `modelctl trash list`"),
            Fault::HalfDone { .. } => {
                cannot("an item was moved partly").hint("fix the cause, then run again: it will be put back")
            }
            Fault::HalfDeleted { .. } => cannot("not everything was deleted")
                .hint("fix the cause, then run `modelctl trash empty --confirm`: this cannot be undone"),
            Fault::BeingDeleted { .. } => cannot("nothing was restored")
                .hint("the rest is in its folder, see `modelctl trash list --json`; delete it with `modelctl trash empty --confirm`"),
            Fault::Unsettled { .. } => cannot("an earlier run was interrupted"),
            Fault::Damaged { .. } => {
                cannot("the trash contains something unexpected").hint("check its folder; nothing in it was changed")
            }
            full if full.is_full() => cannot("nothing was changed in the store")
                .hint("--purge needs no space for the trash; `modelctl trash empty --confirm` frees some"),
            _ => cannot("nothing was changed in the store"),
        };
        anyhow::Error::new(self).context(failure)
    }
}

/// Names the first missing entries, and counts the rest.
fn told(gone: &[PathBuf]) -> String {
    const NAMED: usize = 3;
    let names: Vec<String> = gone.iter().take(NAMED).map(|path| format!("`{}`", path.display())).collect();
    match gone.len().saturating_sub(NAMED) {
        _ if gone.is_empty() => "it is unknown which files are gone".to_owned(),
        0 => format!("{} gone", names.join(", ")),
        more => format!("{} and {more} more gone", names.join(", ")),
    }
}

/// The holder of the lock, as far as its file names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub pid: Option<u32>,
    pub since: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, self.since) {
            (Some(pid), Some(since)) => write!(f, "process {pid} since {}", since.rfc3339()),
            (Some(pid), None) => write!(f, "process {pid}"),
            _ => f.write_str("another process"),
        }
    }
}
