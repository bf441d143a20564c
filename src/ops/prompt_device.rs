//! The device lock of a one-shot prompt: it loads a model only while no executor and no other prompt has one in memory.

use super::{OpEvent, Session, Sink};
use crate::display::{text, units};
use crate::failure::Failure;
use crate::queue::executor::{Device, Taken};
use crate::supervise::StopSignal;
use std::time::Duration;

/// Shorter waits are not reported.
const QUIET_WAIT: Duration = Duration::from_secs(1);

/// Waits until the device is free, for `limit` at most. None where nothing can hold it: there is no database for an
/// executor, or its folder cannot be written to, so that no executor runs there either.
///
/// # Errors
/// Busy (4) when the device is not free within `limit`; interrupted (130) or terminated (143).
pub fn take(
    session: &Session,
    (command, limit): (&str, Duration),
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Option<Device>> {
    if !session.config.database.exists() {
        return Ok(None);
    }
    let dir = session.config.lock_dir.clone();
    let who = session.who(command);
    let taken = Device::take_within((&dir, &who), (limit, QUIET_WAIT), stop, |who| {
        on(OpEvent::note(format!("waiting for {}, which has a model in memory", text::clean(who))));
    });
    // A folder that cannot be written to holds no lock to wait for.
    let Ok(taken) = taken else { return Ok(None) };
    match taken {
        Taken::Ours(device) => Ok(Some(device)),
        Taken::Busy(who) | Taken::Orphaned(who) => Err(match stop.reason() {
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
