//! Faults of the trash, for callers that branch on them and for people.

use crate::clock::Timestamp;
use crate::failure::Failure;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A path of an order that must not be acted on, whatever is there.
    #[error("`{}` cannot be a path inside a store: {why}", path.display())]
    Path { path: PathBuf, why: &'static str },
    /// A folder on the path is a link, or another file system is mounted there.
    #[error("the way to `{}` leads through a link or into another file system", path.display())]
    Leaves { path: PathBuf },
    /// The entry differs from its state when the order was made.
    #[error("`{}` {why}", path.display())]
    Changed { path: PathBuf, why: &'static str },
    /// The other copy, which was to stay, was moved as well or has changed.
    #[error("`{}` is the same file through another mount or has changed, and would not have stayed as it was", path.display())]
    WentAlong { path: PathBuf },
    #[error("`{}` is not the folder any more that it was", path.display())]
    RootChanged { path: PathBuf },
    /// No person named this root, and the text in a trash does not make a root known.
    #[error("`{}` is no root that is known here", path.display())]
    UnknownRoot { path: PathBuf },
    #[error("the store `{}` is not there any more", path.display())]
    NoRoot { path: PathBuf },
    /// Others could have put anything there.
    #[error("the trash `{}` cannot be trusted: {why}", place.display())]
    Untrusted { place: PathBuf, why: String },
    #[error("the trash `{}` is in use by {holder}", place.display())]
    Busy { place: PathBuf, holder: Holder },
    /// Something else is at the path to restore.
    #[error("there is something at `{}` again", path.display())]
    Occupied { path: PathBuf },
    /// Somebody took the payload out of the trash.
    #[error("what was at `{}` is not in the trash any more", path.display())]
    Missing { path: PathBuf },
    #[error("the trash has no item `{id}`")]
    NoItem { id: String },
    #[error("item `{id}` of the trash cannot be understood: {why}")]
    Damaged { id: String, why: String },
    /// An operation on the item was interrupted, and it has to be recovered first.
    #[error("item `{id}` of the trash was left half done: {state}")]
    Unsettled { id: String, state: &'static str },
    /// The move failed, and so did putting back the entries that had been moved.
    #[error("{why}; what was moved until then is still in the trash as item `{id}`")]
    HalfDone { id: String, why: Box<Fault>, source: Box<Fault> },
    /// Some of the item is deleted, and the rest could not be.
    #[error("item `{id}` of the trash is deleted by half: {}", told(gone))]
    HalfDeleted { id: String, gone: Vec<PathBuf>, freed_bytes: u64, source: Box<Fault> },
    /// The item is being deleted, which cannot be undone.
    #[error("item `{id}` of the trash is being deleted: {}", told(gone))]
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
            Fault::Busy { .. } => Failure::busy("the trash is in use").hint("wait until that has ended, and try again"),
            Fault::Occupied { .. } => {
                cannot("nothing was restored").hint("move away what is there now, then restore again")
            }
            Fault::Missing { .. } => cannot("nothing was restored")
                .hint("what is left of it is still in the trash: `modelctl trash list` names the folder"),
            Fault::Untrusted { .. } => cannot("the trash cannot be used")
                .hint("make it a folder of yours that only you can write to (chmod 700)"),
            Fault::NoRoot { .. } => cannot("nothing was restored").hint("make that folder again, then restore again"),
            Fault::UnknownRoot { .. } => cannot("the item is left as it is")
                .hint("`modelctl scan DIR` makes a root known; `modelctl trash restore ID` takes an item by its name"),
            Fault::NoItem { .. } => cannot("no such item").hint("`modelctl trash list` shows what is there"),
            Fault::HalfDone { .. } => {
                cannot("an item was moved by half").hint("the next run puts it back: run it when that is mended")
            }
            Fault::HalfDeleted { .. } => cannot("not everything was deleted")
                .hint("`modelctl trash empty --confirm` goes on with it when that is mended; there is no way back"),
            Fault::BeingDeleted { .. } => cannot("nothing was restored")
                .hint("what is left of it is in its folder, which `modelctl trash list --json` names; `modelctl trash empty --confirm` deletes it"),
            Fault::Unsettled { .. } => cannot("an earlier run did not come to its end"),
            Fault::Damaged { .. } => {
                cannot("the trash holds something strange").hint("look into its folder; nothing in it is touched")
            }
            full if full.is_full() => cannot("nothing was changed in the store")
                .hint("--purge needs no room for a trash; `modelctl trash empty --confirm` makes some"),
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
        _ if gone.is_empty() => "what has gone of it cannot be told".to_owned(),
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
