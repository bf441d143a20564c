//! Disks that are full, without inodes, read-only, or full of deleted files.

use super::super::manage::bytes;
use super::super::step::{Step, hit};
use super::super::{Check, Need, Rule};
use super::{each_disk, holds, storage_symptoms, symptoms_of};
use crate::node::machine::Disk;
use crate::triage::facts::Facts;
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use std::path::PathBuf;

pub(super) const NO_SPACE: &[&str] = &["No space left on device", "no space left on device", "Errno 28", "ENOSPC"];
pub(super) const READ_ONLY: &[&str] = &["Read-only file system", "read-only file system", "Errno 30", "EROFS"];

pub(super) const FS_01: Rule = Rule {
    id: "FS-01",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "a disk is full",
    why: "No space is left for unprivileged users on a disk that holds models, logs or the database: writes fail with \
          ENOSPC. With space left, the same error means that inodes ran out (FS-02) or that /dev/shm is full (FS-07). \
          A read-only file system that is full by design is not reported.",
    explains: storage_symptoms![],
    needs: &[Need::Disks],
    signs: NO_SPACE,
    check: Check::Node(|facts| each_disk(facts, full)),
};

/// Space that is none on a disk of ordinary size: less than a file system needs to be of use.
const NOTHING: u64 = 1 << 20;

fn full(facts: &Facts, disk: &Disk, shown: Evidence) -> Option<Hit> {
    let is_full = disk.available == 0 || (disk.available < NOTHING && disk.total > (1 << 30));
    if !is_full || disk.total == 0 || is_read_only(disk) || is_shared_memory(disk) {
        return None;
    }
    let mount = disk.mount_point.display().to_string();
    let mut evidence = vec![shown];
    let symptoms = symptoms_of(facts, disk, NO_SPACE);
    evidence.extend(symptoms.lines);
    let sizes = |(path, size): &(PathBuf, u64)| format!("{} {}", bytes(*size), path.display());
    if !disk.largest.is_empty() {
        let list: Vec<String> = disk.largest.iter().map(sizes).collect();
        evidence.push(Evidence::new(mount.clone(), Some(facts.taken), format!("largest files: {}", list.join("; "))));
    }
    if evidence.len() < 2 {
        evidence.push(Evidence::new(mount.clone(), Some(facts.taken), format!("holds {}", holds(disk))));
    }
    let is_log = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.contains("/log/")
            || name.contains("/logs/")
            || [".log", ".err", ".out"].iter().any(|end| name.ends_with(end))
    };
    // A log is easier to spare than what lies beside it, unless it is small.
    let most = disk.largest.first().map_or(0, |(_, size)| *size);
    let log = disk.largest.iter().find(|(path, size)| is_log(path) && size.saturating_mul(4) >= most);
    let first = log.or_else(|| disk.largest.first());
    let largest = first.map_or_else(String::new, |one| format!("; largest candidate: {}", sizes(one)));
    let cause = format!(
        "{mount} is full: {} of {} available; it holds {}{largest}",
        bytes(disk.available),
        bytes(disk.total),
        holds(disk)
    );
    let step = match first {
        Some((path, size)) => {
            let path = path.display().to_string();
            let text = format!("move {path} ({}) to another disk, if it is not needed here", bytes(*size));
            Step::change(Changes::File(path.clone()), text, format!("move it back to {path}"))
        }
        None => Step::inspect(format!("find out what fills {mount}")).command(&["du", "-xh", "-d", "2", &mount]),
    };
    Some(hit(None, cause, evidence, step).affects(symptoms.services))
}

pub(super) const FS_02: Rule = Rule {
    id: "FS-02",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "a disk has no inodes left",
    why: "No new file can be created although there is space: the error is the same as for a full disk, while df shows \
          free space. The usual cause is a directory with many small files.",
    explains: storage_symptoms![],
    needs: &[Need::Disks],
    signs: NO_SPACE,
    check: Check::Node(|facts| each_disk(facts, no_inodes)),
};

fn no_inodes(facts: &Facts, disk: &Disk, shown: Evidence) -> Option<Hit> {
    // File systems without a fixed number of inodes report none at all.
    if disk.inodes == 0
        || disk.inodes_available > 0
        || disk.available == 0
        || is_read_only(disk)
        || is_shared_memory(disk)
    {
        return None;
    }
    let mount = disk.mount_point.display().to_string();
    let mut evidence = vec![shown];
    let symptoms = symptoms_of(facts, disk, NO_SPACE);
    evidence.extend(symptoms.lines);
    let (crowded, step) = match &disk.crowded {
        Some((folder, entries)) => {
            let folder = folder.display().to_string();
            let text = format!("{folder} has {entries} entries");
            evidence.push(Evidence::new(folder.clone(), Some(facts.taken), text.clone()));
            let step = format!("look through {folder} and remove or move what is not needed");
            (format!("; {text}"), Step::inspect(step).command(&["ls", "-lU", &folder]))
        }
        None => (
            String::new(),
            Step::inspect(format!("find the directory with the most files below {mount}"))
                .command(&["du", "--inodes", "-x", "-d", "3", &mount]),
        ),
    };
    if evidence.len() < 2 {
        evidence.push(Evidence::new(mount.clone(), Some(facts.taken), format!("holds {}", holds(disk))));
    }
    let cause = format!(
        "{mount} has no inodes left (0 of {}), although {} are free; it holds {}{crowded}",
        disk.inodes,
        bytes(disk.available),
        holds(disk)
    );
    Some(hit(None, cause, evidence, step).affects(symptoms.services))
}

const REMOUNT: &str = "Remounting filesystem read-only";

