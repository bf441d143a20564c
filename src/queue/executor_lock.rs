//! Locks that show whether the owners of tasks are alive: each process that claims holds a lock on a file named after
//! it. The kernel releases the lock when the process ends, however it ends, so that its tasks are recovered at once
//! instead of when their leases run out. That works on one machine: for owners on other machines, and for those whose
//! host name has changed since, the lease alone decides.

use crate::failure::{Failure, OrFail};
use crate::host::file_lock::{FileLock, Share};
use crate::host::node::host_name;
use crate::host::proc_stat;
use crate::model::task::{DeadOwners, OwnerId};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The maximum number of tries to start; a try must be repeated if another process sweeps at that moment.
const BEGINS: u32 = 100;
/// The file extension for a process that works, or was killed.
const HELD: &str = "lock";
/// The file extension for a process that could not give back its tasks.
const LEFT: &str = "left";

/// The identity of this process as an owner of tasks. Dropping it removes the file: before that, give back or finish
/// all tasks, or call [`ExecutorLock::mark_unreleased`].
#[derive(Debug)]
pub struct ExecutorLock {
    id: OwnerId,
    path: PathBuf,
    owns_nothing: bool,
    _lock: FileLock,
}

impl ExecutorLock {
    /// Creates a new identity, and takes its lock in `dir` (created with mode 0700). Every process on one database must
    /// be given the same folder; another folder is safe too, since a missing file proves nothing.
    ///
    /// # Errors
    /// Cannot be met (3) when the folder cannot be written to.
    pub fn acquire(dir: &Path) -> anyhow::Result<ExecutorLock> {
        let begin = || -> io::Result<Option<ExecutorLock>> {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            let mode = std::fs::metadata(dir)?.permissions().mode();
            if mode & 0o022 != 0 {
                // Other users could make living owners look dead.
                return Err(io::Error::other(format!("it is writable by others (mode {:o})", mode & 0o777)));
            }
            let random = RandomState::new().hash_one(std::process::id());
            let id = OwnerId::new(std::process::id(), start_time()?, random).on(&host_name());
            let path = file(dir, &id);
            // The file is locked before it gets its name: no process may find it unlocked while this one lives.
            let hidden = dir.join(format!(".{}.new", id.process()));
            let lock = OpenOptions::new().write(true).create_new(true).open(&hidden)?;
            // Between these lines another process may sweep: it takes a file that is not locked yet for that of a dead
            // owner.
            let lock = match FileLock::try_lock(lock, Share::Nobody) {
                Ok(lock) => lock,
                Err((_, TryLockError::WouldBlock)) => return Ok(None),
                Err((_, TryLockError::Error(error))) => return Err(error),
            };
            match std::fs::rename(&hidden, &path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                renamed => renamed.map(|()| Some(ExecutorLock { id, path, owns_nothing: true, _lock: lock })),
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

    /// Records that tasks could not be given back. When this is dropped, the file stays without its lock, as that of a
    /// killed process does, so that the tasks are recovered at once; but its name says so, since the tasks are not at
    /// fault.
    pub fn mark_unreleased(&mut self) {
        self.owns_nothing = false;
    }
}

impl Drop for ExecutorLock {
    fn drop(&mut self) {
        // A file that cannot be removed stays unlocked, which means nearly the same. A name of the same length needs no
        // disk space, which a full disk would not have.
        let _ = if self.owns_nothing {
            std::fs::remove_file(&self.path)
        } else {
            std::fs::rename(&self.path, self.path.with_extension(LEFT))
        };
    }
}

/// Returns those of `owners` that are known to be dead: they are of this machine, their file in `dir` exists and its
/// lock is free. A missing file proves nothing, since the owner may have been given another folder; its lease decides.
pub fn dead_owners(dir: &Path, owners: &[OwnerId]) -> io::Result<DeadOwners> {
    let mut gone = DeadOwners::default();
    let here = OwnerId::new(0, 0, 0).on(&host_name());
    // An owner without a host was written by an older program, which knew only one machine.
    let is_here = |owner: &&OwnerId| owner.host().is_none_or(|host| here.host() == Some(host));
    for owner in owners.iter().filter(is_here).filter(|owner| owner.pid().is_some()) {
        let path = file(dir, owner);
        // The order matters: the first name is renamed to the second.
        if !may_live(&path)? {
            gone.crashed.push(owner.clone());
        } else if !may_live(&path.with_extension(LEFT))? {
            gone.unreleased.push(owner.clone());
        }
    }
    Ok(gone)
}

/// Removes the files of dead owners that own nothing; `busy` are the owners that still own something. Call it after a
/// recovery.
pub fn sweep(dir: &Path, busy: &[OwnerId]) -> io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let is_dead = match owner(&path) {
            Some(owner) => !busy.iter().any(|busy| busy.process() == owner.process()) && !may_live(&path)?,
            None => is_begun(&path) && !may_live(&path)?,
        };
        if is_dead {
            match std::fs::remove_file(&path) {
                // Another process may sweep at the same time.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Returns whether the owner may be alive. A shared lock is enough for the test, and two processes that test at once do
/// not take each other for the owner.
fn may_live(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        file => file?,
    };
    match FileLock::try_lock(file, Share::Readers) {
        Ok(_) => Ok(false),
        Err((_, TryLockError::WouldBlock)) => Ok(true),
        Err((_, TryLockError::Error(error))) => Err(error),
    }
}

fn file(dir: &Path, owner: &OwnerId) -> PathBuf {
    dir.join(format!("executor-{}.{HELD}", owner.process()))
}

fn owner(path: &Path) -> Option<OwnerId> {
    if ![HELD, LEFT].contains(&path.extension()?.to_str()?) {
        return None;
    }
    let name = path.file_stem()?.to_str()?.strip_prefix("executor-")?;
    Some(OwnerId(name.to_owned())).filter(|owner| owner.pid().is_some())
}

/// Returns whether it is the file of an owner that had not got its final name yet; if killed then, it owned nothing.
fn is_begun(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let id = name.and_then(|name| name.strip_prefix('.')?.strip_suffix(".new"));
    id.is_some_and(|id| OwnerId(id.to_owned()).pid().is_some())
}

/// Returns the start time of this process; 0 where the system does not report it, since the random part distinguishes
/// runs too.
fn start_time() -> io::Result<u64> {
    match proc_stat::read("self") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        stat => Ok(stat?.start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_let_go_of_the_lock_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("run");
        let living = ExecutorLock::acquire(&place).unwrap();
        let killed = ExecutorLock::acquire(&place).unwrap();
        let never_here = OwnerId::new(1, 2, 3);
        let hostile = OwnerId("../../etc/passwd".into());
        assert_eq!(living.id().host(), OwnerId::new(0, 0, 0).on(&host_name()).host());
        assert_ne!(living.id(), killed.id());
        let dead = killed.id().clone();
        let mut in_need = ExecutorLock::acquire(&place).unwrap();
        in_need.mark_unreleased();
        let left = in_need.id().clone();
        drop(in_need);
        let left = [left];
        let only_left = DeadOwners { unreleased: left.to_vec(), crashed: vec![] };
        assert_eq!(dead_owners(&place, &left).unwrap(), only_left, "its tasks are taken up at once and pay nothing");
        sweep(&place, &left).unwrap();
        assert_eq!(dead_owners(&place, &left).unwrap(), only_left, "it still owns tasks");
        sweep(&place, &[]).unwrap();
        assert!(dead_owners(&place, &left).unwrap().is_empty());
        let path = killed.path.clone();
        drop(killed);
        assert!(!path.exists());
        // What kill -9 leaves: the file without its lock.
        std::fs::write(&path, "").unwrap();
        let all = [living.id().clone(), dead.clone(), never_here, hostile];
        assert_eq!(dead_owners(&place, &all).unwrap(), DeadOwners { crashed: vec![dead.clone()], unreleased: vec![] });
        let before_hosts = OwnerId(dead.process().to_owned());
        assert_eq!(dead_owners(&place, std::slice::from_ref(&before_hosts)).unwrap().crashed, [before_hosts]);
        let elsewhere = dead.clone().on("another-machine");
        assert!(dead_owners(&place, &[elsewhere]).unwrap().is_empty(), "of another machine only the lease tells");
        sweep(&place, &all).unwrap();
        assert!(path.exists(), "it still owns tasks");
        sweep(&place, &[]).unwrap();
        assert!(!path.exists() && living.path.exists());
        // Killed between the making of its file and its name.
        let begun = place.join(format!(".{}.new", dead.process()));
        std::fs::write(&begun, "").unwrap();
        std::fs::write(place.join(".note.new"), "").unwrap();
        sweep(&place, &[]).unwrap();
        assert!(!begun.exists() && place.join(".note.new").exists());
        sweep(&dir.path().join("nothing"), &[]).unwrap();
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(ExecutorLock::acquire(&place).is_err());
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
            let begun: Vec<_> =
                (0..300).map(|_| ExecutorLock::acquire(&place).map(|alive| alive.path.exists())).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(begun.iter().all(|begun| matches!(begun, Ok(true))));
        });
    }
}
