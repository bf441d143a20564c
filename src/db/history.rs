//! The history: who changed what, when, why and how much. Rows are added, never changed.
//!
//! What is older than two years, or beyond the newest 200,000 rows, goes as new rows come: up to [`STEP`] rows with each,
//! oldest first, so that no write is long. Both the new row and the one before it must say that a row is old: a clock
//! that jumps ahead once costs nothing.

use super::Db;
use super::cells::{Cells, bytes};
use super::error::{DbError, DbResult};
use crate::clock::Timestamp;
use crate::model::{Action, Actor, Event, ModelId, Recorded, Subject};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::collections::HashSet;

/// Milliseconds; two years.
pub(super) const AGE_KEPT: i64 = 2 * 365 * 24 * 60 * 60 * 1000;

/// Rows.
pub(super) const ROWS_KEPT: i64 = 200_000;

/// Rows taken away with one that is added. More than one, so that a backlog shrinks.
pub(super) const STEP: i64 = 100;

/// Models by which one event is found, beside its subject. A first scan may find a million of them.
const OTHERS_KEPT: usize = 10_000;

/// Which events to read; the empty one reads all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    pub model: Option<ModelId>,
    /// One of these; any when empty.
    pub actions: Vec<Action>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// What the history tells of items of trashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrashTold {
    /// What is older may have been told and retired since; None when nothing was retired yet.
    pub reaches_back_to: Option<Timestamp>,
    /// What was done, and the id of the item.
    pub lines: HashSet<(Action, String)>,
}

impl Db {
    /// Adds an event to the history and gives its number.
    ///
    /// # Errors
    /// As every write. The event itself is never refused: a size that no disk has is recorded as the largest there is.
    pub fn record_history(&mut self, event: &Event) -> anyhow::Result<i64> {
        self.write(|tx| add(tx, event))
    }

    /// The events that fit, newest first: at most `limit` with a number below `before`.
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
    /// What the history tells of items of trashes, not before `since`.
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

/// [`add`] for what may have nothing to tell.
pub(super) fn add_told(tx: &Connection, event: Option<Event>) -> DbResult<()> {
    if let Some(event) = event {
        add(tx, &event)?;
    }
    Ok(())
}

/// Adds an event within a transaction: what it tells of is then recorded with it, or not done.
pub(super) fn add(tx: &Connection, event: &Event) -> DbResult<i64> {
    let Event { actor, subject, .. } = event;
    let id = subject.as_ref().and_then(|s| s.id.as_ref()).map(ModelId::as_str);
    // Saturating: the history is the last place to refuse an odd figure.
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

/// Takes away what is too old or too much. `number` and `at` are those of the newest row.
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
