//! A program that an LLM node runs, as the configuration names it or as it was found.

mod spec;

pub use spec::{ID_PREFIX, PORT, ServiceKind, ServiceSpec, id_of, service_for};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What a service is for. Rules and playbooks go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Api,
    Llama,
    Worker,
    Whisper,
    Sync,
    Other,
}

/// Who starts a service and knows its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// A program of supervisord, `NAME` or `GROUP:NAME`.
    Supervisor(String),
    /// A unit of systemd, with its suffix.
    Systemd(String),
    /// A file with the number of the process.
    Pid(PathBuf),
    /// A process that was found running and that nothing is known to manage.
    Process(u32),
    None,
}

/// How a service became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundBy {
    Config,
    Supervisor,
    Systemd,
    Process,
}

/// A limit on the time of a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// A name to be found in the launcher of the service or in its environment: `LLAMA_WAIT_SECONDS`.
    Name(String),
    Time(Duration),
}

/// How the pollers of a queue are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCheck {
    /// The queue that the worker should poll.
    pub name: String,
    /// Part of the identity that its poller should show.
    pub identity: Option<String>,
    /// A command without a shell, or one URL.
    pub check: Vec<String>,
}

/// A service and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Unique on this node.
    pub name: String,
    pub role: Role,
    pub manager: Manager,
    /// Which supervisord of the node has it as a program, by its place among them: two may have programs of one name.
    #[serde(default)]
    pub supervisord: Option<usize>,
    pub found: FoundBy,
    /// Log files besides those that the manager names.
    pub logs: Vec<PathBuf>,
    /// An `http://` URL, normally of `/health`.
    pub endpoint: Option<String>,
    /// A file with the key that is sent as a bearer; the key is never shown.
    pub key_file: Option<PathBuf>,
    /// A path, or a model as everywhere in modelctl.
    pub model: Option<String>,
    /// The id that `/v1/models` must list.
    pub model_id: Option<String>,
    /// true: must have a GPU; false: must not; None: no matter.
    pub gpu: Option<bool>,
    /// Files that must be in the image.
    pub files: Vec<PathBuf>,
    pub gates: Vec<Gate>,
    pub queue: Option<QueueCheck>,
}

impl Service {
    /// Creates a service of which nothing more than this is expected.
    pub fn new(name: impl Into<String>, role: Role, manager: Manager, found: FoundBy) -> Service {
        Service {
            name: name.into(),
            role,
            manager,
            supervisord: None,
            found,
            logs: Vec::new(),
            endpoint: None,
            key_file: None,
            model: None,
            model_id: None,
            gpu: None,
            files: Vec::new(),
            gates: Vec::new(),
            queue: None,
        }
    }

    /// Returns whether it lists models and completes prompts: an API with other paths must not be asked for that, nor be
    /// judged by its answer. A URL that a person names is what it is asked as.
    pub fn completes_prompts(&self) -> bool {
        self.role == Role::Llama || self.model_id.is_some() || self.endpoint.as_ref() == Some(&self.name)
    }
}