pub(super) const FS_03: Rule = Rule {
    id: "FS-03",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "a disk that must be writable is read-only",
    why: "The kernel remounted the file system read-only after a disk error, or it was mounted read-only; logs and \
          databases on it cannot be written. A read-only mount that holds only models is common and not reported, \
          unless the kernel remounted it. Kernel log lines about a disk that is writable now are ignored.",
    explains: storage_symptoms![],
    needs: &[Need::Disks],
    signs: &[REMOUNT, "Read-only file system", "read-only file system", "Errno 30", "EROFS"],
    check: Check::Node(|facts| each_disk(facts, read_only)),
};

fn read_only(facts: &Facts, disk: &Disk, shown: Evidence) -> Option<Hit> {
    if !is_read_only(disk) {
        return None;
    }
    let device = disk.source.rsplit('/').next().filter(|name| !name.is_empty());
    let kernel = facts.kernel.known().map(|kernel| kernel.lines.as_slice()).unwrap_or_default();
    let remount = kernel.iter().rev().find(|line| {
        line.text.contains(REMOUNT) && device.is_some_and(|device| line.text.contains(&format!("({device})")))
    });
    let is_written = disk.holds.iter().any(|what| what.starts_with("logs") || what.starts_with("database"));
    if !is_written && remount.is_none() {
        return None;
    }
    let mount = disk.mount_point.display().to_string();
    let how = match (disk.is_read_only, disk.is_super_read_only) {
        (_, true) => "the file system itself is read-only",
        (true, false) => "this mount is read-only, its file system is not",
        (false, false) => "writable",
    };
    let mut evidence = vec![Evidence { text: format!("{mount} on {} ({}): {how}", disk.source, disk.kind), ..shown }];
    evidence.extend(remount.map(Evidence::of_line));
    let symptoms = symptoms_of(facts, disk, READ_ONLY);
    evidence.extend(symptoms.lines);
    if evidence.len() < 2 {
        evidence.push(Evidence::new(mount.clone(), Some(facts.taken), format!("holds {}", holds(disk))));
    }
    if remount.is_some() {
        let text = format!(
            "save the kernel log; then stop the services, run fsck on {} and check its health (SMART)",
            disk.source
        );
        let step = Step::inspect(text).command(&["dmesg", "-T"]);
        let cause = format!(
            "the kernel remounted {mount} read-only after an error on {}; it holds {}",
            disk.source,
            holds(disk)
        );
        return Some(hit(None, cause, evidence, step).affects(symptoms.services));
    }
    let step =
        Step::change(Changes::Host, format!("remount {mount} read-write"), format!("mount -o remount,ro {mount}"))
            .command(&["mount", "-o", "remount,rw", &mount]);
    let cause = format!("{mount} is read-only ({how}); it holds {}", holds(disk));
    Some(hit(None, cause, evidence, step).affects(symptoms.services))
}

pub(super) const FS_04: Rule = Rule {
    id: "FS-04",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Storage,
    severity: Severity::Warning,
    title: "deleted files that are still open take up space",
    why: "A deleted file takes up space until the last process closes it: df shows more than du finds. Usually it is a \
          log that was removed by hand. Small files are not reported, nor is shared memory, which works this way.",
    explains: &["FS-01"],
    needs: &[Need::Disks],
    signs: &[],
    check: Check::Node(|facts| each_disk(facts, deleted)),
};

fn deleted(facts: &Facts, disk: &Disk, shown: Evidence) -> Option<Hit> {
    let held: u64 = disk.deleted_open.iter().map(|(.., size)| size).sum();
    let is_short = disk.available < disk.total / 7;
    let is_much = held >= disk.total / 4 || (held >= disk.total / 10 && is_short);
    if held == 0 || !is_much || is_shared_memory(disk) {
        return None;
    }
    let (pid, name, path, size) = disk.deleted_open.iter().max_by_key(|(.., size)| size)?;
    let mount = disk.mount_point.display();
    let text = format!("{name} (pid {pid}) keeps {} open: {} (deleted)", bytes(*size), path.display());
    let evidence = vec![shown, Evidence::new(format!("/proc/{pid}/fd"), Some(facts.taken), text)];
    let is_supervisord = name.starts_with("supervisord")
        || facts.supervisords.iter().any(|one| one.search.processes.iter().any(|(own, _)| own == pid));
    let service = facts.services.iter().find(|service| service.all_processes().any(|process| process.pid == *pid));
    let undo = "none: the content of the deleted file is lost once it is closed; if you need it, copy it from \
                /proc/PID/fd first";
    let step = match service.and_then(|service| Some((service, service.manage(facts, "restart")?))) {
        _ if is_supervisord => {
            let text = format!("make supervisord reopen its logs: kill -USR2 {pid}");
            Step::change(Changes::Host, text, undo).command(&["kill", "-USR2", &pid.to_string()])
        }
        Some((service, command)) => {
            let text = format!("restart {}, which closes the file", service.name());
            Step::change(Changes::Service(service.name().to_owned()), text, undo).maybe_command(Some(command))
        }
        None => Step::change(Changes::Host, format!("restart {name} (pid {pid}), which closes the file"), undo),
    };
    let cause = format!(
        "deleted files that are still open take up {} of {mount} ({}); the largest is kept open by {name} (pid {pid}): \
         {} ({})",
        bytes(held),
        bytes(disk.total),
        path.display(),
        bytes(*size)
    );
    let severity = (disk.available == 0).then_some(Severity::Critical);
    Some(hit(None, cause, evidence, step).severity(severity))
}

fn is_read_only(disk: &Disk) -> bool {
    disk.is_read_only || disk.is_super_read_only
}

/// `/dev/shm` has a rule of its own, and deleted files there are how shared memory is made.
fn is_shared_memory(disk: &Disk) -> bool {
    disk.mount_point.ends_with("shm") || disk.holds.iter().all(|what| what == "shared memory")
}
