//! An allocator that counts what is in use.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The fuzzer runs one input at a time, on one thread.
pub struct Counting {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Counting {
    pub const fn new() -> Counting {
        Counting { now: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    /// Begins a measurement and gives the bytes in use.
    pub fn start(&self) -> usize {
        let now = self.now.load(Relaxed);
        self.most.store(now, Relaxed);
        now
    }

    /// Bytes in use at one time since the start.
    pub fn most(&self) -> usize {
        self.most.load(Relaxed)
    }

    fn add(&self, bytes: usize) {
        let now = self.now.fetch_add(bytes, Relaxed).wrapping_add(bytes);
        self.most.fetch_max(now, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it came; the counters touch no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.now.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both exist while the content is moved.
        self.add(size);
        // SAFETY: the caller keeps the contract of `realloc`.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        self.now.fetch_sub(layout.size(), Relaxed);
        moved
    }
}
