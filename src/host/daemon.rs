//! The daemon of a database, as other commands on the same database find it: a file beside the lock of the daemon.

use super::liveness;
use crate::model::ledger::{Place, ProcessId};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "serve.json";
/// The longest file that is read, in bytes. A path has 4,096 at most.
const LONGEST: u64 = 16 << 10;

/// A daemon that serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daemon {
    /// The Unix socket of its gateway.
    pub socket: PathBuf,
    /// Whether it runs queued tasks.
    pub runs_tasks: bool,
    /// The daemon, for people.
    pub who: String,
    place: Place,
    process: ProcessId,
}

/// The file that names this process as the daemon. Dropping it removes the file.
#[derive(Debug)]
pub struct Announced {
    path: PathBuf,
}

impl Drop for Announced {
    fn drop(&mut self) {
        // A file that stays names a process that has ended, which is checked.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Names this process as the daemon in `dir`. Only who holds the lock of the daemon may do that.
///
/// # Errors
/// The folder cannot be written to, or the system does not say when this process started.
pub fn announce(dir: &Path, socket: &Path, runs_tasks: bool, who: &str) -> io::Result<Announced> {
    let process = liveness::process(std::process::id())?;
    let (socket, who) = (std::path::absolute(socket)?, who.to_owned());
    let daemon = Daemon { socket, runs_tasks, who, place: liveness::place(), process };
    let path = dir.join(NAME);
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&serde_json::to_vec(&daemon)?)?;
    file.persist(&path)?;
    Ok(Announced { path })
}

/// Returns the daemon of the database whose locks are in `dir`, if one runs on this machine. This process is none.
pub fn find(dir: &Path) -> Option<Daemon> {
    let file = std::fs::File::open(dir.join(NAME)).ok()?; // no daemon
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?; // as above
    // A file of another version names no daemon that can be asked.
    let daemon: Daemon = serde_json::from_slice(&text).ok()?;
    let runs = daemon.place == liveness::place()
        && daemon.process.pid != std::process::id()
        && liveness::process(daemon.process.pid).is_ok_and(|now| now == daemon.process);
    runs.then_some(daemon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::{SpawnSpec, spawn};

    #[test]
    fn a_daemon_is_found_while_it_runs_and_neither_after_its_death_nor_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(find(dir.path()), None);
        let announced = announce(dir.path(), Path::new("/run/x.sock"), true, "modelctl serve").unwrap();
        assert_eq!(find(dir.path()), None, "it would ask itself");
        let path = dir.path().join(NAME);
        let mut daemon: Daemon = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut child = spawn(&SpawnSpec::new("/bin/sh", ["-c", "read forever"])).unwrap();
        daemon.process = liveness::process(child.id()).unwrap();
        let write = |daemon: &Daemon| std::fs::write(&path, serde_json::to_vec(daemon).unwrap()).unwrap();
        write(&daemon);
        assert_eq!(find(dir.path()).unwrap().socket, Path::new("/run/x.sock"));
        write(&Daemon { process: ProcessId { start: 1, ..daemon.process }, ..daemon.clone() });
        assert_eq!(find(dir.path()), None, "its number was reused");
        write(&daemon);
        child.kill().unwrap();
        assert_eq!(find(dir.path()), None);
        std::fs::write(&path, "{").unwrap();
        assert_eq!(find(dir.path()), None);
        drop(announced);
        assert!(!path.exists());
    }
}
