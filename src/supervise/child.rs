use super::Ending;
use crate::clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::time::Duration;

/// A child that we started, in its own process group. Dropping it kills the group and reaps the child.
#[derive(Debug)]
pub struct Child {
    inner: std::process::Child,
    pid: Pid,
    /// Readable when the child has ended.
    pidfd: OwnedFd,
    /// Held open for the life of the child; closed by the kernel when we end, however that happens.
    lifeline: Option<ChildStdin>,
    ending: Option<Ending>,
}

impl Child {
    pub(super) fn of(mut inner: std::process::Child) -> io::Result<Child> {
        let lifeline = inner.stdin.take();
        let pid = i32::try_from(inner.id()).ok().and_then(Pid::from_raw);
        let opened = pid.ok_or_else(|| io::Error::other("a child without a process id")).and_then(|pid| {
            // The child is ours and not yet reaped, so the number cannot have passed to another process.
            Ok((pid, pidfd_open(pid, PidfdFlags::empty())?))
        });
        match opened {
            Ok((pid, pidfd)) => Ok(Child { inner, pid, pidfd, lifeline, ending: None }),
            Err(error) => {
                // Without a pidfd there is no bounded wait, so there is no child: end it and say why.
                inner.kill()?;
                inner.wait()?;
                Err(error)
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// The read end of the child's stdout; `None` when it was taken before.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.inner.stdout.take()
    }

    /// The read end of the child's stderr; `None` when it was taken before.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.inner.stderr.take()
    }

    /// How it ended, if it has.
    pub fn ending(&mut self) -> io::Result<Option<Ending>> {
        if self.ending.is_none() {
            self.ending = self.inner.try_wait()?.map(Ending::of);
        }
        Ok(self.ending)
    }

    /// Waits for the end, at most `limit`; `None` when it still runs then.
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

    /// Asks the whole group to stop (SIGTERM), gives it `limit`, then kills it (SIGKILL) and reaps the child.
    ///
    /// # Errors
    /// A child that even SIGKILL does not end within five seconds (it hangs in the kernel) is an error.
    pub fn stop(&mut self, limit: Duration) -> io::Result<Ending> {
        self.signal(Signal::TERM)?;
        if let Some(ending) = self.wait(limit)? {
            return Ok(ending);
        }
        self.kill()
    }

    /// Kills the whole group and reaps the child. Errors as [`Child::stop`].
    pub fn kill(&mut self) -> io::Result<Ending> {
        self.signal(Signal::KILL)?;
        self.wait(Duration::from_secs(5))?
            .ok_or_else(|| io::Error::other(format!("process {} hangs in the kernel and cannot be killed", self.id())))
    }

    /// Becomes readable when the child has ended.
    pub(super) fn end_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Kills the whole group and waits for at most `limit`. `Err` gives back a child that the kernel does not let go.
    pub(super) fn kill_within(mut self, limit: Duration) -> io::Result<Result<Ending, Child>> {
        self.signal(Signal::KILL)?;
        Ok(self.wait(limit)?.ok_or(self))
    }

    /// Lets go of a child that hangs in the kernel after SIGKILL: all our descriptors are closed and nobody waits.
    /// It stays as a process of ours until the kernel lets it die, and is init's to reap when we end.
    pub(super) fn abandon(mut self) {
        // A child that counts as ended is neither signalled nor waited for when it is dropped.
        self.ending = Some(Ending::Signalled { signal: Signal::KILL.as_raw(), core_dumped: false });
    }

    /// Sends `signal` to the whole group, unless the child has been reaped: its number may be another's by then.
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
        // Nothing can be reported from here, and a child in the kernel's hands is init's to reap later.
        let _ = self.kill();
        drop(self.lifeline.take());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SpawnSpec, spawn};
    use super::*;

    fn shell(script: &str) -> Child {
        spawn(&SpawnSpec { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], env: vec![], keep: None })
            .unwrap()
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

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let mut child = std::thread::spawn(|| shell("read -r line; exit 3")).join().unwrap();
        assert_eq!(child.ending().unwrap(), None);
        drop(child.lifeline.take());
        assert_eq!(child.wait(LONG).unwrap(), Some(Ending::Exited(3)));
    }
}
