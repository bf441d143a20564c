//! The daemon's own API: models and their settings, servers, events, metrics. Bodies are those of [`crate::ops::daemon`]
//! and of the reports that the command line prints.

mod all;
mod error;
mod events;
mod headroom;
mod history;
mod lifecycle;
mod live;
mod lookup;
#[cfg(test)]
mod manage_tests;
mod metrics;
mod models;
mod rescan;
mod servers;
mod services;
mod stream;
mod tasks;
#[cfg(test)]
mod tests;
mod view;

pub use error::ApiError;
pub use metrics::{METRICS, Metrics};

use super::catalog::Catalogs;
use super::control::Control;
use super::gateway::Records;
use super::history::History;
use super::ports::Ports;
use crate::clock;
use crate::config::Config;
use crate::ops::Session;
use axum::Router;
use axum::routing::{any, delete, get, post};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::watch;

/// What the routes work with.
#[derive(Debug)]
pub struct Api {
    control: Control,
    catalogs: Catalogs,
    config: watch::Receiver<Arc<Config>>,
    metrics: Arc<Metrics>,
    ports: Ports,
    live: live::Live,
    history: History,
    /// Whether streams of the API end: the daemon has stopped everything else.
    is_over: watch::Sender<bool>,
    /// Whether a scan runs.
    is_scanning: AtomicBool,
}

impl Api {
    pub fn new(
        control: Control,
        catalogs: Catalogs,
        config: watch::Receiver<Arc<Config>>,
        (requests, ports): (Records, Ports),
    ) -> Api {
        let metrics = Arc::new(Metrics::new(requests));
        let (live, history) = (live::Live::new(), History::default());
        let (is_over, is_scanning) = (watch::Sender::new(false), AtomicBool::new(false));
        Api { control, catalogs, config, metrics, ports, live, history, is_over, is_scanning }
    }

    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Keeps the last hour, until the daemon ends.
    pub fn keep_history(&self) -> impl Future<Output = ()> + Send + use<> {
        self.history.clone().follow(self.control.clone(), self.metrics.records().clone())
    }

    /// Ends the streams of events, logs and changes: nothing more will happen.
    pub fn end_streams(&self) {
        self.is_over.send_replace(true);
    }

    /// Returns the configuration as it is now.
    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Runs a recipe on a thread that may block.
    async fn recipe<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let config = Config::clone(&self.config());
        let run = move || work(&mut Session::new(config, clock::now()));
        match tokio::task::spawn_blocking(run).await {
            Ok(done) => done.map_err(|error| ApiError::of(&error)),
            Err(error) => Err(ApiError::internal(format!("the work was not finished: {error}"))),
        }
    }
}

/// Returns the routes. Names of models may contain slashes.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/api/daemon", get(servers::daemon))
        .route("/api/models", get(models::list))
        .route("/api/models/rescan", post(rescan::rescan))
        .route("/api/models/servers", get(servers::list))
        .route("/api/models/servers/start-all", post(all::start_all))
        .route("/api/models/servers/stop-all", post(all::stop_all))
        .route("/api/models/servers/{*rest}", any(servers::one))
        .route("/api/models/{*id}", get(models::show).patch(models::change).post(lifecycle::of_model))
        .route("/api/lifecycle", get(lifecycle::status))
        .route("/api/lifecycle/pressure", get(lifecycle::pressure))
        .route("/api/lifecycle/pause", post(lifecycle::pause))
        .route("/api/lifecycle/resume", post(lifecycle::resume))
        .route("/api/lifecycle/headroom", post(headroom::reserve))
        .route("/api/lifecycle/headroom/{id}", delete(headroom::release))
        .route("/api/lifecycle/swap", post(headroom::swap))
        .route("/api/events", get(events::events))
        .route("/api/history", get(history::hour))
        .route("/api/requests", get(history::requests))
        .route("/api/requests/{number}", delete(history::cancel))
        .route("/api/stream", get(live::stream))
        .route("/api/tasks", get(tasks::list))
        .route("/api/inference", post(tasks::switch))
        .route("/metrics", get(metrics::metrics))
        .with_state(api)
}
