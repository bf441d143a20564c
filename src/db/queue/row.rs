//! Conversion between rows of `task` and tickets, and the only place that writes a change.

use crate::clock::Timestamp;
use crate::db::cells::{Cells, count};
use crate::db::error::{DbError, DbResult};
use crate::model::task::machine::{Answer, Change};
use crate::model::task::{
    AttemptEnd, Endpoint, ErrorKind, Lease, Moment, OwnerId, Phase, Task, TaskError, TaskId, TaskRequest, TaskResult,
    TaskState, Ticket, Wish,
};
use crate::model::{ModelId, Tier};
use rusqlite::{Connection, Row, params};

/// The columns that [`read_ticket`] reads, in its order.
pub(super) const COLUMNS: &str = "id, batch, key, state, priority, ready, wish_model, wish_tier, created, not_before, \
     deadline, timeout_ms, max_attempts, until, owner, since, finished, token, round, attempts, crashes, \
     interruptions, swaps, model, error_kind, error, fallback";

pub(super) fn read_ticket(row: &Row<'_>) -> DbResult<Ticket> {
    let mut cells = Cells::new(row, "task");
    let id = TaskId(cells.count()?);
    let batch = cells.take()?;
    let key = cells.take()?;
    let state = cells.name(TaskState::from_name)?;
    let priority = cells.take()?;
    let ready = Timestamp(cells.take()?);
    let wish = wish(&mut cells)?;
    let created = Timestamp(cells.take()?);
    let not_before = time(&mut cells)?;
    let deadline = time(&mut cells)?;
    let timeout_ms = cells.count_or_null()?;
    let max_attempts = cells.take()?;
    let until = time(&mut cells)?;
    let owner: Option<String> = cells.take()?;
    let since = time(&mut cells)?;
    let finished = time(&mut cells)?;
    // The schema's checks ensure these combinations; another one is an error, and is not guessed at.
    let phase = match (state, until, owner, since, finished) {
        (TaskState::Queued, None, None, None, None) => Phase::Queued,
        (TaskState::Scheduled, Some(until), None, None, None) => Phase::Scheduled { until },
        (TaskState::Running, Some(until), Some(owner), Some(since), None) => {
            Phase::Running(Lease { owner: OwnerId(owner), until, since })
        }
        (TaskState::Done, None, None, None, Some(at)) => Phase::Done { at },
        (TaskState::Failed, None, None, None, Some(at)) => Phase::Failed { at },
        (TaskState::Cancelled, None, None, None, Some(at)) => Phase::Cancelled { at },
        _ => return Err(cells.bad(format!("it does not go with the state `{state}`"))),
    };
    Ok(Ticket {
        id,
        batch,
        key,
        priority,
        wish,
        created,
        not_before,
        deadline,
        timeout_ms,
        max_attempts,
        phase,
        ready,
        token: cells.count()?,
        round: cells.take()?,
        attempts: cells.take()?,
        crashes: cells.take()?,
        interruptions: cells.take()?,
        swaps: cells.take()?,
        model: cells.take::<Option<String>>()?.map(ModelId),
        error: error(&mut cells)?,
        fallback: cells.take()?,
    })
}

/// Reads a wish from its two columns.
pub(super) fn wish(cells: &mut Cells<'_, '_>) -> DbResult<Wish> {
    let model: Option<String> = cells.take()?;
    Ok(match (model, cells.name_or_null(Tier::from_name)?) {
        (Some(model), _) => Wish::Model(model),
        (None, Some(tier)) => Wish::Tier(tier),
        (None, None) => Wish::Any,
    })
}

pub(super) fn time(cells: &mut Cells<'_, '_>) -> DbResult<Option<Timestamp>> {
    Ok(cells.take::<Option<i64>>()?.map(Timestamp))
}

pub(super) fn error(cells: &mut Cells<'_, '_>) -> DbResult<Option<TaskError>> {
    let kind = cells.name_or_null(ErrorKind::from_name)?;
    let message: Option<String> = cells.take()?;
    Ok(kind.map(|kind| TaskError { kind, message: message.unwrap_or_default() }))
}

pub(super) fn ticket(tx: &Connection, id: TaskId) -> DbResult<Option<Ticket>> {
    let mut find = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM task WHERE id = ?1"))?;
    let mut rows = find.query([count(id.0, "the number of a task")?])?;
    rows.next()?.map(read_ticket).transpose()
}

/// Reads the texts of a ticket and returns the task.
pub(super) fn whole(tx: &Connection, ticket: Ticket) -> DbResult<Task> {
    let id = count(ticket.id.0, "the number of a task")?;
    let request = {
        let mut find = tx.prepare_cached("SELECT task, url, body FROM task_request WHERE task = ?1")?;
        find.query_row([id], |row| Ok(request(row)))??
    };
    let result = if ticket.state() == TaskState::Done { result(tx, id)? } else { None };
    Ok(Task { ticket, request, result })
}

