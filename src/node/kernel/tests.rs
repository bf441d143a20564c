use super::super::{Fact, Outcome, Place};
use super::read::device;
use super::*;
use crate::clock::{self, Timestamp};
use proptest::prelude::*;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The machine of the fixtures was booted 1,000 s before this.
const NOW: Timestamp = Timestamp(1_800_000_000_000);
const BOOT: i64 = NOW.0 - 1_000_000;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/triage/kernel").join(name)
}

fn node() -> (tempfile::TempDir, Place) {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("proc")).unwrap();
    fs::write(root.path().join("proc/uptime"), "1000.00 900.00\n").unwrap();
    let place = Place::new(root.path());
    (root, place)
}

fn log_since(name: &str, since: i64) -> KernelLog {
    let (_root, place) = node();
    let fact = read(&place, Some(&fixture(name)), Timestamp(since), NOW);
    fact.known().unwrap_or_else(|| panic!("{fact:?}")).clone()
}

fn log(name: &str) -> KernelLog {
    log_since(name, BOOT)
}

fn texts(log: &KernelLog) -> Vec<&str> {
    log.lines.iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn a_kill_for_lack_of_memory_has_its_group_its_process_and_its_time_and_a_forged_one_counts_for_nothing() {
    let log = log("oom-memcg.kmsg");
    assert_eq!(log.ooms.len(), 1, "the line that a program wrote is left out: {log:?}");
    let kill = &log.ooms[0];
    assert_eq!((kill.constraint.as_str(), kill.pid, kill.task.as_str()), ("CONSTRAINT_MEMCG", 29992, "llama-server"));
    assert_eq!((kill.oom_memcg.as_deref(), kill.task_memcg.as_deref()), (Some("/lab"), Some("/lab")));
    assert_eq!((kill.uid, kill.anon_rss), (Some(0), Some(39512 << 10)));
    assert_eq!((kill.line.time, kill.line.line), (Some(Timestamp(BOOT + 90_000)), Some(3)));
    assert!(texts(&log)[0].contains("Killed process 29992"), "its second line is evidence");
    let later = log_since("oom-memcg.kmsg", BOOT + 91_000);
    assert!(later.ooms.is_empty() && later.lines.is_empty(), "a kill from before that time is history");
}

#[test]
fn a_kill_is_read_from_the_lines_of_old_kernels() {
    let log = log("oom-old.dmesg");
    assert_eq!(log.ooms.len(), 1);
    let kill = &log.ooms[0];
    assert_eq!((kill.constraint.as_str(), kill.pid, kill.anon_rss), ("CONSTRAINT_MEMCG", 4711, Some(39512 << 10)));
    assert_eq!(kill.oom_memcg.as_deref(), Some("/docker/abc"));
}

#[test]
fn faults_of_gpus_are_read_in_every_form_and_a_message_over_several_lines_is_one() {
    let log = log("nvidia.dmesg");
    let shape: Vec<_> = log.xids.iter().map(|xid| (xid.number, xid.pid, xid.caused_by)).collect();
    assert_eq!(shape, [(13, Some(4711), None), (45, None, Some(13)), (79, None, None)]);
    assert_eq!(log.xids[1].device, "PCI:0000:01:00 GPU-I:05");
    let whole = "NVRM: API mismatch: the client has the version 535.161.07, but this kernel module has the version \
        535.154.05.  Please make sure that this kernel module and all NVIDIA driver components have the same version.";
    let gone = "NVRM: The NVIDIA GPU 0000:05:00.0 (PCI ID: 10de:1db6) installed in this system has fallen off the bus and is \
        not responding to commands.";
    assert_eq!(texts(&log), [whole, "NVRM: GPU 0000:01:00.0: GPU has fallen off the bus.", gone]);
    let later = log_since("nvidia.dmesg", NOW.0);
    assert_eq!((later.xids.len(), later.lines.len()), (3, 3), "what may still hold is there since the boot");

    let pieces = super::tests::log("nvidia.kmsg");
    let mismatch = |a, b| {
        format!(
            "NVRM: API mismatch: the client has the version {a}, but this kernel module has the version {b}.  Please \
             make sure that this kernel module and all NVIDIA driver components have the same version."
        )
    };
    assert_eq!(texts(&pieces), [mismatch("1.2", "1.1"), mismatch("2.2", "2.1")]);
    assert_eq!(pieces.xids.len(), 1);
}

#[test]
fn trouble_with_storage_is_kept_and_a_server_that_answers_again_is_not_silent() {
    let log = log("storage.dmesg");
    assert_eq!(log.lines.len(), 10, "{:?}", texts(&log));
    assert_eq!(log.silent_servers().iter().map(|(server, _)| *server).collect::<Vec<_>>(), ["other"]);
    let later = log_since("storage.dmesg", NOW.0);
    assert!(texts(&later).iter().any(|text| text.contains("Remounting filesystem read-only")));
    assert!(!texts(&later).iter().any(|text| text.contains("blocked for more than")));
}

#[test]
fn crashes_that_the_kernel_saw_are_kept_and_those_that_a_program_wrote_are_not() {
    let log = log("crashes.dmesg");
    let starts: Vec<&str> = texts(&log).iter().map(|text| text.split(':').next().unwrap()).collect();
    assert_eq!(starts, ["llama-server[4711]", "traps", "traps", "ollama[4714]"]);
    assert_eq!(log.lines[3].time, Some(Timestamp(BOOT + 205_000)));
}

#[test]
fn a_time_of_another_boot_is_unknown() {
    let (root, place) = node();
    let file = root.path().join("log");
    fs::write(&file, "[99999.000000] x[1]: segfault at 0\n[Mon Nov 23 17:37:02 2026] x[2]: segfault at 0\n").unwrap();
    let fact = read(&place, Some(&file), Timestamp(BOOT), NOW);
    let lines = &fact.known().unwrap().lines;
    assert!(lines.len() == 2 && lines.iter().all(|line| line.time.is_none()), "{lines:?}");
    fs::remove_file(root.path().join("proc/uptime")).unwrap();
    let fact = read(&place, Some(&fixture("storage.dmesg")), Timestamp(BOOT), NOW);
    assert!(fact.known().unwrap().lines.iter().all(|line| line.time.is_none()));
}

#[test]
fn a_log_that_is_not_there_or_no_file_is_said_to_be_so() {
    let (root, place) = node();
    let of = |path: &Path| read(&place, Some(path), NOW, NOW).outcome;
    assert!(matches!(of(&root.path().join("none")), Outcome::Absent { .. }));
    assert!(matches!(of(root.path()), Outcome::Failed { .. }));
    assert!(matches!(read(&place, None, NOW, NOW).outcome, Outcome::Absent { .. }));
}

#[test]
fn without_rights_the_kernel_log_is_denied_with_the_command_that_has_them() {
    let place = Place::default();
    let since = Timestamp(0);
    let ours = read(&place, None, since, clock::now());
    assert!(ours.known().is_some() || matches!(ours.outcome, Outcome::Denied { .. }), "{ours:?}");
    let is_restricted = fs::read_to_string("/proc/sys/kernel/dmesg_restrict").is_ok_and(|text| text.trim() == "1");
    if !rustix::process::geteuid().is_root() || !is_restricted || ours.known().is_none() {
        crate::testing::skip("the kernel log is not restricted here, or not ours to give up");
        return;
    }
    let theirs: Fact<KernelLog> = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // Of this thread alone.
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            read(&place, None, since, clock::now())
        });
        reader.join().unwrap()
    });
    let Outcome::Denied { right, command, .. } = &theirs.outcome else { panic!("{theirs:?}") };
    assert_eq!(
        (right.as_str(), command.as_deref()),
        ("CAP_SYSLOG", Some(["sudo", "dmesg"].map(str::to_owned).as_slice()))
    );
}

