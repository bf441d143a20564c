use crate::clock::Timestamp;
use crate::node::Place;
use crate::ops::Session;
use crate::ops::node::{self, Collected, Where};
use crate::supervise::StopSignal;
use std::path::PathBuf;

/// What is looked at.
#[derive(Debug, Clone)]
pub struct CollectRequest {
    /// `/`, or a folder that stands for it.
    pub place: Place,
    /// The time of the look; the session's where None.
    pub now: Option<Timestamp>,
    /// The start of the time that is looked at.
    pub since: Timestamp,
    /// A file in place of the kernel log.
    pub kmsg: Option<PathBuf>,
    /// A file in place of the journal (`journalctl -o json`).
    pub journal: Option<PathBuf>,
    /// Whether to ask for a token, and to import torch in a child.
    pub deep: bool,
    /// Seconds between two looks at a model file.
    pub stable_seconds: f64,
}

/// Returns the facts of the node, with the passwords and keys that must be replaced in them.
///
/// # Errors
/// Cannot be met (3); interrupted (130) or terminated (143).
pub fn collect(session: &mut Session, request: &CollectRequest, stop: &StopSignal) -> anyhow::Result<Collected> {
    if let Some(now) = request.now {
        session.now = now;
    }
    let request = node::CollectRequest {
        at: Where { root: request.place.at("/"), ..Where::default() },
        since: request.since.age(session.now),
        services: Vec::new(),
        kmsg: request.kmsg.clone(),
        journal: request.journal.clone(),
        pause_s: request.stable_seconds,
        deep: request.deep,
    };
    node::collect_until(session, &request, stop)
}
