//! The location of the database file: whether its file system is safe for SQLite, and the permissions there.

use super::error::{no_space, read_only};
use crate::failure::{Failure, OrFail};
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, accessat, chmod, mknodat};
use rustix::io::Errno;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The kind of entry at the path of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// An empty file.
    Empty,
    File,
}

/// Checks the path by stat(2) alone. The file must never be opened here: closing any descriptor of a file drops every
/// lock that this process holds on it, including those of another SQLite connection.
pub(super) fn look(path: &Path) -> anyhow::Result<Found> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => Ok(if file.len() == 0 { Found::Empty } else { Found::File }),
        Ok(_) => Err(Failure::cannot_meet(format!("the database `{}` is not a regular file", path.display())).into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error).or_fail(|| {
            Failure::cannot_meet(format!("cannot access the database `{}`", path.display()))
                .hint("run it as a user who may open its folder, or name another database with --db")
        }),
    }
}

/// Returns device and inode of the file. None when there is none.
///
/// # Errors
/// When the file cannot be checked: it may or may not exist.
pub(super) fn inode(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some((file.dev(), file.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the path of the file that SQLite creates next to the database with that ending (`-wal`, `-shm`). SQLite
/// follows links first.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = real.into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// Returns whether the write-ahead log next to the database has content.
pub(super) fn has_journal(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|file: Metadata| file.len() > 0)
}

/// Returns the folder of the database, following a link at its path.
pub(super) fn folder(path: &Path) -> PathBuf {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match real.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Checks whether the effective user can create files in a folder.
pub(super) fn writable(folder: &Path) -> Result<(), Errno> {
    accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
}

/// Creates the folders that lead to the database, each for its owner alone, and checks that files can be created in the
/// last one. Existing folders keep their mode.
pub(super) fn prepare(path: &Path) -> anyhow::Result<()> {
    let folder = folder(path);
    if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(&folder) {
        let failure = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => no_space(path),
            io::ErrorKind::ReadOnlyFilesystem => read_only(path),
            _ => Failure::cannot_meet(format!("cannot make the folder `{}` for the database", folder.display()))
                .hint("name another path for the database (MODELCTL_DB)"),
        };
        return Err(anyhow::Error::new(error).context(failure));
    }
    writable(&folder).map_err(|error| anyhow::Error::new(error).context(read_only(path)))?;
    // SQLite would create the file with mode 0644, and gives its log the mode of the file. It is created without being
    // opened, for the reason given at [`look`].
    match mknodat(CWD, path, FileType::RegularFile, Mode::RUSR | Mode::WUSR, 0) {
        // It exists, or the file system cannot do this: SQLite creates the file, and [`make_private`] follows.
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes the permissions of group and others from the database and the files next to it. Returns whether others could
/// read any of these files: it had such permissions, and others can enter its folder.
///
/// # Errors
/// When the mode of a file cannot be changed: it belongs to another user, or its file system is read-only.
pub(super) fn make_private(path: &Path) -> io::Result<bool> {
    const OTHERS: u32 = 0o077;
    let mut was_open = false;
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        let mode = match fs::metadata(&file) {
            Ok(meta) => meta.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if mode & OTHERS != 0 {
            chmod(&file, Mode::from_raw_mode(mode & 0o700))?;
            was_open = true;
        }
    }
    let enterable = || fs::metadata(folder(path)).is_ok_and(|meta| meta.permissions().mode() & 0o011 != 0);
    Ok(was_open && enterable())
}

/// Returns whether locks work at the location of the database: a test database next to it, which no other process
/// knows, can be locked. True as well when that cannot be tested.
pub(super) fn locks_work(path: &Path) -> bool {
    let trial = beside(path, &format!("-locktest-{}", std::process::id()));
    let busy = |error: rusqlite::Error| super::error::DbError::from(error).is_busy();
    let refused = match rusqlite::Connection::open(&trial) {
        Ok(conn) => conn.execute_batch("BEGIN EXCLUSIVE; ROLLBACK").is_err_and(busy),
        Err(_) => false, // the folder cannot be written to
    };
    for ending in ["", "-journal"] {
        let mut file = trial.clone().into_os_string();
        file.push(ending);
        // The file may not have been created.
        let _ = fs::remove_file(file);
    }
    !refused
}

/// Refuses a file system on which SQLite's locks and shared memory do not hold.
#[cfg(target_os = "linux")]
pub(super) fn refuse_network(path: &Path) -> anyhow::Result<()> {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // The file and some of its folders may not exist yet: they will be on the file system of the nearest existing
    // folder.
    let Some(place) =
        real.ancestors().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }).find(|p| p.exists())
    else {
        return Ok(());
    };
    let stat = rustix::fs::statfs(place)
        .or_fail(|| Failure::cannot_meet(format!("cannot tell the file system of `{}`", place.display())))?;
    // The numbers are 32 bits wide; the field is signed and of another width on some machines.
    let magic = (stat.f_type as u64 & 0xffff_ffff) as u32;
    match network_file_system(magic) {
        None => Ok(()),
        Some(name) => Err(Failure::cannot_meet(format!(
            "the database `{}` would be on a network file system ({name}), where SQLite's locks do not work",
            path.display()
        ))
        .hint("name a path on a local disk (MODELCTL_DB)")
        .into()),
    }
}

/// Does nothing: on other systems the numbers have other meanings.
#[cfg(not(target_os = "linux"))]
pub(super) fn refuse_network(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

/// Returns the name of a file system that other machines (or the host of a virtual one) write to as well, by the number
/// in statfs(2). The numbers are from statfs(2) and the kernel's `magic.h`.
///
/// FUSE (0x65735546) is not included: it has one number for local and remote file systems, and the local ones are
/// common.
pub(super) fn network_file_system(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0102_1997 => "9p",
        0x564c => "NCP",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x786f_4256 => "vboxsf",
        0xbacb_acbc => "vmhgfs",
        0x7c7c_6673 => "prl_fs",
        _ => return None,
    })
}
