//! The clock of the day.

use super::super::{Fact, Place, proc_file};
use super::types::ClockState;
use crate::clock::Timestamp;

/// Files that a time service keeps while it has set the clock from a server.
const SYNCHRONISED: &[&str] = &["/run/systemd/timesync/synchronized"];

/// Returns what the machine itself says of its clock: the boot, and whether systemd-timesyncd has set it. Another time
/// service leaves no file to see that by, and then it is unknown. The jump against the baseline and the skew against
/// another machine are for the caller to add.
pub fn clock_state(place: &Place, now: Timestamp) -> Fact<ClockState> {
    let source = "/proc/uptime and /proc/sys/kernel/random/boot_id";
    let boot_id = proc_file::text(&place.at("/proc/sys/kernel/random/boot_id"));
    let booted = proc_file::booted(place, now);
    if let (None, Err(error)) = (booted, &boot_id) {
        return Fact::io_error(source, now, error, "root");
    }
    let is_set = SYNCHRONISED.iter().any(|path| place.at(path).exists());
    Fact::ok(
        source,
        now,
        ClockState {
            is_synchronised: is_set.then_some(true),
            jumped_s: None,
            peer_skew_s: None,
            booted,
            // One of the two is enough.
            boot_id: boot_id.ok().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn the_boot_of_this_machine_is_known() {
        let now = clock::now();
        let state = clock_state(&Place::default(), now);
        let state = state.known().unwrap();
        assert!(state.booted.unwrap() < now);
        assert_eq!(state.boot_id, clock::boot_id());
        let nowhere = tempfile::tempdir().unwrap();
        assert!(clock_state(&Place::new(nowhere.path()), now).known().is_none());
    }
}
