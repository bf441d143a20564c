//! The commands that ask the daemon for model servers.

pub mod events;
pub mod logs;
pub mod ps;
pub mod start;
pub mod stop;

use super::Ctx;
use crate::failure::Failure;
use crate::model::service::{ID_PREFIX, id_of};
use crate::model::{ModelId, Selector};
use crate::ops::daemon::Daemon;
use crate::ops::resolve_model::resolve;
use crate::supervise::StopSignal;

/// Connects to the daemon.
pub(super) fn daemon(ctx: &Ctx) -> anyhow::Result<Daemon> {
    Daemon::connect(&ctx.session.config)
}

/// A model or a service that was named.
struct Named {
    id: ModelId,
    name: String,
}

/// Finds all named models and services before anything is done to one of them.
fn resolved(ctx: &mut Ctx, models: &[String]) -> anyhow::Result<Vec<Named>> {
    let mut all: Vec<Named> = Vec::new();
    for model in models {
        let named = named(ctx, model)?;
        if all.iter().all(|known| known.id != named.id) {
            all.push(named);
        }
    }
    Ok(all)
}

/// Finds the service with this name, or else a model.
fn named(ctx: &mut Ctx, text: &str) -> anyhow::Result<Named> {
    let name = text.strip_prefix(ID_PREFIX).unwrap_or(text);
    if let Some(service) = ctx.session.config.run_services.iter().find(|service| service.name == name) {
        return Ok(Named { id: id_of(&service.name), name: service.name.clone() });
    }
    let row = resolve(&mut ctx.session, &Selector(text.to_owned()))?;
    Ok(Named { id: row.id, name: row.name })
}

/// Returns the failure of an interrupted wait.
pub(super) fn interrupted(stop: &StopSignal, goes_on: &str) -> Failure {
    let kind = stop.reason().map_or(crate::failure::Kind::Interrupted, |why| why.kind());
    Failure::new(kind, "interrupted").hint(goes_on)
}
