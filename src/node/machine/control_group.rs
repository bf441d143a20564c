//! The control groups that limit the memory of a process: `Documentation/admin-guide/cgroup-v2.rst` and
//! `Documentation/admin-guide/cgroup-v1/memory.rst` of the kernel.

use super::super::process::{Process, control_group};
use super::super::{Fact, Place, proc_file};
use super::pressure;
use super::types::ControlGroup;
use crate::clock::{self, Timestamp};
use crate::host::control_group::{V1, V2, parse_limit};
use crate::host::mounts::{self, Mount};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Groups that are read, the own one included.
const MOST: usize = 16;

/// Reads the group of a process and those around it that have a limit, the own one first.
pub fn control_groups(place: &Place, process: &Process) -> Vec<Fact<ControlGroup>> {
    let source = format!("/proc/{}/cgroup", process.pid);
    let now = clock::now();
    let text = match proc_file::text(&place.at(&source)) {
        Ok(text) => text,
        Err(error) => return vec![Fact::io_error(source, now, &error, proc_file::OWNER)],
    };
    let Some((version, path)) = control_group(&text) else {
        return vec![Fact::absent(source, now, "it is not in a cgroup that can limit memory")];
    };
    let mounts = match proc_file::bytes(&place.at("/proc/self/mountinfo"), proc_file::MOST) {
        Ok(text) => mounts::parse(&text),
        Err(error) => return vec![Fact::io_error("/proc/self/mountinfo", now, &error, "root")],
    };
    let Some(mount) = mounts.iter().rev().find(|mount| is_of(mount, version)) else {
        let why = format!("no cgroup v{version} hierarchy with the memory controller is mounted here");
        return vec![Fact::absent(source, now, why)];
    };
    let Some(below) = below_mount(&path, mount) else {
        return vec![Fact::absent(source, now, format!("its cgroup {path} is outside the hierarchy mounted here"))];
    };
    // The own group comes first; then every ancestor, up to the one that is mounted.
    let machine = pressure::pressure(place).known().copied();
    let ancestors = below.ancestors().zip(Path::new(&path).ancestors()).enumerate();
    let read = ancestors.take(MOST).filter_map(|(level, (below, path))| {
        let folder = mount.point.join(below);
        let group = read(&place.at(&folder), version, &path.to_string_lossy(), now, &folder.to_string_lossy());
        let limits =
            |group: &ControlGroup| group.memory_limit.is_some() || group.limit_hits.is_some_and(|hits| hits > 0);
        (level == 0 || group.known().is_some_and(limits)).then_some(group)
    });
    let with_pressure = |mut group: ControlGroup| {
        group.pressure = group.pressure.or(machine);
        group
    };
    read.map(|fact| fact.map(with_pressure)).collect()
}

fn is_of(mount: &Mount, version: u8) -> bool {
    match version {
        1 => mount.kind == "cgroup" && mount.system_options.iter().any(|option| option == "memory"),
        _ => mount.kind == "cgroup2",
    }
}

/// Returns the path of a group below its mount, of which only a part of the hierarchy may be mounted. None: outside.
fn below_mount(path: &str, mount: &Mount) -> Option<PathBuf> {
    let path = Path::new(path);
    if path.components().any(|part| part == std::path::Component::ParentDir) {
        return None;
    }
    path.strip_prefix(&mount.root).ok().map(Path::to_owned) // outside of what is mounted
}

fn read(folder: &Path, version: u8, path: &str, now: Timestamp, source: &str) -> Fact<ControlGroup> {
    let inode = match std::fs::metadata(folder) {
        Ok(meta) => Some(meta.ino()),
        Err(error) => return Fact::io_error(source, now, &error, "root"),
    };
    let group = if version == 1 { v1(folder) } else { v2(folder) };
    match group {
        Ok(group) => Fact::ok(source, now, ControlGroup { path: path.to_owned(), inode, ..group }),
        Err(error) => Fact::io_error(source, now, &error, "root"),
    }
}

/// Reads a file of a group; empty where the group has none, as one without the memory controller.
fn file(folder: &Path, name: &str) -> io::Result<String> {
    match proc_file::text(&folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other,
    }
}

fn v2(folder: &Path) -> io::Result<ControlGroup> {
    // What happened in this group itself; `memory.events` counts what happened below it too, and kernels before 5.2 have
    // nothing else.
    let local = file(folder, "memory.events.local")?;
    let events = if local.is_empty() { file(folder, "memory.events")? } else { local };
    Ok(ControlGroup {
        path: String::new(),
        version: 2,
        inode: None,
        memory_limit: parse_limit(&file(folder, V2.limit)?),
        memory_used: whole(&file(folder, V2.usage)?),
        oom_kills: proc_file::number(&events, "oom_kill"),
        limit_hits: proc_file::number(&events, "max"),
        // A kernel without pressure has none of its groups either.
        pressure: pressure::of_folder(folder, ".pressure").ok(),
    })
}

fn v1(folder: &Path) -> io::Result<ControlGroup> {
    Ok(ControlGroup {
        path: String::new(),
        version: 1,
        inode: None,
        memory_limit: parse_limit(&file(folder, V1.limit)?),
        memory_used: whole(&file(folder, V1.usage)?),
        // Kernels before 4.13 do not count them.
        oom_kills: proc_file::number(&file(folder, "memory.oom_control")?, "oom_kill"),
        limit_hits: whole(&file(folder, "memory.failcnt")?),
        pressure: None,
    })
}

fn whole(text: &str) -> Option<u64> {
    text.trim().parse().ok() // text that is no number says nothing
}
