use crate::model::{ModelId, Reading};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The beginning of the id of a service, where it stands among models. The id of a model is hexadecimal.
pub const ID_PREFIX: &str = "service:";

/// Returns the id of a service, where it stands among models.
pub fn id_of(name: &str) -> ModelId {
    ModelId(format!("{ID_PREFIX}{name}"))
}

/// The text in a command that stands for the port of its service.
pub const PORT: &str = "{port}";

/// What a service that the daemon runs is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// Speech to text.
    Stt,
    /// Text to speech.
    Tts,
    Image,
    #[default]
    Other,
}

impl ServiceKind {
    pub fn name(self) -> &'static str {
        match self {
            ServiceKind::Stt => "stt",
            ServiceKind::Tts => "tts",
            ServiceKind::Image => "image",
            ServiceKind::Other => "other",
        }
    }

    /// Returns the beginnings of the paths that a service of this kind answers where nothing else is said.
    pub fn routes(self) -> &'static [&'static str] {
        match self {
            ServiceKind::Stt => &["/v1/audio/transcriptions", "/v1/audio/translations"],
            ServiceKind::Tts => &["/v1/audio/speech"],
            ServiceKind::Image => &["/v1/images"],
            ServiceKind::Other => &[],
        }
    }
}

/// A program that the daemon starts on demand and passes requests to, as the config names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Unique; letters, digits, `.`, `_` and `-`.
    pub name: String,
    pub kind: ServiceKind,
    /// The file of the program; unavailable where it is missing, or others could change it.
    pub program: Reading<PathBuf>,
    /// Its arguments; [`PORT`] in them is replaced.
    pub args: Vec<String>,
    /// Arguments that are added so that it works without a GPU; `None`: it cannot.
    pub cpu_args: Option<Vec<String>>,
    /// The port on 127.0.0.1; `None`: another free one at each start.
    pub port: Option<u16>,
    /// The path that answers with 2xx once the service can be used.
    pub health: String,
    /// Bytes that it takes on a GPU.
    pub vram: u64,
    /// Bytes of main memory that it takes.
    pub ram: u64,
    /// The path and the JSON body of the request that has it give its memory on the GPU back while it runs on.
    pub unload: Option<(String, String)>,
    /// The time without a request after which it is stopped; `None`: that of its kind.
    pub idle_timeout: Option<Duration>,
    pub pinned: bool,
    pub pressure_evict_only: bool,
    pub essential: bool,
    /// Beginnings of paths, by whole parts: requests for them are passed on to it.
    pub routes: Vec<String>,
    pub capabilities: Vec<String>,
    /// Variables of its otherwise nearly empty environment.
    pub env: BTreeMap<String, String>,
    /// The user that it runs as, where the daemon is root.
    pub user: Option<String>,
    /// The longest time that it may take until it can be used.
    pub start_timeout: Duration,
    /// The number of requests that it gets at once.
    pub parallel: u32,
}

impl ServiceSpec {
    /// Returns the longest of its routes that a path begins with.
    pub fn route_of(&self, path: &str) -> Option<&str> {
        let begins = |route: &&String| {
            path.strip_prefix(route.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.routes.iter().filter(begins).max_by_key(|route| route.len()).map(String::as_str)
    }
}

/// Returns the service that answers a path: the one with the longest route.
pub fn service_for<'s>(services: &'s [ServiceSpec], path: &str) -> Option<&'s ServiceSpec> {
    let of = services.iter().filter_map(|service| Some((service.route_of(path)?.len(), service)));
    of.max_by_key(|(length, _)| *length).map(|(_, service)| service)
}
