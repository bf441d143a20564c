//! An open folder: its entries are read by name, without resolving the path from the root each time, without following
//! a link, and without a change of access times.

use super::inode::{Entity, Stamp, vanished};
use crate::gguf::untouched;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir};
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The size of a directory read in bytes: most folders fit into one system call.
const BUFFER: usize = 16 << 10;
/// The largest depth of nested folders in a walk. Each is open while those below it are read.
const DEEPEST: usize = 256;

pub(crate) struct Folder {
    fd: OwnedFd,
    pub path: PathBuf,
}

/// One name in a folder.
pub(crate) struct Name {
    pub name: OsString,
    /// None when the entry vanished before its kind was known.
    pub entity: Option<Entity>,
}

/// One step of a walk.
pub(crate) enum Visit<'a> {
    /// A folder that was opened. Its entries follow.
    Open(&'a Folder),
    Entry(Entry<'a>),
    /// A folder or an entry that exists but cannot be read.
    Unread(&'a Path, io::Error),
}

/// One entry of a walk.
pub(crate) struct Entry<'a> {
    pub folder: &'a Folder,
    pub path: &'a Path,
    pub name: &'a OsStr,
    pub entity: Entity,
    /// 1 for entries directly in the top folder.
    pub depth: usize,
}

/// The decision for a folder in a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Into,
    Past,
}

impl Folder {
    /// Opens the folder at `path`. A link there is an error.
    pub fn open(path: &Path) -> io::Result<Folder> {
        Ok(Folder { fd: open(CWD, path.as_os_str())?, path: path.to_owned() })
    }

    /// Opens the folder at `path`, or the target of a link there: for places where the store's owner follows links,
    /// too.
    pub fn open_through(path: &Path) -> io::Result<Folder> {
        Ok(Folder { fd: open_with(CWD, path.as_os_str(), OFlags::empty())?, path: path.to_owned() })
    }

    /// Opens the folder of that name in this one, or the target of a link of that name.
    pub fn inner_through(&self, name: &OsStr) -> io::Result<Folder> {
        Ok(Folder { fd: open_with(self.fd.as_fd(), name, OFlags::empty())?, path: self.path.join(name) })
    }

    /// Opens the folder of that name in this one. A link there is an error.
    pub fn inner(&self, name: &OsStr) -> io::Result<Folder> {
        Ok(Folder { fd: open(self.fd.as_fd(), name)?, path: self.path.join(name) })
    }

    /// Returns all entries, in no particular order, without `.` and `..`.
    pub fn names(&self) -> io::Result<Vec<Name>> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut raw = RawDir::new(&self.fd, &mut buffer);
        let mut names = Vec::new();
        while let Some(entry) = raw.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let name = OsStr::from_bytes(name);
                // Not every file system gives the kind without a stat. If the stat fails, the next access reports the
                // error.
                let entity = Entity::of_raw(entry.file_type()).or_else(|| self.look(name).ok().map(|s| s.entity));
                names.push(Name { name: name.to_owned(), entity });
            }
        }
        Ok(names)
    }

    /// Returns whether the folder has no entries.
    pub fn is_empty(&self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 1 << 10];
        let mut raw = RawDir::new(&self.fd, &mut buffer);
        while let Some(entry) = raw.next() {
            if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Visits everything below the folder, in no particular order. Never holds all entries of a folder in memory.
    ///
    /// Folders at a depth of more than 256 are reported as unreadable: every parent folder of an entry is open.
    pub fn walk(&self, on: &mut dyn FnMut(Visit<'_>) -> anyhow::Result<Step>) -> anyhow::Result<()> {
        let path = self.path.as_os_str().as_bytes().to_vec();
        Walk { path, buffers: Vec::new(), on }.level(self, 1)
    }

    /// Returns the stat result of the entry of that name; of a link, that of the link itself.
    pub fn look(&self, name: &OsStr) -> io::Result<Stamp> {
        Ok(Stamp::from(&rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// Returns the stat result of the folder itself.
    pub fn stamp(&self) -> io::Result<Stamp> {
        Ok(Stamp::from(&rustix::fs::fstat(&self.fd)?))
    }

    /// Returns the text of the link of that name.
    pub fn link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let text = rustix::fs::readlinkat(&self.fd, name, Vec::with_capacity(128))?;
        Ok(PathBuf::from(OsStr::from_bytes(text.to_bytes())))
    }

    /// Returns the beginning of the regular file of that name, at most `most` bytes.
    #[cfg(test)]
    pub fn beginning(&self, name: &OsStr, most: usize) -> io::Result<Vec<u8>> {
        Ok(self.glance(name, most)?.1)
    }

    /// Returns the stat result of the regular file of that name from before reading, and its beginning: at most `most`
    /// bytes.
    pub fn glance(&self, name: &OsStr, most: usize) -> io::Result<(Stamp, Vec<u8>)> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = untouched(|extra| rustix::fs::openat(&self.fd, name, flags | extra, Mode::empty()))?;
        let look = Stamp::from(&rustix::fs::fstat(&fd)?);
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
        Ok((look, bytes))
    }
}

/// The state of a walk.
struct Walk<'a> {
    /// The path of the folder that is being read; during a visit, that of its entry.
    path: Vec<u8>,
    /// Buffers of levels that are not being read now.
    buffers: Vec<Vec<u8>>,
    on: &'a mut dyn FnMut(Visit<'_>) -> anyhow::Result<Step>,
}

