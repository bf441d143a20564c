use super::cursor::{Opened, Source};
use super::header::Header;
use super::{GgufError, facts};
use crate::model::{Facts, FileIdentity};
use rustix::fs::{Mode, OFlags};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// The facts that were read, and the file they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct FileHeader {
    pub identity: FileIdentity,
    /// Bytes of disk in use.
    pub allocated: u64,
    pub facts: Facts,
}

/// Opens a file for reading without a trace: the access time stays where the kernel allows it (only for an owner), and
/// a FIFO without a writer does not block.
pub fn open_untouched(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(File::from(untouched(|extra| rustix::fs::open(path, flags | extra, Mode::empty()))?))
}

/// Opens by `open` with `O_NOATIME`, or without it where this is not the owner, the only user who may set it.
///
/// # Errors
/// Errors of `open`.
pub fn untouched<T>(open: impl Fn(OFlags) -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    match open(OFlags::NOATIME) {
        Err(rustix::io::Errno::PERM) => open(OFlags::empty()),
        other => other,
    }
}

/// Does what [`open_untouched`] does, for a path that may be a device or a FIFO: opening some devices has effects, so
/// the type is checked first.
pub(super) fn open_regular(path: &Path) -> Result<File, GgufError> {
    regular(&std::fs::metadata(path).map_err(GgufError::Io)?)?;
    open_untouched(path).map_err(GgufError::Io)
}

/// Reads the header of the file at `path`, following links.
///
/// # Errors
/// Every reason why it is not a readable GGUF file.
pub fn read_path(path: &Path) -> Result<FileHeader, GgufError> {
    let file = open_regular(path)?;
    read_file(&file, path.file_name().unwrap_or_default())
}

/// Reads the header of an open file. `name` only helps where the header does not say the quantization.
///
/// # Errors
/// As [`read_path`].
pub fn read_file(file: &File, name: &OsStr) -> Result<FileHeader, GgufError> {
    let meta = file.metadata().map_err(GgufError::Io)?;
    regular(&meta)?;
    let header = parse(&Opened { file, len: meta.len() })?;
    let identity = FileIdentity::of(&meta);
    let allocated = meta.blocks().saturating_mul(512);
    let facts = facts::facts(&header, allocated, &name.to_string_lossy());
    Ok(FileHeader { identity, allocated, facts })
}

/// Reads a header from memory, as if it were a file without holes.
///
/// # Errors
/// As [`read_path`].
pub fn read_bytes(bytes: &[u8]) -> Result<Facts, GgufError> {
    let header = parse(&bytes)?;
    Ok(facts::facts(&header, bytes.len() as u64, ""))
}

pub(super) fn parse<S: Source>(source: &S) -> Result<Header, GgufError> {
    if source.len() == 0 {
        return Err(GgufError::Empty);
    }
    Header::parse(source)
}

fn regular(meta: &Metadata) -> Result<(), GgufError> {
    let kind = meta.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() || kind.is_char_device() => "a device",
        () => "something else",
    };
    Err(GgufError::NotRegular(what))
}
