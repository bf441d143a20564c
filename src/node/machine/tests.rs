use super::super::process::{self, Process};
use super::super::{Fact, Outcome, Place};
use super::*;
use crate::clock;
use std::fs;

fn write(place: &Place, path: &str, text: &str) {
    let path = place.at(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A process of this machine, with another number.
fn process(pid: u32) -> Process {
    let place = Place::default();
    let ours = process::read(&place, std::process::id(), clock::now());
    Process { pid, ..ours.known().unwrap().clone() }
}

fn groups(place: &Place) -> Vec<ControlGroup> {
    control_groups(place, &process(17)).iter().filter_map(|fact| fact.known().cloned()).collect()
}

#[test]
fn the_limit_of_a_parent_group_counts_as_that_of_the_service() {
    let root = tempfile::tempdir().unwrap();
    let place = Place::new(root.path());
    write(&place, "/proc/17/cgroup", "0::/llm.slice/llama.service\n");
    write(&place, "/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    let own = "/sys/fs/cgroup/llm.slice/llama.service";
    write(&place, &format!("{own}/memory.max"), "max\n");
    write(&place, &format!("{own}/memory.current"), "4096\n");
    write(&place, &format!("{own}/memory.events"), "low 0\nhigh 0\nmax 9\noom 2\noom_kill 7\n");
    write(&place, &format!("{own}/memory.events.local"), "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n");
    write(
        &place,
        &format!("{own}/memory.pressure"),
        "some avg10=1.00 avg60=2.00 avg300=3.00 total=1\nfull avg10=0.50 avg60=12.00 avg300=0.00 total=1\n",
    );
    write(&place, "/sys/fs/cgroup/llm.slice/memory.max", "1048576\n");
    write(&place, "/proc/pressure/memory", "some avg10=0.10 avg60=0.00 avg300=0.00 total=1\n");
    let all = groups(&place);
    assert_eq!(
        all.iter().map(|group| group.path.as_str()).collect::<Vec<_>>(),
        ["/llm.slice/llama.service", "/llm.slice"]
    );
    let own = &all[0];
    assert_eq!(
        (own.memory_limit, own.memory_used, own.oom_kills, own.limit_hits),
        (None, Some(4096), Some(2), Some(3))
    );
    assert_eq!(own.pressure.unwrap().memory_full.avg60, 1200);
    assert!(own.inode.is_some());
    assert_eq!((all[1].memory_limit, all[1].version), (Some(1 << 20), 2));
    assert_eq!(all[1].pressure.unwrap().memory_some.avg10, 10, "the machine's where the group has none");
}

#[test]
fn on_a_machine_with_both_versions_the_one_that_limits_memory_is_read() {
    let root = tempfile::tempdir().unwrap();
    let place = Place::new(root.path());
    write(&place, "/proc/17/cgroup", "4:memory:/docker/abc/svc\n0::/docker/abc\n");
    let mounts = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    write(&place, "/proc/self/mountinfo", mounts);
    let own = "/sys/fs/cgroup/memory/svc";
    write(&place, &format!("{own}/memory.limit_in_bytes"), "9223372036854771712\n");
    write(&place, &format!("{own}/memory.usage_in_bytes"), "100\n");
    write(&place, &format!("{own}/memory.failcnt"), "5\n");
    write(&place, &format!("{own}/memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    write(&place, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "41943040\n");
    let all = groups(&place);
    assert_eq!(all.iter().map(|group| group.path.as_str()).collect::<Vec<_>>(), ["/docker/abc/svc", "/docker/abc"]);
    assert_eq!((all[0].version, all[0].memory_limit, all[0].oom_kills, all[0].limit_hits), (1, None, Some(3), Some(5)));
    assert_eq!(all[1].memory_limit, Some(40 << 20));
}

#[test]
fn a_group_that_is_not_mounted_here_is_absent_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let place = Place::new(root.path());
    let outcome = || control_groups(&place, &process(17)).remove(0).outcome;
    assert!(matches!(outcome(), Outcome::Absent { .. }), "no process");
    write(&place, "/proc/17/cgroup", "0::/../other\n");
    write(&place, "/proc/self/mountinfo", "1 1 0:1 / / rw - ext4 /dev/vda rw\n");
    assert!(matches!(outcome(), Outcome::Absent { why } if why.contains("mounted")));
    write(&place, "/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    assert!(matches!(outcome(), Outcome::Absent { why } if why.contains("outside")));
    write(&place, "/proc/17/cgroup", "nonsense");
    assert!(matches!(outcome(), Outcome::Absent { .. }));
}

#[test]
fn memory_of_the_machine_and_its_largest_users_are_read() {
    let root = tempfile::tempdir().unwrap();
    let place = Place::new(root.path());
    assert!(matches!(memory(&place).outcome, Outcome::Absent { .. }));
    write(
        &place,
        "/proc/meminfo",
        "MemTotal:  100 kB\nMemFree: 10 kB\nMemAvailable:  40 kB\nSwapTotal: 8 kB\nSwapFree: 2 kB\n",
    );
    write(&place, "/proc/vmstat", "pswpin 12\npswpout 1\n");
    for (pid, pages) in [(7, 5), (8, 500), (9, 0)] {
        write(&place, &format!("/proc/{pid}/statm"), &format!("900 {pages} 1 1 0 1 0\n"));
        write(&place, &format!("/proc/{pid}/comm"), &format!("p{pid}\n"));
    }
    let fact = memory(&place);
    let memory = fact.known().unwrap();
    assert_eq!((memory.total, memory.available, memory.swap_total, memory.swap_free), (102_400, 40_960, 8192, 2048));
    assert_eq!(memory.swapped_in, Some(12));
    assert_eq!(memory.largest.iter().map(|(pid, ..)| *pid).collect::<Vec<_>>(), [8, 7]);
    write(&place, "/proc/meminfo", "\u{0}garbage");
    assert!(matches!(super::memory(&place).outcome, Outcome::Failed { .. }));
}

#[test]
fn this_machine_is_read() {
    let place = Place::default();
    assert!(memory(&place).known().is_some_and(|memory| memory.total > 0 && !memory.largest.is_empty()));
    assert!(!cpu_flags(&place).known().unwrap().is_empty());
    let us = process(std::process::id());
    assert!(!control_groups(&place, &us).is_empty());
    let pressure = pressure(&place);
    assert!(pressure.known().is_some() || matches!(pressure.outcome, Outcome::Absent { .. }), "{pressure:?}");
    let shm: Fact<(u64, u64)> = shared_memory(&place, us.pid);
    assert!(shm.known().is_some_and(|(total, available)| total >= available && *total > 0), "{shm:?}");
    assert!(matches!(shared_memory(&place, u32::MAX).outcome, Outcome::Absent { .. }));
}
