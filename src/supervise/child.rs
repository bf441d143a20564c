use super::{Ending, KeepOpen};
use crate::clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Time that the kernel may take to end a killed child.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// A child that we started, in its own process group. Dropping it kills the group and reaps the child.
#[derive(Debug)]
pub struct Child {
    inner: std::process::Child,
    pid: Pid,
    /// Readable once the child has ended.
    pidfd: OwnedFd,
    /// Held open for the life of the child; the kernel closes it when we end, however that happens.
    lifeline: Option<ChildStdin>,
    /// A descriptor that the child keeps open. It is held until the child has ended, so that its lock is not released
    /// while the child runs.
    kept: Option<Arc<dyn KeepOpen>>,
    ending: Option<Ending>,
    /// Whether we asked the child to end.
    is_unwanted: bool,
}

impl Child {
    pub(super) fn of(mut inner: std::process::Child, kept: Option<Arc<dyn KeepOpen>>) -> io::Result<Child> {
        let lifeline = inner.stdin.take();
        let pid = i32::try_from(inner.id()).ok().and_then(Pid::from_raw);
        let opened = pid.ok_or_else(|| io::Error::other("a child without a process id")).and_then(|pid| {
            // The child is ours and not yet reaped, so the number cannot have passed to another process.
            Ok((pid, pidfd_open(pid, PidfdFlags::empty())?))
        });
        match opened {
            Ok((pid, pidfd)) => Ok(Child { inner, pid, pidfd, lifeline, kept, ending: None, is_unwanted: false }),
            Err(error) => {
                // There is no bounded wait without a pidfd, so the child is ended and the reason returned.
                inner.kill()?;
                inner.wait()?;
                Err(error)
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// Takes the write end of the child's stdin, which is its lifeline. Returns `None` when it was taken before.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.lifeline.take()
    }

    /// Takes the read end of the child's stdout. Returns `None` when it was taken before.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.inner.stdout.take()
    }

    /// Takes the read end of the child's stderr. Returns `None` when it was taken before.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.inner.stderr.take()
    }

    /// Returns how the child ended, if it has.
    pub fn ending(&mut self) -> io::Result<Option<Ending>> {
        if self.ending.is_none() && self.is_over()? {
            // What it has started ends with it, and holds neither memory nor pipes any longer. The number is that of the
            // group until the child is reaped. A process of another user stays.
            let _ = kill_process_group(self.pid, Signal::KILL);
            self.ending = self.inner.try_wait()?.map(Ending::of);
            self.kept.take_if(|_| self.ending.is_some());
        }
        Ok(self.ending)
    }

