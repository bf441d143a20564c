use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// The file, or another source: `journal`, `kernel log`.
    pub source: String,
    /// From 1 where the file was read from its beginning; None where only its end was read.
    pub line: Option<u64>,
    /// As the line or its source says; None where it says none.
    pub time: Option<Timestamp>,
    /// Without its line end and control characters, at most 2,000 characters.
    pub text: String,
    /// The life that wrote it, as an index into [`super::super::ServiceFacts`]' lives, where that can be said.
    pub life: Option<usize>,
    /// Whether it looks like an error: by level, by a word at its start, as a traceback's last line, or by a sign.
    pub error: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    Stdout,
    Stderr,
    /// Named by the configuration.
    Extra,
    Journal,
    /// supervisord's own.
    Main,
}

/// What was read of one log: its end (8 MiB, and as much of `.1` as is missing to that).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogFacts {
    pub path: PathBuf,
    pub kind: LogKind,
    /// In bytes.
    pub size: u64,
    pub modified: Option<Timestamp>,
    /// Lines that were read and lines that were kept below.
    pub lines_read: u64,
    /// Whether the file is longer than what was read.
    pub is_cut: bool,
    /// From when on nothing is written to it although its program runs, and why (SUP-20).
    pub blind: Option<(Option<Timestamp>, String)>,
    /// Lines that some rule knows, and the first error-like lines of each life; in order, at most 400. Of supervisord's
    /// own log also every event of a program, at most 400 for each and 8,000 for all.
    pub marked: Vec<LogLine>,
    /// The last 20 lines.
    pub last: Vec<LogLine>,
    /// What says to which life a marked line belongs; empty once that is decided.
    #[serde(skip)]
    pub clues: Clues,
}

/// What a log says about the restarts of its program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clues {
    /// One for each marked line.
    pub lines: Vec<Clue>,
    /// The starts that the log shows, in order, with the process where it is named.
    pub starts: Vec<Option<u32>>,
    /// Whether each life shows its start with its first line; otherwise one that fails early shows none.
    pub starts_are_first: bool,
    /// Fatal messages of several lines, such as tracebacks.
    pub blocks: u32,
    /// How often the first line of the file was repeated, the first time included.
    pub banners: u32,
}

/// What stood before a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clue {
    /// The last time at or before the line.
    pub time: Option<Timestamp>,
    /// Counts up to and including the line.
    pub starts: u32,
    pub blocks: u32,
    pub banners: u32,
}

/// How a life ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum LifeEnd {
    Running,
    Exited {
        code: i32,
        expected: bool,
    },
    /// `SIGKILL`
    Killed {
        signal: String,
    },
    /// An operator or a shutdown asked for it; it does not count as a flap.
    Stopped,
    /// The child was never made.
    NotSpawned {
        why: String,
    },
    Unknown,
}

impl fmt::Display for LifeEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LifeEnd::Running => f.write_str("still running"),
            LifeEnd::Exited { code, .. } => write!(f, "exit status {code}"),
            LifeEnd::Killed { signal } => write!(f, "ended by {signal}"),
            LifeEnd::Stopped => f.write_str("stopped"),
            LifeEnd::NotSpawned { why } => write!(f, "not started: {why}"),
            LifeEnd::Unknown => f.write_str("end unknown"),
        }
    }
}

/// One run of a service, from its start to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Life {
    pub began: Option<Timestamp>,
    /// In seconds.
    pub lasted_s: Option<f64>,
    pub end: LifeEnd,
    pub pid: Option<u32>,
    /// Whether the manager counted the start as good (`success: … entered RUNNING`).
    pub started_well: bool,
    pub first_error: Option<LogLine>,
    /// The line of the manager's log that tells of its end.
    pub end_line: Option<LogLine>,
}
