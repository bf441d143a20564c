//! Where worker sockets lie: a directory of our own, `worker-PID-N.sock` for the N-th worker of the process PID.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What fits in `sun_path` (unix(7)) with its NUL, bytes.
const SOCKET_PATH_BYTES: usize = 107;

/// The path of a worker's socket. Dropping it removes the socket.
#[derive(Debug)]
pub struct Socket(PathBuf);

impl Socket {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // What stays is swept when the next worker starts or ends.
        let _ = remove(&self.0);
        // One of a killed process may have had a living worker when ours began.
        let _ = self.0.parent().map(sweep);
    }
}

/// A free socket path for a new worker of ours. Makes the directory (mode 0700) and sweeps the sockets of the dead.
pub fn new_socket(dir: &Path) -> io::Result<Socket> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mode = std::fs::metadata(dir)?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(io::Error::other(format!("`{}` is writable for others (mode {:o})", dir.display(), mode & 0o777)));
    }
    sweep(dir)?;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("worker-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = dir.join(name);
    if path.as_os_str().len() > SOCKET_PATH_BYTES {
        return Err(io::Error::other(format!("`{}` is too long for a socket", path.display())));
    }
    // One with this name is of a dead process that had our number.
    remove(&path)?;
    Ok(Socket(path))
}

/// Removes a socket; one that is not there is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the sockets whose process has gone and to which nobody listens. A worker dies with the process in its name.
fn sweep(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let dead = owner(&path).is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists());
        if dead {
            remove_if_dead(&path)?;
        }
    }
    Ok(())
}

/// Removes a socket to which nobody listens.
pub fn remove_if_dead(path: &Path) -> io::Result<()> {
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => remove(path),
        _ => Ok(()),
    }
}

/// The process in a socket's name.
fn owner(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.strip_prefix("worker-")?.strip_suffix(".sock")?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_sockets_of_the_dead_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        // Process numbers end at 2^22: this one cannot live.
        drop(UnixListener::bind(at("worker-4194999-0.sock")).unwrap());
        let _living = UnixListener::bind(at("worker-4194999-1.sock")).unwrap();
        drop(UnixListener::bind(at("worker-1-0.sock")).unwrap());
        std::fs::write(at("other"), "").unwrap();
        let fresh = new_socket(dir.path()).unwrap();
        assert!(!fresh.path().exists() && !at("worker-4194999-0.sock").exists());
        for kept in ["worker-4194999-1.sock", "worker-1-0.sock", "other"] {
            assert!(at(kept).exists(), "{kept}");
        }
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(new_socket(dir.path()).is_err());
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let error = new_socket(&dir.path().join("d".repeat(120))).unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
    }
}
