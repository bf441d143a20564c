//! Every rule with its cause, and with a healthy node that has the same words in its logs.

use crate::node::kernel::KernelLog;
use crate::node::log::LifeEnd;
use crate::node::machine::Disk;
use crate::node::{Fact, Outcome};
use crate::triage::facts::Facts;
use crate::triage::finding::{Changes, Confidence, Severity};
use crate::triage::testing::{NOW, fails, flaps, healthy_facts, hit, hits, known, line_of, says, says_all};

/// Creates a node whose disk of the models is changed.
fn with_disk(change: impl FnOnce(&mut Disk)) -> Facts {
    let mut facts = healthy_facts();
    let Some(Fact { outcome: Outcome::Ok { value }, .. }) = facts.machine.disks.last_mut() else { panic!() };
    change(value);
    facts
}

fn kernel_says(facts: &mut Facts, lines: &[&str]) {
    let lines = lines.iter().map(|text| line_of("kernel log", text)).collect();
    facts.kernel = known("kernel log", KernelLog { lines, ..KernelLog::default() });
}

fn exit(code: i32) -> LifeEnd {
    LifeEnd::Exited { code, expected: false }
}

#[test]
fn fs_01_names_the_disk_and_the_log_to_move() {
    let mut facts = with_disk(|disk| {
        disk.available = 0;
        disk.largest = vec![("/srv/models/a.gguf".into(), 40 << 30), ("/srv/models/logs/api.log".into(), 30 << 30)];
    });
    fails(&mut facts.services[0], exit(1), &["OSError: [Errno 28] No space left on device"]);
    let found = hit("FS-01", &facts);
    says_all(&found, &["/srv/models is full: 0 B of 100.0 GiB", "30.0 GiB /srv/models/logs/api.log", "move it back"]);
    assert!(found.evidence.iter().any(|one| one.text.contains("No space left")));
    assert!(crate::triage::testing::rule("FS-01").explains.contains(&"PY-06"));
    // A squashfs is always full.
    let facts = with_disk(|disk| (disk.available, disk.is_super_read_only) = (0, true));
    assert_eq!(hits("FS-01", &facts), []);
    let mut facts = healthy_facts();
    says(&mut facts.services[0], &["No space left on device"]);
    assert_eq!(hits("FS-01", &facts), []);
}

#[test]
fn fs_02_names_the_crowded_folder() {
    let facts = with_disk(|disk| {
        disk.inodes_available = 0;
        disk.crowded = Some(("/srv/models/tmp".into(), 999_000));
    });
    let found = hit("FS-02", &facts);
    says_all(&found, &["no inodes left (0 of 1000000)", "50.0 GiB are free", "/srv/models/tmp has 999000 entries"]);
    // btrfs has no fixed number of inodes.
    assert_eq!(hits("FS-02", &with_disk(|disk| (disk.inodes, disk.inodes_available) = (0, 0))), []);
    assert_eq!(hits("FS-02", &healthy_facts()), []);
}

#[test]
fn fs_03_tells_an_error_from_a_mount() {
    let error = "EXT4-fs (vda1): Remounting filesystem read-only";
    let mut facts = with_disk(|disk| disk.is_super_read_only = true);
    assert_eq!(hits("FS-03", &facts), [], "models may be mounted read-only");
    kernel_says(&mut facts, &["EXT4-fs error (device vda1): ext4_find_entry", error]);
    says_all(&hit("FS-03", &facts), &["the kernel remounted /srv/models read-only", "/dev/vda1", "fsck", "dmesg"]);
    let facts = with_disk(|disk| {
        disk.is_read_only = true;
        disk.holds = vec!["logs of api".into()];
    });
    let found = hit("FS-03", &facts);
    says_all(&found, &["/srv/models is read-only (this mount is read-only", "remount,rw", "remount,ro /srv/models"]);
    assert_eq!(found.changes, Changes::Host);
    let mut facts = healthy_facts();
    kernel_says(&mut facts, &[error]);
    assert_eq!(hits("FS-03", &facts), [], "it is writable now");
}

#[test]
fn fs_04_names_who_holds_the_deleted_file() {
    let held = |disk: &mut Disk| {
        disk.available = 10 << 30;
        disk.deleted_open = vec![(100, "llama-server".into(), "/srv/models/old.log".into(), 60 << 30)];
    };
    let found = hit("FS-04", &with_disk(held));
    says_all(
        &found,
        &[
            "take up 60.0 GiB of /srv/models",
            "pid 100",
            "/srv/models/old.log",
            "restart llama",
            "the content of the deleted file is lost",
        ],
    );
    assert_eq!((found.changes, found.severity), (Changes::Service("llama".into()), None));
    let facts = with_disk(|disk| {
        held(disk);
        disk.deleted_open[0].0 = 10;
    });
    says_all(&hit("FS-04", &facts), &["kill -USR2 10"]);
    let small =
        with_disk(|disk| disk.deleted_open = vec![(100, "llama-server".into(), "/srv/models/x".into(), 1 << 20)]);
    assert_eq!(hits("FS-04", &small), []);
}

