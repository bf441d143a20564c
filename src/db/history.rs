//! The history: who changed what, when, why and by how much. Rows are added, never changed.
//!
//! Rows that are older than two years, or beyond the newest 200,000, are removed as new rows are added: up to [`STEP`]
//! with each, oldest first, so that no write takes long. A row is removed only if it is old compared to both the new
//! row and the row before that: a clock that jumps ahead once removes nothing.

use super::Db;
use super::cells::{Cells, bytes};
use super::error::{DbError, DbResult};
use crate::clock::Timestamp;
use crate::model::{Action, Actor, Event, ModelId, Recorded, Subject};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::collections::HashSet;

/// The maximum age of a row in milliseconds: two years.
pub(super) const AGE_KEPT: i64 = 2 * 365 * 24 * 60 * 60 * 1000;

/// The maximum number of rows.
pub(super) const ROWS_KEPT: i64 = 200_000;

/// The number of rows removed with each added row. More than one, so that a backlog shrinks.
pub(super) const STEP: i64 = 100;

/// The number of models that lead to one event, in addition to its subject. A first scan may find a million models.
const OTHERS_KEPT: usize = 10_000;

/// A selection of events; the empty one selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    pub model: Option<ModelId>,
    /// The actions to select; all when empty.
    pub actions: Vec<Action>,
    /// The time before which events are left out.
    pub since: Option<Timestamp>,
    /// The time from which on events are left out.
    pub until: Option<Timestamp>,
}

/// The events of the history about items in trashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrashTold {
    /// The time before which events may have been removed from the history; None when none was removed yet.
    pub reaches_back_to: Option<Timestamp>,
    /// The actions, each with the id of the item.
    pub lines: HashSet<(Action, String)>,
}

impl Db {
    /// Adds an event to the history and returns its number.
    ///
    /// # Errors
    /// As every write. The event itself is never refused: a size that is too large is recorded as the largest possible
    /// one.
    pub fn record_history(&mut self, event: &Event) -> anyhow::Result<i64> {
        self.write(|tx| add(tx, event))
    }

    /// Records events, and marks these models as gone, in one transaction.
    ///
    /// # Errors
    /// Nothing is recorded then.
    pub fn record_taken(&mut self, events: &[Event], gone: &[ModelId]) -> anyhow::Result<()> {
        self.write(|tx| {
            events.iter().try_for_each(|event| add(tx, event).map(drop))?;
            super::placed::mark_gone(tx, gone)
        })
    }

    /// Returns the selected events, newest first: at most `limit` with a number below `before`.
    pub fn history(&self, filter: &HistoryFilter, before: Option<i64>, limit: u32) -> anyhow::Result<Vec<Recorded>> {
        self.read(|tx| {
            let mut sql = String::from(
                "SELECT number, at, uid, user, login, pid, process, parent, unit, command, action, model, name, path,
                     reason, apparent, allocated, freed, detail
                 FROM history WHERE number < ?",
            );
            let before = before.unwrap_or(i64::MAX);
            let since = filter.since.map(Timestamp::millis);
            let until = filter.until.map(Timestamp::millis);
            let actions = Value::from(filter.actions.iter().map(|a| a.name()).collect::<Vec<_>>()).to_string();
            let model = filter.model.as_ref().map(ModelId::as_str);
            let mut values: Vec<&dyn ToSql> = vec![&before];
            if since.is_some() {
                sql.push_str(" AND at >= ?");
                values.push(&since);
            }
            if until.is_some() {
                sql.push_str(" AND at < ?");
                values.push(&until);
            }
            if !filter.actions.is_empty() {
                sql.push_str(" AND action IN (SELECT value FROM json_each(?))");
                values.push(&actions);
            }
            if model.is_some() {
                sql.push_str(" AND number IN (SELECT history FROM history_model WHERE model = ?)");
                values.push(&model);
            }
            sql.push_str(" ORDER BY number DESC LIMIT ?");
            values.push(&limit);
            let mut find = tx.prepare_cached(&sql)?;
            let mut rows = find.query(values.as_slice())?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(recorded(&mut Cells::new(row, "history"))?);
            }
            Ok(events)
        })
    }
}

