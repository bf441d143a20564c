//! Asks the ports of models for a server that somebody else started, before ours is started beside it.

use super::probe::{Probed, Serves, probe};
use crate::config::PortRange;
use crate::http::Endpoint;
use crate::model::{FileIdentity, Model, Reading, Role};
use crate::node::Place;
use crate::node::process::{Listener, listeners};
use futures_util::future::join_all;
use std::path::Path;
use std::time::Duration;

/// The time that the list of listeners may take.
const LIMIT: Duration = Duration::from_secs(2);

/// A server of somebody else that has a model loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub pid: Option<u32>,
    pub port: u16,
    pub endpoint: Endpoint,
    pub serves: Serves,
}

/// Asks whoever listens on a port of this range, other than ourselves and on ports of which the config says what is done
/// with them, and returns a healthy server of this model. Nobody is asked where nobody listens.
pub async fn same_model((range, named): (PortRange, &[u16]), model: &Model) -> Option<Running> {
    let listed = tokio::task::spawn_blocking(|| listeners(&Place::default()));
    // Without the list, or in time, nobody is asked: a second server is a waste, and no fault.
    let listed = tokio::time::timeout(LIMIT, listed).await.ok()?.ok()?;
    let theirs: Vec<_> = others(listed.known()?, range).into_iter().filter(|(_, port)| !named.contains(port)).collect();
    let probed = join_all(theirs.iter().map(|(_, port)| async { probe(&Endpoint::port(*port)).await })).await;
    let mut found = theirs.into_iter().zip(probed).filter_map(|((pid, port), probed)| match probed {
        Probed { healthy: Reading::Known(true), serves: Some(serves) } if !serves.is_modelctl => {
            Some(Running { pid, port, endpoint: Endpoint::port(port), serves })
        }
        _ => None,
    });
    found.find(|running| running.serves.path.as_deref().is_some_and(|path| is_of(model, path)))
}

/// Returns the ports of the range on which somebody else listens, each once.
fn others(listed: &[Listener], range: PortRange) -> Vec<(Option<u32>, u16)> {
    let mut all: Vec<(Option<u32>, u16)> = Vec::new();
    let is_ours = |listener: &Listener| listener.pid == Some(std::process::id());
    for listener in listed.iter().filter(|listener| range.has(listener.port)) {
        let is_taken = listed.iter().any(|other| other.port == listener.port && is_ours(other));
        if !is_taken && !all.iter().any(|(_, port)| *port == listener.port) {
            all.push((listener.pid, listener.port));
        }
    }
    all
}

/// Returns whether a path leads to a file of the model.
pub(super) fn is_of(model: &Model, path: &Path) -> bool {
    let mut files = model.artifacts.iter().filter(|file| file.role != Role::Mmproj);
    // A path of a container is not one of ours.
    let identity = std::fs::metadata(path).ok().map(|meta| FileIdentity::of(&meta));
    files.any(|file| {
        let is_named = file.path == path || file.target.as_deref() == Some(path) || file.also.iter().any(|p| p == path);
        is_named || identity.is_some_and(|now| (now.dev, now.ino) == (file.identity.dev, file.identity.ino))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our own ports lead to ourselves: a model would wait for its own answer.
    #[test]
    fn only_ports_on_which_somebody_else_listens_are_asked() {
        let ours = std::process::id();
        let listener = |port, pid| Listener { address: format!("127.0.0.1:{port}"), port, pid, name: None };
        let listed = [
            listener(8080, Some(ours)),
            listener(8081, Some(1)),
            listener(8082, None),
            listener(8082, None),
            listener(8083, Some(1)),
            listener(8083, Some(ours)),
            listener(9000, Some(1)),
        ];
        assert_eq!(others(&listed, PortRange::DEFAULT), [(Some(1), 8081), (None, 8082)]);
    }
}
