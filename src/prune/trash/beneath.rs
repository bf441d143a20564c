//! A folder that nothing done through it can leave: every path is walked from its descriptor down, without links and
//! without crossing into another mount, by the kernel where it can (openat2(2)) and name by name where it cannot.

use super::descend;
use super::fault::Fault;
use super::order::{Kind, Seen, clean};
use crate::gguf::untouched;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

pub(super) struct Base {
    fd: OwnedFd,
    /// Where it was when it was opened: for messages.
    pub path: PathBuf,
    pub dev: u64,
    pub ino: u64,
}

/// An entry as it is now.
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

impl Base {
    /// Opens an absolute path in which nothing may be a link.
    pub fn absolute(path: &Path) -> Result<Base, Fault> {
        let below = path.strip_prefix("/").map_err(|_| Fault::Path { path: path.to_owned(), why: "it is relative" })?;
        Base::of(descend::from_top(below).map_err(|e| way(path, e))?, path)
    }

    fn of(fd: OwnedFd, path: &Path) -> Result<Base, Fault> {
        let stat = rustix::fs::fstat(&fd).map_err(|e| Fault::io("look at", path, e))?;
        Ok(Base { fd, path: path.to_owned(), dev: stat.st_dev, ino: stat.st_ino })
    }

    /// The folder at `below`, which is empty for this one itself.
    pub fn inner(&self, below: &Path) -> Result<Base, Fault> {
        let path = joined(&self.path, below);
        let fd = match below.as_os_str().is_empty() {
            true => self.fd.try_clone().map_err(|e| Fault::io("open", &path, e))?,
            false => {
                clean_or_trash(below)?;
                descend::inside(self.fd.as_fd(), below, self.dev).map_err(|e| way(&path, e))?
            }
        };
        Base::of(fd, &path)
    }

    /// The folder that has the entry, and its name in it. None when there is no such folder.
    fn parent<'p>(&self, entry: &'p Path) -> Result<Option<(Base, &'p OsStr)>, Fault> {
        clean_or_trash(entry)?;
        let bare = Fault::Path { path: entry.to_owned(), why: "it has no name" };
        let name = entry.file_name().ok_or(bare)?;
        match self.inner(entry.parent().unwrap_or(Path::new(""))) {
            Ok(folder) => Ok(Some((folder, name))),
            Err(Fault::Io { source, .. }) if absent(&source) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// What is at `entry` itself, which is empty for this folder. None when nothing is.
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

    /// The same for a name in this very folder.
    pub fn look_in(&self, name: &OsStr) -> Result<Option<Look>, Fault> {
        let cannot = |e: Errno| Fault::io("look at", self.path.join(name), e);
        // Held open, so that its number cannot become another's between the looks.
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

    /// Gives an entry of `self` the name `as_` in `to`, where nothing of that name may be.
    pub fn rename(&self, entry: &Path, to: &Base, as_: &Path) -> Result<(), Fault> {
        let gone = || Fault::changed(&self.path.join(entry), "has gone");
        let (from, name) = self.parent(entry)?.ok_or_else(gone)?;
        let no_folder = || Fault::io("move", to.path.join(as_), Errno::NOENT);
        let (into, new) = to.parent(as_)?.ok_or_else(no_folder)?;
        let renamed = match rustix::fs::renameat_with(&from.fd, name, &into.fd, new, RenameFlags::NOREPLACE) {
            // A file system without it.
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

    /// Takes an entry that is no folder away for good.
    pub fn unlink(&self, entry: &Path) -> Result<(), Fault> {
        self.remove(entry, AtFlags::empty()).map_err(|e| flat(e, |e| Fault::io("delete", self.path.join(entry), e)))
    }

    /// Removes a folder if nothing is in it. False when it stays.
    pub fn remove_dir(&self, entry: &Path) -> Result<bool, Fault> {
        match self.remove(entry, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            // Something is in it, or mounted on it.
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

    /// Makes a folder for its owner alone. False when something of that name is there.
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

    /// Makes what was changed in this very folder last.
    pub fn sync(&self) -> Result<(), Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, ".", flags, Mode::empty()).and_then(rustix::fs::fsync) {
            // A folder that may be written and not read, or a file system that does this in its own way.
            Ok(()) | Err(Errno::ACCESS | Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(e) => Err(Fault::io("sync", &self.path, e)),
        }
    }

    /// Sets mode and owner of this very folder. Whoever may not give it away keeps it.
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

    /// Sets the mtime of this very folder, nanoseconds since the epoch. Only its owner may; it is not worth failing.
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

    /// The names in this very folder.
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

    /// Whether an entry could be renamed from here to `other`: the kernel tells before it looks for the entry.
    pub fn can_rename_to(&self, other: &Base) -> bool {
        let name = ".model_trash-no-such-entry";
        self.dev == other.dev
            && matches!(
                rustix::fs::renameat_with(&self.fd, name, &other.fd, name, RenameFlags::NOREPLACE),
                Err(Errno::NOENT | Errno::INVAL)
            )
    }

    /// Whether this process may make entries here.
    pub fn is_writable(&self) -> bool {
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::accessat(&self.fd, ".", access, AtFlags::EACCESS).is_ok()
    }
}

/// Our own paths may lead into a trash; those of orders were looked at before.
fn clean_or_trash(path: &Path) -> Result<(), Fault> {
    match clean(path) {
        Err(Fault::Path { why: "it leads into a trash", .. }) => Ok(()),
        other => other,
    }
}

fn flat(error: Result<Errno, Fault>, io: impl FnOnce(Errno) -> Fault) -> Fault {
    match error {
        Ok(errno) => io(errno),
        Err(fault) => fault,
    }
}

/// What went wrong on the way to `path`.
fn way(path: &Path, error: Errno) -> Fault {
    match error {
        Errno::LOOP | Errno::XDEV => Fault::Leaves { path: path.to_owned() },
        e => Fault::io("open", path, e),
    }
}

/// `top` itself when `below` is empty: `join` would give it a slash at its end.
pub(super) fn joined(top: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { top.to_owned() } else { top.join(below) }
}

/// Whether an error says that nothing is there.
pub(super) fn absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// For file systems without RENAME_NOREPLACE. A folder can only replace an empty one, which is no loss; anything else gets
/// its second name before it loses its first.
fn without_replacing(from: &Base, name: &OsStr, into: &Base, new: &OsStr) -> Result<rustix::io::Result<()>, Fault> {
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
