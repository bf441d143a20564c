//! The bounded children that run, so that the program can end them all before it ends itself. A parent-death signal
//! reaches the child alone, and not what a foreign program has started.

use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

struct All {
    count: Mutex<usize>,
    is_none: Condvar,
    must_end: AtomicBool,
    /// Readable once all must end. None where there is no descriptor left: then the request is seen a little later.
    end: Option<OwnedFd>,
}

static ALL: LazyLock<All> = LazyLock::new(|| All {
    count: Mutex::new(0),
    is_none: Condvar::new(),
    must_end: AtomicBool::new(false),
    end: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok(),
});

/// A bounded child that runs, or is about to.
pub(super) struct Live(());

impl Live {
    pub(super) fn enter() -> Live {
        let mut count = ALL.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_add(1);
        Live(())
    }

    pub(super) fn must_end(&self) -> bool {
        ALL.must_end.load(Ordering::Relaxed)
    }

    /// Returns a descriptor that becomes readable when the child must end.
    pub(super) fn end_fd(&self) -> Option<BorrowedFd<'static>> {
        ALL.end.as_ref().map(AsFd::as_fd)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let mut count = ALL.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(1);
        if *count == 0 {
            ALL.is_none.notify_all();
        }
    }
}

/// Ends all bounded children, each with what it started, and waits for that until `limit`. Those that are asked for later
/// are not started. For the end of the program.
pub fn end_bounded(limit: Duration) {
    let count = ALL.count.lock().unwrap_or_else(PoisonError::into_inner);
    if *count == 0 {
        return;
    }
    ALL.must_end.store(true, Ordering::Relaxed);
    if let Some(end) = &ALL.end {
        // A counter that is full is readable too.
        let _ = rustix::io::write(end, &1_u64.to_ne_bytes());
    }
    // What has not ended by then hangs in the kernel.
    drop(ALL.is_none.wait_timeout_while(count, limit, |count| *count > 0));
}
