//! The turn of a one-shot prompt: it loads a model only while no executor and no other prompt has one in memory.

use super::{Ctx, offload};
use crate::clock;
use crate::failure::Failure;
use crate::queue::executor::{Device, Taken, lock_dir};
use crate::supervise::Interrupt;
use crate::ui::{text, units};
use std::time::Duration;

/// A short wait is not worth a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits until the device is free, for `limit` at most. None where nobody can be in the way: there is no database that
/// an executor could work for, or its folder cannot be written to, so that no executor runs there either.
///
/// # Errors
/// Busy (4) when it is not free within `limit`; interrupted (130) or terminated (143).
pub fn take(ctx: &mut Ctx, limit: Duration, stop: &Interrupt) -> anyhow::Result<Option<Device>> {
    if !ctx.config.database.exists() {
        return Ok(None);
    }
    let dir = lock_dir(&ctx.config.database);
    let who = offload::who("modelctl run-once --prompt", clock::now());
    let ui = &mut ctx.ui;
    let taken = Device::take_within((&dir, &who), (limit, PATIENCE), stop, |who| {
        ui.note(&format!("waiting for {}, which has a model in memory", text::clean(who)));
    });
    // As above: a folder that cannot be written to holds no lock to wait for.
    let Ok(taken) = taken else { return Ok(None) };
    match taken {
        Taken::Ours(device) => Ok(Some(device)),
        Taken::Busy(who) | Taken::Orphaned(who) => Err(match stop.thrown() {
            Some(stop) => Failure::new(stop.kind(), "stopped before it was its turn"),
            None => {
                let (who, limit) = (text::clean(&who), units::took(limit));
                Failure::busy(format!("{who} has a model in memory, and did not end within {limit}"))
                    .hint("a longer --timeout waits longer")
            }
        }
        .into()),
    }
}
