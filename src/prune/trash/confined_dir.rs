//! A directory handle that paths cannot leave: each resolves beneath its descriptor, without links and without crossing
//! into another mount, by openat2(2) or, on kernels without it, component by component.

use super::entry::{Kind, Seen};
use super::fault::Fault;
use super::open_beneath;
use super::order::clean;
use crate::gguf::untouched;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

pub(super) struct ConfinedDir {
    fd: OwnedFd,
    /// The path at which it was opened, for messages.
    pub path: PathBuf,
    pub dev: u64,
    pub ino: u64,
}

/// The present state of an entry.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub seen: Seen,
    pub links: u64,
    /// Bytes of disk in use.
    pub allocated: u64,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

impl Look {
    fn of(stat: &Stat) -> Look {
        Look {
            seen: Seen::of(stat),
            links: stat.st_nlink,
            allocated: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
        }
    }
}

impl ConfinedDir {
    /// Opens an absolute path, no component of which may be a link.
    pub fn absolute(path: &Path) -> Result<ConfinedDir, Fault> {
        let below = path.strip_prefix("/").map_err(|_| Fault::Path { path: path.to_owned(), why: "it is relative" })?;
        ConfinedDir::of(open_beneath::from_top(below).map_err(|e| way(path, e))?, path)
    }

    fn of(fd: OwnedFd, path: &Path) -> Result<ConfinedDir, Fault> {
        let stat = rustix::fs::fstat(&fd).map_err(|e| Fault::io("look at", path, e))?;
        Ok(ConfinedDir { fd, path: path.to_owned(), dev: stat.st_dev, ino: stat.st_ino })
    }

    /// Opens the folder at `below`, which is empty for this folder itself.
    pub fn inner(&self, below: &Path) -> Result<ConfinedDir, Fault> {
        let path = joined(&self.path, below);
        let fd = match below.as_os_str().is_empty() {
            true => self.fd.try_clone().map_err(|e| Fault::io("open", &path, e))?,
            false => {
                clean_or_trash(below)?;
                open_beneath::inside(self.fd.as_fd(), below, self.dev).map_err(|e| way(&path, e))?
            }
        };
        ConfinedDir::of(fd, &path)
    }

