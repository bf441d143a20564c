//! Where the database file lies: whether SQLite can be trusted with that file system, and what may be done there.

use super::error::{no_space, read_only};
use crate::failure::{Failure, OrFail};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What lies at the path of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// A file of no bytes.
    Empty,
    File,
}

/// Looks at the path by stat(2) alone. It must never be opened here: closing any descriptor of a file drops every
/// lock that this process holds on it, those of another SQLite connection included.
pub(super) fn look(path: &Path) -> anyhow::Result<Found> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => Ok(if file.len() == 0 { Found::Empty } else { Found::File }),
        Ok(_) => Err(Failure::cannot_meet(format!("the database `{}` is not a regular file", path.display())).into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => {
            Err(error).or_fail(|| Failure::cannot_meet(format!("cannot look at the database `{}`", path.display())))
        }
    }
}

/// Device and inode of the file. None when there is none.
///
/// # Errors
/// When it cannot be looked at: whether it is there is not known then.
pub(super) fn inode(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some((file.dev(), file.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file that SQLite puts beside the database under that ending (`-wal`, `-shm`). SQLite follows links first.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = real.into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// Whether the write-ahead log beside the database has content.
pub(super) fn has_journal(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|file: Metadata| file.len() > 0)
}

/// The folder of the database, following a link at its path.
pub(super) fn folder(path: &Path) -> PathBuf {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match real.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether files can be made in a folder, by the effective user.
pub(super) fn writable(folder: &Path) -> Result<(), Errno> {
    accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
}

/// Makes the folders that lead to the database, each for its owner alone, and checks that files can be made in the
/// last one. Folders that are there keep their mode.
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
    writable(&folder).map_err(|error| anyhow::Error::new(error).context(read_only(path)))
}

/// Refuses a file system on which SQLite's locks and shared memory do not hold.
#[cfg(target_os = "linux")]
pub(super) fn refuse_network(path: &Path) -> anyhow::Result<()> {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // The file and some of its folders may not be there yet: they will lie where the nearest one lies that is.
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
            "the database `{}` would lie on a network file system ({name}), where SQLite's locks do not hold",
            path.display()
        ))
        .hint("name a path on a local disk (MODELCTL_DB)")
        .into()),
    }
}

/// Elsewhere the numbers mean other things.
#[cfg(not(target_os = "linux"))]
pub(super) fn refuse_network(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

/// The name of a file system that other machines (or the host of a virtual one) write to as well, by the number in
/// statfs(2). Numbers from statfs(2) and the kernel's `magic.h`.
///
/// FUSE (0x65735546) is not here: it hides local and remote ones behind one number, and the local ones are common.
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
