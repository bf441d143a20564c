//! Keep hints that a person added. Those of the environment and of the config file are not stored here.

use super::cells::Cells;
use super::error::DbResult;
use super::{Db, history};
use crate::clock::Timestamp;
use crate::model::Event;
use rusqlite::params;

impl Db {
    /// Returns the hints in the order in which they were added.
    pub fn keep_hints(&self) -> anyhow::Result<Vec<String>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached("SELECT number, hint FROM keep_hint ORDER BY number")?;
            let mut rows = find.query([])?;
            let mut hints = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "keep_hint");
                cells.take::<i64>()?;
                hints.push(cells.take()?);
            }
            Ok(hints)
        })
    }

    /// Adds hints, all or none, and returns for each whether it is new. A hint that exists keeps its place. The event
    /// that `tell` makes of the result is added to the history in the same transaction.
    pub fn add_keep_hints(
        &mut self,
        hints: &[String],
        at: Timestamp,
        tell: impl FnOnce(&[bool]) -> Option<Event>,
    ) -> anyhow::Result<Vec<bool>> {
        self.write(|tx| {
            let mut add =
                tx.prepare_cached("INSERT INTO keep_hint (hint, at) VALUES (?1, ?2) ON CONFLICT (hint) DO NOTHING")?;
            let new = hints
                .iter()
                .map(|hint| Ok(add.execute(params![hint, at.millis()])? > 0))
                .collect::<DbResult<Vec<bool>>>()?;
            history::add_told(tx, tell(&new))?;
            Ok(new)
        })
    }

    /// Removes hints, all or none, and returns for each whether it existed. The event that `tell` makes of the result
    /// is added to the history in the same transaction.
    pub fn remove_keep_hints(
        &mut self,
        hints: &[String],
        tell: impl FnOnce(&[bool]) -> Option<Event>,
    ) -> anyhow::Result<Vec<bool>> {
        self.write(|tx| {
            let mut remove = tx.prepare_cached("DELETE FROM keep_hint WHERE hint = ?1")?;
            let gone = hints.iter().map(|hint| Ok(remove.execute([hint])? > 0)).collect::<DbResult<Vec<bool>>>()?;
            history::add_told(tx, tell(&gone))?;
            Ok(gone)
        })
    }
}