    /// Opens the folder that contains the entry; returns it with the name of the entry. None when there is no such
    /// folder.
    fn parent<'p>(&self, entry: &'p Path) -> Result<Option<(ConfinedDir, &'p OsStr)>, Fault> {
        clean_or_trash(entry)?;
        let bare = Fault::Path { path: entry.to_owned(), why: "it has no name" };
        let name = entry.file_name().ok_or(bare)?;
        match self.inner(entry.parent().unwrap_or(Path::new(""))) {
            Ok(folder) => Ok(Some((folder, name))),
            Err(Fault::Io { source, .. }) if absent(&source) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Returns the state of `entry` itself, which is empty for this folder. None when there is no such entry.
    pub fn look(&self, entry: &Path) -> Result<Option<Look>, Fault> {
        if entry.as_os_str().is_empty() {
            let stat = rustix::fs::fstat(&self.fd).map_err(|e| Fault::io("look at", &self.path, e))?;
            return Ok(Some(Look::of(&stat)));
        }
        match self.parent(entry)? {
            Some((folder, name)) => folder.look_in(name),
            None => Ok(None),
        }
    }

    /// Returns the state of a name in this very folder. None when there is no such entry.
    pub fn look_in(&self, name: &OsStr) -> Result<Option<Look>, Fault> {
        let cannot = |e: Errno| Fault::io("look at", self.path.join(name), e);
        // Held open, so its inode number cannot be reused before the link is read.
        let fd = match rustix::fs::openat(
            &self.fd,
            name,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Err(Errno::NOENT) => return Ok(None),
            fd => fd.map_err(cannot)?,
        };
        let mut look = Look::of(&rustix::fs::fstat(&fd).map_err(cannot)?);
        if look.seen.kind == Kind::Link {
            let text = rustix::fs::readlinkat(&fd, "", Vec::new()).map_err(cannot)?;
            look.seen.target = Some(PathBuf::from(OsStr::from_bytes(text.to_bytes())));
        }
        Ok(Some(look))
    }

    /// Moves an entry of `self` to the name `as_` in `to`, which must not exist.
    pub fn rename(&self, entry: &Path, to: &ConfinedDir, as_: &Path) -> Result<(), Fault> {
        let gone = || Fault::changed(&self.path.join(entry), "no longer exists");
        let (from, name) = self.parent(entry)?.ok_or_else(gone)?;
        let no_folder = || Fault::io("move", to.path.join(as_), Errno::NOENT);
        let (into, new) = to.parent(as_)?.ok_or_else(no_folder)?;
        let renamed = match rustix::fs::renameat_with(&from.fd, name, &into.fd, new, RenameFlags::NOREPLACE) {
            // A file system without RENAME_NOREPLACE.
            Err(Errno::INVAL | Errno::NOSYS) => without_replacing(&from, name, &into, new)?,
            renamed => renamed,
        };
        match renamed {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(Fault::Occupied { path: to.path.join(as_) }),
            Err(Errno::NOENT) => Err(gone()),
            Err(e) => Err(Fault::io("move", self.path.join(entry), e)),
        }
    }

    /// Deletes an entry that is not a folder. Does nothing when there is none.
    pub fn unlink(&self, entry: &Path) -> Result<(), Fault> {
        self.remove(entry, AtFlags::empty()).map_err(|e| flat(e, |e| Fault::io("delete", self.path.join(entry), e)))
    }

    /// Removes a folder if it is empty. False when it stays.
    pub fn remove_dir(&self, entry: &Path) -> Result<bool, Fault> {
        match self.remove(entry, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            // It is not empty, or something is mounted on it.
            Err(Ok(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY)) => Ok(false),
            Err(e) => Err(flat(e, |e| Fault::io("remove", self.path.join(entry), e))),
        }
    }

    fn remove(&self, entry: &Path, flags: AtFlags) -> Result<(), Result<Errno, Fault>> {
        let Some((folder, name)) = self.parent(entry).map_err(Err)? else { return Ok(()) };
        match rustix::fs::unlinkat(&folder.fd, name, flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(Ok(e)),
        }
    }

    /// Creates a folder that only its owner can use. False when something of that name exists.
    pub fn make_dir(&self, name: &Path) -> Result<bool, Fault> {
        match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(e) => Err(Fault::io("make", self.path.join(name), e)),
        }
    }

    /// Opens a file in this very folder, never through a link.
    pub fn open_file(&self, name: &str, flags: OFlags) -> rustix::io::Result<std::fs::File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR).map(Into::into)
    }

    /// Syncs the entries of this very folder.
    pub fn sync(&self) -> Result<(), Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, ".", flags, Mode::empty()).and_then(rustix::fs::fsync) {
            // A folder that can be written but not read, or a file system without this operation.
            Ok(()) | Err(Errno::ACCESS | Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(e) => Err(Fault::io("sync", &self.path, e)),
        }
    }

    /// Syncs the whole file system of this folder.
    pub fn sync_file_system(&self) -> rustix::io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, ".", flags, Mode::empty()).and_then(rustix::fs::syncfs)
    }

    /// Sets mode and owner of this very folder. The owner stays where this user may not change it.
    pub fn set_owner(&self, mode: u32, uid: u32, gid: u32) -> Result<(), Fault> {
        let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
        match rustix::fs::chownat(&self.fd, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH) {
            Ok(()) | Err(Errno::PERM) => {}
            Err(e) => return Err(Fault::io("set the owner of", &self.path, e)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, ".", flags, Mode::empty())
            .and_then(|fd| rustix::fs::fchmod(fd, Mode::from_raw_mode(mode & 0o7777)))
            .map_err(|e| Fault::io("set the mode of", &self.path, e))
    }

    /// Sets the mtime of this very folder, nanoseconds since the epoch. Does nothing where this user may not: the time
    /// is not worth a failure.
    pub fn set_mtime(&self, ns: i64) -> Result<(), Fault> {
        let (second, nanos) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: second, tv_nsec: nanos },
        };
        match rustix::fs::utimensat(&self.fd, ".", &times, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) | Err(Errno::PERM | Errno::ACCESS) => Ok(()),
            Err(e) => Err(Fault::io("set the time of", &self.path, e)),
        }
    }

    /// Returns the names in this very folder, sorted.
    pub fn names(&self) -> Result<Vec<OsString>, Fault> {
        let cannot = |e: Errno| Fault::io("read", &self.path, e);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = untouched(|extra| rustix::fs::openat(&self.fd, ".", flags | extra, Mode::empty())).map_err(cannot)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(fd).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_vec()));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Returns whether an entry could be renamed from this folder to `other`: the kernel decides that before it looks
    /// up the entry.
    pub fn can_rename_to(&self, other: &ConfinedDir) -> bool {
        let name = ".model_trash-no-such-entry";
        self.dev == other.dev
            && matches!(
                rustix::fs::renameat_with(&self.fd, name, &other.fd, name, RenameFlags::NOREPLACE),
                Err(Errno::NOENT | Errno::INVAL)
            )
    }

    /// Returns whether this process may create entries in this folder.
    pub fn is_writable(&self) -> bool {
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::accessat(&self.fd, ".", access, AtFlags::EACCESS).is_ok()
    }
}

/// Checks a path, but allows one that leads into a trash: our own paths do. The paths of orders were checked before.
fn clean_or_trash(path: &Path) -> Result<(), Fault> {
    match clean(path) {
        Err(Fault::Path { why: "it is inside a trash", .. }) => Ok(()),
        other => other,
    }
}

fn flat(error: Result<Errno, Fault>, io: impl FnOnce(Errno) -> Fault) -> Fault {
    match error {
        Ok(errno) => io(errno),
        Err(fault) => fault,
    }
}

/// Converts an error of opening `path`.
fn way(path: &Path, error: Errno) -> Fault {
    match error {
        Errno::LOOP | Errno::XDEV => Fault::Leaves { path: path.to_owned() },
        e => Fault::io("open", path, e),
    }
}

/// Joins two paths. Returns `top` itself when `below` is empty, where `join` would add a slash at the end.
pub(super) fn joined(top: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { top.to_owned() } else { top.join(below) }
}

/// Returns whether an error means that nothing is there.
pub(super) fn absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Renames without replacing, for file systems without RENAME_NOREPLACE. A folder can only replace an empty one, which
/// is no loss; anything else gets its second name before it loses its first.
fn without_replacing(
    from: &ConfinedDir,
    name: &OsStr,
    into: &ConfinedDir,
    new: &OsStr,
) -> Result<rustix::io::Result<()>, Fault> {
    let Some(look) = from.look_in(name)? else { return Ok(Err(Errno::NOENT)) };
    if look.seen.kind == Kind::Folder {
        return Ok(match into.look_in(new)? {
            Some(_) => Err(Errno::EXIST),
            None => rustix::fs::renameat(&from.fd, name, &into.fd, new),
        });
    }
    let linked = rustix::fs::linkat(&from.fd, name, &into.fd, new, AtFlags::empty());
    Ok(linked.and_then(|()| rustix::fs::unlinkat(&from.fd, name, AtFlags::empty())))
}
