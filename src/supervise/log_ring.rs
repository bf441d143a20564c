use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many lines are kept.
const LINES: usize = 200;
/// How much of one line is kept, bytes.
const LINE_BYTES: usize = 2_000;

/// The last lines that a child wrote to its stderr. A thread reads them, so that a full pipe never stops the child.
#[derive(Debug)]
pub struct LogRing {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Disconnected when the stream has ended.
    ended: Receiver<()>,
}

impl LogRing {
    /// Reads `stream` to its end on a thread of its own.
    pub fn follow(stream: impl Read + Send + 'static) -> std::io::Result<LogRing> {
        let lines = Arc::new(Mutex::new(VecDeque::with_capacity(LINES)));
        let (still_reading, ended) = sync_channel::<()>(0);
        let kept = Arc::clone(&lines);
        std::thread::Builder::new().name("child-log".into()).spawn(move || {
            collect(BufReader::new(stream), &kept);
            drop(still_reading);
        })?;
        Ok(LogRing { lines, ended })
    }

    /// The last lines, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Waits until the stream has ended, so that [`LogRing::lines`] has the last words of a dead child. Bounded, since
    /// a grandchild may have inherited the stream and keep it open.
    pub fn wait_for_end(&self, limit: Duration) {
        match self.ended.recv_timeout(limit) {
            Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
        }
    }
}

fn collect(mut reader: impl BufRead, lines: &Mutex<VecDeque<String>>) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match read_line(&mut reader, &mut line) {
            Ok(true) => {}
            // The end, or a stream that cannot be read any more: the same for a log.
            Ok(false) | Err(_) => return,
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_string();
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}

/// One line into `line`, cut at [`LINE_BYTES`]; false at the end of the stream.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut any = false;
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
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

    #[test]
    fn keeps_the_last_lines_and_cuts_long_ones() {
        let mut text = String::new();
        for n in 0..(LINES + 10) {
            text.push_str(&format!("line {n}\n"));
        }
        text.push_str(&"x".repeat(LINE_BYTES * 3));
        let ring = LogRing::follow(std::io::Cursor::new(text)).unwrap();
        ring.wait_for_end(Duration::from_secs(10));
        let lines = ring.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines.first().map(String::as_str), Some("line 11"));
        assert_eq!(lines.last().map(String::len), Some(LINE_BYTES));
    }
}
