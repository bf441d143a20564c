//! The uses of models and their sums, both by content: a file that is downloaded again keeps its history.

use super::Db;
use super::cells::{Cells, count};
use super::error::DbResult;
use super::settings::known_subject;
use crate::clock::Timestamp;
use crate::model::{ModelId, Usage};
use rusqlite::{Connection, params};

/// One use of a model by this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseEvent {
    pub model: ModelId,
    /// The time when the use ended.
    pub at: Timestamp,
    /// The command (`run-once`, `serve`, `task`).
    pub source: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Milliseconds from the request to the last token.
    pub duration_ms: u64,
    /// The outcome: `stop`, `length`, `failed`, …
    pub outcome: String,
}

/// Rows of the journal that are kept; the sums stay.
const USES_KEPT: i64 = 200_000;

impl Db {
    /// Adds a use, and adds it to the sums of its model, in one transaction. A model that is not in the inventory is
    /// accepted too: it may be scanned later.
    pub fn record_use(&mut self, event: &UseEvent) -> anyhow::Result<()> {
        self.record_uses(std::slice::from_ref(event))
    }

    /// Adds uses, all or none, as [`Db::record_use`].
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn record_uses(&mut self, events: &[UseEvent]) -> anyhow::Result<()> {
        self.write(|tx| {
            events.iter().try_for_each(|event| add(tx, event))?;
            tx.prepare_cached("DELETE FROM use_journal WHERE number <= (SELECT max(number) FROM use_journal) - ?1")?
                .execute([USES_KEPT])?;
            Ok(())
        })
    }

    /// Returns the latest uses of a model, newest first, including those of its other copies and of earlier files with
    /// the same content. Empty for an id that was never used.
    pub fn uses(&self, model: &ModelId, limit: u32) -> anyhow::Result<Vec<UseEvent>> {
        self.read(|tx| {
            let subject = known_subject(tx, model)?.unwrap_or_else(|| model.0.clone());
            let mut find = tx.prepare_cached(
                "SELECT number, model, at, source, prompt_tokens, completion_tokens, duration_ms, outcome
                 FROM use_journal WHERE subject = ?1 ORDER BY number DESC LIMIT ?2",
            )?;
            let mut rows = find.query(params![subject, limit])?;
            let mut uses = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "use_journal");
                cells.take::<i64>()?;
                uses.push(UseEvent {
                    model: ModelId(cells.take()?),
                    at: Timestamp(cells.take()?),
                    source: cells.take()?,
                    prompt_tokens: cells.count()?,
                    completion_tokens: cells.count()?,
                    duration_ms: cells.count()?,
                    outcome: cells.take()?,
                });
            }
            Ok(uses)
        })
    }
}

fn add(tx: &Connection, event: &UseEvent) -> DbResult<()> {
    let subject = known_subject(tx, &event.model)?.unwrap_or_else(|| event.model.0.clone());
    tx.prepare_cached(
        "INSERT INTO use_journal (subject, model, at, source, prompt_tokens, completion_tokens, duration_ms, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        subject,
        event.model.as_str(),
        event.at.millis(),
        event.source,
        count(event.prompt_tokens, "the number of prompt tokens")?,
        count(event.completion_tokens, "the number of completion tokens")?,
        count(event.duration_ms, "the duration in ms")?,
        event.outcome
    ])?;
    // Two commands may report in another order than they ended.
    tx.prepare_cached(
        "INSERT INTO use_total (subject, last_used, use_count, last_source) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (subject) DO UPDATE SET use_count = use_count + 1,
             last_source = iif(excluded.last_used >= last_used, excluded.last_source, last_source),
             last_used = max(last_used, excluded.last_used)",
    )?
    .execute(params![subject, event.at.millis(), event.source])?;
    Ok(())
}

pub(super) fn of_subject(conn: &Connection, subject: &str) -> DbResult<Usage> {
    let mut find =
        conn.prepare_cached("SELECT subject, last_used, use_count, last_source FROM use_total WHERE subject = ?1")?;
    let mut rows = find.query([subject])?;
    let Some(row) = rows.next()? else { return Ok(Usage::default()) };
    let mut cells = Cells::new(row, "use_total");
    cells.take::<String>()?;
    Ok(Usage { last_used: Some(Timestamp(cells.take()?)), use_count: cells.count()?, last_source: Some(cells.take()?) })
}

/// Moves all settings and uses from one subject to another: a model that was known by its id alone now has a readable
/// header. Existing settings of the other subject win; uses are added.
pub(super) fn adopt(conn: &Connection, from: &str, to: &str) -> DbResult<()> {
    conn.prepare_cached("UPDATE OR IGNORE setting SET subject = ?2 WHERE subject = ?1")?.execute([from, to])?;
    conn.prepare_cached("UPDATE use_journal SET subject = ?2 WHERE subject = ?1")?.execute([from, to])?;
    // `WHERE` keeps the parser from reading ON CONFLICT as part of a join.
    conn.prepare_cached(
        "INSERT INTO use_total (subject, last_used, use_count, last_source)
         SELECT ?2, last_used, use_count, last_source FROM use_total WHERE subject = ?1
         ON CONFLICT (subject) DO UPDATE SET use_count = use_count + excluded.use_count,
             last_source = iif(excluded.last_used >= last_used, excluded.last_source, last_source),
             last_used = max(last_used, excluded.last_used)",
    )?
    .execute([from, to])?;
    conn.prepare_cached("DELETE FROM use_total WHERE subject = ?1")?.execute([from])?;
    Ok(())
}
