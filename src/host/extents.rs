//! Which blocks of a file other files share with it (reflinks), from FIEMAP.

use crate::model::Reading;
use fiemap::{Fiemap, FiemapExtentFlags};
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// More pieces than this are not asked for: such a file is told as unknown rather than half counted.
const MOST: usize = 100_000;

/// False on a file system whose files never share blocks; true where that is not known.
pub fn may_share(path: &Path) -> bool {
    /// ext2, ext3, ext4; tmpfs. From statfs(2).
    const NEVER: [i64; 2] = [0xEF53, 0x0102_1994];
    rustix::fs::statfs(path).map_or(true, |fs| !NEVER.contains(&fs.f_type))
}

/// The stretches of the device, in bytes, that this file shares with another one. Empty on a file system without
/// reflinks. Unavailable where the file system does not tell.
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
