//! The memory that a model takes: see [`crate::queue::measured_memory`].

use super::Session;
use crate::db::Access;
use crate::gguf::estimate::Settings;
use crate::host::self_child::OURSELVES;
use crate::model::{DeviceMemory, Model, Reading};
use crate::queue::measured_memory;
use std::path::Path;

/// Returns the figures measured earlier for this model with these settings.
pub fn cached(session: &mut Session, model: &Model, settings: &Settings) -> anyhow::Result<Option<Vec<DeviceMemory>>> {
    measured_memory::cached(session.db(Access::ReadOnly)?, model, settings)
}

/// Returns the cached figures, or measures them now, which takes up to a minute. A failed measurement is the reason of
/// the reading.
pub fn measure(
    session: &mut Session,
    model: &Model,
    settings: &Settings,
) -> anyhow::Result<Reading<Vec<DeviceMemory>>> {
    if let Some(devices) = cached(session, model, settings)? {
        return Ok(Reading::Known(devices));
    }
    let reading = measured_memory::ask(Path::new(OURSELVES), model, settings);
    if let Reading::Known(devices) = &reading {
        measured_memory::record(session.db(Access::ReadWrite)?, model, settings, devices)?;
    }
    Ok(reading)
}
