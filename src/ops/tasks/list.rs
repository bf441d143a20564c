//! The newest tasks.

use super::{Lens, TasksReport, TicketReport};
use crate::db::Access;
use crate::model::task::{AttemptEnd, Queue, Task, TaskFilter, TaskState, Ticket};
use crate::ops::Session;

/// Number of tasks in one read.
const PAGE: u32 = 2_000;

/// Tasks as any executor would find them now, the newest first.
pub struct Listing {
    tickets: Vec<Ticket>,
    pub lens: Lens,
    /// Whether there may be more tasks than the limit.
    pub is_full: bool,
}

/// Reads the newest tasks that match `filter`, `limit` at most.
///
/// # Errors
/// The queue cannot be read.
pub fn newest(session: &mut Session, filter: &TaskFilter, limit: u32) -> anyhow::Result<Listing> {
    let wanted = &filter.states;
    let mut recorded = filter.clone();
    if !wanted.is_empty() && !wanted.contains(&TaskState::Running) {
        // A task that is recorded as running may have a dead owner, and is then in another state.
        recorded.states.push(TaskState::Running);
    }
    let mut tickets = read_newest(session.queue(Access::ReadOnly)?, &recorded, limit)?;
    let is_full = tickets.len() as u64 == u64::from(limit);
    let lens = Lens::new(session, &tickets)?;
    tickets.retain(|ticket| wanted.is_empty() || wanted.contains(&lens.ticket(ticket).state()));
    Ok(Listing { tickets, lens, is_full })
}

impl Listing {
    /// Returns the tasks for a client, without their texts.
    pub fn report(&self) -> TasksReport {
        TasksReport { tasks: self.tickets.iter().map(|ticket| TicketReport::seen(ticket, &self.lens)).collect() }
    }

    /// Returns the tasks with their texts, each with the name of its model. Each task is a separate read, so that a
    /// list of long prompts is not one long transaction.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub fn tasks(&self, session: &mut Session) -> anyhow::Result<Vec<(Task, Option<String>)>> {
        let queue = session.queue(Access::ReadOnly)?;
        let mut tasks = Vec::with_capacity(self.tickets.len());
        for ticket in &self.tickets {
            let Some(mut task) = queue.task(ticket.id)? else { continue };
            task.ticket = self.lens.ticket(&task.ticket);
            let first = swapped_from(queue, &task.ticket)?;
            let answered = task.result.as_ref().map(|result| result.model_name.as_str());
            let model = self.lens.model(&task.ticket, answered, first.as_deref());
            tasks.push((task, model));
        }
        Ok(tasks)
    }
}

/// Reads page by page, so that no read of the database is long.
fn read_newest(queue: &dyn Queue, filter: &TaskFilter, limit: u32) -> anyhow::Result<Vec<Ticket>> {
    let mut tickets: Vec<Ticket> = Vec::new();
    loop {
        let left = limit.saturating_sub(u32::try_from(tickets.len()).unwrap_or(u32::MAX)).min(PAGE);
        let page = queue.newest(filter, tickets.last().map(|ticket| ticket.id), left)?;
        if page.is_empty() {
            return Ok(tickets);
        }
        tickets.extend(page);
    }
}

/// Returns the model of the attempt that another model took over.
fn swapped_from(queue: &dyn Queue, ticket: &Ticket) -> anyhow::Result<Option<String>> {
    if ticket.swaps == 0 || ticket.wish.model().is_some() {
        return Ok(None);
    }
    let ended = [Some(AttemptEnd::Swapped), Some(AttemptEnd::Crashed)];
    let attempts = queue.attempts(ticket.id)?;
    let swapped =
        attempts.iter().rev().find(|a| a.round == ticket.round && ended.contains(&a.end) && a.model != ticket.model);
    Ok(swapped.and_then(|attempt| attempt.model.as_ref()).map(|model| model.0.clone()))
}
