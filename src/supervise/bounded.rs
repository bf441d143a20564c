use super::live::Live;
use super::{Child, Ending, SpawnSpec, StopSignal, spawn};
use crate::clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ChildStdin;
use std::time::{Duration, Instant};

/// Bytes of each output stream that are kept by default. The rest is read and dropped, so that the child never blocks on
/// a pipe.
const OUTPUT_CAP: usize = 1 << 20;
/// Time after which a request to stop is seen.
const STOP_POLL: Duration = Duration::from_millis(100);
/// Time that a killed child may take to end before it is abandoned.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// The outcome of a short-lived child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bounded {
    /// The child ended on its own. The streams are cut at a limit, normally 1 MiB.
    Finished { ending: Ending, stdout: Vec<u8>, stderr: Vec<u8> },
    /// The child did not end in time and was killed. `state` is what it did at the end of its time (`S`: it waited, `R`:
    /// it ran, `D`: it hung in the kernel, yet could be killed), `wchan` the kernel function that it waited in, where
    /// the kernel reports them.
    TimedOut { limit: Duration, state: Option<char>, wchan: Option<String> },
    /// The child did not end in time, and not even SIGKILL ended it: it hangs in the kernel, in the function `wchan`
    /// where the kernel reports one. It was left running.
    Abandoned { limit: Duration, pid: u32, wchan: Option<String> },
    /// The child could not be started or watched.
    NotStarted { why: String },
}

/// Runs a child until it ends or until `limit`, and never longer than half a second beyond `limit`.
///
/// For reads that can hang in the kernel (a driver, a dead mount): such a hang must stop only this child. The streams
/// are read without blocking and not to their end, since a grandchild may keep them open.
pub fn run_bounded(spec: &SpawnSpec, limit: Duration) -> Bounded {
    run_bounded_with(spec, limit, &Exchange::default())
}

/// What a bounded child is told and may answer.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// Written to its stdin, which is closed then; with None it stays open and empty. A command line is seen by everyone on
    /// the machine and has an end at 128 KiB.
    pub input: Option<&'a [u8]>,
    /// Bytes of each output stream that are kept.
    pub most: usize,
    /// A request to stop ends the child as its limit does, within a tenth of a second.
    pub stop: Option<&'a StopSignal>,
}

impl Default for Exchange<'_> {
    fn default() -> Self {
        Exchange { input: None, most: OUTPUT_CAP, stop: None }
    }
}

/// Does what [`run_bounded`] does, with an exchange. The end of the program ([`super::end_bounded`]) ends the child at once.
/// Nothing is started without time.
pub fn run_bounded_with(spec: &SpawnSpec, limit: Duration, exchange: &Exchange<'_>) -> Bounded {
    let live = Live::enter();
    if limit.is_zero() || live.must_end() {
        return Bounded::TimedOut { limit, state: None, wchan: None };
    }
    let deadline = clock::instant().checked_add(limit);
    let mut child = match spawn(spec) {
        Ok(child) => child,
        Err(error) => return Bounded::NotStarted { why: error.to_string() },
    };
    match watch(&mut child, deadline, exchange, &live) {
        Ok(Some((ending, stdout, stderr))) => Bounded::Finished { ending, stdout, stderr },
        Ok(None) => give_up(child, limit, live),
        Err(error) => {
            give_up(child, limit, live);
            Bounded::NotStarted { why: error.to_string() }
        }
    }
}

type Ended = (Ending, Vec<u8>, Vec<u8>);

