//! systemd's watchdog.

use crate::serve::control::Beat;
use sd_notify::NotifyState;
use std::time::Duration;

/// Returns how the watchdog of the unit (`WatchdogSec=`) is fed; `None` without one. Only the deciding task feeds it,
/// from its own loop: a daemon whose decisions hang is restarted, however lively its other threads are.
pub(super) fn watchdog() -> Option<Beat> {
    let limit = sd_notify::watchdog_enabled()?;
    let feed = || {
        // A failure shows as a restart by systemd, which is right for a daemon that it cannot hear.
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
    };
    // systemd recommends half of the limit.
    Some(Beat { every: limit.div_f32(2.0).max(Duration::from_millis(10)), beat: Box::new(feed) })
}
