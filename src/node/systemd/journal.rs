//! The journal of a unit: what the unit says and what its manager says of it, by `journalctl` in bounded children or
//! from a file that it wrote.

use super::entry::{Entry, Notice, entry};
use super::lives::Lives;
use super::unit::{failed, is_booted, not_finished, plain};
use super::{Fact, Outcome};
use crate::clock::Timestamp;
use crate::node::Place;
use crate::node::log::{Clues, Life, LogFacts, LogKind, LogLine};
use crate::supervise::{Bounded, run_bounded};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// Entries of the unit and of its manager that are asked for, newest first. The output of a child is cut at 1 MiB.
const OWN: usize = 2_000;
const OF_MANAGER: usize = 1_500;
/// Bytes at the end of a recorded journal that are read.
const FILE_BYTES: u64 = 64 << 20;
/// Lines that are kept, and how many of them are the last ones of all.
const MARKED: usize = 400;
const LAST: usize = 20;
/// Characters of a line.
const CHARS: usize = 2_000;
/// The fields that are read; journalctl adds its own.
const FIELDS: &str =
    "MESSAGE,MESSAGE_ID,PRIORITY,UNIT,USER_UNIT,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT,_COMM,_PID,EXIT_CODE,EXIT_STATUS";
/// Words of journalctl that say that it shows less than there is.
const HIDDEN: &[&str] = &["not seeing messages from other users", "insufficient permissions"];
const SOURCE: &str = "journal";

/// What to do with the lines of a log.
#[derive(Clone, Copy)]
pub struct Marks<'a> {
    /// Whether some rule reads the line: it is kept.
    pub is_known: &'a dyn Fn(&str) -> bool,
    /// Whether it looks like an error.
    pub is_error: &'a dyn Fn(&str) -> bool,
    /// Removes what a terminal would act on.
    pub clean: &'a dyn Fn(&str) -> String,
}

impl std::fmt::Debug for Marks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Marks")
    }
}

/// Reads what the journal has of `unit` since a time: its lines, and the lives that they belong to. `file` is a recorded
/// journal (`journalctl --output=json`) that is read instead. Takes at most half a second longer than `limit`.
pub fn journal(
    place: &Place,
    unit: &str,
    since: Timestamp,
    file: Option<&Path>,
    marks: Marks<'_>,
    limit: Duration,
    now: Timestamp,
) -> Fact<(LogFacts, Vec<Life>)> {
    let read = match file {
        Some(file) => {
            of_file(file).map_err(|error| Fact::io_error(file.display().to_string(), now, &error, "root").outcome)
        }
        None => ask(place, unit, since, limit),
    };
    match read {
        Ok(read) => Fact::ok(format!("journal of {unit}"), now, judge(&read, unit, since, marks, now)),
        Err(outcome) => Fact::new(format!("journal of {unit}"), now, outcome),
    }
}

/// Lines of JSON.
#[derive(Debug, Default)]
struct Recorded {
    lines: Vec<String>,
    bytes: u64,
    is_cut: bool,
}

