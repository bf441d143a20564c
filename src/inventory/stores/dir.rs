//! Plain folders: a model is a regular file named `*.gguf`, or a link to one.

use crate::inventory::found::{
    Entity, Found, Intake, allocated_of, gguf_stem, identity_of, is_partial, odd_type, vanished,
};
use crate::inventory::looks::{Look, Seen};
use crate::inventory::roots::contains;
use crate::model::FileIdentity;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Looks at one entry of a plain folder that is not a folder itself. `kind` comes from the directory, so that
/// what is no candidate costs no further system call.
pub(crate) fn loose(path: &Path, kind: Entity, intake: &mut Intake<'_>) {
    let Some(name) = path.file_name() else { return };
    let candidate = gguf_stem(name).is_some();
    if kind == Entity::Link {
        link(path, candidate, intake);
    } else if !candidate {
        if kind == Entity::File && is_loose_partial(name) {
            partial(path, intake);
        }
    } else if kind == Entity::File && is_gpt4all_partial(path, name) {
        partial(path, intake);
    } else if kind == Entity::File {
        intake.pending.push(path.to_owned());
    } else {
        intake.skip(path, kind.odd());
    }
}

/// The name of a download that says that it will be a GGUF: other people's downloads are none of our business.
pub(super) fn is_loose_partial(name: &OsStr) -> bool {
    is_partial(name) && name.as_bytes().windows(6).any(|w| w.eq_ignore_ascii_case(b".gguf."))
}

/// GPT4All puts the word in front; a whole file elsewhere may well be called so.
fn is_gpt4all_partial(path: &Path, name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"incomplete-")
        && path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "GPT4All")
}

fn partial(path: &Path, intake: &mut Intake<'_>) {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => intake.loose_partial(path, &meta),
        Err(e) if vanished(&e) => {}
        Err(e) => intake.cannot_read(path, &e),
    }
}

/// Takes in a regular file of a plain folder after a look at it.
pub(crate) fn looked_at(look: Look, intake: &mut Intake<'_>) {
    let Look { path, seen } = look;
    match seen {
        Ok(Seen::File { identity, allocated }) => take(path, None, (identity, allocated), intake),
        // It was a regular file a moment ago.
        Ok(Seen::Other(kind)) => intake.skip(&path, odd_type(kind)),
        Err(e) if vanished(&e) => {}
        Err(e) => intake.cannot_read(&path, &e),
    }
}

fn take(path: PathBuf, target: Option<PathBuf>, (identity, allocated): (FileIdentity, u64), intake: &mut Intake<'_>) {
    // Every path of a region lies in it, and the region is the first owner.
    let Some((root, store)) = intake.owner(&path).cloned() else { return };
    intake.found.push(Found {
        store,
        root,
        repo: None,
        name: None,
        set: None,
        path,
        target,
        also: Vec::new(),
        identity,
        allocated,
        expected_sha256: None,
        fault: None,
    });
}

/// A link to a file is that file under another name. A link to a folder is not followed: inside the root its target
/// is found anyway, and outside it belongs to another root.
fn link(path: &Path, candidate: bool, intake: &mut Intake<'_>) {
    let target = std::fs::metadata(path).and_then(|meta| Ok((meta, path.canonicalize()?)));
    match target {
        Ok((meta, target)) if meta.is_dir() => {
            if !intake.owners.first().is_some_and(|(region, _)| contains(region, &target)) {
                intake.skip(path, "a link that leaves the root");
            }
        }
        Ok((meta, target)) if candidate && meta.is_file() => {
            take(path.to_owned(), Some(target), (identity_of(&meta), allocated_of(&meta)), intake);
        }
        Ok((meta, _)) if candidate => intake.skip(path, format!("a link to {}", odd_type(meta.file_type()))),
        Err(e) if candidate => broken(path, &e, intake),
        // No model by its name, and nothing to walk into.
        Ok(_) | Err(_) => {}
    }
}

fn broken(path: &Path, error: &std::io::Error, intake: &mut Intake<'_>) {
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        intake.skip(path, "a link that leads to itself");
    } else if vanished(error) {
        // The link itself may have gone between the two looks.
        if std::fs::symlink_metadata(path).is_ok() {
            intake.skip(path, "a link to a missing file");
        }
    } else {
        intake.cannot_read(path, error);
    }
}
