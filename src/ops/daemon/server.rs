//! Orders to the daemon for one server, named by the id of its model or service. Each waits for its end; `None` is returned after
//! an interruption, and the daemon goes on.

use super::client::{Daemon, OnServers};
use super::reply::{StartReply, StopReply};
use crate::supervise::StopSignal;

impl Daemon {
    /// Starts a server. `on` is called with the servers several times a second.
    ///
    /// # Errors
    /// As [`Daemon::post`].
    pub fn start_server(
        &self,
        id: &str,
        stop: &StopSignal,
        on: Option<OnServers>,
    ) -> anyhow::Result<Option<StartReply>> {
        self.post(&format!("/api/models/servers/{id}/start"), stop, on)
    }

    /// Stops a server. `now`: running answers are cut.
    ///
    /// # Errors
    /// As [`Daemon::post`].
    pub fn stop_server(&self, id: &str, now: bool, stop: &StopSignal) -> anyhow::Result<Option<StopReply>> {
        self.post(&format!("/api/models/servers/{id}/stop?now={now}"), stop, None)
    }

    /// Stops a server and starts it again; what waits for it keeps its place.
    ///
    /// # Errors
    /// As [`Daemon::post`].
    pub fn restart_server(
        &self,
        id: &str,
        now: bool,
        stop: &StopSignal,
        on: Option<OnServers>,
    ) -> anyhow::Result<Option<StartReply>> {
        let stopped: Option<StopReply> =
            self.post(&format!("/api/models/servers/{id}/stop?now={now}&restart=true"), stop, None)?;
        match stopped {
            Some(_) => self.start_server(id, stop, on),
            None => Ok(None),
        }
    }
}
