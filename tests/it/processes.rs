//! Other processes, as `/proc` shows them (proc(5)).

use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;

#[derive(Debug, Clone, Copy)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// Clock ticks since boot: with the number it names one process for ever.
    started: u64,
}

impl Process {
    fn read(pid: u32) -> Option<Process> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // A zombie is dead; it only waits to be told of.
        let is_dead = matches!(*fields.first()?, "Z" | "X");
        let process = Process { pid, parent: fields.get(1)?.parse().ok()?, started: fields.get(19)?.parse().ok()? };
        (!is_dead).then_some(process)
    }

    pub fn lives(&self) -> bool {
        Process::read(self.pid).is_some_and(|now| now.started == self.started)
    }
}

/// The living workers whose socket lies below `run`.
pub fn workers_in(run: &Path) -> Vec<Process> {
    let run = run.to_str().unwrap();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            line.contains("worker") && line.contains(run)
        })
        .filter_map(Process::read)
        .collect()
}

/// SIGKILL; one that has ended meanwhile is fine.
pub fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    match kill_process(pid, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("{error}"),
    }
}

/// The names of all files below a folder.
pub fn files_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => names.extend(files_below(&entry.path())),
            false => names.push(entry.file_name().into_string().unwrap()),
        }
    }
    names
}
