use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What to ask an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointRequest {
    /// An `http://` URL, normally of `/health`. `/v1/models`, `/slots` and `/metrics` are asked beside it.
    pub url: String,
    /// A file with the key that is sent as a bearer. The key itself is never part of a result or of an error.
    pub key_file: Option<PathBuf>,
    /// The main processes of the service: they, or one below them, should own the socket.
    pub service: Vec<u32>,
    /// Whether it is looked for who owns the socket, which takes a pass over all processes.
    pub owner: bool,
    /// Whether the list of models is asked for.
    pub models: bool,
    /// Seconds between two samples of slots and counters; None: no samples.
    pub sample_s: Option<f64>,
    /// Whether one token is asked for, where a slot is free.
    pub token: bool,
    /// The model to ask for the token; None: the only one that is listed.
    pub model: Option<String>,
    /// Limit for everything together, in seconds.
    pub limit_s: f64,
}

impl EndpointRequest {
    /// Creates a request that only asks whether anything answers.
    pub fn new(url: impl Into<String>, limit_s: f64) -> EndpointRequest {
        EndpointRequest {
            url: url.into(),
            key_file: None,
            service: Vec::new(),
            owner: false,
            models: false,
            sample_s: None,
            token: false,
            model: None,
            limit_s,
        }
    }
}

/// Returns the path below which the other paths of the server are: llama-server and others can be set to have all of
/// them below a prefix.
pub(super) fn prefix(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let ends = ["/health", "/healthz", "/v1/health", "/v1/models", "/metrics", "/slots"];
    // The longest end counts: `/v1/health` is not below `/v1`.
    ends.iter().filter_map(|end| path.strip_suffix(end)).min_by_key(|prefix| prefix.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn the_other_paths_of_a_server_are_beside_its_health() {
        for (path, expected) in [
            ("/health", ""),
            ("/llm/health", "/llm"),
            ("/v1/health?x=1", ""),
            ("/a/v1/models", "/a"),
            ("/", ""),
            ("/x/y", ""),
        ] {
            assert_eq!(prefix(path), expected, "{path}");
        }
    }
}
