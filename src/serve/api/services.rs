//! The services of the config, as the servers of models are asked for.

use super::{Api, ApiError};
use crate::lifecycle::{Denial, ServerKey};
use crate::model::service::{ID_PREFIX, ServiceSpec};
use crate::ops::daemon::{FailedModel, StartReply, StartedModel, StopReply, seconds};
use crate::serve::control::{Started, Stopped};

impl Api {
    /// Finds the service that a client names, by its name or its id (`service:NAME`).
    pub(super) fn service(&self, name: &str) -> Option<ServiceSpec> {
        let name = name.strip_prefix(ID_PREFIX).unwrap_or(name);
        self.config().run_services.iter().find(|service| service.name == name).cloned()
    }

    pub(super) async fn start_service(&self, service: &ServiceSpec) -> Result<StartReply, ApiError> {
        let key = ServerKey::service(&service.name);
        Ok(started_reply(&key, service, &self.control.start(key.clone(), true).await?))
    }

    pub(super) async fn stop_service(&self, service: &ServiceSpec, now: bool) -> StopReply {
        let key = ServerKey::service(&service.name);
        let Stopped { was_running, took } = self.control.stop(key.clone(), now).await;
        StopReply {
            message: format!("Service stopped: {}", service.name),
            model_id: key.model,
            display_name: service.name.clone(),
            status: "stopped".to_owned(),
            was_running,
            shutdown_time_seconds: seconds(took),
        }
    }

    /// Returns the services that are started with all models: those that are pinned. The others are for their first
    /// request to start.
    pub(super) fn pinned_services(&self) -> Vec<ServiceSpec> {
        self.config().run_services.iter().filter(|service| service.pinned).cloned().collect()
    }
}

/// Sorts a start among those of a `start-all`.
pub(super) fn sort(
    service: &ServiceSpec,
    outcome: Result<Started, Denial>,
    (started, failed): (&mut Vec<StartedModel>, &mut Vec<FailedModel>),
) {
    let (model_id, display_name) = (ServerKey::service(&service.name).model, service.name.clone());
    match outcome {
        Ok(Started { info, .. }) => started.push(StartedModel { model_id, display_name, port: info.port }),
        Err(denial) => {
            let error = ApiError::from(denial);
            failed.push(FailedModel { model_id, display_name, error: error.body.error, detail: error.body.detail });
        }
    }
}

fn started_reply(key: &ServerKey, service: &ServiceSpec, started: &Started) -> StartReply {
    let (message, status) = match started.was_running {
        true => (format!("Service already running: {}", service.name), "running"),
        false => (format!("Service started: {}", service.name), "started"),
    };
    StartReply {
        message,
        model_id: key.model.clone(),
        display_name: service.name.clone(),
        port: started.info.port,
        status: status.to_owned(),
        startup_time_seconds: seconds(started.took),
    }
}
