//! The memory of this very process that its start needed and a long run does not.

use procfs::process::{MMPermissions, MMapPath, Process};

/// Gives freed heap back to the kernel: glibc keeps what lies below the last block in use, however much it is. For after a
/// large read; takes about a millisecond per 100 MB.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) takes the locks of the allocator, and touches nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Takes the pages of the program's code out of this process. What is run again is mapped again, from the page cache;
/// two thirds of it were for the start alone.
///
/// # Errors
/// `/proc/self/maps` cannot be read.
pub fn release_code() -> Result<(), procfs::ProcError> {
    for map in Process::myself()?.maps()? {
        let is_code = map.perms.contains(MMPermissions::EXECUTE) && !map.perms.contains(MMPermissions::WRITE);
        let (start, end) = map.address;
        if let (true, MMapPath::Path(_), Ok(length)) =
            (is_code, &map.pathname, usize::try_from(end.saturating_sub(start)))
        {
            // SAFETY: these are pages of a file that nobody writes through this mapping, so that each one is read again
            // as it was when it is touched; madvise(2) refuses a range that is not mapped any more.
            let result = unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED) };
            // The pages stay where the kernel refuses (locked memory): nothing is lost.
            let _ = result;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code that is run after it was let go of must be what it was.
    #[test]
    fn the_code_runs_on_after_its_pages_are_released() {
        trim_heap();
        release_code().unwrap();
        assert_eq!("x".repeat(3).len(), 3);
        release_code().unwrap();
    }
}
