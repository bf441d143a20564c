use crate::clock::{self, Timestamp};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The number of lines that are kept.
const LINES: usize = 200;
/// Bytes of one line that are kept.
const LINE_BYTES: usize = 2_000;

/// The last lines that a child wrote, and later ones for followers. Threads read the child's streams, so that a full
/// pipe never stops the child, however much it writes and however slow the followers are.
///
/// The log outlives its child: a child that is started again may continue the same log.
#[derive(Debug, Clone)]
pub struct LogRing {
    lines: Arc<Lines>,
    /// Notifies followers of a new line; closed when nothing can write any more.
    written: Arc<watch::Sender<u64>>,
    /// The number of streams that are being read.
    open: Arc<watch::Sender<usize>>,
}

#[derive(Debug, Default)]
struct Lines(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    /// The number of the next line.
    next: u64,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The number of the line, from 0 without gaps.
    pub number: u64,
    /// Time when the line was read.
    pub at: Timestamp,
    /// The line without its line end, cut at 2,000 bytes.
    pub text: Arc<str>,
}

/// An event that a follower reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    Line(LogLine),
    /// The number of lines that were overwritten before they were read.
    Lost(u64),
}

/// A reader of a log that starts at the oldest kept line.
#[derive(Debug)]
pub struct LogFollower {
    lines: Arc<Lines>,
    written: watch::Receiver<u64>,
    next: u64,
}

impl Default for LogRing {
    fn default() -> Self {
        LogRing {
            lines: Arc::default(),
            written: Arc::new(watch::Sender::new(0)),
            open: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl LogRing {
    /// Creates a log without lines.
    pub fn new() -> LogRing {
        LogRing::default()
    }

    /// Reads `stream` into the log until its end, on a thread of its own.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn collect(&self, stream: impl Read + Send + 'static) -> io::Result<()> {
        self.open.send_modify(|open| *open = open.saturating_add(1));
        let stream_end = StreamEnd(self.clone());
        let collector = move || {
            let end = stream_end;
            read_all(BufReader::new(stream), &end.0);
        };
        std::thread::Builder::new().name("child-log".into()).spawn(collector).map(drop)
    }

    /// Returns the kept lines, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().lines.iter().map(|line| line.text.to_string()).collect()
    }

    /// Returns the number of the next line.
    pub fn next(&self) -> u64 {
        self.lines.lock().next
    }

    /// Returns the kept lines from that number on, oldest first: what a child wrote that continues a log.
    pub fn lines_from(&self, number: u64) -> Vec<String> {
        let kept = self.lines.lock();
        kept.lines.iter().filter(|line| line.number >= number).map(|line| line.text.to_string()).collect()
    }

    /// Follows the log, starting with the lines that are kept.
    pub fn follow(&self) -> LogFollower {
        let next = self.lines.lock().lines.front().map_or(0, |line| line.number);
        LogFollower { lines: Arc::clone(&self.lines), written: self.written.subscribe(), next }
    }

    /// Waits until every stream has ended, so that [`LogRing::lines`] has the last words of a dead child. Bounded,
    /// since a grandchild may have inherited a stream and keep it open.
    pub async fn until_end(&self, limit: Duration) {
        let mut open = self.open.subscribe();
        // After the limit the lines read so far are used; the sender lives as long as `self`.
        let _ = tokio::time::timeout(limit, open.wait_for(|open| *open == 0)).await;
    }

    /// Adds a line of our own.
    pub fn push(&self, text: &str) {
        let mut kept = self.lines.lock();
        let number = kept.next;
        if kept.lines.len() == LINES {
            kept.lines.pop_front();
        }
        kept.lines.push_back(LogLine { number, at: clock::now(), text: text.into() });
        kept.next = number.saturating_add(1);
        drop(kept);
        self.written.send_replace(number);
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Lines are whole even after a panic in another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a stream as ended when it is dropped.
struct StreamEnd(LogRing);

impl Drop for StreamEnd {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open = open.saturating_sub(1));
    }
}

impl LogFollower {
    /// Returns the next line, or how many were lost before it. Returns `None` at the end of the log: every [`LogRing`]
    /// of it was dropped, and its streams have ended.
    pub async fn next(&mut self) -> Option<LogEvent> {
        loop {
            // Marked before the read, so that lines written after it are not missed.
            self.written.mark_unchanged();
            if let Some(event) = self.kept() {
                return Some(event);
            }
            if self.written.changed().await.is_err() {
                return self.kept();
            }
        }
    }

