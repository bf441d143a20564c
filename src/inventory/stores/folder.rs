//! A folder that is open: what is in it is looked at by its own names, without walking down from the root each time,
//! without following a link, and without a trace in its access time.

use crate::inventory::found::{Entity, Stamp};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir};
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Most folders fit into one call of the kernel.
const BUFFER: usize = 16 << 10;

pub(super) struct Folder {
    fd: OwnedFd,
    pub path: PathBuf,
}

/// One name in a folder.
pub(super) struct Name {
    pub name: OsString,
    /// None where the file system does not tell without a look.
    pub entity: Option<Entity>,
}

impl Folder {
    /// Opens the folder at `path`. A link there is an error.
    pub fn open(path: &Path) -> io::Result<Folder> {
        Ok(Folder { fd: open(CWD, path.as_os_str())?, path: path.to_owned() })
    }

    /// Opens the folder of that name in this one. A link there is an error.
    pub fn inner(&self, name: &OsStr) -> io::Result<Folder> {
        Ok(Folder { fd: open(self.fd.as_fd(), name)?, path: self.path.join(name) })
    }

    /// Everything in it, in no particular order, without `.` and `..`.
    pub fn names(&self) -> io::Result<Vec<Name>> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut raw = RawDir::new(&self.fd, &mut buffer);
        let mut names = Vec::new();
        while let Some(entry) = raw.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let entity = Entity::of_raw(entry.file_type());
                names.push(Name { name: OsString::from_vec(name.to_owned()), entity });
            }
        }
        Ok(names)
    }

    /// What is at that name; a link itself, not what it leads to.
    pub fn look(&self, name: &OsStr) -> io::Result<Stamp> {
        Ok(Stamp::from(&rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// The folder itself.
    pub fn stamp(&self) -> io::Result<Stamp> {
        Ok(Stamp::from(&rustix::fs::fstat(&self.fd)?))
    }

    /// The text of the link at that name.
    pub fn link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let text = rustix::fs::readlinkat(&self.fd, name, Vec::with_capacity(128))?;
        Ok(PathBuf::from(OsStr::from_bytes(text.to_bytes())))
    }

    /// The beginning of the regular file of that name, at most `most` bytes.
    pub fn beginning(&self, name: &OsStr, most: usize) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = untouched(|extra| rustix::fs::openat(&self.fd, name, flags | extra, Mode::empty()))?;
        let mut bytes = vec![0; most];
        let mut have = 0;
        while let Some(room) = bytes.get_mut(have..).filter(|r| !r.is_empty()) {
            match rustix::io::read(&fd, room) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        bytes.truncate(have);
        Ok(bytes)
    }
}

fn open(at: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(untouched(|extra| rustix::fs::openat(at.as_fd(), name, flags | extra, Mode::empty()))?)
}

/// Only the owner may ask for the access time to stay.
fn untouched<T>(open: impl Fn(OFlags) -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    match open(OFlags::NOATIME) {
        Err(rustix::io::Errno::PERM) => open(OFlags::empty()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_never_taken_for_a_folder_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        std::fs::write(dir.path().join("in/file"), "0123456789").unwrap();
        std::os::unix::fs::symlink("in", dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink("file", dir.path().join("in/alias")).unwrap();
        let top = Folder::open(dir.path()).unwrap();
        assert!(top.inner(OsStr::new("link")).is_err());
        assert_eq!(top.look(OsStr::new("link")).unwrap().entity, Entity::Link);
        let inner = top.inner(OsStr::new("in")).unwrap();
        assert_eq!(inner.path, dir.path().join("in"));
        let mut names: Vec<_> = inner.names().unwrap().into_iter().map(|n| n.name).collect();
        names.sort();
        assert_eq!(names, ["alias", "file"]);
        assert_eq!(inner.link(OsStr::new("alias")).unwrap(), Path::new("file"));
        assert_eq!(inner.beginning(OsStr::new("file"), 4).unwrap(), b"0123");
        assert_eq!(inner.beginning(OsStr::new("file"), 99).unwrap(), b"0123456789");
        assert!(inner.beginning(OsStr::new("alias"), 4).is_err());
    }

    #[test]
    fn a_folder_with_more_names_than_a_buffer_holds_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..1_500 {
            std::fs::write(dir.path().join(format!("a-rather-long-name-of-a-file-{n}")), "").unwrap();
        }
        assert_eq!(Folder::open(dir.path()).unwrap().names().unwrap().len(), 1_500);
    }
}
