//! Checks one known file: its present identity, and whether its header and its length are sound.

use crate::gguf::{self, GgufError};
use crate::host::extents;
use crate::inventory::classify::{clean, file_state};
use crate::inventory::headers::Header;
use crate::inventory::inode::{identity_of, not_regular_reason, vanished};
use crate::model::{Artifact, Fault, FileIdentity, Integrity, Nature, State, digits};
use std::path::Path;

/// Reason why a check of a file had no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    Missing,
    Unreadable(String),
    /// Its header has something unknown: its bytes can be hashed nevertheless.
    Unsupported(String),
    Damaged(String),
}

/// Returns the identity of the file at `path`, links followed: the recorded entry must lead to the expected bytes.
pub(super) fn stat(path: &Path) -> Result<FileIdentity, Trouble> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if vanished(&e) => return Err(Trouble::Missing),
        Err(e) => return Err(Trouble::Unreadable(gguf::unreadable(&e))),
    };
    if !meta.is_file() {
        return Err(Trouble::Damaged(format!("is {}", not_regular_reason(meta.file_type()))));
    }
    Ok(identity_of(&meta))
}

/// Reads the header from the disk.
pub(super) fn header(path: &Path) -> Result<Header, Trouble> {
    match gguf::read_path(path) {
        Ok(read) => Ok(Header { identity: read.identity, allocated: read.allocated, facts: read.facts }),
        Err(GgufError::Io(e)) if vanished(&e) => Err(Trouble::Missing),
        Err(e) => {
            let Fault { nature, why } = e.fault();
            Err(match nature {
                Nature::Damaged => Trouble::Damaged(clean(&why)),
                Nature::Unsupported => Trouble::Unsupported(clean(&why)),
                Nature::Unreadable => Trouble::Unreadable(clean(&why)),
            })
        }
    }
}

/// The result of checking a file's structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Structure {
    /// Regular, readable, as long as its tensors need, and not being written.
    Sound,
    /// Readable, but its length cannot be computed from the tensor table.
    Unsized(String),
    /// Full length, but with blocks that were never written. Only a hash shows whether zeros belong there.
    Holes(String),
    /// Readable, or at least present, with something unknown.
    Unsupported(String),
    /// No further result until the file is scanned again.
    Changed(&'static str),
    Trouble(Trouble),
}

const CHANGED: &str = "changed since the last scan: run `modelctl scan`";

/// Classifies a file from its record in the database, the header read now, and a stat some time later.
pub(super) fn structure(
    known: &Artifact,
    now: Result<&Header, &Trouble>,
    later: Result<&FileIdentity, &Trouble>,
) -> Structure {
    let header = match now {
        Ok(header) => header,
        // Without a header, the identity of the scan is compared with that of the later stat.
        Err(Trouble::Unsupported(why)) => {
            return match later {
                Ok(later) if known.identity.same_content(later) => Structure::Unsupported(why.clone()),
                Ok(_) | Err(Trouble::Missing) => Structure::Changed(CHANGED),
                Err(trouble) => Structure::Trouble(trouble.clone()),
            };
        }
        Err(trouble) => return Structure::Trouble(trouble.clone()),
    };
    match later {
        Ok(later) if later.same_content(&header.identity) => {}
        Ok(later) if later.size != header.identity.size => {
            return Structure::Changed("its size changes: wait until nothing writes to it, then run `modelctl scan`");
        }
        Ok(_) | Err(Trouble::Missing) => {
            return Structure::Changed("it was changed while it was being read: run `modelctl scan`");
        }
        Err(trouble) => return Structure::Trouble(trouble.clone()),
    }
    if !known.identity.same_content(&header.identity) {
        return Structure::Changed(CHANGED);
    }
    let facts = Ok(header.facts.clone());
    match (file_state(&facts), &header.facts.integrity) {
        ((State::Unsupported, reason), _) => Structure::Unsupported(reason.unwrap_or_default()),
        ((State::Ready, _), Integrity::Unknown { why }) => Structure::Unsized(clean(why)),
        ((State::Ready, _), Integrity::Sparse { .. }) => in_data(known, header),
        ((State::Ready, _), _) => Structure::Sound,
        ((_, reason), _) => Structure::Trouble(Trouble::Damaged(reason.unwrap_or_default())),
    }
}

/// Classifies a file with fewer blocks than bytes: compression and deduplication leave no holes, but sparse copies and
/// unfinished downloads do.
fn in_data(known: &Artifact, header: &Header) -> Structure {
    let holes = gguf::open_untouched(known.open_path())
        .and_then(|file| extents::holes(&file, header.facts.data_offset, header.identity.size));
    match holes {
        Ok(0) => Structure::Sound,
        Ok(bytes) => Structure::Holes(format!(
            "{} bytes of its tensors were never written and read as zeros: only a hash can tell whether they belong there",
            digits(bytes)
        )),
        Err(e) => Structure::Holes(format!("it has fewer blocks than bytes, and its holes cannot be read: {e}")),
    }
}
