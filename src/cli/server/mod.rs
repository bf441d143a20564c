//! The commands that ask the daemon for model servers.

pub mod events;
pub mod logs;
pub mod ps;
pub mod start;
pub mod stop;

use super::Ctx;
use crate::failure::Failure;
use crate::model::{ModelRow, Selector};
use crate::ops::daemon::Daemon;
use crate::ops::resolve_model::resolve;
use crate::supervise::StopSignal;

/// Connects to the daemon.
pub(super) fn daemon(ctx: &Ctx) -> anyhow::Result<Daemon> {
    Daemon::connect(&ctx.session.config)
}

/// Finds all named models before anything is done to one of them.
fn resolved(ctx: &mut Ctx, models: &[String]) -> anyhow::Result<Vec<ModelRow>> {
    let mut rows: Vec<ModelRow> = Vec::new();
    for model in models {
        let row = resolve(&mut ctx.session, &Selector(model.clone()))?;
        if rows.iter().all(|known| known.id != row.id) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Returns the failure of an interrupted wait.
pub(super) fn interrupted(stop: &StopSignal, goes_on: &str) -> Failure {
    let kind = stop.reason().map_or(crate::failure::Kind::Interrupted, |why| why.kind());
    Failure::new(kind, "interrupted").hint(goes_on)
}
