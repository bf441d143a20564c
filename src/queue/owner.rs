//! Who works on tasks, and whether they still live: each process that claims holds a lock on a file named after it.
//! The kernel lets go of the lock when the process ends, however it ends, so that its tasks are taken up at once
//! instead of when their leases run out.

use crate::failure::{Failure, OrFail};
use crate::model::task::{Gone, OwnerId};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A beginning that falls into another process's sweep is done again, so often at most.
const BEGINS: u32 = 100;
/// The extension of the file of a process that works, or was killed.
const HELD: &str = "lock";
/// And of one that could not give back its tasks.
const LEFT: &str = "left";

/// This process as an owner of tasks. Dropping it takes the file away: give back or finish all tasks before, or say so
/// with [`Alive::leave_behind`].
#[derive(Debug)]
pub struct Alive {
    id: OwnerId,
    path: PathBuf,
    owns_nothing: bool,
    /// The lock lives as long as this is open.
    _lock: File,
}

impl Alive {
    /// Takes a new identity, and its lock in `dir` (made with mode 0700). Every process on one database must be given
    /// the same folder; a folder elsewhere is safe all the same, since a file that is not found proves nothing.
    ///
    /// # Errors
    /// Cannot be met (3) when the folder cannot be written to.
    pub fn begin(dir: &Path) -> anyhow::Result<Alive> {
        let begin = || -> io::Result<Option<Alive>> {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            let mode = std::fs::metadata(dir)?.permissions().mode();
            if mode & 0o022 != 0 {
                // Others could declare the living dead.
                return Err(io::Error::other(format!("it is writable for others (mode {:o})", mode & 0o777)));
            }
            let random = RandomState::new().hash_one(std::process::id());
            let id = OwnerId::new(std::process::id(), start_time()?, random);
            let path = file(dir, &id);
            // Locked before it has its name: nobody may find it unlocked while we live.
            let hidden = dir.join(format!(".{id}.new"));
            let lock = OpenOptions::new().write(true).create_new(true).open(&hidden)?;
            // Between these lines another process may sweep: it takes what is not locked yet for dead.
            match lock.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                locked => locked?,
            }
            match std::fs::rename(&hidden, &path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                renamed => renamed.map(|()| Some(Alive { id, path, owns_nothing: true, _lock: lock })),
            }
        };
        let failure = || Failure::cannot_meet(format!("cannot lock a file in `{}`", dir.display()));
        for _ in 0..BEGINS {
            if let Some(alive) = begin().or_fail(failure)? {
                return Ok(alive);
            }
        }
        Err(failure().into())
    }

    pub fn id(&self) -> &OwnerId {
        &self.id
    }

    /// Tasks could not be given back. The file then stays without its lock when this is dropped, as that of a process
    /// that was killed, so that they are taken up at once; but under a name that says so, for it is no fault of theirs.
    pub fn leave_behind(&mut self) {
        self.owns_nothing = false;
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // What cannot be removed stays as an unlocked file, which says nearly the same. A name of the same length
        // needs no room, which a full disk would not have.
        let _ = if self.owns_nothing {
            std::fs::remove_file(&self.path)
        } else {
            std::fs::rename(&self.path, self.path.with_extension(LEFT))
        };
    }
}

/// Those of `owners` that are gone for certain: their file in `dir` is there and nobody holds its lock. A missing file
/// says nothing, for the owner may have been given another folder; its lease decides.
pub fn gone(dir: &Path, owners: &[OwnerId]) -> io::Result<Gone> {
    let mut gone = Gone::default();
    for owner in owners.iter().filter(|owner| owner.pid().is_some()) {
        let path = file(dir, owner);
        // In this order: the first name becomes the second.
        if !may_live(&path)? {
            gone.died.push(owner.clone());
        } else if !may_live(&path.with_extension(LEFT))? {
            gone.left.push(owner.clone());
        }
    }
    Ok(gone)
}