fn of_file(path: &Path) -> io::Result<Recorded> {
    let mut file = File::from(rustix::fs::open(
        path,
        // A FIFO must not block.
        rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?);
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let skipped = meta.len().saturating_sub(FILE_BYTES);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // The first line of what was cut is half a line.
    let lines = text.lines().skip(usize::from(skipped > 0)).map(str::to_owned).collect();
    Ok(Recorded { lines, bytes: meta.len(), is_cut: skipped > 0 })
}

fn ask<T: Send>(place: &Place, unit: &str, since: Timestamp, limit: Duration) -> Result<Recorded, Outcome<T>> {
    if !is_booted(place) {
        return Err(Outcome::Absent { why: "systemd is not running here".to_owned() });
    }
    // Apart, so that a unit that says much does not push out what its manager says of it.
    let own = format!("_SYSTEMD_UNIT={unit}");
    let of_manager = format!("UNIT={unit}");
    let (own, of_manager) = std::thread::scope(|scope| {
        let own = scope.spawn(|| query(&own, OWN, since, limit));
        let of_manager = query(&of_manager, OF_MANAGER, since, limit);
        let broken = || Err(Outcome::Failed { why: "reading the journal failed".to_owned() });
        (own.join().unwrap_or_else(|_| broken()), of_manager)
    });
    let (mut own, of_manager) = (own?, of_manager?);
    own.bytes = own.bytes.saturating_add(of_manager.bytes);
    own.is_cut |= of_manager.is_cut;
    own.lines.extend(of_manager.lines);
    Ok(own)
}

fn query<T>(filter: &str, most: usize, since: Timestamp, limit: Duration) -> Result<Recorded, Outcome<T>> {
    let seconds = since.millis().max(0) / 1_000;
    let args = [
        "--output=json".to_owned(),
        format!("--output-fields={FIELDS}"),
        "--no-pager".to_owned(),
        // Newest first: what is cut off is the oldest.
        "--reverse".to_owned(),
        format!("--lines={most}"),
        format!("--since=@{seconds}"),
        filter.to_owned(),
    ];
    match run_bounded(&plain("journalctl", args), limit) {
        Bounded::Finished { ending, stdout, stderr } => {
            let said = String::from_utf8_lossy(&stderr);
            let is_hidden = HIDDEN.iter().any(|hidden| said.contains(hidden));
            // Where there is none it says so in words.
            if is_hidden && !stdout.starts_with(b"{") {
                return Err(Outcome::Denied {
                    why: "the journal does not show messages of other users".to_owned(),
                    right: "a member of the group systemd-journal or adm, or root".to_owned(),
                    command: None,
                });
            }
            // Nothing found is an end of 1 with nothing said in some versions.
            if !ending.is_clean() && !stderr.trim_ascii().is_empty() {
                return Err(Outcome::Failed { why: failed("journalctl", ending, &stderr) });
            }
            let text = String::from_utf8_lossy(&stdout);
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let is_cut = lines.len() >= most || !text.is_empty() && !text.ends_with('\n');
            Ok(Recorded { bytes: stdout.len() as u64, is_cut, lines: lines.into_iter().rev().collect() })
        }
        other => Err(not_finished("journalctl", other)),
    }
}

/// Turns lines of JSON into lines of a log and lives.
fn judge(recorded: &Recorded, unit: &str, since: Timestamp, marks: Marks<'_>, now: Timestamp) -> (LogFacts, Vec<Life>) {
    let mut entries: Vec<Entry> = recorded.lines.iter().filter_map(|line| entry(line, unit)).collect();
    entries.retain(|entry| entry.time >= since);
    // Stable: what has one time stays in its order.
    entries.sort_by_key(|entry| entry.time);
    let mut lives = Lives::default();
    let mut marked: VecDeque<LogLine> = VecDeque::new();
    let mut last: VecDeque<LogLine> = VecDeque::new();
    let mut read = 0u64;
    for entry in &entries {
        // A message may have several lines; the first one speaks for its life.
        for (at, text) in entry.message.lines().enumerate() {
            read = read.saturating_add(1);
            let line = line(entry, text, marks);
            let life = lives.note(entry, &line, at == 0);
            let line = LogLine { life, ..line };
            // What the manager says of an end is kept, whoever reads it.
            let is_end =
                entry.is_of_manager && !matches!(entry.notice, None | Some(Notice::Started | Notice::Starting));
            if is_end || line.error || (marks.is_known)(&line.text) {
                push(&mut marked, line.clone(), MARKED);
            }
            push(&mut last, line, LAST);
        }
    }
    let lives = lives.finish(now);
    let facts = LogFacts {
        clues: Clues::default(),
        path: SOURCE.into(),
        kind: LogKind::Journal,
        size: recorded.bytes,
        modified: entries.last().map(|entry| entry.time),
        lines_read: read,
        is_cut: recorded.is_cut,
        blind: None,
        marked: marked.into(),
        last: last.into(),
    };
    (facts, lives)
}

fn line(entry: &Entry, text: &str, marks: Marks<'_>) -> LogLine {
    let text: String = (marks.clean)(text).chars().take(CHARS).collect();
    // The priority of what a unit prints is that of its stream, and says nothing.
    let is_error = if entry.is_of_manager {
        entry.priority.is_some_and(|priority| priority <= 4)
    } else {
        entry.priority.is_some_and(|priority| priority <= 2) || (marks.is_error)(&text)
    };
    LogLine { source: SOURCE.to_owned(), line: None, time: Some(entry.time), text, life: None, error: is_error }
}

fn push(lines: &mut VecDeque<LogLine>, line: LogLine, most: usize) {
    if lines.len() >= most {
        lines.pop_front();
    }
    lines.push_back(line);
}
