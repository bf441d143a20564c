//! Waiting for what other processes write. SQLite tells by a counter that somebody else has committed, and by nothing
//! else, so the counter is looked at again and again: a read of shared memory, without a lock.

use super::{Db, open};
use crate::clock;
use std::time::Duration;

/// The shortest and the longest pause between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// What the database was at when it was looked at; changes with every commit of another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(i64);

/// Until `is_over`, for `limit` at most.
fn look_often(limit: Duration, mut is_over: impl FnMut() -> bool) {
    let started = clock::instant();
    let mut pause = PAUSES.0;
    while !is_over() {
        let Some(left) = limit.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) else { return };
        open::wait(pause.min(left));
        pause = (pause * 2).min(PAUSES.1);
    }
}

impl Db {
    /// To be read before the state that is waited on: what changes in between is then not missed.
    pub fn version(&self) -> anyhow::Result<Version> {
        self.read(|tx| Ok(Version(tx.pragma_query_value(None, "data_version", |row| row.get(0))?)))
    }

    /// Waits until somebody else has committed since `seen`, for `limit` at most. True when somebody has.
    pub fn wait_for_change(&self, seen: Version, limit: Duration) -> anyhow::Result<bool> {
        self.wait_for_change_or(seen, limit, &|| false)
    }

    /// [`Db::wait_for_change`] that is also over, with false, when `over` says so: within 100 ms.
    pub fn wait_for_change_or(&self, seen: Version, limit: Duration, over: &dyn Fn() -> bool) -> anyhow::Result<bool> {
        let mut changed = Ok(false);
        look_often(limit, || {
            changed = self.version().map(|now| now != seen);
            !matches!(changed, Ok(false)) || over()
        });
        changed
    }

    /// Lets `time` pass whatever is committed meanwhile; less when `over` says so.
    pub fn pass(&self, time: Duration, over: &dyn Fn() -> bool) {
        look_often(time, over);
    }
}