impl Db {
    /// Returns the events about items in trashes from `since` on.
    pub fn trash_told(&self, since: Timestamp) -> anyhow::Result<TrashTold> {
        self.read(|tx| {
            let mut first = tx.prepare_cached("SELECT number, at FROM history ORDER BY number LIMIT 1")?;
            let first: Option<(i64, i64)> =
                first.query_row([], |row| Ok((row.get("number")?, row.get("at")?))).optional()?;
            let reaches_back_to = first.filter(|(number, _)| *number > 1).map(|(_, at)| Timestamp(at));
            let mut all = tx.prepare_cached(
                "SELECT action, item FROM (
                     SELECT action, iif(json_valid(detail), json_extract(detail, '$.trash'), NULL) AS item
                     FROM history WHERE at >= ?1 AND action IN ('prune', 'purge', 'restore', 'empty'))
                 WHERE typeof(item) = 'text'",
            )?;
            let mut rows = all.query([since.millis()])?;
            let mut lines = HashSet::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "history");
                lines.insert((cells.name(Action::from_name)?, cells.take()?));
            }
            Ok(TrashTold { reaches_back_to, lines })
        })
    }
}

/// Adds an event as [`add`] does, if there is one.
pub(super) fn add_told(tx: &Connection, event: Option<Event>) -> DbResult<()> {
    if let Some(event) = event {
        add(tx, &event)?;
    }
    Ok(())
}

/// Adds an event within a transaction: the change that it describes is recorded with it, or not at all.
pub(super) fn add(tx: &Connection, event: &Event) -> DbResult<i64> {
    let Event { actor, subject, .. } = event;
    let id = subject.as_ref().and_then(|s| s.id.as_ref()).map(ModelId::as_str);
    // Saturates: the history must not refuse an unusual number.
    let size = |bytes: Option<u64>| bytes.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    let detail = Some(&event.detail).filter(|d| !d.is_null()).map(Value::to_string);
    tx.prepare_cached(
        "INSERT INTO history (at, uid, user, login, pid, process, parent, unit, command, action, model, name, path,
             reason, apparent, allocated, freed, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    )?
    .execute(params![
        event.at.millis(),
        actor.uid,
        actor.user,
        actor.login,
        actor.pid,
        actor.process,
        actor.parent,
        actor.unit,
        actor.command,
        event.action.name(),
        id,
        subject.as_ref().map(|s| s.name.as_str()),
        subject.as_ref().and_then(|s| s.path.as_deref()).map(bytes),
        event.reason,
        size(event.apparent),
        size(event.allocated),
        size(event.freed),
        detail,
    ])?;
    let number = tx.last_insert_rowid();
    let mut find_by = tx.prepare_cached("INSERT OR IGNORE INTO history_model (model, history) VALUES (?1, ?2)")?;
    for model in id.into_iter().chain(event.others.iter().take(OTHERS_KEPT).map(ModelId::as_str)) {
        find_by.execute(params![model, number])?;
    }
    retire(tx, number, event.at)?;
    Ok(number)
}

/// Removes rows that are too old or too many. `number` and `at` are those of the newest row.
fn retire(tx: &Connection, number: i64, at: Timestamp) -> DbResult<()> {
    let mut latest = tx.prepare_cached("SELECT at FROM history WHERE number < ?1 ORDER BY number DESC LIMIT 1")?;
    let Some(before) = latest.query_row([number], |row| row.get::<_, i64>(0)).optional()? else { return Ok(()) };
    let oldest = at.millis().min(before).saturating_sub(AGE_KEPT);
    tx.prepare_cached(
        "DELETE FROM history WHERE number IN (
             SELECT number FROM (SELECT number, at FROM history ORDER BY number LIMIT ?1)
             WHERE at < ?2 OR number <= ?3)",
    )?
    .execute(params![STEP, oldest, number.saturating_sub(ROWS_KEPT)])?;
    Ok(())
}

fn recorded(cells: &mut Cells<'_, '_>) -> DbResult<Recorded> {
    let number = cells.take()?;
    let at = Timestamp(cells.take()?);
    let actor = Actor {
        uid: cells.take()?,
        user: cells.take()?,
        login: cells.take()?,
        pid: cells.take()?,
        process: cells.take()?,
        parent: cells.take()?,
        unit: cells.take()?,
        command: cells.take()?,
    };
    let action = cells.name(Action::from_name)?;
    let id = cells.take::<Option<String>>()?.map(ModelId);
    let name: Option<String> = cells.take()?;
    let path = cells.path_or_null()?;
    Ok(Recorded {
        number,
        event: Event {
            at,
            actor,
            action,
            subject: name.map(|name| Subject { id, name, path }),
            others: Vec::new(),
            reason: cells.take()?,
            apparent: cells.count_or_null()?,
            allocated: cells.count_or_null()?,
            freed: cells.count_or_null()?,
            detail: detail(cells)?,
        },
    })
}

fn detail(cells: &mut Cells<'_, '_>) -> Result<Value, DbError> {
    let Some(text) = cells.take::<Option<String>>()? else { return Ok(Value::Null) };
    serde_json::from_str(&text).map_err(|error| cells.bad(error.to_string()))
}