    /// Returns whether the child has ended, reaped or not.
    fn is_over(&self) -> io::Result<bool> {
        match poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&Timespec::default())) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the child to end, at most `limit`. Returns `None` when it still runs then.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Option<Ending>> {
        let deadline = clock::instant().checked_add(limit);
        loop {
            if let Some(ending) = self.ending()? {
                return Ok(Some(ending));
            }
            let left = deadline.map(|at| at.saturating_duration_since(clock::instant()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for the child to end without blocking a thread. The future may be dropped and the function called again.
    ///
    /// # Errors
    /// The end cannot be watched.
    ///
    /// # Panics
    /// Called outside of a runtime with I/O.
    pub async fn ended(&mut self) -> io::Result<Ending> {
        loop {
            if let Some(ending) = self.ending()? {
                return Ok(ending);
            }
            // SAFETY: the descriptor is open and the same for as long as `exit` lives, which borrows its owner.
            let exit = unsafe { AsyncFd::register_with_interest(self.pidfd.as_fd(), Interest::READABLE) };
            let exit = exit.map_err(io::Error::from)?;
            // The descriptor stays readable, and the next round reaps the child.
            exit.readable().await?.retain_ready();
        }
    }

    /// Returns whether we asked the child to end; if so, its end is never a crash.
    pub fn is_unwanted(&self) -> bool {
        self.is_unwanted
    }

    /// Asks the whole group to stop (SIGTERM), waits for `limit`, then kills it (SIGKILL) and reaps the child.
    ///
    /// # Errors
    /// The child hangs in the kernel and does not end within five seconds of SIGKILL.
    pub fn stop(&mut self, limit: Duration) -> io::Result<Ending> {
        self.tell_to_stop()?;
        if let Some(ending) = self.wait(limit)? {
            return Ok(ending);
        }
        self.kill()
    }

    /// Does what [`Child::stop`] does, for asynchronous code.
    ///
    /// # Errors
    /// As [`Child::stop`].
    pub async fn stop_async(&mut self, limit: Duration) -> io::Result<Ending> {
        self.tell_to_stop()?;
        match tokio::time::timeout(limit, self.ended()).await {
            Ok(ending) => ending,
            Err(_) => self.kill_async().await,
        }
    }

    /// Does what [`Child::kill`] does, for asynchronous code.
    ///
    /// # Errors
    /// As [`Child::stop`].
    pub async fn kill_async(&mut self) -> io::Result<Ending> {
        self.is_unwanted = true;
        self.signal(Signal::KILL)?;
        let ended = tokio::time::timeout(KILL_LIMIT, self.ended()).await;
        ended.unwrap_or_else(|_| Err(self.hangs()))
    }

    /// Asks the whole group to stop (SIGTERM) and returns at once.
    ///
    /// # Errors
    /// The signal cannot be sent.
    pub fn tell_to_stop(&mut self) -> io::Result<()> {
        self.is_unwanted = true;
        self.signal(Signal::TERM)
    }

    fn hangs(&self) -> io::Error {
        io::Error::other(format!("process {} hangs in the kernel and cannot be killed", self.id()))
    }

    /// Kills the whole group and reaps the child.
    ///
    /// # Errors
    /// As [`Child::stop`].
    pub fn kill(&mut self) -> io::Result<Ending> {
        self.is_unwanted = true;
        self.signal(Signal::KILL)?;
        self.wait(KILL_LIMIT)?.ok_or_else(|| self.hangs())
    }

    /// Returns a descriptor that becomes readable when the child has ended.
    pub(super) fn end_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Kills the whole group and waits for nothing.
    pub(super) fn send_kill(&mut self) -> io::Result<()> {
        self.signal(Signal::KILL)
    }

    /// Kills the whole group and waits for at most `limit`. `Err` returns a child that hangs in the kernel.
    pub(super) fn kill_within(mut self, limit: Duration) -> io::Result<Result<Ending, Child>> {
        self.signal(Signal::KILL)?;
        Ok(self.wait(limit)?.ok_or(self))
    }

    /// Abandons a child that hangs in the kernel after SIGKILL: closes all our descriptors and waits for nothing. The
    /// child stays a process of ours until the kernel ends it; when we end first, init reaps it.
    pub(super) fn abandon(mut self) {
        // A child that counts as ended is neither signaled nor waited for when it is dropped.
        self.ending = Some(Ending::Signalled { signal: Signal::KILL.as_raw(), core_dumped: false });
        self.leak_kept();
    }

    /// Keeps the descriptor of a child that has not ended open until this program ends: dropping a lock would release
    /// it for the child as well.
    fn leak_kept(&mut self) {
        std::mem::forget(self.kept.take());
    }

    /// Sends `signal` to the whole group, unless the child has been reaped: its number may belong to another process by
    /// then.
    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.ending()?.is_some() {
            return Ok(());
        }
        match kill_process_group(self.pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Nothing can be reported from here, and init later reaps a child that hangs in the kernel.
        let _ = self.kill();
        self.leak_kept();
        drop(self.lifeline.take());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SpawnSpec, spawn};
    use super::*;

    fn shell(script: &str) -> Child {
        spawn(&SpawnSpec::new("/bin/sh", ["-c", script])).unwrap()
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn the_exit_code_of_a_child_is_told() {
        assert_eq!(shell("exit 7").wait(LONG).unwrap(), Some(Ending::Exited(7)));
    }

    #[test]
    fn a_child_that_ignores_sigterm_is_killed_after_its_limit() {
        use std::io::{BufRead, BufReader};
        let mut child = shell("trap '' TERM; echo armed; while :; do read -r x || sleep 60; done");
        let mut line = String::new();
        BufReader::new(child.take_stdout().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "armed\n");
        let ending = child.stop(Duration::from_millis(50)).unwrap();
        assert_eq!(ending, Ending::Signalled { signal: 9, core_dumped: false });
    }

    #[test]
    fn a_stop_reaches_grandchildren() {
        use std::io::{BufRead, BufReader, Read};
        let mut child = shell("sleep 600 & echo started; wait");
        let mut out = BufReader::new(child.take_stdout().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        child.stop(LONG).unwrap();
        // The sleeping grandchild holds the other end of this pipe: it ends only when that one is gone too.
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
    }

    /// A server behind a script would keep its memory after the script has ended.
    #[test]
    fn what_a_child_started_ends_with_it() {
        use std::io::Read;
        let mut child = shell("sleep 600 & exit 3");
        assert_eq!(child.wait(LONG).unwrap(), Some(Ending::Exited(3)));
        let mut out = String::new();
        // As above.
        child.take_stdout().unwrap().read_to_string(&mut out).unwrap();
    }

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let mut child = std::thread::spawn(|| shell("read -r line; exit 3")).join().unwrap();
        assert_eq!(child.ending().unwrap(), None);
        drop(child.lifeline.take());
        assert_eq!(child.wait(LONG).unwrap(), Some(Ending::Exited(3)));
    }

    #[tokio::test]
    async fn an_end_is_awaited_without_blocking_and_by_several_in_turn() {
        let mut child = shell("read -r line; exit 4");
        let impatient = tokio::time::timeout(Duration::from_millis(20), child.ended()).await;
        assert!(impatient.is_err(), "it still runs");
        drop(child.take_stdin());
        assert_eq!(child.ended().await.unwrap(), Ending::Exited(4));
        assert_eq!(child.ended().await.unwrap(), Ending::Exited(4));
        assert!(!child.is_unwanted());
    }

    #[tokio::test]
    async fn a_stop_is_awaited_and_ends_in_a_kill() {
        let mut child = super::super::spawn_async(&SpawnSpec::new("/bin/sleep", ["600"])).await.unwrap();
        let ending = child.stop_async(LONG).await.unwrap();
        assert_eq!(ending, Ending::Signalled { signal: 15, core_dumped: false });
        let mut deaf = shell("trap '' TERM; echo armed; while :; do read -r x || sleep 60; done");
        let mut armed = [0; 6];
        std::io::Read::read_exact(&mut deaf.take_stdout().unwrap(), &mut armed).unwrap();
        let ending = deaf.stop_async(Duration::from_millis(50)).await.unwrap();
        assert_eq!(ending, Ending::Signalled { signal: 9, core_dumped: false });
        assert!(deaf.is_unwanted());
    }

    #[test]
    fn a_child_begins_where_and_with_what_it_is_told() {
        use std::io::Read;
        let dir = tempfile::tempdir().unwrap();
        let name = "NAME_ONLY_KNOWN_NOW".to_owned();
        let mut spec = SpawnSpec::new("/bin/sh", ["-c", "pwd -P; echo $NAME_ONLY_KNOWN_NOW"]);
        spec.dir = Some(dir.path().to_owned());
        spec.env = vec![(name.clone().into(), "first".into()), (name.into(), "last".into())];
        let mut child = spawn(&spec).unwrap();
        let mut out = String::new();
        child.take_stdout().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(out, format!("{}\nlast\n", dir.path().canonicalize().unwrap().display()));
    }
}
