//! Recorded changes of settings.

use super::Db;
use super::cells::Cells;
use super::error::{DbError, DbResult};
use crate::clock::Timestamp;
use crate::model::tuning::{Done, NewTuning, Tuning};
use rusqlite::params;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl Db {
    /// Records a change and returns its number.
    pub fn record_tuning(&mut self, tuning: &NewTuning) -> anyhow::Result<i64> {
        self.write(|tx| {
            let before = json(&tuning.before)?;
            tx.execute(
                "INSERT INTO tuning (knob, service, old, new, why, at, actor, before)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    tuning.knob,
                    tuning.service,
                    tuning.from,
                    tuning.to,
                    tuning.why,
                    tuning.at.millis(),
                    tuning.by,
                    before
                ],
            )?;
            Ok(tx.last_insert_rowid())
        })
    }

    /// Records the end of a change. Returns false where there is none with this number.
    pub fn finish_tuning(&mut self, id: i64, done: &Done) -> anyhow::Result<bool> {
        self.write(|tx| {
            let done = json(done)?;
            Ok(tx.execute("UPDATE tuning SET done = ?2 WHERE id = ?1", params![id, done])? > 0)
        })
    }

    /// Returns the changes, oldest first; only that with the number `only` where it is given.
    pub fn tunings(&self, only: Option<i64>) -> anyhow::Result<Vec<Tuning>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT id, knob, service, old, new, why, at, actor, before, done FROM tuning
                 WHERE ?1 IS NULL OR id = ?1 ORDER BY id",
            )?;
            let mut rows = find.query([only])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "tuning");
                let id: i64 = cells.take()?;
                let number = id.to_string();
                all.push(Tuning {
                    id,
                    knob: cells.take()?,
                    service: cells.take()?,
                    from: cells.take()?,
                    to: cells.take()?,
                    why: cells.take()?,
                    recorded: Timestamp(cells.take()?),
                    by: cells.take()?,
                    before: parsed("before", &number, &cells.take::<String>()?)?,
                    done: match cells.take::<Option<String>>()? {
                        Some(text) => Some(parsed("done", &number, &text)?),
                        None => None,
                    },
                });
            }
            Ok(all)
        })
    }
}

fn json<T: Serialize>(value: &T) -> DbResult<String> {
    serde_json::to_string(value).map_err(|error| DbError::Contradiction(error.to_string()))
}

fn parsed<T: DeserializeOwned>(column: &str, row: &str, text: &str) -> DbResult<T> {
    let bad = |error: serde_json::Error| DbError::BadValue {
        table: "tuning",
        column: column.to_owned(),
        row: row.to_owned(),
        why: error.to_string(),
    };
    serde_json::from_str(text).map_err(bad)
}
