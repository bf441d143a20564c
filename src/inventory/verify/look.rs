//! One look at a file that the database knows: what is there now, and whether its header and its length are sound.

use crate::gguf::{self, GgufError};
use crate::inventory::found::{identity_of, odd_type, vanished};
use crate::inventory::headers::Header;
use crate::inventory::judge::{clean, file_state};
use crate::model::{Artifact, FileIdentity, Integrity, State};
use std::path::Path;

/// Why a look at a file gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    Missing,
    Unreadable(String),
    Damaged(String),
}

/// What stat says of `path`, links followed: the entry that a person names must lead to the bytes that are meant.
pub(super) fn stat(path: &Path) -> Result<FileIdentity, Trouble> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if vanished(&e) => return Err(Trouble::Missing),
        Err(e) => return Err(Trouble::Unreadable(format!("cannot be read: {e}"))),
    };
    if !meta.is_file() {
        return Err(Trouble::Damaged(format!("is {}", odd_type(meta.file_type()))));
    }
    Ok(identity_of(&meta))
}

/// Reads the header anew.
pub(super) fn header(path: &Path) -> Result<Header, Trouble> {
    match gguf::read_path(path) {
        Ok(read) => Ok(Header { identity: read.identity, allocated: read.allocated, facts: read.facts }),
        Err(GgufError::Io(e)) if vanished(&e) => Err(Trouble::Missing),
        Err(e @ GgufError::Io(_)) => Err(Trouble::Unreadable(clean(&e.to_string()))),
        Err(e) => Err(Trouble::Damaged(clean(&e.to_string()))),
    }
}

/// What the structure of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Structure {
    /// Regular, readable, as long as its tensors need, at rest.
    Sound,
    /// Readable, and its length cannot be told from the tensor table.
    Unsized(String),
    /// Full length with blocks that were never written. Some file systems report that of sound files: a hash decides.
    Holes(String),
    /// Nothing more can be said before it is looked at again.
    Changed(&'static str),
    Trouble(Trouble),
}

/// Judges a file from what the database has of it, the header read now, and a stat some time later.
pub(super) fn structure(
    known: &Artifact,
    now: Result<&Header, &Trouble>,
    later: Result<&FileIdentity, &Trouble>,
) -> Structure {
    let header = match now {
        Ok(header) => header,
        Err(trouble) => return Structure::Trouble(trouble.clone()),
    };
    match later {
        Ok(later) if later.same_content(&header.identity) => {}
        Ok(later) if later.size != header.identity.size => {
            return Structure::Changed("its size changes: wait until nothing writes to it, then run `modelctl scan`");
        }
        Ok(_) | Err(Trouble::Missing) => {
            return Structure::Changed("it was changed while it was looked at: run `modelctl scan`");
        }
        Err(trouble) => return Structure::Trouble(trouble.clone()),
    }
    if !known.identity.same_content(&header.identity) {
        return Structure::Changed("changed since the last scan: run `modelctl scan`");
    }
    let facts = Ok(header.facts.clone());
    match (file_state(&facts), &header.facts.integrity) {
        ((State::Ready, _), Integrity::Unknown { why }) => Structure::Unsized(clean(why)),
        ((State::Ready, _), _) => Structure::Sound,
        ((_, reason), Integrity::Sparse { .. }) => Structure::Holes(reason.unwrap_or_default()),
        ((_, reason), _) => Structure::Trouble(Trouble::Damaged(reason.unwrap_or_default())),
    }
}
