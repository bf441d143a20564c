//! The copy that stays when another one is removed because of it. Two paths on two devices may lead to one file (an
//! overlay, a bindfs, a pool and its branch), and nothing that is known before the move excludes that. So the copy that
//! stays is opened before the move and checked again after it.

use super::candidate::Candidate;
use crate::host::file_system::is_layered;
use crate::model::FileIdentity;
use rustix::fs::{AtFlags, Mode, OFlags, Statx, StatxFlags, fstat, open, statx};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

pub(super) struct Witness {
    files: Vec<Open>,
}

struct Open {
    path: PathBuf,
    /// Held open, so its inode number cannot be reused by another file.
    file: OwnedFd,
    state: State,
}

/// State of a file by stat. A rename changes the ctime of the inode, whichever mount shows it.
#[derive(Debug, PartialEq, Eq)]
struct State {
    identity: FileIdentity,
    links: u64,
}

impl Witness {
    /// Opens all files of a model except its projectors, each by an entry that is the file itself and unchanged since
    /// its bytes were read.
    ///
    /// # Errors
    /// The reason why that is impossible, in words that follow a name.
    pub fn open(c: &Candidate) -> Result<Witness, String> {
        let mut files = Vec::new();
        for piece in c.pieces.iter().filter(|piece| !piece.is_projector) {
            let mut why =
                format!("the copy that would be kept, `{}`, has changed since it was verified", c.path.display());
            let opened = piece.entries.iter().find_map(|path| match Open::at(path) {
                Ok(open) if open.state.identity == piece.identity => Some(open),
                Ok(_) => None,
                Err(e) => {
                    why = format!("the copy that would be kept, `{}`, cannot be opened: {e}", path.display());
                    None
                }
            });
            files.push(opened.ok_or(why)?);
        }
        Ok(Witness { files })
    }

    /// Checks that all files are still there, and unchanged.
    ///
    /// # Errors
    /// The path of the first file that is not.
    pub fn holds(&self) -> Result<(), PathBuf> {
        let is_same = |open: &Open| {
            // A mount may answer from its cache of a path: the file is opened again, and a synchronous stat is
            // requested.
            let fresh = Open::at(&open.path).is_ok_and(|fresh| fresh.state == open.state);
            fresh && State::of(&open.file).is_ok_and(|state| state == open.state)
        };
        self.files.iter().find(|open| !is_same(open)).map_or(Ok(()), |open| Err(open.path.clone()))
    }

    /// Returns whether it is known without a move that no file of `c` is one of these: all are on file systems that are
    /// not layered over others.
    pub fn is_apart(&self, c: &Candidate) -> bool {
        let own: BTreeSet<(u64, u64)> = c.inodes();
        let entries = c.pieces.iter().flat_map(|piece| piece.entries.first());
        let mut paths = self.files.iter().map(|open| open.path.as_path()).chain(entries.map(PathBuf::as_path));
        self.files.iter().all(|open| !own.contains(&(open.state.identity.dev, open.state.identity.ino)))
            && paths.all(|path| !is_layered(path))
    }
}

impl Open {
    /// Opens a path, never through a link.
    fn at(path: &Path) -> rustix::io::Result<Open> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match open(path, flags | OFlags::NOATIME, Mode::empty()) {
            // Only the owner of a file may open it without changing its access time.
            Err(Errno::PERM) => open(path, flags, Mode::empty())?,
            file => file?,
        };
        let state = State::of(&file)?;
        Ok(Open { path: path.to_owned(), file, state })
    }
}

impl State {
    fn of(file: &impl AsFd) -> rustix::io::Result<State> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC;
        match statx(file, "", flags, StatxFlags::BASIC_STATS) {
            Ok(stat) => Ok(State::from(&stat)),
            // An old kernel, or a sandbox that does not allow statx.
            Err(Errno::NOSYS | Errno::INVAL | Errno::PERM) => {
                let stat = fstat(file)?;
                let ns = |s: i64, n: u64| s.saturating_mul(1_000_000_000).saturating_add(i64::try_from(n).unwrap_or(0));
                let identity = FileIdentity {
                    dev: stat.st_dev,
                    ino: stat.st_ino,
                    size: u64::try_from(stat.st_size).unwrap_or(0),
                    mtime_ns: ns(stat.st_mtime, stat.st_mtime_nsec),
                    ctime_ns: ns(stat.st_ctime, stat.st_ctime_nsec),
                };
                Ok(State { identity, links: stat.st_nlink })
            }
            Err(e) => Err(e),
        }
    }
}

impl From<&Statx> for State {
    fn from(stat: &Statx) -> State {
        let ns = |s: i64, n: u32| s.saturating_mul(1_000_000_000).saturating_add(i64::from(n));
        let identity = FileIdentity {
            dev: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            ino: stat.stx_ino,
            size: stat.stx_size,
            mtime_ns: ns(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            ctime_ns: ns(stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
        };
        State { identity, links: u64::from(stat.stx_nlink) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prune::tests::samples::{model, piece};
    use std::fs;

    /// Makes a model of one file that was just read.
    fn read(path: &Path) -> Candidate {
        let mut c = model("copy", 60);
        c.pieces = vec![piece(1, path.to_str().unwrap(), 1)];
        c.pieces[0].identity = FileIdentity::of(&fs::symlink_metadata(path).unwrap());
        c
    }

    #[test]
    fn a_copy_that_stays_holds_and_one_that_went_along_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.gguf");
        fs::write(&path, "bytes").unwrap();
        let witness = Witness::open(&read(&path)).unwrap();
        assert_eq!(witness.holds(), Ok(()));
        // As with an overlay when another name of the file was moved: still there, with another ctime.
        fs::rename(&path, folder.path().join("moved")).unwrap();
        assert_eq!(witness.holds(), Err(path.clone()));
        fs::rename(folder.path().join("moved"), &path).unwrap();
        assert_eq!(witness.holds(), Err(path.clone()), "it was moved meanwhile");
        fs::write(&path, "other").unwrap();
        assert_eq!(witness.holds(), Err(path.clone()));
    }

    #[test]
    fn what_is_not_as_it_was_read_is_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.gguf");
        fs::write(&path, "bytes").unwrap();
        let c = read(&path);
        fs::write(&path, "other bytes").unwrap();
        assert!(Witness::open(&c).is_err_and(|why| why.contains("has changed since it was verified")));
        fs::remove_file(&path).unwrap();
        assert!(Witness::open(&c).is_err_and(|why| why.contains("cannot be opened")));
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(Witness::open(&c).is_err());
    }
}
