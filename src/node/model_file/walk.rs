//! Follows a path below a root, link by link: an absolute link of a service's file leads into the root of that service,
//! where the kernel would take ours. Meanwhile it learns who may pass each folder.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Links that the kernel follows at most (path_resolution(7)).
const LINKS: usize = 40;
/// Components of a path: a longer one is no path of a model.
const COMPONENTS: usize = 4_096;

/// A folder that was passed, or the file at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// From the root of the walk.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// Where a path leads.
#[derive(Debug)]
pub enum End {
    Found {
        /// Without links, from the root of the walk.
        resolved: PathBuf,
        meta: Box<Metadata>,
    },
    Missing {
        /// The longest part that exists.
        existing: PathBuf,
        name: OsString,
        /// The target of the link that leads nowhere, as it is written.
        link: Option<PathBuf>,
    },
    /// More links than the kernel follows.
    Loop,
    Failed {
        at: PathBuf,
        error: io::Error,
    },
}

/// The way to a file.
#[derive(Debug)]
pub struct Walk {
    /// Every folder that was searched, in order.
    pub folders: Vec<Passed>,
    pub end: End,
}

/// Returns the place of a path of a root, for the system calls.
pub fn outside(root: &Path, inside: &Path) -> PathBuf {
    root.join(inside.strip_prefix("/").unwrap_or(inside))
}

/// Follows `path` below `root`. May block on a file system that hangs.
pub fn walk(root: &Path, path: &Path) -> Walk {
    let mut folders: Vec<Passed> = Vec::new();
    let end = follow(root, path, &mut folders);
    Walk { folders, end }
}

fn follow(root: &Path, path: &Path, folders: &mut Vec<Passed>) -> End {
    let mut pending: VecDeque<OsString> = parts(path);
    let mut at = PathBuf::from("/");
    let mut found = match std::fs::metadata(root) {
        Ok(meta) => meta,
        Err(error) => return End::Failed { at, error },
    };
    // The link that is followed, and how many of the pending parts are of its target.
    let mut link: Option<(PathBuf, usize)> = None;
    let mut links = 0usize;
    while let Some(name) = pending.pop_front() {
        let of_link = match &mut link {
            Some((target, left)) if *left > 0 => {
                *left = left.saturating_sub(1);
                Some(target.clone())
            }
            _ => None,
        };
        if name == ".." {
            at.pop();
            match std::fs::symlink_metadata(outside(root, &at)) {
                Ok(meta) if at.parent().is_some() => found = meta,
                // The root may itself be a link: `/proc/PID/root`.
                _ => match std::fs::metadata(outside(root, &at)) {
                    Ok(meta) => found = meta,
                    Err(error) => return End::Failed { at, error },
                },
            }
            continue;
        }
        if found.is_dir() && folders.last().is_none_or(|last| last.path != at) {
            folders.push(passed(&at, &found));
        }
        let next = at.join(&name);
        let meta = match std::fs::symlink_metadata(outside(root, &next)) {
            Ok(meta) => meta,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                // The root of a process that has ended leads nowhere: then nothing is known about its files.
                return match std::fs::metadata(root) {
                    Ok(_) => End::Missing { existing: at, name, link: of_link },
                    Err(error) => End::Failed { at: PathBuf::from("/"), error },
                };
            }
            Err(error) => return End::Failed { at: next, error },
        };
        if !meta.is_symlink() {
            (at, found) = (next, meta);
            continue;
        }
        links = links.saturating_add(1);
        let target = match std::fs::read_link(outside(root, &next)) {
            Ok(target) => target,
            Err(error) => return End::Failed { at: next, error },
        };
        let new = parts(&target);
        if links > LINKS || pending.len().saturating_add(new.len()) > COMPONENTS {
            return End::Loop;
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
            match std::fs::metadata(root) {
                Ok(meta) => found = meta,
                Err(error) => return End::Failed { at, error },
            }
        }
        // A link in the target of a link leads nowhere as soon as one of them does: the first is what a person sees.
        let left = link.as_ref().map_or(0, |(_, left)| *left).saturating_add(new.len());
        link = Some((of_link.unwrap_or(target), left));
        for part in new.into_iter().rev() {
            pending.push_front(part);
        }
    }
    End::Found { resolved: at, meta: Box::new(found) }
}

/// Returns the parts of a path that are names, or `..`.
fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(part).collect()
}

pub fn passed(path: &Path, meta: &Metadata) -> Passed {
    Passed { path: path.to_owned(), mode: meta.mode() & 0o7777, uid: meta.uid(), gid: meta.gid() }
}
