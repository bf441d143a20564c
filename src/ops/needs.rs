//! The memory that the server of a model takes: see [`crate::queue::needs`].

use super::Session;
use crate::db::Access;
use crate::engine::{LoadSpec, Pooling};
use crate::host::self_child::OURSELVES;
use crate::model::ledger::Purpose;
use crate::model::server::{Engine, ServerSettings};
use crate::model::{DeviceBytes, Model};
use crate::queue::needs;
use std::path::Path;

/// The sequences of a server for which none were chosen.
const PARALLEL_WORKER: u32 = 16;
const PARALLEL_LLAMA_SERVER: u32 = 4;

/// Returns the bytes that a server takes, per device. May take up to a minute, the first time.
///
/// # Errors
/// When the database cannot be used.
pub fn of_server(
    session: &mut Session,
    model: &Model,
    (settings, purpose): (&ServerSettings, Purpose),
) -> anyhow::Result<Vec<DeviceBytes>> {
    let load = load(model, settings, purpose);
    needs::needs(session.db(Access::ReadWrite)?, Path::new(OURSELVES), model, (&load, settings.engine))
}

/// Returns the bytes that a server takes on all devices, by the formula over the header of its model alone.
pub fn by_formula(model: &Model, settings: &ServerSettings, purpose: Purpose) -> Option<u64> {
    needs::by_formula(model, &load(model, settings, purpose))
}

/// Stores what a server holds, for its next load with these settings.
///
/// # Errors
/// When the database cannot be written to.
pub fn record_of_server(
    session: &mut Session,
    model: &Model,
    (settings, purpose): (&ServerSettings, Purpose),
    held: &[DeviceBytes],
) -> anyhow::Result<()> {
    let load = load(model, settings, purpose);
    needs::record(session.db(Access::ReadWrite)?, model, (&load, settings.engine), held)
}

fn load(model: &Model, settings: &ServerSettings, purpose: Purpose) -> LoadSpec {
    let mut load = LoadSpec::new(model.main().map_or(Path::new(""), |main| &main.path));
    load.context = settings.context;
    load.parallel = settings.parallel.unwrap_or(match settings.engine {
        Engine::Worker => PARALLEL_WORKER,
        Engine::LlamaServer => PARALLEL_LLAMA_SERVER,
    });
    load.gpu_layers = settings.gpu_layers;
    load.pooling = (purpose == Purpose::Vectors).then_some(Pooling::Mean);
    load
}
