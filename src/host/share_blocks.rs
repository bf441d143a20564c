//! Sharing of the blocks of two files of one file system (ioctl_fideduperange(2)): the kernel locks both, compares the
//! bytes, and shares what is equal. The content of neither file changes at any time.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Bytes in one call: the most that btrfs compares at once.
const PIECE: u64 = 16 << 20;

/// The result of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// All blocks are shared now.
    Shared,
    /// The bytes are not equal. Blocks before the difference may be shared by now.
    Differs,
    /// The caller asked to end.
    Stopped,
}

/// `struct file_dedupe_range` of linux/fs.h with room for one destination.
#[repr(C)]
struct Request {
    src_offset: u64,
    src_length: u64,
    dest_count: u16,
    reserved1: u16,
    reserved2: u32,
    dest_fd: i64,
    dest_offset: u64,
    bytes_deduped: u64,
    status: i32,
    reserved: u32,
}

const DIFFERS: i32 = 1;

/// Makes `other` share the blocks of `kept`. `go_on` is called with the number of bytes done, and ends the work by
/// returning false.
///
/// # Errors
/// The file system cannot share blocks ([`is_unsupported`]), or the kernel refuses.
pub fn share_blocks(kept: &File, other: &File, length: u64, go_on: &mut dyn FnMut(u64) -> bool) -> io::Result<Sharing> {
    let mut done = 0;
    while done < length {
        if !go_on(done) {
            return Ok(Sharing::Stopped);
        }
        let left = length.saturating_sub(done).min(PIECE);
        match share_piece(kept, other, done, left)? {
            // A piece of which nothing is shared would be asked for without end.
            Some(0) => return Err(io::ErrorKind::Unsupported.into()),
            Some(shared) => done = done.saturating_add(shared),
            None => return Ok(Sharing::Differs),
        }
    }
    Ok(Sharing::Shared)
}

/// Returns the bytes that are shared now, counted from `at`; None when the bytes differ.
fn share_piece(kept: &File, other: &File, at: u64, length: u64) -> io::Result<Option<u64>> {
    /// `_IOWR(0x94, 54, struct file_dedupe_range)`: the size is that of the part before the destinations.
    const FIDEDUPERANGE: rustix::ioctl::Opcode = rustix::ioctl::opcode::read_write::<[u64; 3]>(0x94, 54);
    let mut request = Request {
        src_offset: at,
        src_length: length,
        dest_count: 1,
        reserved1: 0,
        reserved2: 0,
        dest_fd: i64::from(other.as_raw_fd()),
        dest_offset: at,
        bytes_deduped: 0,
        status: 0,
        reserved: 0,
    };
    // SAFETY: the request is a `struct file_dedupe_range` with the one destination that it announces, which the kernel
    // reads and writes in place; both descriptors are open as long as the borrowed files.
    unsafe {
        let call = rustix::ioctl::Updater::<FIDEDUPERANGE, Request>::new(&mut request);
        rustix::ioctl::ioctl(kept.as_fd(), call)?;
    }
    match request.status {
        0 => Ok(Some(request.bytes_deduped)),
        DIFFERS => Ok(None),
        error => Err(io::Error::from_raw_os_error(error.saturating_neg())),
    }
}

/// Returns whether an error means that the file system cannot share blocks at all.
pub fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [Errno::OPNOTSUPP, Errno::NOTTY, Errno::NOSYS, Errno::INVAL, Errno::XDEV];
    error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error().is_some_and(|code| codes.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system that cannot share blocks must say so, and leave both files as they are.
    #[test]
    fn a_file_system_without_shared_blocks_refuses_and_changes_nothing() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&a, vec![7; 8192]).unwrap();
        std::fs::write(&b, vec![7; 8192]).unwrap();
        let (kept, other) = (File::open(&a).unwrap(), File::open(&b).unwrap());
        let error = share_blocks(&kept, &other, 8192, &mut |_| true).unwrap_err();
        assert!(is_unsupported(&error), "{error:?}");
        assert_eq!(share_blocks(&kept, &other, 8192, &mut |_| false).unwrap(), Sharing::Stopped);
        assert_eq!((std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap()), (vec![7; 8192], vec![7; 8192]));
    }
}
