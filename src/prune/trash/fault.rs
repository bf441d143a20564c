//! What can go wrong with the trash, for callers that branch and for people.

use super::lock::Holder;
use crate::failure::Failure;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A path of an order that must not be acted on, whatever lies there.
    #[error("`{}` cannot be a path inside a store: {why}", path.display())]
    Path { path: PathBuf, why: &'static str },
    /// A folder on the way is a link, or another file system is mounted there.
    #[error("the way to `{}` leads through a link or into another file system", path.display())]
    Leaves { path: PathBuf },
    /// It is not what it was when the order was made.
    #[error("`{}` {why}", path.display())]
    Changed { path: PathBuf, why: &'static str },
    #[error("`{}` is not the folder any more that it was", path.display())]
    RootChanged { path: PathBuf },
    #[error("the store `{}` is not there any more", path.display())]
    NoRoot { path: PathBuf },
    /// Others could have put anything there.
    #[error("the trash `{}` cannot be trusted: {why}", place.display())]
    Untrusted { place: PathBuf, why: String },
    #[error("the trash `{}` is in use by {holder}", place.display())]
    Busy { place: PathBuf, holder: Holder },
    /// Where something must go back to, something else is.
    #[error("there is something at `{}` again", path.display())]
    Occupied { path: PathBuf },
    /// Somebody took it out of the trash.
    #[error("what was at `{}` is not in the trash any more", path.display())]
    Missing { path: PathBuf },
    #[error("the trash has no item `{id}`")]
    NoItem { id: String },
    #[error("item `{id}` of the trash cannot be understood: {why}")]
    Damaged { id: String, why: String },
    /// It was left half done and has to be recovered first.
    #[error("item `{id}` of the trash is not settled: {state}")]
    Unsettled { id: String, state: &'static str },
    /// It went wrong, and so did putting back what had been moved until then.
    #[error("{why}; what was moved until then is still in the trash as item `{id}`")]
    HalfDone { id: String, why: Box<Fault>, source: Box<Fault> },
    /// Some of it is deleted, and the rest could not be.
    #[error("item `{id}` of the trash is deleted by half: {}", told(gone))]
    HalfDeleted { id: String, gone: Vec<PathBuf>, freed_bytes: u64, source: Box<Fault> },
    /// It is being deleted, which cannot be taken back.
    #[error("item `{id}` of the trash is being deleted: {}", told(gone))]
    BeingDeleted { id: String, gone: Vec<PathBuf> },
    /// The trash of that root is on another file system.
    #[error("`{}` is not on the file system of its trash", path.display())]
    Elsewhere { path: PathBuf },
    #[error("cannot {doing} `{}`", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The hook said to stop here.
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

    /// Something else was at work since the order was made: reason to leave the item alone, none to stop.
    pub fn is_change(&self) -> bool {
        matches!(self, Fault::Leaves { .. } | Fault::Changed { .. } | Fault::RootChanged { .. })
    }

    /// There is no room on the file system, for bytes or for files.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Fault::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// For people: with its kind and the next step.
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

/// What has gone, by name as far as one reads it.
fn told(gone: &[PathBuf]) -> String {
    const NAMED: usize = 3;
    let names: Vec<String> = gone.iter().take(NAMED).map(|path| format!("`{}`", path.display())).collect();
    match gone.len().saturating_sub(NAMED) {
        _ if gone.is_empty() => "what has gone of it cannot be told".to_owned(),
        0 => format!("{} gone", names.join(", ")),
        more => format!("{} and {more} more gone", names.join(", ")),
    }
}
