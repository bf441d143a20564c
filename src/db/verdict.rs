//! Findings of `verify`, joined with the models of the files. A finding is valid only for exactly the bytes that were
//! read: a file with another identity is another file.

use super::cells::Cells;
use super::error::DbResult;
use crate::model::{Damage, FileVerdict, Found, Role, State, apply_verdicts};
use rusqlite::Connection;
use std::collections::HashMap;

const SAME_FILE: &str = "a.dev = x.dev AND a.ino = x.ino AND a.size = x.size AND a.mtime_ns = x.mtime_ns \
                         AND a.ctime_ns = x.ctime_ns";

/// The findings about files, by the number of their model.
pub(super) struct Verdicts(HashMap<i64, Vec<FileVerdict>>);

impl Verdicts {
    /// Reads the findings for all models, or for the given one. Only findings of faults are read.
    pub fn read(conn: &Connection, of: Option<i64>) -> DbResult<Verdicts> {
        let mut all: HashMap<i64, Vec<FileVerdict>> = HashMap::new();
        // CROSS JOIN keeps the order: few files were verified, and the index leads from each to its artifacts.
        let mut other = conn.prepare_cached(&format!(
            "SELECT a.model, a.role, a.shard_no, lower(a.expected_sha256), x.sha256
             FROM verified AS x CROSS JOIN artifact AS a ON {SAME_FILE}
             WHERE a.expected_sha256 IS NOT NULL AND lower(a.expected_sha256) <> x.sha256
                 AND (?1 IS NULL OR a.model = ?1)"
        ))?;
        let mut rows = other.query([of])?;
        while let Some(row) = rows.next()? {
            let mut cells = Cells::new(row, "verified");
            let model: i64 = cells.take()?;
            let (role, shard_no) = (cells.name(Role::from_name)?, cells.take()?);
            let found = Found::OtherHash { promised: cells.take()?, found: cells.take()? };
            all.entry(model).or_default().push(FileVerdict { role, shard_no, found });
        }
        let mut findings = conn.prepare_cached(&format!(
            "SELECT a.model, a.role, a.shard_no, x.what, x.detail, v.sha256
             FROM finding AS x CROSS JOIN artifact AS a ON {SAME_FILE}
             LEFT JOIN verified AS v ON v.dev = x.dev AND v.ino = x.ino AND v.size = x.size
                 AND v.mtime_ns = x.mtime_ns AND v.ctime_ns = x.ctime_ns
             WHERE ?1 IS NULL OR a.model = ?1"
        ))?;
        let mut rows = findings.query([of])?;
        while let Some(row) = rows.next()? {
            let mut cells = Cells::new(row, "finding");
            let model: i64 = cells.take()?;
            let (role, shard_no) = (cells.name(Role::from_name)?, cells.take()?);
            let what: String = cells.take()?;
            let (detail, recorded): (String, Option<String>) = (cells.take()?, cells.take()?);
            let found = match (what.as_str(), recorded) {
                ("other", Some(recorded)) => Found::NotAsRecorded { recorded, found: detail },
                ("changed", _) => Found::Changed(detail),
                _ => Found::Unreadable(detail),
            };
            all.entry(model).or_default().push(FileVerdict { role, shard_no, found });
        }
        Ok(Verdicts(all))
    }

    /// Applies the findings to the state and the reason of a model. Returns the proof of damage.
    pub fn apply(
        &self,
        conn: &Connection,
        number: i64,
        state: &mut State,
        reason: &mut Option<String>,
    ) -> DbResult<Option<Damage>> {
        if matches!(state, State::Damaged | State::Truncated) && is_as_promised(conn, number)? {
            *state = State::Unsupported;
            let why = reason.take().unwrap_or_default();
            *reason = Some(format!("its sha256 matches the declared one, so this is what was published: {why}"));
        }
        Ok(apply_verdicts(self.0.get(&number).map_or(&[], Vec::as_slice), state, reason))
    }
}

/// Returns whether every file of the model was read completely and has the hash that its store promises.
fn is_as_promised(conn: &Connection, number: i64) -> DbResult<bool> {
    let mut count = conn.prepare_cached(&format!(
        "SELECT count(*), count(x.sha256) FROM artifact AS a LEFT JOIN verified AS x ON {SAME_FILE}
             AND x.sha256 = lower(a.expected_sha256)
         WHERE a.model = ?1"
    ))?;
    let (files, right): (i64, i64) = count.query_one([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(files > 0 && files == right)
}
