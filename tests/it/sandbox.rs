//! The real program in a home of its own: nothing of the developer's environment gets in.

use std::ffi::OsStr;
#[cfg(feature = "llama")]
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
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
        for sub in ["home", "run", "models", "xdg"] {
            std::fs::create_dir(dir.path().join(sub)).unwrap();
        }
        // The state folder of the program is the sandbox itself. A database that MODELCTL_DB names would have to be there.
        std::os::unix::fs::symlink("..", dir.path().join("xdg/modelctl")).unwrap();
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

    /// A copy of a real model below `models/`. No hard link: one more or less of those would change the ctime of the
    /// model under a test that runs beside, which is a change to the product too.
    pub fn place(&self, real: &Path, name: &str) -> PathBuf {
        let path = self.models().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(real, &path).unwrap();
        path
    }

    /// A copy of SmolLM2 that never ends an answer by itself, so that an answer has as many tokens as it may have.
    #[cfg(feature = "llama")]
    pub fn place_endless(&self, name: &str) -> PathBuf {
        let copy = self.place(&crate::fixtures::smollm2(), name);
        crate::fixtures::make_endless(&copy);
        copy
    }

    pub fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modelctl"));
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_STATE_HOME", self.path("xdg"))
            .env("MODEL_SCAN_PATH", self.models())
            // Daemons of tests that run side by side would all want the default port.
            .env("MODELCTL_LISTEN", "none")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// The program where another user can start it: the home of root, in which it may have been built, is closed to
    /// others.
    pub fn program_for_others(&self) -> PathBuf {
        let ours = Path::new(env!("CARGO_BIN_EXE_modelctl"));
        let is_open = |dir: &Path| std::fs::metadata(dir).unwrap().permissions().mode() & 0o001 != 0;
        if ours.ancestors().skip(1).all(is_open) {
            return ours.to_owned();
        }
        let copy = self.path("modelctl");
        if !copy.exists() {
            std::fs::copy(ours, &copy).unwrap();
        }
        copy
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

    /// The document on stdout.
    #[track_caller]
    pub fn document(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }

    /// The document on stdout; of one that is a list, its rows.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let mut document = self.document();
        let rows = match document["schema"].as_str() {
            Some("modelctl.list/1") => "models",
            Some("modelctl.list-files/1") => "files",
            Some("modelctl.list-stores/1") => "stores",
            Some("modelctl.keep-list/1") => "hints",
            Some("modelctl.duplicates/1") => "groups",
            Some("modelctl.audit-log/1") => "events",
            Some("modelctl.trash-list/1" | "modelctl.trash-restore/1" | "modelctl.trash-empty/1") => "items",
            Some("modelctl.task-list/1") => "tasks",
            _ => return document,
        };
        document[rows].take()
    }

    /// The error on stderr of a command with `--json`.
    #[track_caller]
    pub fn error(&self) -> serde_json::Value {
        let line = self.err.lines().last().unwrap_or_default();
        let document: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:#?}"));
        assert_eq!(document["schema"], "modelctl.error/1", "{self:#?}");
        document["error"].clone()
    }
}

/// Reports that a test cannot run on this machine. In continuous integration, which sets `MODELCTL_TESTS_MUST_RUN`, that
/// is a failure: a test that never runs protects nobody.
#[track_caller]
pub fn skip(why: impl std::fmt::Display) {
    assert!(std::env::var_os("MODELCTL_TESTS_MUST_RUN").is_none(), "this test must run, and cannot: {why}");
    eprintln!("skipped: {why}");
}
