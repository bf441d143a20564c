//! The clock of the day.

use super::super::{Fact, Place, proc_file};
use super::types::ClockState;
use crate::clock::Timestamp;
use crate::supervise::clock_sync;

/// The file that systemd-timesyncd keeps while it has set the clock from a server.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// Returns what the machine itself says of its clock: the boot, and whether the kernel takes it for synchronized
/// (adjtimex(2)). Of a folder that stands for the machine, and where the kernel may not be asked, the file of
/// systemd-timesyncd says it, and without that file it is unknown. The jump against the baseline and the skew against
/// another machine are for the caller to add.
pub fn clock_state(place: &Place, now: Timestamp) -> Fact<ClockState> {
    let source = "adjtimex, /proc/uptime and /proc/sys/kernel/random/boot_id";
    let boot_id = proc_file::text(&place.at("/proc/sys/kernel/random/boot_id"));
    let booted = proc_file::booted(place, now);
    if let (None, Err(error)) = (booted, &boot_id) {
        return Fact::io_error(source, now, error, "root");
    }
    let of_kernel = if place.is_machine() { clock_sync() } else { None };
    let of_file = || place.at(SYNCHRONISED).exists().then_some(true);
    Fact::ok(
        source,
        now,
        ClockState {
            is_synchronised: of_kernel.or_else(of_file),
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
        if clock_sync().is_some() {
            assert_eq!(state.is_synchronised, clock_sync(), "the kernel has the word, whichever time service runs");
        }
        let nowhere = tempfile::tempdir().unwrap();
        assert!(clock_state(&Place::new(nowhere.path()), now).known().is_none());
        let folder = |path: &str| std::fs::create_dir_all(nowhere.path().join(path)).unwrap();
        folder("proc/sys/kernel/random");
        std::fs::write(nowhere.path().join("proc/sys/kernel/random/boot_id"), "b\n").unwrap();
        let recorded = || clock_state(&Place::new(nowhere.path()), now).known().unwrap().is_synchronised;
        assert_eq!(recorded(), None, "the clock of this machine says nothing of another one");
        folder("run/systemd/timesync/synchronized");
        assert_eq!(recorded(), Some(true));
    }
}
