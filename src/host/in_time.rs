//! Slow reads, in a thread of their own with a limit. For reads that the kernel lets be killed with the program; a read
//! that may hang beyond that runs in a child process ([`super::self_child`]).

use crate::clock;
use crate::model::Reading;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// A read that was started.
#[derive(Debug)]
pub struct Pending<T> {
    what: String,
    limit: Duration,
    deadline: Option<Instant>,
    answer: Result<Receiver<io::Result<T>>, String>,
}

/// Starts `read`, which receives the time by which its answer is useful. A read that hangs is abandoned in its thread.
pub fn start<T: Send + 'static>(
    limit: Duration,
    what: &str,
    read: impl FnOnce(Option<Instant>) -> io::Result<T> + Send + 'static,
) -> Pending<T> {
    let deadline = clock::instant().checked_add(limit);
    let (answer, answered) = sync_channel(1);
    let thread = std::thread::Builder::new().spawn(move || {
        // Nothing receives the answer after the limit.
        let _ = answer.send(read(deadline));
    });
    let answer = thread.map(|_| answered).map_err(|e| e.to_string());
    Pending { what: what.to_owned(), limit, deadline, answer }
}

impl<T> Pending<T> {
    /// Returns the answer. Unavailable when there is none within the limit, counted from the start.
    pub fn wait(self) -> Reading<T> {
        let Pending { what, limit, deadline, answer } = self;
        let too_slow = || format!("{what} was not read within {}", humantime::format_duration(limit));
        let left = deadline.map_or(limit, |at| at.saturating_duration_since(clock::instant()));
        let why = match answer.map(|answer| answer.recv_timeout(left)) {
            Ok(Ok(Ok(value))) => return Reading::Known(value),
            Ok(Ok(Err(e))) if e.kind() == io::ErrorKind::TimedOut => too_slow(),
            Ok(Ok(Err(e))) => format!("{what} cannot be read: {e}"),
            Ok(Err(RecvTimeoutError::Timeout)) => too_slow(),
            Ok(Err(RecvTimeoutError::Disconnected)) => format!("the reader of {what} broke down"),
            Err(e) => format!("{what} cannot be read: {e}"),
        };
        Reading::Unavailable(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_hangs_is_unknown_after_its_limit() {
        let (stop, stopped) = sync_channel::<()>(0);
        let hung = start(Duration::from_millis(50), "the disk", move |_| stopped.recv().map_err(io::Error::other));
        assert_eq!(hung.wait(), Reading::Unavailable("the disk was not read within 50ms".to_owned()));
        drop(stop);
    }

    #[test]
    fn a_read_that_fails_says_why() {
        let limit = Duration::from_secs(20);
        let failed: Reading<()> = start(limit, "the disk", |_| Err(io::Error::other("on fire"))).wait();
        assert_eq!(failed, Reading::Unavailable("the disk cannot be read: on fire".to_owned()));
        assert_eq!(start(limit, "the disk", |_| Ok(7)).wait(), Reading::Known(7));
    }
}
