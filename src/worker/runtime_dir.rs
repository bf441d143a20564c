//! The directory of the worker sockets, which belongs to us: `worker-PID-N.sock` for the N-th worker of the process
//! PID.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes that fit in `sun_path` (unix(7)) with its NUL.
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
        // A socket that stays is removed when the next worker starts or ends.
        let _ = remove(&self.0);
        // A killed process may have had a running worker when ours started; its socket can be removed now.
        let _ = self.0.parent().map(sweep);
    }
}

/// Returns a free socket path for a new worker of ours. Makes the directory (mode 0700) and removes the sockets of
/// ended processes.
pub fn new_socket(dir: &Path) -> io::Result<Socket> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mode = std::fs::metadata(dir)?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(io::Error::other(format!("`{}` is writable by others (mode {:o})", dir.display(), mode & 0o777)));
    }
    sweep(dir)?;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("worker-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = dir.join(name);
    if path.as_os_str().len() > SOCKET_PATH_BYTES {
        return Err(io::Error::other(format!("`{}` is too long for a socket", path.display())));
    }
    // A socket with this name belongs to an ended process that had our number.
    remove(&path)?;
    Ok(Socket(path))
}

/// Removes a socket. A missing one is no error.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the sockets whose process has ended and on which nothing listens. A worker ends with the process in its
/// name.
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

/// Removes a socket on which nothing listens.
pub fn remove_if_dead(path: &Path) -> io::Result<()> {
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => remove(path),
        _ => Ok(()),
    }
}

/// Returns the process in a socket's name.
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
