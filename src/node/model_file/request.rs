use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which file to read, and as whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFileRequest {
    /// As the service was given it. A relative one is below the working directory of `pid`.
    pub path: PathBuf,
    /// A process of the service: its mount namespace counts. None where it does not run.
    pub pid: Option<u32>,
    /// The user of the service and its groups. None: unknown, so that no refusing component is named.
    pub user: Option<(u32, Vec<u32>)>,
    /// Seconds between the two reads of its size.
    pub pause_s: f64,
    /// The root of the node: `/`, or the folder that stands for it.
    pub root: PathBuf,
}

impl ModelFileRequest {
    /// Creates a request for a file of a service that does not run.
    pub fn new(path: impl Into<PathBuf>, pause_s: f64) -> ModelFileRequest {
        ModelFileRequest { path: path.into(), pid: None, user: None, pause_s, root: PathBuf::from("/") }
    }
}
