//! The state of the kernel's clock: whether it follows a time server, as adjtimex(2) reports. rustix has no call for
//! it.

/// Returns whether some program (chrony, ntpd, systemd-timesyncd) keeps the clock right. Returns false where none does,
/// where the clock was set by hand since, and where the kernel does not report it.
pub fn is_clock_synchronized() -> bool {
    clock_sync() == Some(true)
}

/// Returns whether the kernel takes its clock for synchronized; None where it does not report it.
pub fn clock_sync() -> Option<bool> {
    // SAFETY: a `timex` consists of plain numbers, for which all zero bits are a value; with `modes` 0 the call changes
    // nothing and writes to that struct alone, which lives through the call.
    let (state, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut timex), timex.status)
    };
    judge(state, status)
}

/// Judges the answer of adjtimex(2): -1 is an error, TIME_ERROR a clock that is not synchronized.
fn judge(state: i32, status: i32) -> Option<bool> {
    match state {
        ..0 => None,
        libc::TIME_ERROR => Some(false),
        _ => Some(status & libc::STA_UNSYNC == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_synchronized_or_not_or_nothing_is_known_of_it() {
        assert_eq!(judge(libc::TIME_OK, libc::STA_PLL), Some(true));
        assert_eq!(judge(libc::TIME_INS, 0), Some(true));
        assert_eq!(judge(libc::TIME_ERROR, libc::STA_UNSYNC), Some(false));
        assert_eq!(judge(libc::TIME_OK, libc::STA_UNSYNC), Some(false));
        assert_eq!(judge(-1, 0), None);
        assert_eq!(is_clock_synchronized(), clock_sync() == Some(true));
    }
}
