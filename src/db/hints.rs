//! What the daemon knows of its servers, kept by content for the time after its next start.

use super::Db;
use super::cells::{Cells, count};
use super::error::DbResult;
use super::settings::known_subject;
use crate::clock::Timestamp;
use crate::model::ModelId;
use crate::model::ledger::Purpose;
use crate::model::popularity::HourlyUses;
use rusqlite::{Connection, params};
use std::time::Duration;

/// What is known of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHint {
    /// A model, or `service:NAME`.
    pub model: ModelId,
    pub purpose: Purpose,
    pub last_access: Option<Timestamp>,
    pub access_count: u64,
    pub load_time: Option<Duration>,
    /// Whether it was loaded when this was saved.
    pub is_loaded: bool,
}

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

impl Db {
    /// Saves hints, all or none. Those of other servers stay.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn save_server_hints(&mut self, hints: &[ServerHint], at: Timestamp) -> anyhow::Result<()> {
        self.write(|tx| {
            let mut put = tx.prepare_cached(
                "INSERT OR REPLACE INTO server_hint
                     (subject, purpose, last_access, access_count, load_ms, loaded, saved)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for hint in hints {
                let subject = known_subject(tx, &hint.model)?.unwrap_or_else(|| hint.model.0.clone());
                let load = hint.load_time.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
                put.execute(params![
                    subject,
                    hint.purpose.name(),
                    hint.last_access.map(Timestamp::millis),
                    count(hint.access_count, "the number of requests")?,
                    load,
                    hint.is_loaded,
                    at.millis()
                ])?;
            }
            Ok(())
        })
    }

    /// Returns the hints of all servers: for every copy of a content its own.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn server_hints(&self) -> anyhow::Result<Vec<ServerHint>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT h.subject, coalesce(m.id, h.subject), h.purpose, h.last_access, h.access_count, h.load_ms, h.loaded
                 FROM server_hint h LEFT JOIN model m ON m.subject = h.subject
                 ORDER BY h.subject, m.id, h.purpose",
            )?;
            let mut rows = find.query([])?;
            let mut hints = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "server_hint");
                cells.take::<String>()?;
                hints.push(ServerHint {
                    model: ModelId(cells.take()?),
                    purpose: cells.name(Purpose::from_name)?,
                    last_access: cells.take::<Option<i64>>()?.map(Timestamp),
                    access_count: cells.count()?,
                    load_time: cells.count_or_null()?.map(Duration::from_millis),
                    is_loaded: cells.take()?,
                });
            }
            Ok(hints)
        })
    }

    /// Returns the uses of models by hour, from `since` on: for every copy of a content its own.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn hourly_uses(&self, since: Timestamp) -> anyhow::Result<Vec<HourlyUses>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT u.subject, coalesce(m.id, u.subject), u.hour, u.uses
                 FROM (SELECT subject, at / ?2 AS hour, count(*) AS uses FROM use_journal
                       WHERE at >= ?1 GROUP BY subject, at / ?2) u
                 LEFT JOIN model m ON m.subject = u.subject
                 ORDER BY u.subject, m.id, u.hour",
            )?;
            let mut rows = find.query(params![since.millis(), HOUR])?;
            let mut uses = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "use_journal");
                cells.take::<String>()?;
                uses.push(HourlyUses { model: ModelId(cells.take()?), hour: cells.take()?, count: cells.count()? });
            }
            Ok(uses)
        })
    }
}

/// Moves the hints of one subject to another, which keeps its own.
pub(super) fn adopt(conn: &Connection, from: &str, to: &str) -> DbResult<()> {
    conn.prepare_cached("UPDATE OR IGNORE server_hint SET subject = ?2 WHERE subject = ?1")?.execute([from, to])?;
    conn.prepare_cached("DELETE FROM server_hint WHERE subject = ?1")?.execute([from])?;
    Ok(())
}
