//! Replacing a file by a hard link to an equal one, and back by a copy of its own. The new entry is made under a
//! temporary name beside the file and moved over it in one step: whenever this ends, the path leads to the whole content.

use super::file_lease::{Lease, lease};
use super::file_system::is_layered;
use rustix::fs::{Gid, Timespec, Timestamps, UTIME_OMIT, Uid};
use std::fs::{File, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Start of the names of links that are about to replace a file.
const LINK: &str = ".modelctl-link-";
/// Start of the names of copies that are about to replace a file.
const COPY: &str = ".modelctl-copy-";
const BUFFER: usize = 1 << 20;

/// A file as it was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    pub dev: u64,
    pub ino: u64,
    pub size: u64,
    pub links: u64,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub allocated: u64,
}

/// Looks at a path without following a link.
///
/// # Errors
/// It cannot be looked at, or is not a regular file.
pub fn look(path: &Path) -> io::Result<Looked> {
    of(&path.symlink_metadata()?)
}

fn of(meta: &std::fs::Metadata) -> io::Result<Looked> {
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let time = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
    Ok(Looked {
        dev: meta.dev(),
        ino: meta.ino(),
        size: meta.len(),
        links: meta.nlink(),
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        mtime_ns: time(meta.mtime(), meta.mtime_nsec()),
        ctime_ns: time(meta.ctime(), meta.ctime_nsec()),
        allocated: meta.blocks().saturating_mul(512),
    })
}

impl Looked {
    /// Returns whether it is the same file with the same content. A new link changes the time of the inode only.
    fn has_content_of(&self, other: &Looked) -> bool {
        (self.dev, self.ino, self.size, self.mtime_ns) == (other.dev, other.ino, other.size, other.mtime_ns)
    }
}

/// Returns whether some process has the file open. False where the kernel cannot tell.
pub fn is_open(path: &Path, file: &Looked) -> bool {
    // A layer over another file system keeps files open itself.
    !is_layered(path) && lease(path, (file.dev, file.ino)) == Lease::Refused
}

/// Opens a file that was looked at.
///
/// # Errors
/// It cannot be opened, or is another one now.
pub fn open(path: &Path, looked: &Looked) -> io::Result<File> {
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(no_follow).open(path)?;
    if of(&file.metadata()?)?.has_content_of(looked) { Ok(file) } else { Err(changed()) }
}

fn changed() -> io::Error {
    io::Error::other("it has changed meanwhile")
}

