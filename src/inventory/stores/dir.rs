//! Plain folders: a model is a regular file named `*.gguf`, or a link to one.

use crate::inventory::found::Found;

use crate::inventory::inode::{Entity, allocated_of, identity_of, not_regular_reason, vanished};

use crate::inventory::collector::StoreCollector;

use crate::inventory::kept::Kept;

use crate::inventory::paths::contains;
use crate::inventory::paths::gguf_stem;
use crate::inventory::stat_pool::{Look, Seen};
use crate::inventory::unfinished::{self, Unfinished};
use crate::model::{Aside, Class, FileIdentity};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Reads one entry of a plain folder that is not a folder itself. `kind` comes from the directory, so that other
/// entries cost no further system call.
pub(crate) fn loose(path: &Path, kind: Entity, collector: &mut StoreCollector<'_>) {
    let Some(name) = path.file_name() else { return };
    let candidate = gguf_stem(name).is_some();
    if kind == Entity::Link {
        link(path, candidate, collector);
    } else if !candidate {
        if kind == Entity::File
            && let Some(unfinished) = Unfinished::of(name)
        {
            beside_models(path, unfinished, collector);
        }
    } else if kind == Entity::File && is_download(path, name) {
        partial(path, Unfinished::Download.why(), collector);
    } else if kind == Entity::File {
        collector.pending.push(path.to_owned());
    } else {
        collector.skip(path, kind.not_regular_reason());
    }
}

/// Returns whether a file with the whole name of a model is still being downloaded: GPT4All puts `incomplete-` in
/// front, which elsewhere may be part of a complete file's name; other tools write into a folder of their own.
fn is_download(path: &Path, name: &OsStr) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| {
        (folder == "GPT4All" && name.as_bytes().starts_with(b"incomplete-")) || unfinished::is_download_folder(folder)
    })
}

/// Records a file whose name marks it as a part or the beginning of a model. Files of other kinds are ignored.
fn beside_models(path: &Path, unfinished: Unfinished, collector: &mut StoreCollector<'_>) {
    match unfinished {
        // The file that it describes is known after all files were scanned.
        Unfinished::Control => collector.controls.push(path.to_owned()),
        Unfinished::Spare => hold(path, Class::Referenced, unfinished.why(), collector),
        Unfinished::Download | Unfinished::Piece | Unfinished::Copy => partial(path, unfinished.why(), collector),
    }
}

fn partial(path: &Path, why: &str, collector: &mut StoreCollector<'_>) {
    hold(path, Class::Partial, why, collector);
}

fn hold(path: &Path, class: Class, why: &str, collector: &mut StoreCollector<'_>) {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => {
            // Every path of a region is inside of it, and the region is the first owner.
            let Some((root, store)) = collector.owner(path).cloned() else { return };
            let kept = Kept { store, root: &root, owner: None };
            collector.holdings.push(kept.file(path, &meta, class, why));
        }
        Err(e) if vanished(&e) => {}
        Err(e) => collector.cannot_read(path, &e),
    }
}

