use super::follow::Follower;
use super::lines;
use super::open::{NotOpened, open};
use super::types::{Clues, LogFacts, LogKind};
use crate::clock::Timestamp;
use crate::node::model_file::modified;
use crate::node::{Fact, Outcome, Place, local_zone};
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How much of a log is read and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes from its end.
    pub bytes: u64,
    /// Marked lines.
    pub marked: usize,
    /// Last lines.
    pub last: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 8 << 20, marked: 400, last: 20 }
    }
}

/// Reads the end of a log, and of `PATH.1` what is missing to the limit. Lines that `is_known` or that look like an error
/// are marked. A log that is rotated, cut or written to meanwhile is read as far as it goes.
pub fn read(
    place: &Place,
    path: &Path,
    kind: LogKind,
    is_known: &dyn Fn(&str) -> bool,
    limits: Limits,
    now: Timestamp,
) -> Fact<LogFacts> {
    let source = path.display().to_string();
    let (file, metadata) = match open(place, path) {
        Ok(opened) => opened,
        Err(NotOpened::Io(error)) => return Fact::io_error(source, now, &error, "its owner, its group, or root"),
        Err(NotOpened::NoLog(why)) => return Fact::new(source, now, Outcome::Failed { why }),
    };
    let most = (limits.marked, limits.last);
    let mut follower = Follower::new(kind, local_zone(place), now, is_known, most);
    let missing = limits.bytes.saturating_sub(metadata.len());
    if missing > 0 {
        older(place, path, &metadata, missing, &mut follower);
    }
    let had_older = follower.lines_read > 0;
    let end = End { source: Rc::from(source.as_str()), limit: limits.bytes, is_beginning: !had_older };
    if let Err(error) = end.follow(file, &metadata, &mut follower)
        && follower.lines_read == 0
    {
        return Fact::io_error(source, now, &error, "its owner, its group, or root");
    }
    let lines_read = follower.lines_read;
    let (marked, last, clues) = follower.finish();
    let facts = LogFacts {
        path: path.to_owned(),
        kind,
        size: metadata.len(),
        modified: Some(modified(&metadata)),
        lines_read,
        is_cut: metadata.len() > limits.bytes,
        blind: None,
        marked,
        last,
        // supervisord's own log belongs to no life.
        clues: if kind == LogKind::Main { Clues::default() } else { clues },
    };
    Fact::ok(source, now, facts)
}

/// Reads the end of the file before the last rotation. That there is none, or that it cannot be read, is no error.
fn older(place: &Place, path: &Path, current: &Metadata, limit: u64, follower: &mut Follower) {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    let path = PathBuf::from(name);
    let Ok((file, metadata)) = open(place, &path) else { return };
    // The log was rotated after it was opened: this is the same file.
    if (metadata.dev(), metadata.ino()) == (current.dev(), current.ino()) {
        return;
    }
    let end = End { source: path.display().to_string().into(), limit, is_beginning: true };
    // What was read before an error counts.
    let _ = end.follow(file, &metadata, follower);
}

/// The end of one file.
struct End {
    source: Rc<str>,
    /// In bytes.
    limit: u64,
    /// Whether nothing of the log was read before it.
    is_beginning: bool,
}

impl End {
    fn follow(&self, mut file: File, metadata: &Metadata, follower: &mut Follower) -> io::Result<()> {
        let from = metadata.len().saturating_sub(self.limit);
        // One byte more: a line begins there if it is a line end.
        file.seek(SeekFrom::Start(from.saturating_sub(1)))?;
        // What is written meanwhile would make this endless.
        let bytes = metadata.len().saturating_sub(from.saturating_sub(1));
        let reader = BufReader::with_capacity(64 << 10, file.take(bytes));
        let mut is_first = self.is_beginning && from == 0;
        lines::each(reader, from > 0, |line| {
            let number = (from == 0).then_some(line.number);
            follower.line(&self.source, line.text, number, is_first);
            is_first = false;
        })
    }
}
