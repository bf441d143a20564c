//! Checks that the wall clock can be trusted, for recipes that count ages before they delete.

use super::{OpEvent, Session, Sink};
use crate::clock;
use crate::db::Access;
use crate::display::units;
use crate::prune::leap::{Clocks, Leap, Seen, judge};
use crate::supervise::is_clock_synchronized;

fn clocks(session: &Session) -> Clocks {
    Clocks {
        wall: session.now,
        boot: clock::boot_id(),
        uptime: clock::uptime(),
        is_synchronized: is_clock_synchronized(),
    }
}

/// Sets the time of this session to one by which nothing looks older than it is, and warns when that is not the wall
/// clock. `is_right`: a person confirms the wall clock, which is recorded.
///
/// # Errors
/// The database cannot be read, or cannot be written when the time must be recorded.
pub fn check(session: &mut Session, is_right: bool, on: &mut Sink<'_>) -> anyhow::Result<Option<Leap>> {
    let clocks = clocks(session);
    if is_right {
        session.db(Access::ReadWrite)?.note_clock(&Seen::from(&clocks))?;
        return Ok(None);
    }
    let judged = judge(session.db(Access::ReadOnly)?.clock_seen::<Seen>()?.as_ref(), &clocks);
    if let Some(leap) = &judged.leap {
        let (ahead, last, wall) = (units::ago(leap.ahead), leap.last.rfc3339(), leap.wall.rfc3339());
        let why = match leap.is_same_boot {
            true => format!("the clock jumped ahead by {ahead} while this machine was running"),
            false => format!("the clock is {ahead} ahead of the last known time ({last})"),
        };
        on(OpEvent::warning(format!("{why}: it shows {wall}; ages are counted up to {}", judged.now.rfc3339())));
        on(OpEvent::hint(
            "if that time is right (for example, the machine was off), confirm it once with --now-is-right",
        ));
        session.now = judged.now;
    }
    Ok(judged.leap)
}

/// Returns the leap of the wall clock ahead of the time that can be trusted.
///
/// # Errors
/// The database cannot be read.
pub fn leap(session: &mut Session) -> anyhow::Result<Option<Leap>> {
    let clocks = clocks(session);
    Ok(judge(session.db(Access::ReadOnly)?.clock_seen::<Seen>()?.as_ref(), &clocks).leap)
}

/// Records the time as the latest one seen, if it can be trusted.
///
/// # Errors
/// The database cannot be read or written.
pub fn note(session: &mut Session) -> anyhow::Result<()> {
    let clocks = clocks(session);
    let db = session.db(Access::ReadWrite)?;
    let seen = db.clock_seen::<Seen>()?;
    let is_later = seen.as_ref().is_none_or(|seen| seen.wall < clocks.wall);
    if is_later && judge(seen.as_ref(), &clocks).leap.is_none() {
        db.note_clock(&Seen::from(&clocks))?;
    }
    Ok(())
}