    /// Returns the next event that can be read without waiting.
    fn kept(&mut self) -> Option<LogEvent> {
        let kept = self.lines.lock();
        let first = kept.lines.front()?.number;
        if let Some(lost) = first.checked_sub(self.next).filter(|lost| *lost > 0) {
            self.next = first;
            return Some(LogEvent::Lost(lost));
        }
        let at = usize::try_from(self.next.saturating_sub(first)).ok()?; // a ring never is that long
        let line = kept.lines.get(at)?.clone();
        self.next = line.number.saturating_add(1);
        Some(LogEvent::Line(line))
    }
}

fn read_all(mut reader: impl BufRead, log: &LogRing) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match read_line(&mut reader, &mut line) {
            Ok(true) => log.push(String::from_utf8_lossy(&line).trim_end()),
            // A stream that cannot be read any more counts as ended.
            Ok(false) | Err(_) => return,
        }
    }
}

/// Reads one line into `line`, cut at [`LINE_BYTES`]. Returns false at the end of the stream.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let mut any = false;
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if available.is_empty() {
            return Ok(any);
        }
        any = true;
        let newline = available.iter().position(|&byte| byte == b'\n');
        let used = newline.map_or(available.len(), |at| at.saturating_add(1));
        let room = LINE_BYTES.saturating_sub(line.len());
        line.extend(available.iter().take(used).take(room));
        reader.consume(used);
        if newline.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::{Ending, Output, SpawnSpec, spawn};

    const LONG: Duration = Duration::from_secs(20);

    fn line(event: Option<LogEvent>) -> String {
        match event {
            Some(LogEvent::Line(line)) => line.text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn keeps_the_last_lines_and_cuts_long_ones() {
        let mut text = String::new();
        for n in 0..(LINES + 10) {
            text.push_str(&format!("line {n}\n"));
        }
        text.push_str(&"x".repeat(LINE_BYTES * 3));
        let ring = LogRing::new();
        ring.collect(io::Cursor::new(text)).unwrap();
        ring.until_end(LONG).await;
        let lines = ring.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines.first().map(String::as_str), Some("line 11"));
        assert_eq!(lines.last().map(String::len), Some(LINE_BYTES));
    }

    #[tokio::test]
    async fn a_child_that_floods_its_log_is_not_held_up_by_a_follower_who_does_not_read() {
        let log = LogRing::new();
        let idle = log.follow();
        let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done";
        let mut spec = SpawnSpec::new("/bin/sh", ["-c", script]);
        spec.output = Output::Log(log.clone());
        let mut child = spawn(&spec).unwrap();
        assert_eq!(tokio::time::timeout(LONG * 3, child.ended()).await.unwrap().unwrap(), Ending::Exited(0));
        log.until_end(LONG).await;
        let lines = log.lines();
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (LINES, "line 19999"));
        drop(idle);
    }

    #[tokio::test]
    async fn several_follow_one_log_and_each_learns_what_it_missed() {
        let log = LogRing::new();
        log.push("a");
        let (mut quick, mut slow) = (log.follow(), log.follow());
        assert_eq!(line(quick.next().await), "a");
        log.push("b");
        assert_eq!(line(quick.next().await), "b");
        (0..LINES).for_each(|n| log.push(&n.to_string()));
        assert_eq!(slow.next().await, Some(LogEvent::Lost(2)));
        assert_eq!(line(slow.next().await), "0");
        drop(log);
        for _ in 1..LINES {
            assert!(slow.next().await.is_some());
        }
        assert_eq!(slow.next().await, None, "nobody can write any more");
    }

    #[test]
    fn the_words_of_an_earlier_child_are_not_those_of_the_next() {
        let log = LogRing::new();
        log.push("old");
        let from = log.next();
        assert_eq!(log.lines_from(from), Vec::<String>::new());
        log.push("new");
        assert_eq!(log.lines_from(from), ["new"]);
    }

    #[tokio::test]
    async fn a_follower_is_woken_by_a_child_that_writes() {
        let log = LogRing::new();
        let mut follower = log.follow();
        let mut spec = SpawnSpec::new("/bin/sh", ["-c", "read -r word; echo \"$word\" >&2"]);
        spec.output = Output::LogStderr(log);
        let mut child = spawn(&spec).unwrap();
        let mut input = child.take_stdin().unwrap();
        let feeder = std::thread::spawn(move || io::Write::write_all(&mut input, b"hello\n"));
        let event = tokio::time::timeout(LONG, follower.next()).await.unwrap();
        assert_eq!(line(event), "hello");
        feeder.join().unwrap().unwrap();
    }
}
