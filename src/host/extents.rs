//! Blocks of a file: those that it shares with other files (reflinks), from FIEMAP, and those that were never written.

use crate::model::Reading;
use fiemap::{Fiemap, FiemapExtentFlags};
use rustix::fs::SeekFrom;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

/// The largest number of extents that is read. A file with more of them is reported as unknown rather than half
/// counted.
const MOST: usize = 100_000;

/// Returns whether files on this file system may share blocks. Returns true where that is not known.
pub fn may_share(path: &Path) -> bool {
    /// File systems without shared blocks: ext2, ext3, ext4; tmpfs. From statfs(2).
    const NEVER: [i64; 2] = [0xEF53, 0x0102_1994];
    rustix::fs::statfs(path).map_or(true, |fs| !NEVER.contains(&fs.f_type))
}

/// Returns the ranges of the device, in bytes, that this file shares with another one. Empty on a file system without
/// reflinks. Unavailable where the file system does not report them.
pub fn shared(file: &File) -> Reading<Vec<Range<u64>>> {
    let mut shared = Vec::new();
    for (seen, extent) in Fiemap::new(file).enumerate() {
        let extent = match extent {
            Ok(extent) if seen < MOST => extent,
            Ok(_) => return Reading::Unavailable(format!("the file has more than {MOST} extents")),
            Err(e) => {
                return Reading::Unavailable(format!("the file system does not tell which blocks are shared: {e}"));
            }
        };
        if extent.fe_flags.contains(FiemapExtentFlags::SHARED) {
            shared.push(extent.fe_physical..extent.fe_physical.saturating_add(extent.fe_length));
        }
    }
    Reading::Known(shared)
}

/// Returns the number of bytes in holes from `begin` to the end of a file of `len` bytes. Only holes of a page or more
/// count: file systems leave shorter gaps at the ends of tensors.
///
/// # Errors
/// The file system cannot be asked for holes.
pub fn holes(file: &File, begin: u64, len: u64) -> io::Result<u64> {
    const PAGE: u64 = 4096;
    let (mut at, mut total) = (begin.min(len), 0u64);
    while at < len {
        let hole = rustix::fs::seek(file, SeekFrom::Hole(at))?;
        if hole >= len {
            break;
        }
        let data = match rustix::fs::seek(file, SeekFrom::Data(hole)) {
            Ok(data) => data.min(len),
            // No data after the hole.
            Err(rustix::io::Errno::NXIO) => len,
            Err(e) => return Err(e.into()),
        };
        let bytes = data.saturating_sub(hole);
        total = total.saturating_add(if bytes >= PAGE { bytes } else { 0 });
        at = data.max(hole.saturating_add(1));
    }
    Ok(total)
}