/// Moves unfinished downloads from the found files to the partial holdings: a file with its control file next to it,
/// and an empty file that reserves a name. Called after everything was scanned.
pub(crate) fn classify_downloads(collector: &mut StoreCollector<'_>) {
    let controls = std::mem::take(&mut collector.controls);
    let payloads: HashMap<PathBuf, PathBuf> =
        controls.iter().filter_map(|control| Some((unfinished::payload_of(control)?, control.clone()))).collect();
    let started: HashSet<PathBuf> = {
        let partials = collector.holdings.iter().filter(|h| h.class == Class::Partial);
        partials.filter_map(|h| Some(h.path.with_file_name(unfinished::belongs_to(h.path.file_name()?)?))).collect()
    };
    let mut begun = Vec::new();
    if !payloads.is_empty() || !started.is_empty() {
        collector.found.retain(|file| {
            let control = payloads.get(&file.path).filter(|_| file.target.is_none());
            let is_held = control.is_some() || (file.identity.size == 0 && started.contains(&file.path));
            if is_held {
                begun.push((file.path.clone(), control.cloned()));
            }
            !is_held
        });
    }
    let mut used: HashSet<PathBuf> = HashSet::new();
    for (path, control) in begun {
        let why = match &control {
            Some(control) => {
                let name = control.file_name().unwrap_or_default().to_string_lossy().into_owned();
                format!("{}: `{name}` notes how far it is", Unfinished::Download.why())
            }
            None => "an empty file that reserves the name of an unfinished download".to_owned(),
        };
        used.extend(control);
        partial(&path, &why, collector);
    }
    // The pieces of torrents and similar downloads have names of their own, and so have their control files.
    for control in controls.into_iter().filter(|control| !used.contains(control)) {
        let has_payload = unfinished::payload_of(&control).is_some_and(|p| p.symlink_metadata().is_ok());
        let why = if has_payload { "how far the download beside it is" } else { Unfinished::Control.why() };
        partial(&control, why, collector);
    }
}

/// Records a regular file of a plain folder from its stat result.
pub(crate) fn looked_at(look: Look, collector: &mut StoreCollector<'_>) {
    let Look { path, seen } = look;
    match seen {
        Ok(Seen::File { identity, allocated }) => {
            let target = collector.real_path(&path);
            take(path, target, (identity, allocated), collector);
        }
        // The entry was a regular file a moment ago.
        Ok(Seen::Other(kind)) => collector.skip(&path, not_regular_reason(kind)),
        Err(e) if vanished(&e) => {}
        Err(e) => collector.cannot_read(&path, &e),
    }
}

fn take(
    path: PathBuf,
    target: Option<PathBuf>,
    (identity, allocated): (FileIdentity, u64),
    collector: &mut StoreCollector<'_>,
) {
    // Every path of a region is inside of it, and the region is the first owner.
    let Some((root, store)) = collector.owner(&path).cloned() else { return };
    collector.found.push(Found {
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

/// Records a link. A link to a file is that file under another name. A link to a folder is not followed: inside the
/// root its target is found anyway, and outside it belongs to another root.
fn link(path: &Path, candidate: bool, collector: &mut StoreCollector<'_>) {
    let target = std::fs::metadata(path).and_then(|meta| Ok((meta, path.canonicalize()?)));
    match target {
        Ok((meta, target)) if meta.is_dir() => {
            if !collector.owners.first().is_some_and(|(region, _)| contains(region, &target)) {
                collector.skip(path, leaves_root(&target));
            }
        }
        Ok((_, target)) if candidate && Aside::of(&target).is_some_and(|aside| Aside::of(path) != Some(aside)) => {
            collector.skip(path, "a link to a file that was thrown away or is frozen in a snapshot");
        }
        Ok((meta, target)) if candidate && meta.is_file() => {
            take(path.to_owned(), Some(target), (identity_of(&meta), allocated_of(&meta)), collector);
        }
        Ok((meta, _)) if candidate => {
            collector.skip(path, format!("a link to {}", not_regular_reason(meta.file_type())))
        }
        Err(e) if candidate => broken(path, &e, collector),
        // Not a model by its name, and not a folder.
        Ok(_) | Err(_) => {}
    }
}

/// Returns the reason for not following a link to a folder elsewhere, and the command that scans it.
pub(super) fn leaves_root(target: &Path) -> String {
    format!("a link that leaves the root: `modelctl scan {}` looks there", target.display())
}

fn broken(path: &Path, error: &std::io::Error, collector: &mut StoreCollector<'_>) {
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        collector.skip(path, "a link that leads to itself");
    } else if vanished(error) {
        // The link itself may have vanished between the two calls.
        if std::fs::symlink_metadata(path).is_ok() {
            collector.skip(path, "a link to a missing file");
        }
    } else {
        collector.cannot_read(path, error);
    }
}