/// Gives what `/dev/kmsg` would, one with each read.
struct Device(VecDeque<Result<Vec<u8>, Errno>>);

impl Read for Device {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.pop_front() {
            None => Err(Errno::AGAIN.into()),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(record)) if record.len() > into.len() => {
                self.0.push_front(Ok(record));
                Err(Errno::INVAL.into())
            }
            Some(Ok(record)) => {
                into[..record.len()].copy_from_slice(&record);
                Ok(record.len())
            }
        }
    }
}

#[test]
fn records_that_were_overwritten_or_are_longer_than_usual_do_not_end_the_log() {
    let long = format!("6,1,1,-;{}\n", "x".repeat(20_000));
    let reads = [
        Ok(b"6,0,0,-;first\n KEY=value\n".to_vec()),
        Err(Errno::PIPE),
        Ok(long.into_bytes()),
        Ok(b"6,2,2,-;last\n".to_vec()),
    ];
    let texts: Vec<usize> = device(Device(reads.into())).unwrap().iter().map(|record| record.text.len()).collect();
    assert_eq!(texts, [5, 2000, 4]);
    let endless = Ok(vec![b'x'; 1 << 20]);
    assert!(device(Device([endless].into())).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let (root, place) = node();
        let file = root.path().join("log");
        fs::write(&file, &bytes).unwrap();
        assert!(read(&place, Some(&file), Timestamp(0), NOW).known().is_some());
    }

    #[test]
    fn any_lines_of_the_kernels_words_are_read_without_a_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "6,1,5,-;", "[ 1.5]", "<3>", "\n", " ", "NVRM: ", "API mismatch", "Xid (", "oom-kill:constraint=A,",
                "task=", "pid=9", "uid=1", "Killed process 9 (", ") total-vm:", "nfs: server ", "not responding", "\\x0a",
                "kern  :err   : ", ": ", "installed in this system has", "Memory cgroup out of memory: ",
            ]),
            0..40,
        ),
    ) {
        let (root, place) = node();
        let file = root.path().join("log");
        fs::write(&file, words.concat()).unwrap();
        let fact = read(&place, Some(&file), Timestamp(0), NOW);
        fact.known().unwrap().silent_servers();
    }
}
