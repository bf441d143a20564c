//! Opens a folder without following links: by openat2(2) where the kernel has it, else component by component.
//!
//! ELOOP means that a link is on the path, EXDEV that the path leads into another mount.

use super::entry::{Kind, Seen};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Enough to inspect, rename, create and remove entries; does not require the right to read the folder.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// For openat2(2), which itself refuses links and reports them.
const PLAIN: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// Opens the folder at `below` the root directory, which is empty for that itself. Mounts may be on the path.
pub(super) fn from_top(below: &Path) -> rustix::io::Result<OwnedFd> {
    let top = rustix::fs::open("/", FOLDER, Mode::empty())?;
    if below.as_os_str().is_empty() {
        return Ok(top);
    }
    let flags = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(&top, below, PLAIN, Mode::empty(), flags) {
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => by_names(top.as_fd(), below, None),
        fd => fd,
    }
}

/// Opens the folder at `below`, which must be on the device `dev`.
pub(super) fn inside(top: BorrowedFd<'_>, below: &Path, dev: u64) -> rustix::io::Result<OwnedFd> {
    for _ in 0..64 {
        match rustix::fs::openat2(top, below, PLAIN, Mode::empty(), BENEATH) {
            // Something was renamed or mounted meanwhile.
            Err(Errno::AGAIN | Errno::INTR) => {}
            // Linux before 5.6, or a sandbox that does not allow openat2(2).
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => return by_names(top, below, Some(dev)),
            fd => return fd,
        }
    }
    Err(Errno::AGAIN)
}

/// Opens a folder component by component. `dev`: the device that must not be left.
pub(super) fn by_names(top: BorrowedFd<'_>, below: &Path, dev: Option<u64>) -> rustix::io::Result<OwnedFd> {
    let mut at: Option<OwnedFd> = None;
    for name in below.as_os_str().as_bytes().split(|b| *b == b'/') {
        if matches!(name, b"" | b"." | b"..") {
            return Err(Errno::LOOP);
        }
        let here = at.as_ref().map_or(top, AsFd::as_fd);
        let next = match rustix::fs::openat(here, name, FOLDER, Mode::empty()) {
            Err(Errno::NOTDIR) => {
                let stat = rustix::fs::statat(here, name, AtFlags::SYMLINK_NOFOLLOW)?;
                return Err(if Seen::of(&stat).kind == Kind::Link { Errno::LOOP } else { Errno::NOTDIR });
            }
            next => next?,
        };
        if dev.is_some() && dev != Some(rustix::fs::fstat(&next)?.st_dev) {
            return Err(Errno::XDEV);
        }
        at = Some(next);
    }
    at.ok_or(Errno::NOENT)
}
