//! A terminal that is opened for a program, and read as a person would see it.

use crate::sandbox::Sandbox;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// For whatever has to happen some time, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(90);

pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    written: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// All that was written.
    pub raw: Vec<u8>,
    before: String,
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize { rows: height, cols: width, ..PtySize::default() }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

impl Terminal {
    /// Starts this program in a terminal of its own, in a home of its own.
    pub fn start(sandbox: &Sandbox, args: &[&str], (width, height): (u16, u16)) -> Terminal {
        let program = sandbox.command(["top"]).get_program().to_owned();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        Terminal::open(sandbox, command, (width, height))
    }

    /// Starts a command in a terminal of its own.
    pub fn open(sandbox: &Sandbox, mut command: CommandBuilder, (width, height): (u16, u16)) -> Terminal {
        let pair = native_pty_system().openpty(size(width, height)).unwrap();
        let named: Vec<(String, String)> =
            command.iter_extra_env_as_str().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        command.env_clear();
        let plain = sandbox.command(["top"]);
        for (key, value) in plain.get_envs().filter_map(|(key, value)| Some((key, value?))) {
            command.env(key, value);
        }
        for (key, value) in [("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8"), ("PS1", "$ ")] {
            command.env(key, value);
        }
        for (key, value) in named {
            command.env(key, value);
        }
        command.cwd(sandbox.path(""));
        let before = format!("{:?}", pair.master.get_termios());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, written) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of the terminal is an error.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(cells(height), cells(width), 0);
        Terminal { master: pair.master, keys, child, written, parser, raw: Vec::new(), before }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.process_id().unwrap().try_into().unwrap()).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.master.resize(size(width, height)).unwrap();
        self.parser.set_size(cells(height), cells(width));
    }

    /// What a person sees.
    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    pub fn is_alternate(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    /// Whether lines are read and echoed as they were before the program began.
    pub fn is_as_before(&self) -> bool {
        format!("{:?}", self.master.get_termios()) == self.before
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub fn until(&mut self, what: &str, is_so: impl Fn(&Terminal) -> bool) {
        let end = Instant::now() + LIMIT;
        while !is_so(self) {
            match self.written.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("never {what}:\n{}", self.text()),
                // The terminal is closed: what was written is all there is.
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(is_so(self), "never {what}, and it has ended:\n{}", self.text());
                }
            }
        }
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        self.until(&format!("`{text}`"), |terminal| terminal.text().contains(text));
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.parser.process(bytes);
    }

    /// Waits for the end of the program, and returns its exit code.
    #[track_caller]
    pub fn ends(&mut self) -> u32 {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Ok(bytes) = self.written.recv_timeout(Duration::from_millis(200)) {
                    self.take(&bytes);
                }
                return status.exit_code();
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.text());
            if let Ok(bytes) = self.written.recv_timeout(Duration::from_millis(20)) {
                self.take(&bytes);
            }
        }
    }

    /// Fails unless the terminal is as it was found.
    #[track_caller]
    pub fn is_whole(&self) {
        assert!(!self.is_alternate(), "the alternate screen is left:\n{}", self.text());
        assert!(!self.parser.screen().hide_cursor(), "the cursor is seen");
        assert!(self.is_as_before(), "{:?} was {}", self.master.get_termios(), self.before);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
