use super::Lens;
use crate::clock;
use crate::db::Access;
use crate::display::{text, units};
use crate::failure::{Failure, Kind};
use crate::model::task::{Queue, TaskFilter, TaskId, TaskState, Ticket};
use crate::ops::{OpEvent, Session, Sink};
use std::time::{Duration, Instant};

/// Longest wait for a commit. The state is read again after it, for changes that no commit reports.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// Waits until tasks have ended, and returns them as they ended. A task that retention removed meanwhile is left out.
///
/// # Errors
/// Busy (4) when they have not ended within `timeout`.
pub fn wait(
    session: &mut Session,
    mut pending: Vec<TaskId>,
    timeout: Option<Duration>,
    on: &mut Sink<'_>,
) -> anyhow::Result<Vec<Ticket>> {
    let started = clock::instant();
    warn_if_off(session, on)?;
    let mut ended = Vec::new();
    let (mut said, mut looked) = (None, None::<Instant>);
    pending.reverse();
    // Wait for one task at a time: of fifty thousand tasks, only one is read after each commit.
    while let Some(id) = pending.last() {
        let queue = session.queue(Access::ReadOnly)?;
        let seen = queue.changes()?;
        match queue.ticket(*id)? {
            Some(ticket) if !ticket.state().is_finished() => {}
            Some(ticket) => {
                ended.push(ticket);
                pending.pop();
                continue;
            }
            // Retention removed the task, so it had ended; its result is no longer known.
            None => {
                pending.pop();
                continue;
            }
        }
        if looked.is_none_or(|at| at.elapsed() >= LOOK) {
            looked = Some(clock::instant());
            say_wait(session, *id, &mut said, on)?;
        }
        let queue = session.queue(Access::ReadOnly)?;
        let limit = match timeout {
            None => LOOK,
            Some(timeout) => match timeout.checked_sub(started.elapsed()) {
                Some(rest) if !rest.is_zero() => rest.min(LOOK),
                _ => return Err(not_yet(&unfinished(queue, &pending)?, timeout).into()),
            },
        };
        queue.wait_for_change(seen, limit, None)?;
    }
    ended.sort_by_key(|ticket| ticket.id);
    Ok(ended)
}

/// Reports why the task that this command waits for waits itself, each time the reason changes.
fn say_wait(session: &mut Session, id: TaskId, said: &mut Option<String>, on: &mut Sink<'_>) -> anyhow::Result<()> {
    let Some(ticket) = session.queue(Access::ReadOnly)?.ticket(id)? else { return Ok(()) };
    let lens = Lens::new(session, std::slice::from_ref(&ticket))?;
    let now = lens.waits_for(&lens.ticket(&ticket)).map(str::to_owned);
    if let Some(why) = now.as_ref().filter(|_| now != *said) {
        on(OpEvent::note(format!("task {id} waits: {}", text::clean(why))));
    }
    *said = now;
    Ok(())
}

fn unfinished(queue: &dyn Queue, ids: &[TaskId]) -> anyhow::Result<Vec<TaskId>> {
    let mut left = Vec::new();
    for id in ids {
        left.extend(queue.ticket(*id)?.filter(|ticket| !ticket.state().is_finished()).map(|ticket| ticket.id));
    }
    Ok(left)
}

fn not_yet(pending: &[TaskId], timeout: Duration) -> Failure {
    let noun = if pending.len() == 1 { "task has" } else { "tasks have" };
    Failure::new(Kind::Busy, format!("{} {noun} not finished within {}", pending.len(), units::took(timeout)))
        .hint("they continue; see `modelctl task list --pending`")
}

/// Returns all tasks of a batch, or all tasks that have not ended.
pub fn all_of(session: &mut Session, batch: Option<&str>) -> anyhow::Result<Vec<TaskId>> {
    let states = match batch {
        Some(_) => Vec::new(),
        None => vec![TaskState::Queued, TaskState::Scheduled, TaskState::Running],
    };
    let filter = TaskFilter { states, batch: batch.map(str::to_owned) };
    let queue = session.queue(Access::ReadOnly)?;
    let mut ids = Vec::new();
    loop {
        let page = queue.tickets_after(&filter, ids.last().copied().unwrap_or(TaskId(0)), 5_000)?;
        if page.is_empty() {
            return Ok(ids);
        }
        ids.extend(page.iter().map(|ticket| ticket.id));
    }
}

/// Warns when inference is off: waiting tasks then never start.
///
/// # Errors
/// The queue cannot be read.
pub fn warn_if_off(session: &mut Session, on: &mut Sink<'_>) -> anyhow::Result<()> {
    if !session.queue(Access::ReadOnly)?.inference()?.on {
        on(OpEvent::warning("inference is off: waiting tasks are not started"));
        on(OpEvent::hint("resume with `modelctl inference on`"));
    }
    Ok(())
}
