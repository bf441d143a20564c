//! Queries for people and for pages of work. Every read is short: one page at a time, so that no reader keeps the
//! write-ahead log growing.

use super::row::{COLUMNS, error, read_ticket, ticket, time, whole};
use crate::clock::Timestamp;
use crate::db::cells::{Cells, count};
use crate::db::error::DbResult;
use crate::model::ModelId;
use crate::model::task::{
    Attempt, AttemptEnd, Counts, ModelStats, OwnerId, Standing, Stats, Task, TaskFilter, TaskId, TaskState, Ticket,
};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Returns the owners of all running tasks.
pub(super) fn owners(tx: &Connection) -> DbResult<Vec<OwnerId>> {
    let mut find = tx.prepare_cached("SELECT DISTINCT owner FROM task WHERE state = 'running'")?;
    let owners = find.query_map([], |row| row.get(0))?;
    Ok(owners.collect::<Result<Vec<String>, _>>()?.into_iter().map(OwnerId).collect())
}

/// Returns a task with its texts.
pub(super) fn task(tx: &Connection, id: TaskId) -> DbResult<Option<Task>> {
    ticket(tx, id)?.map(|found| whole(tx, found)).transpose()
}

/// Returns the attempts of a task in order, those of earlier rounds included.
pub(super) fn attempts(tx: &Connection, id: TaskId) -> DbResult<Vec<Attempt>> {
    let mut find = tx.prepare_cached(
        "SELECT token, round, owner, model, started, ended, ending, error_kind, error
         FROM attempt WHERE task = ?1 AND ended IS NOT NULL
         UNION ALL
         SELECT r.token, r.round, r.owner, r.model, r.started, t.finished, 'done', NULL, NULL
         FROM task_result AS r JOIN task AS t ON t.id = r.task WHERE r.task = ?1 AND r.token IS NOT NULL
         UNION ALL
         SELECT token, round, owner, model, since, NULL, NULL, NULL, NULL
         FROM task WHERE id = ?1 AND state = 'running'
         ORDER BY token",
    )?;
    let mut rows = find.query([count(id.0, "the number of a task")?])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "attempt");
        attempts.push(Attempt {
            token: cells.count()?,
            round: cells.take()?,
            owner: OwnerId(cells.take()?),
            model: cells.take::<Option<String>>()?.map(ModelId),
            started: Timestamp(cells.take()?),
            ended: time(&mut cells)?,
            end: cells.name_or_null(AttemptEnd::from_name)?,
            error: error(&mut cells)?,
        });
    }
    Ok(attempts)
}

/// Returns the newest tickets, newest first: at most `limit`, and only those below `before` where that is given.
pub(super) fn newest(
    tx: &Connection,
    filter: &TaskFilter,
    before: Option<TaskId>,
    limit: u32,
) -> DbResult<Vec<Ticket>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM task WHERE id < ?1 AND (?2 = '' OR instr(?2, state) > 0)
         AND (?3 IS NULL OR batch = ?3) ORDER BY id DESC LIMIT ?4"
    );
    let before = before.map_or(Ok(i64::MAX), |id| count(id.0, "the number of a task"))?;
    tickets(tx, &sql, params![before, names(&filter.states), filter.batch, limit])
}

/// Returns the next page of tasks with their texts, by number: at most `limit`, above `after`.
pub(super) fn tasks_after(tx: &Connection, filter: &TaskFilter, after: TaskId, limit: u32) -> DbResult<Vec<Task>> {
    let page = tickets_after(tx, filter, after, limit)?;
    page.into_iter().map(|found| whole(tx, found)).collect()
}

/// Returns the tickets of all running tasks.
pub(super) fn running(tx: &Connection) -> DbResult<Vec<Ticket>> {
    tickets(tx, &format!("SELECT {COLUMNS} FROM task WHERE state = 'running' ORDER BY id"), [])
}

/// Returns tickets that ended after the given one, in the order of their ends: at most `limit`.
pub(super) fn finished_after(tx: &Connection, after: (Timestamp, TaskId), limit: u32) -> DbResult<Vec<Ticket>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM task WHERE finished IS NOT NULL AND (finished, id) > (?1, ?2)
         ORDER BY finished, id LIMIT ?3"
    );
    tickets(tx, &sql, params![after.0.millis(), count(after.1.0, "the number of a task")?, limit])
}

