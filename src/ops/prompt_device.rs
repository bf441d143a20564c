//! The device lock and the memory of a one-shot prompt: it loads a model only while no executor and no other prompt has
//! one in memory, and where it fits beside the servers of a daemon.

use super::{OpEvent, Session, Sink};
use crate::clock;
use crate::display::{text, units};
use crate::engine::LoadSpec;
use crate::failure::Failure;
use crate::host::self_child;
use crate::model::Model;
use crate::queue::executor::{Device, Taken};
use crate::queue::reservation::{self, Reservation, Reserving, holders};
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
            Some(stop) => Failure::new(stop.kind(), "stopped while waiting"),
            None => {
                let (who, limit) = (text::clean(&who), units::took(limit));
                Failure::busy(format!("{who} has a model in memory and did not finish within {limit}"))
                    .hint("use a longer --timeout to wait longer")
            }
        }
        .into()),
    }
}

/// Warns that other processes do not know of the memory of a model.
pub fn unreserved(error: &anyhow::Error, on: &mut Sink<'_>) {
    on(OpEvent::warning(format!("could not record the memory of this model: {error:#}")));
}

/// The interval between tries for memory: no event reports that a process has given its memory back.
const TRY_EVERY: Duration = Duration::from_millis(200);

/// Reserves the memory of a model, and waits while others of the ledger hold it, for `limit` at most. `None`: the ledger
/// cannot be used, which is a warning, since the answer matters more.
///
/// # Errors
/// Cannot be met (3) where waiting does not help; busy (4) where it is not free within `limit`; interrupted (130) or
/// terminated (143).
pub fn reserve(
    session: &Session,
    (command, is_forced): (&str, bool),
    (model, load): (&Model, &LoadSpec),
    (stop, limit): (&StopSignal, Duration),
    on: &mut Sink<'_>,
) -> anyhow::Result<Option<Reservation>> {
    let reserving = Reserving {
        database: session.config.database.clone(),
        who: session.who(command),
        limits: session.config.memory,
        program: self_child::OURSELVES.into(),
        is_forced,
    };
    let mut asking = match reservation::Request::new(&reserving, model, load) {
        Ok(asking) => asking,
        Err(error) => {
            unreserved(&error, on);
            return Ok(None);
        }
    };
    let began = clock::instant();
    let mut is_reported = false;
    loop {
        let refusal = match asking.attempt() {
            Ok(Ok(id)) => return Ok(Some(asking.hold(id))),
            Ok(Err(refusal)) => refusal,
            Err(error) => {
                unreserved(&error, on);
                return Ok(None);
            }
        };
        let name = text::clean(&model.name);
        if !refusal.can_ever_fit || refusal.rows.is_empty() {
            let hint = "choose a smaller model, free memory, or use --force; MODELCTL_RAM_BUDGET limits all models";
            return Err(Failure::cannot_meet(format!("{name} {}", asking.in_words(&refusal))).hint(hint).into());
        }
        if let Some(stop) = stop.reason() {
            return Err(Failure::new(stop.kind(), "stopped while waiting for memory").into());
        }
        let waited = began.elapsed();
        let Some(left) = limit.checked_sub(waited).filter(|left| !left.is_zero()) else {
            let (why, limit) = (asking.in_words(&refusal), units::took(limit));
            return Err(Failure::busy(format!("{name} {why}, which did not finish within {limit}"))
                .hint("use a longer --timeout to wait longer")
                .into());
        };
        if !is_reported && waited >= QUIET_WAIT {
            is_reported = true;
            on(OpEvent::note(format!("waiting for the memory of {}", holders(&refusal))));
        }
        stop.wait_timeout(TRY_EVERY.min(left));
    }
}
