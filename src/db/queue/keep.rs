//! How long what has ended is kept: by age and by size, in steps that hold the lock for a moment each.

use super::toggle;
use crate::clock::Timestamp;
use crate::db::Db;
use crate::db::cells::{Cells, count};
use crate::model::task::{ClockMemory, Moment, Retention};
use serde::Serialize;

/// Finished tasks taken away in one transaction.
const STEP: u32 = 500;

/// What a step of retention took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    pub tasks: u64,
    /// Bytes of their requests and answers. The file keeps the room and fills it again.
    pub bytes: u64,
    /// There is more to take.
    pub more: bool,
}

/// Where [`ClockMemory`] stands in `meta`.
const SEEN: &str = "clock_seen";
const DOUBTED: &str = "clock_doubted";

impl Db {
    /// Whether ages may be told by `now`, as [`ClockMemory::judge`] has it. Before the first time, the newest task that
    /// has ended tells what the clock was.
    pub fn trust_clock(&mut self, now: Timestamp) -> anyhow::Result<bool> {
        let (before, newest) = self.read(|tx| {
            let newest: Option<i64> = tx
                .prepare_cached("SELECT max(finished) FROM task WHERE finished IS NOT NULL")?
                .query_row([], |row| row.get(0))?;
            let memory = ClockMemory { seen: toggle::time(tx, SEEN)?, doubted: toggle::time(tx, DOUBTED)? };
            Ok((memory, newest.map(Timestamp)))
        })?;
        let (trusted, after) = ClockMemory { seen: before.seen.or(newest), ..before }.judge(now);
        if after != before {
            self.write(|tx| {
                for (name, time) in [(SEEN, after.seen), (DOUBTED, after.doubted)] {
                    match time {
                        Some(time) => toggle::set(tx, name, &time.millis().to_string())?,
                        None => toggle::forget(tx, name)?,
                    }
                }
                Ok(())
            })?;
        }
        Ok(trusted)
    }

    /// Takes away the oldest finished tasks that are too old, or too much together. Call it again while there is more.
    pub fn retain_tasks(&mut self, keep: &Retention, at: Moment) -> anyhow::Result<Removed> {
        let too_old = at.after(keep.max_age_ms.saturating_neg()).millis();
        self.write(|tx| {
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
            let mut seen = 0;
            let mut doomed = Vec::new();
            while let Some(row) = rows.next()? {
                seen += 1;
                let mut cells = Cells::new(row, "task");
                let (id, finished, bytes) = (cells.count()?, cells.take::<i64>()?, cells.count()?);
                if finished >= too_old && excess <= 0 {
                    removed.more = false;
                    break;
                }
                excess = excess.saturating_sub(count(bytes, "the bytes of a task")?);
                removed.tasks += 1;
                removed.bytes = removed.bytes.saturating_add(bytes);
                doomed.push(count(id, "the number of a task")?);
            }
            for id in doomed {
                remove.execute([id])?;
            }
            removed.more &= seen == STEP;
            Ok(removed)
        })
    }
}
