//! Keep hints that a person added. Those of the environment and of the config file are not here.

use super::Db;
use super::cells::Cells;
use crate::clock::Timestamp;
use rusqlite::params;

impl Db {
    /// The hints in the order in which they were added.
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

    /// Adds hints, all or none, and gives for each whether it is new. One that is there keeps its place.
    pub fn add_keep_hints(&mut self, hints: &[String], at: Timestamp) -> anyhow::Result<Vec<bool>> {
        self.write(|tx| {
            let mut add =
                tx.prepare_cached("INSERT INTO keep_hint (hint, at) VALUES (?1, ?2) ON CONFLICT (hint) DO NOTHING")?;
            hints.iter().map(|hint| Ok(add.execute(params![hint, at.millis()])? > 0)).collect()
        })
    }

    /// Removes hints, all or none, and gives for each whether it was there.
    pub fn remove_keep_hints(&mut self, hints: &[String]) -> anyhow::Result<Vec<bool>> {
        self.write(|tx| {
            let mut remove = tx.prepare_cached("DELETE FROM keep_hint WHERE hint = ?1")?;
            hints.iter().map(|hint| Ok(remove.execute([hint])? > 0)).collect()
        })
    }
}