/// Compares two files byte by byte. None when `go_on`, which receives the number of bytes compared, ends it.
///
/// # Errors
/// One of them cannot be read.
pub fn is_equal(a: &mut File, b: &mut File, go_on: &mut dyn FnMut(u64) -> bool) -> io::Result<Option<bool>> {
    a.rewind()?;
    b.rewind()?;
    let (mut of_a, mut of_b, mut done) = (vec![0; BUFFER], vec![0; BUFFER], 0u64);
    loop {
        if !go_on(done) {
            return Ok(None);
        }
        let (read_a, read_b) = (fill(a, &mut of_a)?, fill(b, &mut of_b)?);
        if of_a.get(..read_a) != of_b.get(..read_b) {
            return Ok(Some(false));
        }
        if read_a == 0 {
            return Ok(Some(true));
        }
        done = done.saturating_add(read_a as u64);
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut at = 0;
    while let Some(rest) = buffer.get_mut(at..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => at = at.saturating_add(read),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(at)
}

/// Replaces `path` by a hard link to `kept`. Both must be as they were looked at; the bytes were compared since.
///
/// # Errors
/// One of them has changed, or the link cannot be made; `path` is then as before.
pub fn link_over(kept: (&Path, &Looked), path: (&Path, &Looked)) -> io::Result<()> {
    let (path, before) = path;
    let folder = Folder::of(path)?;
    let temporary = beside(path, LINK)?;
    std::fs::hard_link(kept.0, &temporary)?;
    let check = || {
        let link = look(&temporary)?;
        let is_kept = link.has_content_of(kept.1);
        if is_kept && look(path)? == *before { Ok(()) } else { Err(changed()) }
    };
    folder.move_over(&temporary, path, check)
}

/// Replaces `path` by a copy of its own with that mode, owner and time of the last write. Returns None when `go_on` ended
/// it.
///
/// # Errors
/// It has changed meanwhile, there is no room, or the copy cannot be made so; `path` is then as before.
pub fn copy_over(
    path: &Path,
    before: &Looked,
    with: &Looked,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> io::Result<Option<()>> {
    let mut source = open(path, before)?;
    let folder = Folder::of(path)?;
    let temporary = beside(path, COPY)?;
    let mut copy = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&temporary)?;
    let written = write_copy(&mut source, &mut copy, with, go_on);
    if !matches!(written, Ok(true)) {
        // What stays is found by its name.
        let _ = std::fs::remove_file(&temporary);
        return written.map(|_| None);
    }
    let check = || if look(path)? == *before { Ok(()) } else { Err(changed()) };
    folder.move_over(&temporary, path, check).map(Some)
}

fn write_copy(
    source: &mut File,
    copy: &mut File,
    with: &Looked,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> io::Result<bool> {
    let (mut buffer, mut done) = (vec![0; BUFFER], 0u64);
    loop {
        if !go_on(done) {
            return Ok(false);
        }
        // Not `io::copy`, which lets the kernel share the blocks again.
        let read = fill(source, &mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        copy.write_all(bytes)?;
        done = done.saturating_add(read as u64);
    }
    if is_equal(source, copy, go_on)? != Some(true) {
        return Ok(false);
    }
    let now = of(&copy.metadata()?)?;
    if (now.uid, now.gid) != (with.uid, with.gid) {
        rustix::fs::fchown(&*copy, Some(Uid::from_raw(with.uid)), Some(Gid::from_raw(with.gid)))?;
    }
    copy.set_permissions(Permissions::from_mode(with.mode))?;
    set_mtime(copy, with.mtime_ns)?;
    copy.sync_all()?;
    Ok(true)
}

/// The folder of a file that is replaced, and its time before the new entry was made in it.
struct Folder {
    open: File,
    mtime_ns: i64,
}

impl Folder {
    fn of(path: &Path) -> io::Result<Folder> {
        let open = File::open(path.parent().unwrap_or(Path::new("/")))?;
        let meta = open.metadata()?;
        Ok(Folder { open, mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()) })
    }

    /// Moves a new entry over a file when `check` allows it, and removes it otherwise. The time of the folder stays.
    fn move_over(&self, temporary: &Path, path: &Path, check: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if let Err(error) = check().and_then(|()| std::fs::rename(temporary, path)) {
            // What stays is found by its name.
            let _ = std::fs::remove_file(temporary);
            return Err(error);
        }
        self.open.sync_all()?;
        // The replacement is done; a folder of others keeps its new time.
        let _ = set_mtime(&self.open, self.mtime_ns);
        Ok(())
    }
}

fn set_mtime(file: &File, ns: i64) -> io::Result<()> {
    let last_modification = Timespec { tv_sec: ns.div_euclid(1_000_000_000), tv_nsec: ns.rem_euclid(1_000_000_000) };
    let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access, last_modification })?)
}

fn beside(path: &Path, start: &str) -> io::Result<PathBuf> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(folder.join(format!("{start}{:016x}", RandomState::new().hash_one(path))))
}

