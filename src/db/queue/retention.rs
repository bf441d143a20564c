//! Retention of finished tasks: by age and by size, in steps that hold the lock only briefly.

use super::meta;
use crate::clock::Timestamp;
use crate::db::cells::{Cells, count};
use crate::db::error::DbResult;
use crate::model::task::{ClockMemory, Moment, Removed, Retention};
use rusqlite::Connection;

/// The number of finished tasks removed in one transaction.
const STEP: u32 = 500;

/// The names of the rows of [`ClockMemory`] in `meta`.
const SEEN: &str = "clock_seen";
const DOUBTED: &str = "clock_doubted";

/// Reads the memory of the clock, and the end of the newest finished task.
pub(super) fn clock_memory(tx: &Connection) -> DbResult<(ClockMemory, Option<Timestamp>)> {
    let newest: Option<i64> = tx
        .prepare_cached("SELECT max(finished) FROM task WHERE finished IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    let memory = ClockMemory { seen: meta::time(tx, SEEN)?, doubted: meta::time(tx, DOUBTED)? };
    Ok((memory, newest.map(Timestamp)))
}

/// Writes the memory of the clock.
pub(super) fn remember_clock(tx: &Connection, memory: ClockMemory) -> DbResult<()> {
    for (name, time) in [(SEEN, memory.seen), (DOUBTED, memory.doubted)] {
        match time {
            Some(time) => meta::set(tx, name, &time.millis().to_string())?,
            None => meta::forget(tx, name)?,
        }
    }
    Ok(())
}

/// Removes finished tasks that are too old, or the oldest when all together are too large.
pub(super) fn retain(tx: &Connection, keep: &Retention, at: Moment) -> DbResult<Removed> {
    let too_old = at.after(keep.max_age_ms.saturating_neg()).millis();
    let total: i64 = tx
        .prepare_cached("SELECT coalesce(sum(bytes), 0) FROM task WHERE finished IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    let mut excess = total.saturating_sub(i64::try_from(keep.max_bytes).unwrap_or(i64::MAX));
    let mut oldest = tx.prepare_cached(
        "SELECT id, finished, bytes FROM task WHERE finished IS NOT NULL ORDER BY finished, id LIMIT ?1",
    )?;
    let mut remove = tx.prepare_cached("DELETE FROM task WHERE id = ?1")?;
    let mut removed = Removed { more: true, ..Removed::default() };
    let mut rows = oldest.query([STEP])?;
    let mut seen: u32 = 0;
    let mut doomed = Vec::new();
    while let Some(row) = rows.next()? {
        seen = seen.saturating_add(1);
        let mut cells = Cells::new(row, "task");
        let (id, finished, bytes) = (cells.count()?, cells.take::<i64>()?, cells.count()?);
        if finished >= too_old && excess <= 0 {
            removed.more = false;
            break;
        }
        excess = excess.saturating_sub(count(bytes, "the bytes of a task")?);
        removed.tasks = removed.tasks.saturating_add(1);
        removed.bytes = removed.bytes.saturating_add(bytes);
        doomed.push(count(id, "the number of a task")?);
    }
    for id in doomed {
        remove.execute([id])?;
    }
    removed.more &= seen == STEP;
    Ok(removed)
}
