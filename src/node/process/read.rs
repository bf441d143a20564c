//! One process, by the files of its folder in `/proc`.

use super::super::{Fact, Place, proc_file};
use super::argument::looks_like_model;
use super::environment;
use super::types::Process;
use crate::clock::Timestamp;
use crate::host::commands;
use crate::host::open_files::maps::{self, Line};
use crate::host::proc_stat::{self, ProcStat};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes of a command line that are kept.
pub(super) const MOST_ARGUMENTS: u64 = 64 << 10;
/// Bytes of the mappings of a process, and its open files, that are looked through.
const MOST_MAPS: u64 = 32 << 20;
const MOST_FILES: usize = 100_000;
/// Libraries, and models, that are kept.
const MOST_PATHS: usize = 1000;

/// Reads a process. Absent where there is none, where it ends while it is read, and where its number goes to another
/// process meanwhile. What the rights of another user's process keep from us is denied inside.
pub fn read(place: &Place, pid: u32, now: Timestamp) -> Fact<Process> {
    read_with(place, pid, now, || ())
}

/// Reads, and calls `before_last` before it is checked that the process is still the same.
pub(super) fn read_with(place: &Place, pid: u32, now: Timestamp, before_last: impl FnOnce()) -> Fact<Process> {
    let source = format!("/proc/{pid}");
    let folder = place.at(&source);
    let first = match stat(&folder) {
        Ok(stat) => stat,
        Err(error) if is_gone(&error) => return Fact::absent(source, now, format!("there is no process {pid}")),
        Err(error) => return Fact::io_error(source, now, &error, proc_file::OWNER),
    };
    let mut process = gather(place, &folder, &source, pid, now, &first);
    before_last();
    match stat(&folder) {
        Ok(last) if last.start == first.start => {
            process.state = last.state;
            Fact::ok(source, now, process)
        }
        Ok(_) => {
            let why = format!("process {pid} exited while it was read, and its pid was reused");
            Fact::absent(source, now, why)
        }
        Err(error) if is_gone(&error) => Fact::absent(source, now, format!("process {pid} exited while it was read")),
        Err(error) => Fact::io_error(source, now, &error, proc_file::OWNER),
    }
}

fn gather(place: &Place, folder: &Path, source: &str, pid: u32, now: Timestamp, stat: &ProcStat) -> Process {
    // Whatever of these cannot be read is unknown; rights are seen at the environment, the mappings and the files.
    let text = |name: &str| proc_file::text(&folder.join(name)).ok();
    // As above.
    let link = |name: &str| std::fs::read_link(folder.join(name)).ok();
    let status = text("status").unwrap_or_default();
    let argv = proc_file::bytes(&folder.join("cmdline"), MOST_ARGUMENTS).unwrap_or_default();
    let has_ended = stat.has_no_files() && !stat.is_kernel_thread();
    // Its files and mappings are gone, which is no process without any.
    let ended = || Err(io::Error::new(io::ErrorKind::NotFound, environment::ENDED));
    let mapped = if has_ended { ended() } else { mapped(folder) };
    let files = if has_ended { ended() } else { open_files(folder) };
    Process {
        pid,
        parent: stat.parent,
        name: stat.command.clone(),
        started: started(place, now, stat.start),
        argv: commands::split(&argv),
        exe: link("exe"),
        cwd: link("cwd"),
        uid: effective(&status, "Uid"),
        groups: groups(&status),
        state: stat.state,
        wchan: text("wchan").filter(|name| !matches!(name.trim(), "" | "0")).map(|name| name.trim().to_owned()),
        environment: environment::read(folder, source, now, has_ended),
        libraries: paths(&mapped, format!("{source}/maps"), now, is_library),
        models: models(&mapped, &files, source, now),
        open_files: match &files {
            Ok(files) => Fact::ok(format!("{source}/fd"), now, u64::try_from(files.len()).unwrap_or(u64::MAX)),
            Err(error) => Fact::io_error(format!("{source}/fd"), now, error, proc_file::OWNER),
        },
        open_files_limit: text("limits").and_then(|text| soft_limit(&text)),
        rss: proc_file::kibibytes(&status, "VmRSS"),
        swap: proc_file::kibibytes(&status, "VmSwap"),
        read_bytes: text("io").and_then(|text| proc_file::number(&text, "read_bytes")),
        cgroup: text("cgroup").and_then(|text| control_group(&text)).map(|(_, path)| path),
        other_mounts: other_mounts(place, folder),
        gpu_nodes: distinct(files.iter().flatten().filter(|path| is_gpu_node(path)).cloned()),
    }
}