/// Removes what an interrupted replacement left in a folder: links of which another entry exists, and copies, which were
/// never moved over anything. Returns how many.
///
/// # Errors
/// The folder cannot be read.
pub fn remove_leftovers(folder: &Path) -> io::Result<u64> {
    let mut removed = 0u64;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let meta = entry.metadata()?;
        let is_link = name.starts_with(LINK) && meta.nlink() > 1;
        if meta.is_file() && (is_link || name.starts_with(COPY)) {
            std::fs::remove_file(entry.path())?;
            removed = removed.saturating_add(1);
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair {
        dir: tempfile::TempDir,
    }

    impl Pair {
        fn new() -> Pair {
            let dir = tempfile::tempdir().unwrap();
            for (name, mode) in [("kept", 0o644), ("other", 0o600)] {
                let path = dir.path().join(name);
                std::fs::write(&path, vec![7; 3 << 20]).unwrap();
                std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
            Pair { dir }
        }
        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }
        fn look(&self, name: &str) -> Looked {
            look(&self.path(name)).unwrap()
        }
        fn names(&self) -> usize {
            std::fs::read_dir(self.dir.path()).unwrap().count()
        }
    }

    /// The file of a user is whole at every moment, and the way back gives them their own file again.
    #[test]
    fn a_file_becomes_a_link_and_a_file_of_its_own_again() {
        let pair = Pair::new();
        let (kept, other) = (pair.look("kept"), pair.look("other"));
        let folder = std::fs::metadata(pair.dir.path()).unwrap().mtime_nsec();
        link_over((&pair.path("kept"), &kept), (&pair.path("other"), &other)).unwrap();
        assert_eq!((pair.look("other").ino, pair.names()), (kept.ino, 2));
        assert_eq!(std::fs::metadata(pair.dir.path()).unwrap().mtime_nsec(), folder);

        let linked = pair.look("other");
        assert_eq!(copy_over(&pair.path("other"), &linked, &other, &mut |_| false).unwrap(), None);
        assert_eq!((pair.look("other").ino, pair.names()), (kept.ino, 2));
        copy_over(&pair.path("other"), &linked, &other, &mut |_| true).unwrap().unwrap();
        let own = pair.look("other");
        assert!(own.ino != kept.ino && (own.mode, own.mtime_ns) == (0o600, other.mtime_ns), "{own:?}");
        assert_eq!(std::fs::read(pair.path("other")).unwrap(), vec![7; 3 << 20]);
        assert_eq!(pair.look("kept").links, 1);
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_left_alone() {
        let pair = Pair::new();
        let (kept, other) = (pair.look("kept"), pair.look("other"));
        std::fs::write(pair.path("other"), "new").unwrap();
        let error = link_over((&pair.path("kept"), &kept), (&pair.path("other"), &other)).unwrap_err();
        assert!(error.to_string().contains("changed"), "{error}");
        assert!(copy_over(&pair.path("other"), &other, &other, &mut |_| true).is_err());
        assert_eq!((std::fs::read(pair.path("other")).unwrap(), pair.names()), (b"new".to_vec(), 2));
        // The one to keep is another one by now.
        let other = pair.look("other");
        std::fs::write(pair.path("kept"), "also new").unwrap();
        assert!(link_over((&pair.path("kept"), &kept), (&pair.path("other"), &other)).is_err());
        assert_eq!((std::fs::read(pair.path("other")).unwrap(), pair.names()), (b"new".to_vec(), 2));
    }

    /// A run that was killed between its steps left a second name, never a missing first one.
    #[test]
    fn what_an_interrupted_run_left_is_removed_unless_it_is_the_last_name() {
        let pair = Pair::new();
        std::fs::hard_link(pair.path("kept"), pair.path(&format!("{LINK}1"))).unwrap();
        std::fs::write(pair.path(&format!("{LINK}2")), "the last name").unwrap();
        std::fs::write(pair.path(&format!("{COPY}3")), "half a copy").unwrap();
        assert_eq!(remove_leftovers(pair.dir.path()).unwrap(), 2);
        assert!(pair.path(&format!("{LINK}2")).exists() && pair.names() == 3);
    }

    #[test]
    fn bytes_decide_whether_two_files_are_equal() {
        let pair = Pair::new();
        let open = |name: &str| File::open(pair.path(name)).unwrap();
        let equal = || is_equal(&mut open("kept"), &mut open("other"), &mut |_| true).unwrap();
        assert_eq!(equal(), Some(true));
        let mut bytes = vec![7; 3 << 20];
        bytes[(2 << 20) + 5] = 8;
        std::fs::write(pair.path("other"), &bytes).unwrap();
        assert_eq!(equal(), Some(false));
        std::fs::write(pair.path("other"), &bytes[..9]).unwrap();
        assert_eq!(equal(), Some(false));
        assert_eq!(is_equal(&mut open("kept"), &mut open("other"), &mut |_| false).unwrap(), None);
    }
}
