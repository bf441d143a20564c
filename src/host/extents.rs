//! Blocks of a file that it shares with other files (reflinks), from FIEMAP.

use crate::model::Reading;
use fiemap::{Fiemap, FiemapExtentFlags};
use std::fs::File;
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
            Ok(_) => return Reading::Unavailable(format!("the file lies in more than {MOST} pieces")),
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
