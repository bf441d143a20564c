//! The real program in a home of its own: nothing of the developer's environment gets in.

use std::ffi::OsStr;
#[cfg(feature = "llama")]
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub struct Sandbox {
    dir: tempfile::TempDir,
}

/// What one run left behind.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["home", "run", "models"] {
            std::fs::create_dir(dir.path().join(sub)).unwrap();
        }
        Sandbox { dir }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// The folder that scans look at when they are told nothing else.
    pub fn models(&self) -> PathBuf {
        self.path("models")
    }

    pub fn db(&self) -> PathBuf {
        self.path("modelctl.db")
    }

    /// Writes a file below `models/`, making its folders.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.models().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A hard link, or a copy across file systems, of a real model below `models/`.
    pub fn place(&self, real: &Path, name: &str) -> PathBuf {
        let path = self.models().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if std::fs::hard_link(real, &path).is_err() {
            std::fs::copy(real, &path).unwrap();
        }
        path
    }

    pub fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modelctl"));
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("MODELCTL_DB", self.db())
            .env("MODEL_SCAN_PATH", self.models())
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
        finish(self.command(args).output().unwrap())
    }

    /// Runs it with `input` on stdin.
    #[cfg(feature = "llama")]
    pub fn run_with_input(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>, input: &[u8]) -> Run {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // From a thread of its own: the program may print before it has read everything.
        let writer = std::thread::spawn(move || {
            // A program that refuses its input without reading it closes the pipe; its exit code tells.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        finish(output)
    }

    pub fn start(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

pub fn finish(output: Output) -> Run {
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    #[track_caller]
    pub fn ok(self) -> Run {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Fails with that exit code, says `text` on stderr and nothing of a panic.
    #[track_caller]
    pub fn refuses(self, code: i32, text: &str) -> Run {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(self.err.contains(text), "`{text}` is not in {self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}
