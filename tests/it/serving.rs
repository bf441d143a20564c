//! A daemon of a test, and what it logs.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// `modelctl serve`, killed at the end of the test.
pub struct Serving {
    pub child: Child,
    said: Receiver<String>,
    limit: Duration,
}

impl Serving {
    /// Starts a daemon. Its log is read all the time, so that it can go on writing. `limit` is for each line of it that
    /// is waited for.
    pub fn start(command: &mut Command, limit: Duration) -> Serving {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let (sender, said) = channel();
        std::thread::spawn(move || {
            // Lines that no test waits for any more are read all the same.
            BufReader::new(log).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        Serving { child, said, limit }
    }

    /// Starts a daemon and waits until it is ready.
    pub fn ready(command: &mut Command, limit: Duration) -> Serving {
        let daemon = Serving::start(command.stdout(Stdio::null()), limit);
        daemon.hears("serving");
        daemon
    }

    /// Waits for a line with `text`, and returns it.
    #[track_caller]
    pub fn hears(&self, text: &str) -> String {
        let until = Instant::now() + self.limit;
        let mut before = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("`{text}` was never said: {error}: {before:#?}"),
            }
        }
    }

    /// Returns the lines that nobody has waited for, as far as they have come.
    pub fn logged(&self) -> Vec<String> {
        self.said.try_iter().collect()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// SIGKILL, and its end.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}
