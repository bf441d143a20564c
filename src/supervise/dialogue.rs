use super::{Child, Ending, SpawnSpec, spawn};
use crate::clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

/// A child that answers many questions: a line in, a line out, each within a limit.
#[derive(Debug)]
pub struct Dialogue {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    errors: ChildStderr,
}

/// The reason for a missing answer. After any of them the child cannot be used any more.
#[derive(Debug)]
pub enum NoAnswer {
    /// There was no answer within the limit.
    TimedOut,
    /// The answer is longer than the limit.
    TooLong,
    /// The child ended. `last_words` is the end of its stderr, at most 4 KiB.
    Ended {
        ending: Option<Ending>,
        last_words: String,
    },
    Broken(io::Error),
}

/// Bytes of stderr that are kept.
const LAST_WORDS: usize = 4096;
/// Time that a child may take to end once its pipes are closed.
const LAST_WAIT: Duration = Duration::from_secs(5);

impl Dialogue {
    /// Starts a child. It ends when this is dropped, and when we end: its stdin is closed then.
    ///
    /// # Errors
    /// The child cannot be started.
    pub fn start(spec: &SpawnSpec) -> io::Result<Dialogue> {
        let mut child = spawn(spec)?;
        let missing = || io::Error::other("a child without pipes");
        let input = child.take_stdin().ok_or_else(missing)?;
        let output = child.take_stdout().ok_or_else(missing)?;
        let errors = child.take_stderr().ok_or_else(missing)?;
        fcntl_setfl(&input, fcntl_getfl(&input)? | OFlags::NONBLOCK)?;
        fcntl_setfl(&output, fcntl_getfl(&output)? | OFlags::NONBLOCK)?;
        fcntl_setfl(&errors, fcntl_getfl(&errors)? | OFlags::NONBLOCK)?;
        Ok(Dialogue { child, input, output, errors })
    }

    /// Returns whether the child still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.ending(), Ok(None))
    }

    /// Writes lines and reads one line back: without its line end, at most `most` bytes.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub fn ask(&mut self, lines: &[u8], limit: Duration, most: usize) -> Result<Vec<u8>, NoAnswer> {
        let deadline = clock::instant().checked_add(limit);
        let answer = write_all(&mut self.input, lines, deadline).and_then(|()| self.line(deadline, most));
        match answer {
            Err(NoAnswer::Ended { .. }) => Err(self.last_words()),
            other => other,
        }
    }

    fn line(&mut self, deadline: Option<Instant>, most: usize) -> Result<Vec<u8>, NoAnswer> {
        let mut line = Vec::new();
        let mut buffer = [0u8; 16 * 1024];
        loop {
            match self.output.read(&mut buffer) {
                Ok(0) => return Err(ended()),
                Ok(count) => {
                    line.extend(buffer.iter().take(count));
                    if line.last() == Some(&b'\n') {
                        line.pop();
                        return Ok(line);
                    }
                    if line.len() > most {
                        return Err(NoAnswer::TooLong);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&self.output, PollFlags::IN, deadline)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(NoAnswer::Broken(error)),
            }
        }
    }

    /// Returns how the child ended, and what it wrote to stderr at its end.
    fn last_words(&mut self) -> NoAnswer {
        let ending = match self.child.wait(LAST_WAIT) {
            Ok(ending) => ending,
            Err(error) => return NoAnswer::Broken(error),
        };
        let mut words = Vec::new();
        // A failed read means that the pipe is empty or closed: there is nothing more to report.
        let _ = (&mut self.errors).take(64 << 10).read_to_end(&mut words);
        let from = words.len().saturating_sub(LAST_WORDS);
        let last_words = String::from_utf8_lossy(words.get(from..).unwrap_or_default()).into_owned();
        NoAnswer::Ended { ending, last_words }
    }
}

fn ended() -> NoAnswer {
    NoAnswer::Ended { ending: None, last_words: String::new() }
}

fn write_all(input: &mut ChildStdin, mut bytes: &[u8], deadline: Option<Instant>) -> Result<(), NoAnswer> {
    while !bytes.is_empty() {
        match input.write(bytes) {
            Ok(0) => return Err(ended()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(input, PollFlags::OUT, deadline)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(ended()),
            Err(error) => return Err(NoAnswer::Broken(error)),
        }
    }
    Ok(())
}

/// Waits until the pipe can be used or its other end is closed.
fn wait(pipe: &impl AsFd, event: PollFlags, deadline: Option<Instant>) -> Result<(), NoAnswer> {
    let left = deadline.map(|at| at.saturating_duration_since(clock::instant()));
    if left.is_some_and(|left| left.is_zero()) {
        return Err(NoAnswer::TimedOut);
    }
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(&mut [PollFd::new(pipe, event)], timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(NoAnswer::Broken(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn shell(script: &str) -> Dialogue {
        Dialogue::start(&SpawnSpec::new("/bin/sh", ["-c", script])).unwrap()
    }

    #[test]
    fn a_child_answers_line_by_line() {
        let mut child = shell("while read -r line; do echo \"<$line>\"; done");
        assert_eq!(child.ask(b"a\n", LONG, 100).unwrap(), b"<a>");
        // Longer than a pipe holds, so that both sides wait for each other.
        let long = "b".repeat(200_000);
        let answer = child.ask(format!("{long}\n").as_bytes(), LONG, 1 << 20).unwrap();
        assert_eq!(answer.len(), long.len() + 2);
        assert!(child.is_alive());
    }

    #[test]
    fn a_child_that_does_not_answer_costs_the_limit_and_no_more() {
        let before = clock::instant();
        let limit = Duration::from_millis(50);
        assert!(matches!(shell("sleep 600").ask(b"a\n", limit, 100), Err(NoAnswer::TimedOut)));
        let unread = vec![b'a'; 1 << 20];
        assert!(matches!(shell("sleep 600").ask(&unread, limit, 100), Err(NoAnswer::TimedOut)));
        assert!(before.elapsed() < LONG);
    }

    #[test]
    fn how_a_child_ended_is_reported_with_its_last_words() {
        let Err(NoAnswer::Ended { ending, last_words }) = shell("read -r l; echo why >&2; exit 3").ask(b"a\n", LONG, 9)
        else {
            panic!("it ended");
        };
        assert_eq!((ending, last_words.as_str()), (Some(Ending::Exited(3)), "why\n"));
    }

    #[test]
    fn an_answer_without_end_is_cut_off() {
        let endless = shell("read -r l; while :; do printf aaaaaaaaaaaaaaaa; done").ask(b"a\n", LONG, 1000);
        assert!(matches!(endless, Err(NoAnswer::TooLong)));
    }
}