/// Collects both streams until the child ends. Returns None at the deadline.
fn watch(
    child: &mut Child,
    deadline: Option<Instant>,
    exchange: &Exchange<'_>,
    live: &Live,
) -> io::Result<Option<Ended>> {
    let Exchange { input, most, stop } = *exchange;
    let mut stdin = Input::of(child, input)?;
    let mut stdout = Stream::of(child.take_stdout(), most)?;
    let mut stderr = Stream::of(child.take_stderr(), most)?;
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(clock::instant()));
        let must_end = live.must_end() || stop.is_some_and(|stop| stop.reason().is_some());
        if left.is_some_and(|left| left.is_zero()) || must_end {
            return Ok(None);
        }
        // The time between two looks at the request to stop.
        let left = if stop.is_some() { Some(left.unwrap_or(STOP_POLL).min(STOP_POLL)) } else { left };
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut watched = vec![PollFd::from_borrowed_fd(child.end_fd(), PollFlags::IN)];
        watched.extend(stdin.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        watched.extend(stdout.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        watched.extend(stderr.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        watched.extend(live.end_fd().map(|end| PollFd::from_borrowed_fd(end, PollFlags::IN)));
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // Checked before reading, so that everything the child wrote before its end is read below.
        let ending = child.ending()?;
        stdin.fill()?;
        stdout.drain(deadline)?;
        stderr.drain(deadline)?;
        if let Some(ending) = ending {
            return Ok(Some((ending, stdout.kept, stderr.kept)));
        }
    }
}

fn give_up(mut child: Child, limit: Duration, live: Live) -> Bounded {
    let pid = child.id();
    let (state, waits_in) = (state(pid), wchan(pid));
    // Whoever ends the program need not wait for more than this: what has got the signal ends, or hangs in the kernel.
    if let Err(error) = child.send_kill() {
        return Bounded::NotStarted { why: error.to_string() };
    }
    drop(live);
    match child.kill_within(LAST_WAIT) {
        Ok(Ok(_)) => Bounded::TimedOut { limit, state, wchan: waits_in },
        Ok(Err(stuck)) => {
            stuck.abandon();
            Bounded::Abandoned { limit, pid, wchan: wchan(pid) }
        }
        Err(error) => Bounded::NotStarted { why: error.to_string() },
    }
}

/// Returns the state of a process (proc_pid_stat(5)).
fn state(pid: u32) -> Option<char> {
    // Only shown to people, as below.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Returns the kernel function that a process sleeps in. procfs answers without touching what the process waits for.
fn wchan(pid: u32) -> Option<String> {
    // Only shown to people, so a kernel that does not report it is no error.
    let name = std::fs::read_to_string(format!("/proc/{pid}/wchan")).ok()?;
    let name = name.trim();
    (!name.is_empty() && name != "0").then(|| name.to_owned())
}

/// What is still to be written to a child.
struct Input<'a> {
    /// None once all is written, or nobody reads it any more: the child sees the end of its input.
    pipe: Option<ChildStdin>,
    left: &'a [u8],
}

impl<'a> Input<'a> {
    fn of(child: &mut Child, input: Option<&'a [u8]>) -> io::Result<Input<'a>> {
        let Some(left) = input else { return Ok(Input { pipe: None, left: &[] }) };
        let pipe = child.take_stdin();
        if let Some(pipe) = &pipe {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(Input { pipe, left })
    }

    /// Writes as much as is taken now.
    fn fill(&mut self) -> io::Result<()> {
        while let Some(pipe) = &mut self.pipe {
            if self.left.is_empty() {
                self.pipe = None;
                break;
            }
            match pipe.write(self.left) {
                Ok(n) => self.left = self.left.get(n..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It has ended, or reads no more: its answer says what came of that.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.pipe = None,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// One output stream and the bytes of it that are kept.
struct Stream<P> {
    /// None once the stream has ended.
    pipe: Option<P>,
    kept: Vec<u8>,
    cap: usize,
}

impl<P: Read + AsFd> Stream<P> {
    fn of(pipe: Option<P>, cap: usize) -> io::Result<Stream<P>> {
        if let Some(pipe) = &pipe {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(Stream { pipe, kept: Vec::new(), cap })
    }

    /// Reads the bytes that are available now. The deadline stops the read of a child that writes without end.
    fn drain(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        let mut buffer = [0u8; 16 * 1024];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(n) => {
                    let room = self.cap.saturating_sub(self.kept.len());
                    self.kept.extend(buffer.iter().take(n).take(room));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if deadline.is_some_and(|at| clock::instant() >= at) {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Bounded {
        run_bounded(&SpawnSpec::new("/bin/sh", ["-c", script]), limit)
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn the_output_and_the_exit_code_of_a_short_child_are_told() {
        let expected =
            Bounded::Finished { ending: Ending::Exited(3), stdout: b"out\n".to_vec(), stderr: b"err\n".to_vec() };
        assert_eq!(shell("echo out; echo err >&2; exit 3", LONG), expected);
    }

    #[test]
    fn a_child_that_hangs_costs_its_limit_and_no_more() {
        let start = clock::instant();
        let limit = Duration::from_millis(100);
        assert!(matches!(shell("exec sleep 600", limit), Bounded::TimedOut { state: Some('S'), .. }));
        assert!(matches!(shell("while :; do echo spam; done", limit), Bounded::TimedOut { .. }));
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipe_open_delays_nothing() {
        let start = clock::instant();
        let Bounded::Finished { ending, stdout, .. } = shell("sleep 600 & echo done", LONG) else {
            panic!("it ended");
        };
        assert_eq!((ending, stdout.as_slice()), (Ending::Exited(0), b"done\n".as_slice()));
        assert!(start.elapsed() < LONG);
    }

    /// The facts of a service that was started a thousand times are more than a command line may have.
    #[test]
    fn a_long_input_reaches_the_child_and_ends() {
        let told = |script: &str, input: &[u8]| {
            let spec = SpawnSpec::new("/bin/sh", ["-c", script]);
            run_bounded_with(&spec, LONG, &Exchange { input: Some(input), ..Exchange::default() })
        };
        let input = vec![b'x'; 700_000];
        let Bounded::Finished { stdout, .. } = told("cat", &input) else { panic!("it ended") };
        assert!(stdout == input, "{} bytes", stdout.len());
        assert!(
            matches!(told("exit 3", &input), Bounded::Finished { ending: Ending::Exited(3), .. }),
            "it reads nothing"
        );
        assert!(matches!(told("cat", b""), Bounded::Finished { ending: Ending::Exited(0), .. }));
    }

    #[test]
    fn endless_output_is_cut_and_does_not_block_the_child() {
        let Bounded::Finished { ending, stdout, .. } = shell("head -c 5000000 /dev/zero", LONG) else {
            panic!("it ended");
        };
        assert_eq!((ending, stdout.len()), (Ending::Exited(0), OUTPUT_CAP));
    }

    #[test]
    fn a_program_that_is_not_there_is_said_so() {
        let spec = SpawnSpec::new("/nonexistent/program", [""; 0]);
        assert!(matches!(run_bounded(&spec, LONG), Bounded::NotStarted { .. }));
    }
}