#[test]
fn fs_05_pairs_the_lines_of_a_server() {
    let silent = "nfs: server nas1 not responding, still trying";
    let mut facts = with_disk(|disk| disk.source = "nas1:/export/models".into());
    kernel_says(&mut facts, &[silent]);
    let found = hit("FS-05", &facts);
    says_all(&found, &["the NFS server nas1 is not responding", "/srv/models", "rpcinfo"]);
    assert_eq!((found.confidence, found.severity), (Confidence::Proven, None));
    kernel_says(&mut facts, &[silent, "nfs: server nas1 OK"]);
    assert_eq!(hits("FS-05", &facts), []);
    kernel_says(&mut facts, &["nfs: server other not responding, still trying"]);
    assert_eq!(hit("FS-05", &facts).severity, Some(Severity::Warning));
}

#[test]
fn fs_05_a_stale_handle_counts_only_with_trouble() {
    let text = "OSError: [Errno 116] Stale file handle: '/srv/models/a.gguf'";
    let mut facts = with_disk(|disk| disk.is_network = true);
    says(&mut facts.services[0], &[text]);
    assert_eq!(hits("FS-05", &facts), []);
    fails(&mut facts.services[0], exit(1), &[text]);
    says_all(&hit("FS-05", &facts), &["its handle for /srv/models/a.gguf is stale", "umount", "mount /srv/models"]);
}

#[test]
fn fs_06_a_disk_that_does_not_answer() {
    let mut facts = healthy_facts();
    let why = "no answer within 2 s; the child is in state D (nfs_wait)".to_owned();
    facts.machine.disks.push(Fact::new("/mnt/nas", NOW, Outcome::TimedOut { why }));
    let found = hit("FS-06", &facts);
    says_all(&found, &["/mnt/nas does not respond", "state D", "mountinfo"]);
    assert_eq!(found.confidence, Confidence::Likely);
    kernel_says(&mut facts, &["INFO: task llama-server:100 blocked for more than 120 seconds."]);
    assert_eq!(hit("FS-06", &facts).confidence, Confidence::Proven);
    let mut facts = healthy_facts();
    kernel_says(&mut facts, &["INFO: task llama-server:100 blocked for more than 120 seconds."]);
    assert_eq!(hits("FS-06", &facts), []);
}

#[test]
fn fs_07_tells_shared_memory_from_a_full_disk() {
    let text = "NCCL WARN Call to posix_fallocate failed : No space left on device";
    let mut facts = healthy_facts();
    facts.machine.container = Some("docker".into());
    facts.services[0].shared_memory = Some(known("/proc/100/root/dev/shm", (64 << 20, 1 << 20)));
    says(&mut facts.services[0], &[text]);
    assert_eq!(hits("FS-07", &facts), [], "it runs well");
    flaps(&mut facts.services[0], exit(1), &[9.0, 9.0, 9.0], &[text]);
    let found = hit("FS-07", &facts);
    says_all(&found, &["1.0 MiB of 64.0 MiB available", "--shm-size=8g", "without that option"]);
    facts.services[0].shared_memory = Some(known("/proc/100/root/dev/shm", (8 << 30, 7 << 30)));
    assert_eq!(hits("FS-07", &facts), [], "it is large enough");
    let mut facts = healthy_facts();
    facts.machine.container = Some("docker".into());
    fails(&mut facts.services[0], LifeEnd::Killed { signal: "SIGBUS".into() }, &[]);
    facts.services[0].shared_memory = Some(known("/proc/100/root/dev/shm", (64 << 20, 64 << 20)));
    says_all(&hit("FS-07", &facts), &["SIGBUS without a log line"]);
}

/// Two disks without room, and an error that names one of them: moving a file of the other one helps nobody.
#[test]
fn an_error_belongs_to_the_disk_that_it_names() {
    let mut facts = with_disk(|disk| {
        (disk.available, disk.mount_point) = (0, "/srv/full".into());
        disk.holds = vec!["logs of api".into()];
    });
    let Some(Outcome::Ok { value: full }) = facts.machine.disks.last().map(|fact| fact.outcome.clone()) else {
        panic!()
    };
    let crowded = Disk {
        mount_point: "/srv/full/crowded".into(),
        available: 1 << 30,
        inodes: 10,
        inodes_available: 0,
        holds: vec!["files of llama".into()],
        ..full
    };
    facts.machine.disks.push(known("disk", crowded));
    let error = "OSError: [Errno 28] No space left on device: '/srv/full/crowded/part-12'";
    fails(&mut facts.services[0], exit(1), &[error]);
    let full = hit("FS-01", &facts);
    assert!(!full.evidence.iter().any(|one| one.text.contains("part-12")), "{full:#?}");
    assert_eq!(full.affects, Some(Vec::new()));
    let crowded = hit("FS-02", &facts);
    assert!(crowded.evidence.iter().any(|one| one.text.contains("part-12")), "{crowded:#?}");
    assert_eq!(crowded.affects, Some(vec!["llama".to_owned()]));
    assert_eq!(facts.services[0].refused_paths(), [std::path::PathBuf::from("/srv/full/crowded/part-12")]);
}

#[test]
fn the_path_of_an_error_is_found() {
    use super::path_in;
    for (text, path) in [
        ("OSError: [Errno 28] No space left on device: '/srv/a b/x'", Some("/srv/a b/x")),
        ("write /var/log/x.log: no space left on device", Some("/var/log/x.log")),
        ("cp: error writing '/data/x': No space left on device", Some("/data/x")),
        ("No space left on device", None),
        ("read/write failed: No space left on device /", None),
    ] {
        assert_eq!(path_in(text), path, "{text}");
    }
}
