use super::super::control_group::{Version, groups};
use crate::model::Reading;
use std::path::Path;

/// Returns the share of the last 10 s in which some task waited for memory, in percent (PSI `some avg10`,
/// `Documentation/accounting/psi.rst` of the kernel): of the machine or of a control group around us, whichever is more.
pub fn stalls() -> Reading<f64> {
    of(Path::new("/"))
}

fn of(root: &Path) -> Reading<f64> {
    let machine = read(&root.join("proc/pressure/memory"));
    // Without the file there are no groups.
    let text = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let ours = groups(&text, "memory").into_iter().filter(|group| group.version == Version::V2);
    let shares = ours.filter_map(|group| {
        let dir = root.join(group.dir.strip_prefix("/").unwrap_or(&group.dir));
        // The root group has no such file, nor has one without the memory controller.
        read(&dir.join("memory.pressure")).known().copied()
    });
    match (machine, shares.reduce(f64::max)) {
        (Reading::Known(machine), group) => Reading::Known(group.map_or(machine, |group| group.max(machine))),
        (Reading::Unavailable(_), Some(group)) => Reading::Known(group),
        (unavailable, None) => unavailable,
    }
}

fn read(path: &Path) -> Reading<f64> {
    let shown = path.display();
    let text = match std::fs::read(path) {
        Ok(text) => text,
        // Read, but not measured: a kernel that was started with `psi=0`.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error()) => {
            return Reading::Unavailable("the kernel was started without measuring pressure".to_owned());
        }
        Err(error) => return Reading::Unavailable(format!("`{shown}` cannot be read: {error}")),
    };
    match some_avg10(&String::from_utf8_lossy(&text)) {
        Some(share) => Reading::Known(share),
        None => Reading::Unavailable(format!("`{shown}` cannot be read as pressure")),
    }
}

/// Returns `avg10` of the line `some`. By hand: the reader of the procfs crate panics on a line that is cut.
fn some_avg10(text: &str) -> Option<f64> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let share = some.split_ascii_whitespace().find_map(|word| word.strip_prefix("avg10="))?;
    share.parse().ok().filter(|share: &f64| share.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn pressure(some: &str) -> String {
        format!("some avg10={some} avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
    }

    fn machine(some: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/pressure")).unwrap();
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        fs::write(root.path().join("proc/pressure/memory"), some).unwrap();
        root
    }

    /// Where a unit has a limit of its own, its models wait for memory while the rest of the machine does not.
    #[test]
    fn a_control_group_that_waits_counts_although_the_machine_does_not() {
        let root = machine(&pressure("1.50"));
        assert_eq!(of(root.path()), Reading::Known(1.5));
        fs::write(root.path().join("proc/self/cgroup"), "0::/a.slice/b.service\n").unwrap();
        let group = root.path().join("sys/fs/cgroup/a.slice/b.service");
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join("memory.pressure"), pressure("25.00")).unwrap();
        assert_eq!(of(root.path()), Reading::Known(25.0));
        fs::remove_file(root.path().join("proc/pressure/memory")).unwrap();
        assert_eq!(of(root.path()), Reading::Known(25.0), "one of both is enough");
    }

    /// Models would be evicted, or kept, for a number that nobody has.
    #[test]
    fn a_kernel_that_does_not_say_is_unknown_and_not_zero() {
        for text in ["", "some", "garbage\n", "some avg10=x avg60=0.00 avg300=0.00 total=7\n"] {
            let root = machine(text);
            assert!(matches!(of(root.path()), Reading::Unavailable(why) if why.contains("pressure")), "{text}");
        }
        let nothing = tempfile::tempdir().unwrap();
        assert!(matches!(of(nothing.path()), Reading::Unavailable(why) if why.contains("cannot be read")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let root = machine("");
            fs::write(root.path().join("proc/pressure/memory"), bytes).unwrap();
            of(root.path());
        }
    }
}
