use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How a supervisord was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// XML-RPC over a Unix socket.
    Socket(PathBuf),
    /// XML-RPC over `http://HOST:PORT`.
    Http(String),
    /// The text of `supervisorctl status`.
    Status,
}

/// A running supervisord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervisord {
    pub reached: Reached,
    pub version: Option<String>,
    /// `RUNNING`, `RESTARTING`, `SHUTDOWN`, `FATAL`.
    pub state: Option<String>,
    pub pid: Option<u32>,
    pub started: Option<Timestamp>,
    pub config_file: Option<PathBuf>,
    /// Time of the last change of the config file or of a file that it includes.
    pub config_changed: Option<Timestamp>,
    pub main_log: Option<PathBuf>,
    pub programs: Vec<Program>,
}

/// Why supervisord did not answer, in addition to the outcome of its fact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisordSearch {
    /// The config file that was found, and what it says of socket, main log and their folders.
    pub config_file: Option<PathBuf>,
    /// Why the config file, or a file that it includes, cannot be read or understood.
    pub config_error: Option<String>,
    pub socket: Option<PathBuf>,
    pub http: Option<String>,
    pub main_log: Option<PathBuf>,
    pub pid_file: Option<PathBuf>,
    /// What asking gave, when it did not answer.
    pub refusal: Option<Refusal>,
    /// Mode (permission bits), uid and gid of the socket file.
    pub socket_access: Option<(u32, u32, u32)>,
    /// Mode (permission bits), uid and gid of the folder of the main log.
    #[serde(default)]
    pub main_log_folder: Option<(u32, u32, u32)>,
    /// Processes that are a supervisord, the one of this config file first: pid and command line.
    pub processes: Vec<(u32, Vec<String>)>,
    /// The state of its process, as proc_pid_stat(5) has it, and the kernel function that it waits in. None: it has no
    /// process, or that of another config file.
    #[serde(default)]
    pub process_state: Option<(char, Option<String>)>,
    /// Programs of the config file, for nodes where supervisord does not run.
    pub configured: Vec<String>,
}

/// How a supervisord is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    pub limit: Duration,
    /// Whether states are enough. supervisord writes 4 KiB at every turn of its loop, which takes long where it starts and
    /// ends programs all the time: its settings are larger than their states.
    pub is_brief: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// ENOENT: no socket file.
    NoSocket,
    /// ECONNREFUSED: a socket file that nobody serves.
    NobodyServes,
    /// EACCES.
    NoPermission,
    /// HTTP 401.
    WrongPassword,
    TimedOut,
    /// An answer that is no XML-RPC, endless, or too large.
    Garbage,
}

/// A state of a program (`supervisor.states.ProcessStates`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProgramState {
    Stopped,
    Starting,
    Running,
    Backoff,
    Stopping,
    Exited,
    Fatal,
    Unknown,
}

/// A program of supervisord, as `getAllProcessInfo` reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    pub name: String,
    pub group: String,
    pub state: ProgramState,
    pub pid: Option<u32>,
    pub start: Option<Timestamp>,
    pub stop: Option<Timestamp>,
    /// As reported; it reads 0 in BACKOFF and FATAL, where the main log alone has the real one.
    pub exit_status: Option<i32>,
    pub spawn_error: Option<String>,
    pub description: String,
    pub stdout_log: Option<PathBuf>,
    pub stderr_log: Option<PathBuf>,
    /// The settings that supervisord runs with (`getAllConfigInfo`), completed from the config file.
    pub settings: Option<ProgramSettings>,
    /// The settings of the config file, where they differ from those that it runs with.
    pub file_settings: Option<ProgramSettings>,
}

impl Program {
    /// Creates a program of which nothing but its name is known.
    pub fn new(name: impl Into<String>, group: impl Into<String>) -> Program {
        Program {
            name: name.into(),
            group: group.into(),
            state: ProgramState::Unknown,
            pid: None,
            start: None,
            stop: None,
            exit_status: None,
            spawn_error: None,
            description: String::new(),
            stdout_log: None,
            stderr_log: None,
            settings: None,
            file_settings: None,
        }
    }

    /// Returns `NAME`, or `GROUP:NAME` where they differ.
    pub fn full_name(&self) -> String {
        if self.group == self.name || self.group.is_empty() {
            self.name.clone()
        } else {
            format!("{}:{}", self.group, self.name)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoRestart {
    Always,
    Unexpected,
    Never,
}

/// The settings of one `[program:x]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramSettings {
    /// Where the section stands: file and line. None when it is known by RPC alone.
    pub place: Option<(PathBuf, u32)>,
    pub command: String,
    pub directory: Option<PathBuf>,
    pub user: Option<String>,
    pub autostart: bool,
    pub autorestart: AutoRestart,
    pub start_seconds: u32,
    pub start_retries: u32,
    pub exit_codes: Vec<i32>,
    pub stop_wait_seconds: u32,
    pub stdout_log: Option<PathBuf>,
    pub stderr_log: Option<PathBuf>,
    /// 0: no rotation.
    pub stdout_max_bytes: Option<u64>,
    pub stderr_max_bytes: Option<u64>,
    pub redirect_stderr: bool,
    /// Variables of `environment=`, which RPC does not report.
    pub environment: Vec<(String, String)>,
}