/// Returns the place of a task among the due tasks, or its future place if it is not due yet.
pub(super) fn standing(tx: &Connection, task: &Ticket) -> DbResult<Standing> {
    let ahead: i64 = tx
        .prepare_cached(
            "SELECT (SELECT count(*) FROM task WHERE state = 'queued' AND priority > ?1)
                 + (SELECT count(*) FROM task WHERE state = 'queued' AND priority = ?1 AND (ready, id) < (?2, ?3))",
        )?
        .query_row(params![task.priority, task.ready.millis(), count(task.id.0, "the number of a task")?], |row| {
            row.get(0)
        })?;
    let running: i64 =
        tx.prepare_cached("SELECT count(*) FROM task WHERE state = 'running'")?.query_row([], |row| row.get(0))?;
    let mean: Option<f64> = tx
        .prepare_cached(
            "SELECT avg(max(t.finished - coalesce(r.started, a.started), 0))
             FROM (SELECT id, token, finished FROM task WHERE finished IS NOT NULL
                   ORDER BY finished DESC, id DESC LIMIT 20) AS t
             LEFT JOIN task_result AS r ON r.task = t.id
             LEFT JOIN attempt AS a ON a.task = t.id AND a.token = t.token AND a.ending = 'done'",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(Standing {
        ahead: ahead.unsigned_abs(),
        running: running.unsigned_abs(),
        mean_ms: mean.map(|ms| ms.max(0.0) as u64),
    })
}

/// Returns the statistics of the queue.
pub(super) fn stats(tx: &Connection) -> DbResult<Stats> {
    let time = |sql: &str| -> DbResult<Option<i64>> { Ok(tx.prepare_cached(sql)?.query_row([], |row| row.get(0))?) };
    let bytes = time("SELECT sum(bytes) FROM task WHERE finished IS NOT NULL")?;
    Ok(Stats {
        counts: counts(tx, None)?,
        oldest_due: time("SELECT min(ready) FROM task WHERE state = 'queued'")?.map(Timestamp),
        next_due: time("SELECT min(until) FROM task WHERE state = 'scheduled'")?.map(Timestamp),
        finished_bytes: bytes.unwrap_or(0).unsigned_abs(),
        attempts: endings(tx)?,
        models: models(tx)?,
    })
}

/// Joins the names to one text in which `instr` finds them; no name is part of another.
fn names(states: &[TaskState]) -> String {
    states.iter().map(|s| s.name()).collect::<Vec<_>>().join(",")
}

/// Returns the next page of tickets, by number.
pub(super) fn tickets_after(tx: &Connection, filter: &TaskFilter, after: TaskId, limit: u32) -> DbResult<Vec<Ticket>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM task WHERE id > ?1 AND (?2 = '' OR instr(?2, state) > 0)
         AND (?3 IS NULL OR batch = ?3) ORDER BY id LIMIT ?4"
    );
    tickets(tx, &sql, params![count(after.0, "the number of a task")?, names(&filter.states), filter.batch, limit])
}

fn tickets(tx: &Connection, sql: &str, params: impl rusqlite::Params) -> DbResult<Vec<Ticket>> {
    let mut find = tx.prepare_cached(sql)?;
    let mut rows = find.query(params)?;
    let mut tickets = Vec::new();
    while let Some(row) = rows.next()? {
        tickets.push(read_ticket(row)?);
    }
    Ok(tickets)
}

/// Counts tasks by state; states without any are left out.
pub(super) fn counts(tx: &Connection, batch: Option<&str>) -> DbResult<Counts> {
    let mut find =
        tx.prepare_cached("SELECT state, count(*) FROM task WHERE ?1 IS NULL OR batch = ?1 GROUP BY state")?;
    let mut rows = find.query([batch])?;
    let mut counts = Counts::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "task");
        counts.insert(cells.name(TaskState::from_name)?, cells.count()?);
    }
    Ok(counts)
}

fn endings(tx: &Connection) -> DbResult<BTreeMap<AttemptEnd, u64>> {
    let mut find =
        // A successful attempt is stored with its result, unless an older program recorded it.
        tx.prepare_cached(
            "SELECT ending, sum(n) FROM (
                 SELECT ending, count(*) AS n FROM attempt WHERE ending IS NOT NULL GROUP BY ending
                 UNION ALL SELECT 'done', count(*) FROM task_result WHERE token IS NOT NULL)
             GROUP BY ending HAVING sum(n) > 0",
        )?;
    let mut rows = find.query([])?;
    let mut counts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "attempt");
        counts.insert(cells.name(AttemptEnd::from_name)?, cells.count()?);
    }
    Ok(counts)
}

fn models(tx: &Connection) -> DbResult<Vec<ModelStats>> {
    let mut find = tx.prepare_cached(
        "SELECT model, max(model_name), count(*), sum(prompt_tokens), sum(completion_tokens), sum(generate_ms)
         FROM task_result GROUP BY model ORDER BY count(*) DESC, model",
    )?;
    let mut rows = find.query([])?;
    let mut models = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "task_result");
        models.push(ModelStats {
            model: ModelId(cells.take()?),
            name: cells.take()?,
            tasks: cells.count()?,
            prompt_tokens: cells.count()?,
            completion_tokens: cells.count()?,
            generate_ms: cells.count()?,
        });
    }
    Ok(models)
}