fn request(row: &Row<'_>) -> DbResult<TaskRequest> {
    let mut cells = Cells::new(row, "task_request");
    cells.take::<i64>()?;
    Ok(TaskRequest { endpoint: cells.name(Endpoint::from_url)?, body: cells.take()? })
}

fn result(tx: &Connection, id: i64) -> DbResult<Option<TaskResult>> {
    let mut find = tx.prepare_cached(
        "SELECT task, text, finish_reason, prompt_tokens, completion_tokens, prompt_ms, generate_ms, model, model_name
         FROM task_result WHERE task = ?1",
    )?;
    let mut rows = find.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut cells = Cells::new(row, "task_result");
    cells.take::<i64>()?;
    Ok(Some(TaskResult {
        text: cells.take()?,
        finish_reason: cells.take()?,
        prompt_tokens: cells.count()?,
        completion_tokens: cells.count()?,
        prompt_ms: cells.count()?,
        generate_ms: cells.count()?,
        model: ModelId(cells.take()?),
        model_name: cells.take()?,
    }))
}

/// Writes what the machine decided: ticket, attempts and result, within the caller's transaction.
///
/// An attempt that starts needs no row: until it ends, the task's own row has all its data.
pub(super) fn apply(tx: &Connection, before: &Ticket, change: &Change, at: Moment) -> DbResult<()> {
    let id = count(before.id.0, "the number of a task")?;
    let grown = match &change.answer {
        Answer::Leave => 0,
        Answer::Put(result) => size(&result.text)?,
        // Done while the task's row still has the time when it ended.
        Answer::Drop => drop_result(tx, id)?.saturating_neg(),
    };
    update(tx, id, &change.ticket, grown)?;
    match (&change.answer, &change.ends_attempt) {
        (Answer::Put(result), Some((AttemptEnd::Done, None))) => put(tx, id, result, before),
        (Answer::Put(_), _) => Err(DbError::Contradiction(format!("task {id} has a result without an attempt"))),
        (Answer::Leave | Answer::Drop, Some((end, why))) => close(tx, id, before, (*end, why.as_ref()), at),
        (Answer::Leave | Answer::Drop, None) => Ok(()),
    }
}

/// Records the end of the running attempt, without a result. Replaces the row that an older program wrote at its start.
fn close(
    tx: &Connection,
    id: i64,
    before: &Ticket,
    (end, why): (AttemptEnd, Option<&TaskError>),
    at: Moment,
) -> DbResult<()> {
    let lease = lease(id, before)?;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO attempt (task, token, round, owner, model, started, ended, ending, error_kind, error)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        id,
        count(before.token, "the token of a task")?,
        before.round,
        lease.owner.as_str(),
        before.model.as_ref().map(ModelId::as_str),
        lease.since.millis(),
        at.now.millis(),
        end.name(),
        why.map(|e| e.kind.name()),
        why.map(|e| e.message.as_str()),
    ])?;
    Ok(())
}

fn lease(id: i64, ticket: &Ticket) -> DbResult<&Lease> {
    ticket.lease().ok_or_else(|| DbError::Contradiction(format!("an attempt of task {id} ended that never started")))
}

/// Writes a result. It never replaces one: a second result for one task is a bug, and the key prevents it.
fn put(tx: &Connection, id: i64, result: &TaskResult, before: &Ticket) -> DbResult<()> {
    let lease = lease(id, before)?;
    tx.prepare_cached(
        "INSERT INTO task_result (task, text, finish_reason, prompt_tokens, completion_tokens, prompt_ms, generate_ms,
             model, model_name, token, round, owner, started)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        id,
        result.text,
        result.finish_reason,
        count(result.prompt_tokens, "the number of prompt tokens")?,
        count(result.completion_tokens, "the number of completion tokens")?,
        count(result.prompt_ms, "the time to the first token in ms")?,
        count(result.generate_ms, "the time of generation in ms")?,
        result.model.as_str(),
        result.model_name,
        count(before.token, "the token of a task")?,
        before.round,
        lease.owner.as_str(),
        lease.since.millis(),
    ])?;
    Ok(())
}

/// Returns the times of a phase as stored: until, since, finished.
fn times(phase: &Phase) -> (Option<i64>, Option<i64>, Option<i64>) {
    match phase {
        Phase::Queued => (None, None, None),
        Phase::Scheduled { until } => (Some(until.millis()), None, None),
        Phase::Running(lease) => (Some(lease.until.millis()), Some(lease.since.millis()), None),
        Phase::Done { at } | Phase::Failed { at } | Phase::Cancelled { at } => (None, None, Some(at.millis())),
    }
}

