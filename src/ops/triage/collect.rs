use crate::clock::Timestamp;
use crate::node::Place;
use crate::ops::node::{self, Collectors, Where};
use crate::ops::{Session, Sink};
use crate::supervise::StopSignal;
use crate::triage::facts::Facts;
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

/// Returns the facts of the node, and secrets that were read on the way and are not among the facts.
///
/// # Errors
/// Cannot be met (3).
pub fn collect(
    session: &mut Session,
    request: &CollectRequest,
    stop: &StopSignal,
    _: &mut Sink<'_>,
) -> anyhow::Result<(Facts, Vec<String>)> {
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
    let facts = node::collect(session, &request, Collectors::until(stop))?;
    // The passwords of supervisord and the keys of endpoints are read by children, and stay there.
    Ok((facts, Vec::new()))
}
