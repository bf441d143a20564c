//! Opening a log without following a trap: no pipe is waited for, and no link leads to another user's file.

use crate::node::Place;
use rustix::fs::{Mode, OFlags};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Links that are followed one after another; the kernel's limit.
const LINKS: usize = 40;

/// Why a path is not read.
#[derive(Debug)]
pub(super) enum NotOpened {
    Io(io::Error),
    /// It exists, and is no log: in words.
    NoLog(String),
}

impl From<io::Error> for NotOpened {
    fn from(error: io::Error) -> NotOpened {
        NotOpened::Io(error)
    }
}

/// Opens a regular file. A link is followed when root, the owner of its target or we made it, as the kernel's
/// `protected_symlinks` has it.
pub(super) fn open(place: &Place, path: &Path) -> Result<(File, Metadata), NotOpened> {
    let (target, owners) = resolve(place, path)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
    let before = std::fs::symlink_metadata(&target)?;
    if let Some(what) = kind(&before) {
        return Err(NotOpened::NoLog(format!("it is {what}, which cannot be read a second time")));
    }
    let file = File::from(rustix::fs::open(&target, flags, Mode::empty()).map_err(io::Error::from)?);
    let metadata = file.metadata()?;
    if let Some(what) = kind(&metadata) {
        return Err(NotOpened::NoLog(format!("it is {what}, which cannot be read a second time")));
    }
    let us = rustix::process::geteuid().as_raw();
    if let Some(owner) = owners.into_iter().find(|owner| ![0, us, metadata.uid()].contains(owner)) {
        let why = format!(
            "it is a symbolic link that user {owner} created to a file of user {}, and is not followed",
            metadata.uid()
        );
        return Err(NotOpened::NoLog(why));
    }
    Ok((file, metadata))
}

/// Names what is no regular file.
fn kind(metadata: &Metadata) -> Option<&'static str> {
    use rustix::fs::FileType;
    match FileType::from_raw_mode(metadata.mode()) {
        FileType::RegularFile => None,
        FileType::Directory => Some("a folder"),
        FileType::Fifo => Some("a pipe"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        _ => Some("not a regular file"),
    }
}

/// Follows links of the last part of a path, within the place. Returns where they lead, and who made them.
fn resolve(place: &Place, path: &Path) -> Result<(PathBuf, Vec<u32>), NotOpened> {
    let mut current = normal(path);
    let mut owners = Vec::new();
    for _ in 0..LINKS {
        // Where a process writes to is different for each process.
        if current.starts_with("/dev") || current.starts_with("/proc") {
            let what = if path == current { "it is".to_owned() } else { "it is a link to".to_owned() };
            let where_to = match current == Path::new("/dev/null") {
                true => "its lines are discarded",
                false => "its lines are in the output of the container or service",
            };
            let why = format!("{what} {}: {where_to}", current.display());
            return Err(NotOpened::NoLog(why));
        }
        let at = place.at(&current);
        let metadata = std::fs::symlink_metadata(&at)?;
        if !metadata.file_type().is_symlink() {
            return Ok((at, owners));
        }
        owners.push(metadata.uid());
        let target = std::fs::read_link(&at)?;
        current = normal(&current.parent().unwrap_or(Path::new("/")).join(target));
    }
    Err(NotOpened::Io(io::Error::other("too many symbolic links")))
}

/// Removes `.` and `..`, so that no link leads out of the place.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::from("/"), |mut normal, part| {
        match part {
            Component::Normal(name) => normal.push(name),
            // At the top it has no effect.
            Component::ParentDir => drop(normal.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
        normal
    })
}