pub(super) fn stat(folder: &Path) -> io::Result<ProcStat> {
    let text = proc_file::text(&folder.join("stat"))?;
    proc_stat::parse(&text).ok_or_else(|| io::Error::other("its stat file is malformed"))
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// Returns the time of a start that is `ticks` after the boot.
fn started(place: &Place, now: Timestamp, ticks: u64) -> Option<Timestamp> {
    let millis = ticks.checked_mul(1000)?.checked_div(procfs::ticks_per_second())?;
    let after_boot = i64::try_from(millis).ok()?; // more than the calendar has
    Some(Timestamp(proc_file::booted(place, now)?.millis().checked_add(after_boot)?))
}

/// Returns the effective number of a line `Uid:` or `Gid:` of a status: real, effective, saved, file system.
pub(super) fn effective(status: &str, key: &str) -> Option<u32> {
    values(status, key)?.nth(1)?.parse().ok() // text that is no number says nothing
}

fn values<'a>(status: &'a str, key: &str) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(line.split_ascii_whitespace())
}

fn groups(status: &str) -> Vec<u32> {
    // Text that is no number says nothing.
    let more = values(status, "Groups").into_iter().flatten().filter_map(|group| group.parse().ok());
    distinct(effective(status, "Gid").into_iter().chain(more))
}

/// Returns the soft limit of open files. None: no limit, or not said.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok() // `unlimited`
}

/// Returns version and path of the control group that limits memory, from the text of `/proc/PID/cgroup`.
pub(in super::super) fn control_group(text: &str) -> Option<(u8, String)> {
    // On a machine with both, version 1 has the controller.
    let group = crate::host::control_group::parse(text).min_by_key(|(version, _)| *version);
    group.map(|(version, path)| (version, path.to_owned()))
}

fn other_mounts(place: &Place, folder: &Path) -> Option<bool> {
    let ours = std::fs::read_link(place.at("/proc/self/ns/mnt")).ok()?; // unknown
    let theirs = std::fs::read_link(folder.join("ns/mnt")).ok()?; // unknown: a process of another user
    Some(ours != theirs)
}

/// Returns the files that are mapped, each once.
fn mapped(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let file = proc_file::open(&folder.join("maps"))?.take(MOST_MAPS);
    let mut all = Vec::new();
    let mut seen = std::collections::HashSet::new();
    maps::each_line(file, &mut Vec::new(), |line| {
        if let Some(Line::File(mapping)) = maps::parse(line) {
            let (path, _) = mapping.entry();
            if !seen.contains(path.as_ref()) {
                all.push(PathBuf::from(OsStr::from_bytes(&path)));
                seen.insert(path.into_owned());
            }
        }
        Ok(())
    })?;
    Ok(all)
}

/// Returns what every open file descriptor leads to, without ` (deleted)`.
fn open_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder.join("fd"))?.take(MOST_FILES) {
        // One that is closed meanwhile leads nowhere and still counted.
        let target = std::fs::read_link(entry?.path()).unwrap_or_default();
        let plain =
            target.as_os_str().as_bytes().strip_suffix(b" (deleted)").map(|path| OsStr::from_bytes(path).into());
        all.push(plain.unwrap_or(target));
    }
    Ok(all)
}

fn paths(
    all: &io::Result<Vec<PathBuf>>,
    source: String,
    now: Timestamp,
    wanted: fn(&Path) -> bool,
) -> Fact<Vec<PathBuf>> {
    match all {
        Ok(all) => {
            let found = all.iter().filter(|path| wanted(path)).take(MOST_PATHS).cloned();
            Fact::ok(source, now, distinct(found))
        }
        Err(error) => Fact::io_error(source, now, error, proc_file::OWNER),
    }
}

fn models(
    mapped: &io::Result<Vec<PathBuf>>,
    files: &io::Result<Vec<PathBuf>>,
    source: &str,
    now: Timestamp,
) -> Fact<Vec<PathBuf>> {
    let of_maps = paths(mapped, format!("{source}/maps"), now, looks_like_model);
    let of_files = paths(files, format!("{source}/fd"), now, looks_like_model);
    match (of_maps.known(), of_files.known()) {
        (Some(mapped), Some(open)) => {
            let all = distinct(mapped.iter().chain(open).cloned());
            Fact::ok(format!("{source}/maps and {source}/fd"), now, all)
        }
        // What one of them shows is there; that one shows none does not mean that there is none.
        (Some(found), None) if !found.is_empty() => of_maps,
        (None, Some(found)) if !found.is_empty() => of_files,
        (Some(_), None) => of_files,
        (None, _) => of_maps,
    }
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    name.ends_with(".so") || name.contains(".so.")
}

fn is_gpu_node(path: &Path) -> bool {
    let path = path.as_os_str().as_bytes();
    [b"/dev/nvidia".as_slice(), b"/dev/dri/renderD", b"/dev/kfd"].iter().any(|start| path.starts_with(start))
}

/// Returns the values in their order, each once.
fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}