/// Removes the result, if there is one, but keeps its attempt. Returns the bytes of its text.
fn drop_result(tx: &Connection, id: i64) -> DbResult<i64> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO attempt (task, token, round, owner, model, started, ended, ending)
         SELECT r.task, r.token, r.round, r.owner, r.model, r.started, t.finished, 'done'
         FROM task_result AS r JOIN task AS t ON t.id = r.task WHERE r.task = ?1 AND r.token IS NOT NULL",
    )?
    .execute([id])?;
    let mut remove = tx.prepare_cached("DELETE FROM task_result WHERE task = ?1 RETURNING octet_length(text)")?;
    let mut rows = remove.query([id])?;
    let bytes = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
    // All rows must be read, or the statement stays active.
    while rows.next()?.is_some() {}
    Ok(bytes)
}

fn size(text: &str) -> DbResult<i64> {
    count(text.len() as u64, "the length of a text")
}

fn update(tx: &Connection, id: i64, ticket: &Ticket, grown: i64) -> DbResult<()> {
    let (until, since, finished) = times(&ticket.phase);
    tx.prepare_cached(
        "UPDATE task SET state = ?2, ready = ?3, until = ?4, owner = ?5, since = ?6, finished = ?7, token = ?8,
             round = ?9, attempts = ?10, crashes = ?11, swaps = ?12, model = ?13, error_kind = ?14, error = ?15,
             deadline = ?16, bytes = bytes + ?17, interruptions = ?18
         WHERE id = ?1",
    )?
    .execute(params![
        id,
        ticket.state().name(),
        ticket.ready.millis(),
        until,
        ticket.lease().map(|lease| lease.owner.as_str()),
        since,
        finished,
        count(ticket.token, "the token of a task")?,
        ticket.round,
        ticket.attempts,
        ticket.crashes,
        ticket.swaps,
        ticket.model.as_ref().map(ModelId::as_str),
        ticket.error.as_ref().map(|e| e.kind.name()),
        ticket.error.as_ref().map(|e| e.message.as_str()),
        ticket.deadline.map(Timestamp::millis),
        grown,
        ticket.interruptions,
    ])?;
    Ok(())
}

/// Inserts the row of a ticket that was just enqueued. Returns false when its key is taken.
pub(super) fn insert(tx: &Connection, ticket: &Ticket, request: &TaskRequest) -> DbResult<bool> {
    let (until, ..) = times(&ticket.phase);
    let made = tx
        .prepare_cached(
            "INSERT INTO task (id, batch, key, state, priority, ready, wish_model, wish_tier, created, not_before,
                 deadline, timeout_ms, max_attempts, until, token, round, attempts, crashes, swaps, bytes, fallback)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, 0, 0, 0, 0, ?15, ?16)
             ON CONFLICT (batch, key) WHERE key IS NOT NULL DO NOTHING",
        )?
        .execute(params![
            count(ticket.id.0, "the number of a task")?,
            ticket.batch,
            ticket.key,
            ticket.state().name(),
            ticket.priority,
            ticket.ready.millis(),
            ticket.wish.model(),
            ticket.wish.tier().map(Tier::name),
            ticket.created.millis(),
            ticket.not_before.map(Timestamp::millis),
            ticket.deadline.map(Timestamp::millis),
            ticket.timeout_ms.map(|ms| count(ms, "the time limit of a task")).transpose()?,
            ticket.max_attempts,
            until,
            size(&request.body)?,
            ticket.fallback,
        ])?;
    Ok(made == 1)
}

/// Writes the columns that only replacing a task changes: the whole request.
pub(super) fn rewrite(tx: &Connection, ticket: &Ticket, request: &TaskRequest) -> DbResult<()> {
    let id = count(ticket.id.0, "the number of a task")?;
    tx.prepare_cached(
        "UPDATE task SET priority = ?2, wish_model = ?3, wish_tier = ?4, created = ?5, not_before = ?6,
             timeout_ms = ?7, max_attempts = ?8, bytes = ?9, fallback = ?10 WHERE id = ?1",
    )?
    .execute(params![
        id,
        ticket.priority,
        ticket.wish.model(),
        ticket.wish.tier().map(Tier::name),
        ticket.created.millis(),
        ticket.not_before.map(Timestamp::millis),
        ticket.timeout_ms.map(|ms| count(ms, "the time limit of a task")).transpose()?,
        ticket.max_attempts,
        size(&request.body)?,
        ticket.fallback,
    ])?;
    tx.prepare_cached("UPDATE task_request SET url = ?2, body = ?3 WHERE task = ?1")?.execute(params![
        id,
        request.endpoint.url(),
        request.body
    ])?;
    Ok(())
}
