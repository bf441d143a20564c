//! Lines of supervisord's own log: `2026-11-21 03:59:12,123 INFO spawned: 'api' with pid 17`. Format: supervisor 4.3's
//! `loggers.py`, `process.py` and `supervisord.py`.

use super::types::LogLine;
use crate::clock::Timestamp;

/// What a line of the main log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    Spawned {
        program: &'a str,
        pid: Option<u32>,
    },
    /// It counts as started.
    Success {
        program: &'a str,
    },
    Exited {
        program: &'a str,
        end: End<'a>,
        expected: bool,
    },
    /// After a stop was asked for.
    Stopped {
        program: &'a str,
    },
    GaveUp {
        program: &'a str,
    },
    /// No process was made; the line does not name the program, unless the words do.
    SpawnError {
        why: &'a str,
    },
    /// A supervisord began.
    Began,
    /// A supervisord was asked to end or to begin again: what ends from here on was stopped.
    ShutDown,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'a> {
    Code(i32),
    /// `SIGKILL`
    Signal(&'a str),
    Unknown,
}

/// Reads a line. None: it speaks of nothing that happened to a program.
pub fn event(line: &str) -> Option<Event<'_>> {
    let message = message(line)?;
    let (word, rest) = message.split_once(": ").unwrap_or((message, ""));
    let before = |mark: &str| rest.split_once(mark);
    Some(match word {
        "spawned" => {
            let (program, pid) = rest.strip_prefix('\'')?.rsplit_once("' with pid ")?;
            Event::Spawned { program, pid: pid.trim().parse().ok() } // no number: unknown
        }
        "success" => Event::Success { program: before(" entered ")?.0 },
        "gave up" => Event::GaveUp { program: before(" entered ")?.0 },
        "stopped" => Event::Stopped { program: before(" (")?.0 },
        "exited" => {
            let (program, how) = before(" (")?;
            let expected = !how.contains("; not expected");
            Event::Exited { program, end: end(how), expected }
        }
        "spawnerr" => Event::SpawnError { why: rest },
        _ if message.starts_with("supervisord started with pid ") => Event::Began,
        _ if message.starts_with("received SIG") && message.contains("indicating ") => {
            let is_end = message.ends_with("exit request") || message.ends_with("restart request");
            is_end.then_some(Event::ShutDown)?
        }
        _ => return None,
    })
}

impl<'a> Event<'a> {
    pub fn program(&self) -> Option<&'a str> {
        match self {
            Event::Spawned { program, .. }
            | Event::Success { program }
            | Event::Exited { program, .. }
            | Event::Stopped { program }
            | Event::GaveUp { program } => Some(program),
            // `unknown error making dispatchers for 'api': EACCES`, but not `can't find command '/x'`.
            Event::SpawnError { why } => {
                let (words, rest) = why.split_once('\'')?;
                let names = words.ends_with("for ") || words.ends_with("to spawn ");
                names.then(|| rest.split_once('\'')).flatten().map(|(name, _)| name)
            }
            Event::Began | Event::ShutDown => None,
        }
    }
}

/// Where the level stands behind a time.
const LEVEL_AT: usize = "2026-11-21 03:59:12,123".len();
const LEVELS: [&str; 7] = [" INFO ", " WARN ", " CRIT ", " ERRO ", " DEBG ", " TRAC ", " BLAT "];

/// Returns what follows time and level. None: the line has no level, or one that stands far behind.
fn message(line: &str) -> Option<&str> {
    let at_level = line.get(LEVEL_AT..).unwrap_or_default();
    if let Some(message) = LEVELS.iter().find_map(|level| at_level.strip_prefix(level)) {
        return Some(message);
    }
    // With something before the time, as a container's output has it.
    let head = line.get(..80.min(line.len())).unwrap_or(line);
    let at = LEVELS.iter().filter_map(|level| head.find(level).map(|at| at + level.len())).min();
    line.get(at?..)
}

fn end(how: &str) -> End<'_> {
    if let Some(code) = how.strip_prefix("exit status ") {
        let digits = code.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        return digits.parse().map_or(End::Unknown, End::Code);
    }
    match how.strip_prefix("terminated by ") {
        Some(signal) => End::Signal(signal.split([' ', ';', ')']).next().unwrap_or(signal)),
        None => End::Unknown,
    }
}

/// Returns from when on the output of a program is lost although it runs, and the words of supervisord: writing to its
/// log failed, and the channel was closed.
pub fn blind(main: &[LogLine], program: &str) -> Option<(Option<Timestamp>, String)> {
    let name = program.rsplit_once(':').map_or(program, |(_, name)| name);
    let is_closing =
        |line: &LogLine| line.text.contains("uncaptured python exception, closing channel <POutputDispatcher");
    let first = main.iter().position(is_closing)?;
    let mut found = None;
    for line in main.iter().skip(first) {
        let is_its =
            || line.text.split_once(" with name ").is_some_and(|(_, rest)| rest.split(' ').next() == Some(name));
        if is_closing(line) && is_its() {
            let why = line.text.split_once("uncaptured ").map_or(line.text.as_str(), |(_, why)| why);
            let why: String = why.chars().take(300).collect();
            found.get_or_insert((line.time, format!("uncaptured {why}")));
        } else if matches!(event(&line.text), Some(Event::Spawned { program, .. }) if program == name) {
            // A new process has channels of its own.
            found = None;
        }
    }
    found
}
