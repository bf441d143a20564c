//! Processes that are a supervisord, by `/proc` (proc(5)).

use super::expand::Names;
use crate::clock::Timestamp;
use crate::host::proc_stat;
use crate::node::Place;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The longest file of a process that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// Clock ticks in a second: `USER_HZ`, which is 100 on every architecture that this program runs on.
const TICKS: u64 = 100;

/// Where a config file is without a running supervisord that names it. The two that are relative to the folder in which
/// supervisord was started are known of a running one alone: our own folder says nothing of it.
pub(super) const USUAL: &[&str] = &[
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
    "/usr/etc/supervisord.conf",
    "/usr/local/etc/supervisord.conf",
];

/// A process that is a supervisord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    pub pid: u32,
    pub argv: Vec<String>,
    /// None: it belongs to another user.
    pub cwd: Option<PathBuf>,
}

/// Returns the processes that are a supervisord, in the order of their numbers.
pub(super) fn running(place: &Place) -> Vec<Running> {
    let Ok(entries) = std::fs::read_dir(place.at("/proc")) else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()); // others are no processes
    let mut found: Vec<(Running, u32)> = pids
        .filter_map(|pid: u32| {
            let argv = arguments(&read(place, pid, "cmdline")?);
            if !is_supervisord(&argv) {
                return None;
            }
            let stat = read(place, pid, "stat").and_then(|bytes| proc_stat::parse(&String::from_utf8_lossy(&bytes)));
            let parent = stat.as_ref().map_or(0, |stat| stat.parent);
            let cwd = std::fs::read_link(place.at(format!("/proc/{pid}/cwd"))).ok(); // belongs to another user
            stat.is_none_or(|stat| stat.state != 'Z').then_some((Running { pid, argv, cwd }, parent))
        })
        .collect();
    found.sort_by_key(|(process, _)| process.pid);
    // A child that has not yet become its program looks like its parent.
    let parents: Vec<u32> = found.iter().map(|(process, _)| process.pid).collect();
    found.into_iter().filter(|(_, parent)| !parents.contains(parent)).map(|(process, _)| process).collect()
}

impl Running {
    /// Returns the value of an option of its command line, as `getopt` finds it.
    pub fn option(&self, short: &str, long: &str) -> Option<&str> {
        let mut words = self.argv.iter().map(String::as_str);
        while let Some(word) = words.next() {
            if word == short || word == long {
                return words.next();
            }
            let long_value = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
            let value = long_value.or_else(|| word.strip_prefix(short).filter(|rest| !rest.is_empty()));
            if value.is_some() {
                return value;
            }
        }
        None
    }

    /// Returns the config files that it may have read, the most likely first.
    pub fn config_files(&self) -> Vec<PathBuf> {
        if let Some(path) = self.option("-c", "--configuration") {
            return self.resolve(path).into_iter().collect();
        }
        let program = self.argv.iter().find(|word| is_named(word, "supervisord"));
        let beside = program.and_then(|program| Path::new(program).parent()?.parent());
        let beside = beside.map(|folder| [folder.join("etc/supervisord.conf"), folder.join("supervisord.conf")]);
        let own = ["supervisord.conf", "etc/supervisord.conf"].iter().filter_map(|name| self.resolve(name));
        let beside = beside.into_iter().flatten().filter(|path| path.is_absolute());
        beside.chain(own).chain(USUAL.iter().map(PathBuf::from)).collect()
    }

    /// Returns an absolute path; None: it is relative to a folder that is not known.
    pub fn resolve(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let path = path.as_ref();
        match &self.cwd {
            _ if path.is_absolute() => Some(path.to_owned()),
            Some(cwd) => Some(cwd.join(path)),
            None => None,
        }
    }
}

/// Returns `ENV_X` for each variable of a process; empty where it may not be read.
pub(super) fn environment(place: &Place, pid: u32) -> Names {
    let bytes = read(place, pid, "environ").unwrap_or_default();
    let variables = arguments(&bytes);
    variables.iter().filter_map(|line| line.split_once('=')).map(|(k, v)| (format!("ENV_{k}"), v.to_owned())).collect()
}

