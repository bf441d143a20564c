//! The state of the kernel's clock: whether it follows a time server, as adjtimex(2) reports. rustix has no call for
//! it.

/// Returns whether some program (chrony, ntpd, systemd-timesyncd) keeps the clock right. Returns false where none does,
/// where the clock was set by hand since, and where the kernel does not report it.
pub fn is_clock_synchronized() -> bool {
    // SAFETY: a `timex` consists of plain numbers, for which all zero bits are a value; with `modes` 0 the call changes
    // nothing and writes to that struct alone, which lives through the call.
    let state = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        libc::adjtimex(&raw mut timex)
    };
    // -1 is an error, TIME_ERROR a clock that is not synchronized.
    (0..libc::TIME_ERROR).contains(&state)
}
