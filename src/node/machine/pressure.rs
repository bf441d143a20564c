//! Pressure: shares of time that tasks waited for memory, disks or processors (PSI,
//! `Documentation/accounting/psi.rst` of the kernel).

use super::super::{Fact, Place, proc_file};
use super::types::{Pressure, Waits};
use crate::clock;
use std::io;
use std::path::Path;

/// Returns the pressure on the whole machine. Absent where the kernel does not measure it.
pub fn pressure(place: &Place) -> Fact<Pressure> {
    let source = "/proc/pressure";
    let now = clock::now();
    match of_folder(&place.at(source), "") {
        Ok(pressure) => Fact::ok(source, now, pressure),
        // A kernel that was started with `psi=0` has the files and answers so.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error()) => {
            Fact::absent(source, now, "pressure stall information is disabled in the kernel (psi=0)")
        }
        Err(error) => Fact::io_error(source, now, &error, "root"),
    }
}

/// Reads `memory`, `io` and `cpu` of a folder, with `suffix` behind the names: `.pressure` for a control group.
pub(super) fn of_folder(folder: &Path, suffix: &str) -> io::Result<Pressure> {
    let text = |name: &str| proc_file::text(&folder.join(format!("{name}{suffix}")));
    let memory = text("memory")?;
    // One that is missing beside the memory's counts as no wait.
    let (io, cpu) = (text("io").unwrap_or_default(), text("cpu").unwrap_or_default());
    Ok(Pressure {
        memory_some: waits(&memory, "some"),
        memory_full: waits(&memory, "full"),
        io_some: waits(&io, "some"),
        io_full: waits(&io, "full"),
        cpu_some: waits(&cpu, "some"),
    })
}

/// Parses `some avg10=4.50 avg60=0.91 avg300=0.00 total=681245`.
fn waits(text: &str, which: &str) -> Waits {
    let line = text.lines().find_map(|line| line.strip_prefix(which)).unwrap_or_default();
    let share = |key: &str| {
        let mut words = line.split_ascii_whitespace();
        words.find_map(|word| hundredths(word.strip_prefix(key)?.strip_prefix('=')?)).unwrap_or(0)
    };
    Waits { avg10: share("avg10"), avg60: share("avg60"), avg300: share("avg300") }
}

/// Parses a share in percent with two places behind the point: `4.50` is 450.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let part = format!("{part:0<2}");
    // Text that is no number says nothing.
    let (whole, part): (u32, u32) = (whole.parse().ok()?, part.get(..2)?.parse().ok()?);
    Some(whole.checked_mul(100)?.checked_add(part)?.min(10_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_read_to_the_hundredth() {
        let text =
            "some avg10=4.50 avg60=0.91 avg300=0.00 total=681245\nfull avg10=100.00 avg60=12.3 avg300=x total=1\n";
        assert_eq!(waits(text, "some"), Waits { avg10: 450, avg60: 91, avg300: 0 });
        assert_eq!(waits(text, "full"), Waits { avg10: 10_000, avg60: 1230, avg300: 0 });
        assert_eq!(waits("some", "some"), Waits::default());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
            waits(&text, "some");
            hundredths(&text);
        }
    }
}