impl Walk<'_> {
    /// Sets the path to `name` in the folder that is being read, whose path has `length` bytes.
    fn enter(&mut self, length: usize, name: &OsStr) {
        self.path.truncate(length);
        if self.path.last() != Some(&b'/') {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name.as_bytes());
    }

    fn unread(&mut self, error: io::Error) -> anyhow::Result<()> {
        if !vanished(&error) {
            (self.on)(Visit::Unread(Path::new(OsStr::from_bytes(&self.path)), error))?;
        }
        Ok(())
    }

    fn level(&mut self, folder: &Folder, depth: usize) -> anyhow::Result<()> {
        (self.on)(Visit::Open(folder))?;
        let length = self.path.len();
        let mut buffer = self.buffers.pop().unwrap_or_else(|| Vec::with_capacity(2 * BUFFER));
        let mut raw = RawDir::new(&folder.fd, buffer.spare_capacity_mut());
        while let Some(entry) = raw.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    self.path.truncate(length);
                    self.unread(e.into())?;
                    break;
                }
            };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let name = OsStr::from_bytes(name);
            self.enter(length, name);
            let entity = match Entity::of_raw(entry.file_type()) {
                Some(entity) => entity,
                None => match folder.look(name) {
                    Ok(look) => look.entity,
                    Err(e) => {
                        self.unread(e)?;
                        continue;
                    }
                },
            };
            let path = Path::new(OsStr::from_bytes(&self.path));
            let step = (self.on)(Visit::Entry(Entry { folder, path, name, entity, depth }))?;
            if entity == Entity::Folder && step == Step::Into {
                match folder.inner(name) {
                    Ok(inner) if depth < DEEPEST => self.level(&inner, depth + 1)?,
                    Ok(_) => self.unread(io::Error::other("its folders are nested too deep"))?,
                    Err(e) => self.unread(e)?,
                }
            }
        }
        self.path.truncate(length);
        self.buffers.push(buffer);
        Ok(())
    }
}

fn open(at: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    open_with(at, name, OFlags::NOFOLLOW)
}

fn open_with(at: impl AsFd, name: &OsStr, more: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    Ok(untouched(|extra| rustix::fs::openat(at.as_fd(), name, flags | extra, Mode::empty()))?)
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
    fn a_walk_comes_to_everything_once_and_tells_what_lies_too_deep() {
        let dir = tempfile::tempdir().unwrap();
        // Relative to the open folder: the whole path would be longer than the kernel accepts.
        let mut inner = Folder::open(dir.path()).unwrap();
        for _ in 0..300 {
            rustix::fs::mkdirat(&inner.fd, "d", Mode::from(0o700)).unwrap();
            inner = inner.inner(OsStr::new("d")).unwrap();
        }
        std::fs::write(dir.path().join("d/d/file"), "").unwrap();
        std::os::unix::fs::symlink("..", dir.path().join("d/up")).unwrap();
        std::fs::create_dir_all(dir.path().join("past/it")).unwrap();
        let (mut folders, mut others, mut unread) = (0, Vec::new(), Vec::new());
        let top = Folder::open(dir.path()).unwrap();
        top.walk(&mut |visit| {
            match visit {
                Visit::Open(_) => folders += 1,
                Visit::Entry(e) if e.name == "past" => return Ok(Step::Past),
                Visit::Entry(e) if e.entity == Entity::Folder => {}
                Visit::Entry(e) => others.push((e.path.strip_prefix(dir.path()).unwrap().to_owned(), e.depth)),
                Visit::Unread(path, e) => unread.push((path.to_owned(), e.to_string())),
            }
            Ok(Step::Into)
        })
        .unwrap();
        others.sort();
        assert_eq!(others, [("d/d/file".into(), 3), ("d/up".into(), 2)]);
        assert_eq!((folders, unread.len()), (DEEPEST, 1));
        assert!(unread.iter().all(|(path, why)| path.ends_with("d/d") && why.contains("too deep")), "{unread:?}");
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
