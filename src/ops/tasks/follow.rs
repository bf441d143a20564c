use super::wait::LOOK;
use crate::clock::Timestamp;
use crate::db::Access;
use crate::model::task::{Queue, TaskId, TaskState, Ticket};
use crate::ops::Session;
use std::collections::BTreeMap;

/// Up to this number, tasks are read one by one.
const FEW: usize = 20;

/// Passes every task that starts or ends to `watch`, as it happens: with `ids`, those tasks until all of them have
/// ended; without, all tasks and without an end. Returns the tasks of `ids` as they ended.
///
/// # Errors
/// The queue cannot be read; those of `watch`.
pub fn follow(
    session: &mut Session,
    ids: Option<&[TaskId]>,
    watch: &mut dyn FnMut(&[&Ticket]) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Ticket>> {
    let mut seen = Seen { shown: BTreeMap::new(), end: (session.now, TaskId(u64::MAX >> 1)) };
    // The state of a few tasks is printed at the start; for many, the present state is not an event.
    let few = ids.filter(|ids| ids.len() <= FEW);
    let mut pending = ids.map(<[TaskId]>::to_vec);
    loop {
        let queue = session.queue(Access::ReadOnly)?;
        let mark = queue.changes()?;
        let changed = match few {
            Some(ids) => seen.of(queue, ids)?,
            None => seen.all(queue)?,
        };
        let mut over = false;
        if let Some(left) = &mut pending {
            while let Some(id) = left.last() {
                if queue.ticket(*id)?.is_some_and(|ticket| !ticket.state().is_finished()) {
                    break;
                }
                left.pop();
            }
            over = left.is_empty();
        }
        let is_followed = |ticket: &&Ticket| ids.is_none_or(|ids| ids.contains(&ticket.id));
        watch(&changed.iter().filter(is_followed).collect::<Vec<_>>())?;
        if over {
            return ended(session.queue(Access::ReadOnly)?, ids.unwrap_or_default());
        }
        session.queue(Access::ReadOnly)?.wait_for_change(mark, LOOK, None)?;
    }
}

fn ended(queue: &dyn Queue, ids: &[TaskId]) -> anyhow::Result<Vec<Ticket>> {
    let mut tickets = Vec::new();
    for id in ids {
        tickets.extend(queue.ticket(*id)?);
    }
    Ok(tickets)
}

/// The states that were passed to `watch` already.
struct Seen {
    /// State, token and round of tasks that have not ended.
    shown: BTreeMap<TaskId, (TaskState, u64, u32)>,
    /// The last end that was passed.
    end: (Timestamp, TaskId),
}

impl Seen {
    fn is_new(&mut self, ticket: &Ticket) -> bool {
        let now = (ticket.state(), ticket.token, ticket.round);
        self.shown.insert(ticket.id, now) != Some(now)
    }

    /// Returns the changed tasks among a few.
    fn of(&mut self, queue: &dyn Queue, ids: &[TaskId]) -> anyhow::Result<Vec<Ticket>> {
        let mut changed = Vec::new();
        for id in ids {
            changed.extend(queue.ticket(*id)?.filter(|ticket| self.is_new(ticket)));
        }
        Ok(changed)
    }

    /// Returns the starts and ends since the last call, from the two small sets that an index holds: the running tasks,
    /// and those that ended last.
    fn all(&mut self, queue: &dyn Queue) -> anyhow::Result<Vec<Ticket>> {
        let mut changed = Vec::new();
        loop {
            let page = queue.finished_after(self.end, 1_000)?;
            let Some(last) = page.last() else { break };
            self.end = (last.phase.finished().unwrap_or(self.end.0), last.id);
            changed.extend(page);
        }
        let running = queue.running()?;
        // A task that ran, and is neither running nor ended, waits again.
        let gone: Vec<TaskId> = self.shown.keys().copied().filter(|id| !running.iter().any(|t| t.id == *id)).collect();
        for id in gone {
            self.shown.remove(&id);
            if !changed.iter().any(|ticket| ticket.id == id) {
                changed.extend(queue.ticket(id)?.filter(|ticket| !ticket.state().is_finished()));
            }
        }
        changed.extend(running.into_iter().filter(|ticket| self.is_new(ticket)));
        Ok(changed)
    }
}
