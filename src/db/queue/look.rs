//! Looking at the queue. Every read is short: a page at a time, so that no reader keeps the write-ahead log growing.

use super::enqueue::by_key;
use super::row::{COLUMNS, error, read_ticket, ticket, time, whole};
use crate::clock::Timestamp;
use crate::db::Db;
use crate::db::cells::{Cells, count};
use crate::db::error::DbResult;
use crate::model::ModelId;
use crate::model::task::{Attempt, AttemptEnd, OwnerId, Task, TaskId, TaskState, Ticket};
use rusqlite::{Connection, params};
use serde::Serialize;
use std::collections::BTreeMap;

/// Which tasks are meant. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Any of these; all when empty.
    pub states: Vec<TaskState>,
    pub batch: Option<String>,
}

/// How many tasks are in each state.
pub type Counts = BTreeMap<TaskState, u64>;

/// A task's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Due tasks that come before it.
    pub ahead: u64,
    /// Tasks running now.
    pub running: u64,
    /// How long the latest tasks ran, on average, ms; None before any was done.
    pub mean_ms: Option<u64>,
}

impl Standing {
    /// How long until it starts, ms, if all goes on as it did of late.
    pub fn wait_ms(&self) -> Option<u64> {
        Some(self.ahead.saturating_mul(self.mean_ms?) / self.running.max(1))
    }
}

/// The figures of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    pub counts: Counts,
    /// Since when the task has been due that has waited longest.
    pub oldest_due: Option<Timestamp>,
    /// When the next one that is not due yet will be.
    pub next_due: Option<Timestamp>,
    /// Bytes of the texts of finished tasks: what retention bounds.
    pub finished_bytes: u64,
    /// Attempts by how they ended; those under way are not among them.
    pub attempts: BTreeMap<AttemptEnd, u64>,
    pub models: Vec<ModelStats>,
}

/// What one model has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelStats {
    pub model: ModelId,
    pub name: String,
    pub tasks: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Milliseconds from first token to last, all together.
    pub generate_ms: u64,
}

impl Db {
    pub fn task(&self, id: TaskId) -> anyhow::Result<Option<Task>> {
        self.read(|tx| ticket(tx, id)?.map(|found| whole(tx, found)).transpose())
    }

    pub fn ticket(&self, id: TaskId) -> anyhow::Result<Option<Ticket>> {
        self.read(|tx| ticket(tx, id))
    }

    /// The task with that key; the batch is empty for tasks of their own.
    pub fn task_by_key(&self, batch: &str, key: &str) -> anyhow::Result<Option<TaskId>> {
        self.read(|tx| by_key(tx, batch, key))
    }

    /// Its attempts in their order, those of earlier rounds included.
    pub fn attempts(&self, id: TaskId) -> anyhow::Result<Vec<Attempt>> {
        self.read(|tx| {
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
        })
    }

    /// The newest tickets, newest first: at most `limit`, and only those below `before` where that is given.
    pub fn newest_tasks(&self, filter: &TaskFilter, before: Option<TaskId>, limit: u32) -> anyhow::Result<Vec<Ticket>> {
        self.read(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM task WHERE id < ?1 AND (?2 = '' OR instr(?2, state) > 0)
                 AND (?3 IS NULL OR batch = ?3) ORDER BY id DESC LIMIT ?4"
            );
            let before = before.map_or(Ok(i64::MAX), |id| count(id.0, "the number of a task"))?;
            tickets(tx, &sql, params![before, names(&filter.states), filter.batch, limit])
        })
    }

    /// The next page of tasks with their texts, in the order of their numbers: at most `limit`, above `after`.
    pub fn next_tasks(&self, filter: &TaskFilter, after: TaskId, limit: u32) -> anyhow::Result<Vec<Task>> {
        self.read(|tx| {
            let page = page(tx, filter, after, limit)?;
            page.into_iter().map(|found| whole(tx, found)).collect()
        })
    }

    /// As [`Db::next_tasks`], without the texts.
    pub fn next_tickets(&self, filter: &TaskFilter, after: TaskId, limit: u32) -> anyhow::Result<Vec<Ticket>> {
        self.read(|tx| page(tx, filter, after, limit))
    }

    /// All that run now.
    pub fn running_tasks(&self) -> anyhow::Result<Vec<Ticket>> {
        self.read(|tx| tickets(tx, &format!("SELECT {COLUMNS} FROM task WHERE state = 'running' ORDER BY id"), []))
    }

    /// Those that ended after another, in the order of their ending: at most `limit`.
    pub fn finished_after(&self, after: (Timestamp, TaskId), limit: u32) -> anyhow::Result<Vec<Ticket>> {
        self.read(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM task WHERE finished IS NOT NULL AND (finished, id) > (?1, ?2)
                 ORDER BY finished, id LIMIT ?3"
            );
            tickets(tx, &sql, params![after.0.millis(), count(after.1.0, "the number of a task")?, limit])
        })
    }

    /// Where a task stands among those that are due, or where it will once it is.
    pub fn standing(&self, task: &Ticket) -> anyhow::Result<Standing> {
        self.read(|tx| {
            let ahead: i64 = tx
                .prepare_cached(
                    "SELECT (SELECT count(*) FROM task WHERE state = 'queued' AND priority > ?1)
                         + (SELECT count(*) FROM task WHERE state = 'queued' AND priority = ?1 AND (ready, id) < (?2, ?3))",
                )?
                .query_row(
                    params![task.priority, task.ready.millis(), count(task.id.0, "the number of a task")?],
                    |row| row.get(0),
                )?;
            let running: i64 = tx
                .prepare_cached("SELECT count(*) FROM task WHERE state = 'running'")?
                .query_row([], |row| row.get(0))?;
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
        })
    }

    /// How many tasks are in each state; states without any are left out.
    pub fn count_tasks(&self, batch: Option<&str>) -> anyhow::Result<Counts> {
        self.read(|tx| counts(tx, batch))
    }

    pub fn task_stats(&self) -> anyhow::Result<Stats> {
        self.read(|tx| {
            let time =
                |sql: &str| -> DbResult<Option<i64>> { Ok(tx.prepare_cached(sql)?.query_row([], |row| row.get(0))?) };
            let bytes = time("SELECT sum(bytes) FROM task WHERE finished IS NOT NULL")?;
            Ok(Stats {
                counts: counts(tx, None)?,
                oldest_due: time("SELECT min(ready) FROM task WHERE state = 'queued'")?.map(Timestamp),
                next_due: time("SELECT min(until) FROM task WHERE state = 'scheduled'")?.map(Timestamp),
                finished_bytes: bytes.unwrap_or(0).unsigned_abs(),
                attempts: endings(tx)?,
                models: models(tx)?,
            })
        })
    }
}

/// One text that `instr` finds the names in; none of them is part of another.
fn names(states: &[TaskState]) -> String {
    states.iter().map(|s| s.name()).collect::<Vec<_>>().join(",")
}

fn page(tx: &Connection, filter: &TaskFilter, after: TaskId, limit: u32) -> DbResult<Vec<Ticket>> {
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

fn counts(tx: &Connection, batch: Option<&str>) -> DbResult<Counts> {
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
        // An attempt that ended well stands with its result, unless an older program recorded it.
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