/// Returns the state of a process and the kernel function that it waits in; None: it is gone.
pub(super) fn state(place: &Place, pid: u32) -> Option<(char, Option<String>)> {
    let stat = proc_stat::parse(&String::from_utf8_lossy(&read(place, pid, "stat")?))?;
    let wchan = read(place, pid, "wchan").map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Some((stat.state, wchan.filter(|name| !name.is_empty() && name != "0")))
}

/// Returns the parent of a process that has not ended.
pub(super) fn parent(place: &Place, pid: u32) -> Option<u32> {
    let stat = proc_stat::parse(&String::from_utf8_lossy(&read(place, pid, "stat")?))?;
    (stat.state != 'Z').then_some(stat.parent)
}

/// Returns when a process began; None: it is gone, or is not a supervisord.
pub(super) fn started(place: &Place, pid: u32) -> Option<Timestamp> {
    let stat = proc_stat::parse(&String::from_utf8_lossy(&read(place, pid, "stat")?))?;
    if !is_supervisord(&arguments(&read(place, pid, "cmdline")?)) {
        return None;
    }
    let text = std::fs::read_to_string(place.at("/proc/stat")).ok()?; // no /proc
    let boot: i64 = text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?; // as above
    let since_boot = i64::try_from(stat.start.saturating_mul(1000) / TICKS).ok()?; // no start that a clock can have
    Some(Timestamp(boot.saturating_mul(1000).saturating_add(since_boot)))
}

fn read(place: &Place, pid: u32, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(place.at(format!("/proc/{pid}/{name}"))).ok()?; // gone, or of another user
    file.take(LONGEST).read_to_end(&mut bytes).ok()?; // as above
    Some(bytes)
}

fn arguments(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    let words = bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    words.collect()
}

fn is_named(word: &str, name: &str) -> bool {
    Path::new(word).file_name().is_some_and(|file| file == name)
}

/// Returns whether a command line is that of a supervisord: by its own name, or as the script of a Python.
fn is_supervisord(argv: &[String]) -> bool {
    let Some((program, arguments)) = argv.split_first() else { return false };
    if is_named(program, "supervisord") {
        return true;
    }
    let is_python = Path::new(program).file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"));
    let mut words = arguments.iter().skip_while(|word| word.starts_with('-') && *word != "-m");
    is_python
        && match words.next().map(String::as_str) {
            Some("-m") => words.next().is_some_and(|module| module.starts_with("supervisor.supervisord")),
            Some(script) => is_named(script, "supervisord"),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(argv: &[&str]) -> Running {
        Running { pid: 1, argv: argv.iter().map(|&w| w.to_owned()).collect(), cwd: Some("/srv".into()) }
    }

    /// An editor with the config file open is no supervisord.
    #[test]
    fn only_a_supervisord_is_one() {
        let is = |argv: &[&str]| is_supervisord(&process(argv).argv);
        assert!(is(&["/usr/bin/python3", "/usr/bin/supervisord", "-n"]));
        assert!(is(&["python3.11", "-u", "-m", "supervisor.supervisord"]));
        assert!(is(&["supervisord"]));
        assert!(!is(&["vi", "/etc/supervisord"]) && !is(&["python3", "x.py", "supervisord"]) && !is(&[]));
    }

    /// The programs of another config file than the one that is running would be reported.
    #[test]
    fn the_config_file_is_that_of_the_command_line() {
        let of = |argv: &[&str]| process(argv).config_files();
        assert_eq!(of(&["supervisord", "-c", "a.conf"]), [Path::new("/srv/a.conf")]);
        assert_eq!(of(&["supervisord", "-n", "-c/x/a.conf"]), [Path::new("/x/a.conf")]);
        assert_eq!(of(&["supervisord", "--configuration=/b"]), [Path::new("/b")]);
        let usual = of(&["/usr/bin/python3", "/opt/v/bin/supervisord"]);
        assert_eq!(usual[0], Path::new("/opt/v/etc/supervisord.conf"));
        assert!(usual.contains(&"/srv/supervisord.conf".into()));
        assert_eq!(process(&["supervisord", "--logfile=/l"]).option("-l", "--logfile"), Some("/l"));
    }
}
