//! Evidence from the kernel on whether any process has a file open: a write lease (fcntl(2), F_SETLEASE) is granted
//! only while no other descriptor and no mapping of the file exists, in any container and for any user. It needs a file
//! that is ours, or root.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The answer of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// No process has the file open.
    Granted,
    /// Some process has the file open.
    Refused,
    /// The kernel cannot answer: the file is another user's, or its file system has no leases.
    Unavailable(String),
}

/// Requests a lease of the file at `path` and returns it at once. `inode` is the device and number that the file must
/// have.
pub fn lease(path: &Path, inode: (u64, u64)) -> Lease {
    let no_wait = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(no_wait.bits()).unwrap_or(0);
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(e) => return Lease::Unavailable(format!("`{}` cannot be opened: {e}", path.display())),
    };
    match file.metadata() {
        Ok(meta) if meta.is_file() && (meta.dev(), meta.ino()) == inode => {}
        Ok(_) => return Lease::Unavailable(format!("`{}` is another file now", path.display())),
        Err(e) => return Lease::Unavailable(format!("`{}` cannot be read: {e}", path.display())),
    }
    match ask(&file) {
        Ok(()) => Lease::Granted,
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Lease::Refused,
        Err(e) => Lease::Unavailable(format!("the kernel denies a lease of `{}`: {e}", path.display())),
    }
}

fn ask(file: &File) -> io::Result<()> {
    /// From asm-generic/fcntl.h; the crate `libc` lacks it.
    const F_SETSIG: libc::c_int = 10;
    let fd = file.as_raw_fd();
    let call = |command: libc::c_int, argument: libc::c_int| {
        // SAFETY: fcntl with these three commands takes an int and touches no memory; the descriptor is open as long as
        // `file` lives.
        match unsafe { libc::fcntl(fd, command, argument) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // A process that opens the file during the lease makes the kernel signal us. SIGURG is ignored by default; SIGIO,
    // the default here, kills.
    call(F_SETSIG, libc::SIGURG)?;
    call(libc::F_SETLEASE, libc::F_WRLCK)?;
    call(libc::F_SETLEASE, libc::F_UNLCK)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests need processes that hold files")]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn inode(path: &Path) -> (u64, u64) {
        let meta = path.metadata().unwrap();
        (meta.dev(), meta.ino())
    }

    #[test]
    fn an_open_descriptor_and_a_mapping_alone_are_told_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.gguf");
        std::fs::write(&path, vec![1; 8192]).unwrap();
        assert_eq!(lease(&path, inode(&path)), Lease::Granted);
        for script in [
            "import sys; f=open(sys.argv[1],'rb'); print('ready',flush=True); sys.stdin.read()",
            "import mmap,sys; f=open(sys.argv[1],'rb'); m=mmap.mmap(f.fileno(),0,access=mmap.ACCESS_READ); f.close(); \
             print('ready',flush=True); sys.stdin.read()",
        ] {
            let mut user = Command::new("python3")
                .args(["-c", script])
                .arg(&path)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            io::BufRead::read_line(&mut io::BufReader::new(user.stdout.as_mut().unwrap()), &mut line).unwrap();
            assert_eq!(lease(&path, inode(&path)), Lease::Refused);
            drop(user.stdin.take());
            user.wait().unwrap();
            assert_eq!(lease(&path, inode(&path)), Lease::Granted);
        }
    }

    #[test]
    fn what_is_not_the_file_is_never_called_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.gguf");
        assert!(matches!(lease(&path, (0, 0)), Lease::Unavailable(_)));
        std::fs::write(&path, "x").unwrap();
        let (dev, ino) = inode(&path);
        assert!(matches!(lease(&path, (dev, ino + 1)), Lease::Unavailable(_)));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(lease(&link, (dev, ino)), Lease::Unavailable(_)));
    }
}
