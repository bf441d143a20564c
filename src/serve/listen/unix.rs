//! A Unix socket for this user alone.

use crate::failure::{Failure, OrFail};
use crate::host::named_lock::{NamedLock, Tried};
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// A socket on which this process listens. Dropping it removes the socket.
#[derive(Debug)]
pub struct UnixSocket {
    pub listener: UnixListener,
    path: PathBuf,
    inode: u64,
    /// Held as long as the socket is ours: whoever has it may remove a socket that another process left.
    _lock: NamedLock,
}

impl UnixSocket {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Listens at `path` with mode 0600. Makes its folder with mode 0700, and removes a socket on which nothing
    /// listens. `who` is what another process reads that finds it in use.
    ///
    /// # Errors
    /// Busy (4) while another process listens; cannot be met (3) for every other reason.
    pub fn bind(path: &Path, who: &str) -> anyhow::Result<UnixSocket> {
        let shown = path.display();
        let failure = || Failure::cannot_meet(format!("cannot listen on `{shown}`"));
        let other_file = || failure().hint("a file with this name exists that is not a socket");
        let busy = |who: &str| Failure::busy(format!("cannot listen on `{shown}`: it belongs to {who}"));
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(failure().hint("give the path of a socket").into());
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // Before anything is made beside it.
        if std::fs::symlink_metadata(path).is_ok_and(|about| !is_socket(&about)) {
            return Err(other_file().into());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder).or_fail(failure)?;
        let lock_name = format!("{}.lock", name.to_string_lossy());
        let lock = match NamedLock::take(folder, &lock_name, who).or_fail(failure)? {
            Tried::Ours(lock) => lock,
            Tried::Busy { who, .. } => {
                let hint = "a second daemon needs its own --socket";
                return Err(busy(&who).hint(hint).into());
            }
        };
        match std::fs::symlink_metadata(path) {
            Ok(about) if !is_socket(&about) => {
                return Err(other_file().into());
            }
            Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
                Ok(_) => return Err(busy("another program").into()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path).or_fail(failure)?;
                }
                Err(error) => return Err(error).or_fail(failure),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).or_fail(failure),
        }
        let listener = UnixListener::bind(path).or_fail(failure)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).or_fail(failure)?;
        let inode = std::fs::symlink_metadata(path).or_fail(failure)?.ino();
        Ok(UnixSocket { listener, path: path.to_owned(), inode, _lock: lock })
    }
}

fn is_socket(about: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&about.file_type())
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|about| about.ino() == self.inode) {
            // A socket that stays is replaced by the next daemon.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Kind, classify};

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_replaced_and_a_live_one_is_refused_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/serve.sock");
        let first = UnixSocket::bind(&path, "modelctl serve (process 1)").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(dir.path().join("run")).unwrap().permissions().mode() & 0o777, 0o700);
        let refusal = UnixSocket::bind(&path, "second").unwrap_err();
        assert_eq!(classify(&refusal).0, Kind::Busy);
        assert!(refusal.to_string().contains("modelctl serve (process 1)"), "{refusal}");
        drop(first);
        assert!(!path.exists(), "it is removed at the end");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let second = UnixSocket::bind(&path, "second").unwrap();
        drop(second);
        let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let refusal = UnixSocket::bind(&path, "third").unwrap_err();
        assert!(refusal.to_string().contains("another program"), "{refusal}");
    }

    #[tokio::test]
    async fn a_file_with_the_name_of_the_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.txt");
        std::fs::write(&path, "mine").unwrap();
        assert_eq!(classify(&UnixSocket::bind(&path, "x").unwrap_err()).0, Kind::CannotMeet);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is made beside it");
    }
}