/// Removes the files of owners that are dead and own nothing, `busy` being those that do: to be called after a
/// recovery.
pub fn sweep(dir: &Path, busy: &[OwnerId]) -> io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let is_dead = match owner(&path) {
            Some(owner) => !busy.contains(&owner) && !may_live(&path)?,
            None => is_begun(&path) && !may_live(&path)?,
        };
        if is_dead {
            match std::fs::remove_file(&path) {
                // Another process sweeps as well.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// A shared lock is enough to ask, and two that ask at once do not take each other for the owner.
fn may_live(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn file(dir: &Path, owner: &OwnerId) -> PathBuf {
    dir.join(format!("executor-{owner}.{HELD}"))
}

fn owner(path: &Path) -> Option<OwnerId> {
    if ![HELD, LEFT].contains(&path.extension()?.to_str()?) {
        return None;
    }
    let name = path.file_stem()?.to_str()?.strip_prefix("executor-")?;
    Some(OwnerId(name.to_owned())).filter(|owner| owner.pid().is_some())
}

/// Whether it is the file of an owner that had not got its name yet; killed there, it owned nothing.
fn is_begun(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let id = name.and_then(|name| name.strip_prefix('.')?.strip_suffix(".new"));
    id.is_some_and(|id| OwnerId(id.to_owned()).pid().is_some())
}

/// Clock ticks since boot, from `/proc/self/stat` (proc(5)): the 22nd field, counted from behind the name of the
/// program, which may hold anything. 0 where there is no such file; the random part tells runs apart as well.
fn start_time() -> io::Result<u64> {
    let text = match std::fs::read_to_string("/proc/self/stat") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        text => text?,
    };
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = after_name.split_ascii_whitespace().nth(19).and_then(|ticks| ticks.parse().ok());
    field.ok_or_else(|| io::Error::other("`/proc/self/stat` has no start time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_let_go_of_the_lock_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("run");
        let living = Alive::begin(&place).unwrap();
        let killed = Alive::begin(&place).unwrap();
        let never_here = OwnerId::new(1, 2, 3);
        let hostile = OwnerId("../../etc/passwd".into());
        assert_ne!(living.id(), killed.id());
        let dead = killed.id().clone();
        let mut in_need = Alive::begin(&place).unwrap();
        in_need.leave_behind();
        let left = in_need.id().clone();
        drop(in_need);
        let left = [left];
        let only_left = Gone { left: left.to_vec(), died: vec![] };
        assert_eq!(gone(&place, &left).unwrap(), only_left, "its tasks are taken up at once and pay nothing");
        sweep(&place, &left).unwrap();
        assert_eq!(gone(&place, &left).unwrap(), only_left, "it still owns tasks");
        sweep(&place, &[]).unwrap();
        assert!(gone(&place, &left).unwrap().is_empty());
        let path = killed.path.clone();
        drop(killed);
        assert!(!path.exists());
        // What kill -9 leaves: the file without its lock.
        std::fs::write(&path, "").unwrap();
        let all = [living.id().clone(), dead.clone(), never_here, hostile];
        assert_eq!(gone(&place, &all).unwrap(), Gone { died: vec![dead.clone()], left: vec![] });
        sweep(&place, &all).unwrap();
        assert!(path.exists(), "it still owns tasks");
        sweep(&place, &[]).unwrap();
        assert!(!path.exists() && living.path.exists());
        // Killed between the making of its file and its name.
        let begun = place.join(format!(".{dead}.new"));
        std::fs::write(&begun, "").unwrap();
        std::fs::write(place.join(".note.new"), "").unwrap();
        sweep(&place, &[]).unwrap();
        assert!(!begun.exists() && place.join(".note.new").exists());
        sweep(&dir.path().join("nothing"), &[]).unwrap();
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Alive::begin(&place).is_err());
    }

    #[test]
    fn a_beginning_survives_the_sweeps_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("run");
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    sweep(&place, &[]).unwrap();
                }
            });
            let begun: Vec<_> = (0..300).map(|_| Alive::begin(&place).map(|alive| alive.path.exists())).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(begun.iter().all(|begun| matches!(begun, Ok(true))));
        });
    }
}
