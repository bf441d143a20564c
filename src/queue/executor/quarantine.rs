//! Tasks suspected of crashing the worker or its executor. Each runs alone, so that the next crash identifies the
//! culprit and costs no other task.

use super::shared::Suspicion;
use crate::clock::Timestamp;
use crate::model::task::{Phase, TaskId, Ticket};
use std::collections::HashSet;

/// The number of deaths of executors after which a task runs alone: one reboot or two prove nothing.
const INTERRUPTIONS: u32 = 2;

/// The suspects of this run, in addition to those whose records make them suspects.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    ids: HashSet<TaskId>,
    /// Those whose server ended while it had requests of others too.
    beside_others: HashSet<TaskId>,
    /// Whether a suspect could be claimed: then tasks are claimed one at a time.
    due: bool,
}

impl Quarantine {
    pub fn add(&mut self, ids: impl IntoIterator<Item = TaskId>) {
        self.ids.extend(ids);
        self.due = !self.ids.is_empty();
    }

    /// Clears a task that has ended with a result or an error: it did not crash the worker.
    pub fn clear(&mut self, id: TaskId) {
        self.ids.remove(&id);
        self.beside_others.remove(&id);
        self.due &= !self.ids.is_empty();
    }

    /// Returns whether the only task that was on a server has ended it. Where the server had requests of others too, one
    /// end proves nothing; the second one is no coincidence, since it would go on for ever otherwise.
    pub fn is_culprit(&mut self, id: TaskId, suspicion: Suspicion) -> bool {
        match suspicion {
            Suspicion::None => false,
            Suspicion::Shared => !self.beside_others.insert(id),
            Suspicion::Alone => true,
        }
    }

    /// Returns whether this task has to run alone.
    pub fn has(&self, ticket: &Ticket) -> bool {
        self.ids.contains(&ticket.id) || ticket.crashes > 0 || ticket.interruptions >= INTERRUPTIONS
    }

    /// Removes suspects that have ended, in whatever process, and checks whether one of the others could be claimed
    /// now: only then must all other tasks wait for it.
    ///
    /// # Errors
    /// Those of `look`.
    pub fn review(
        &mut self,
        now: Timestamp,
        mut look: impl FnMut(TaskId) -> anyhow::Result<Option<Ticket>>,
    ) -> anyhow::Result<()> {
        self.due = false;
        for id in self.ids.clone() {
            let phase = look(id)?.map(|ticket| ticket.phase);
            match phase {
                Some(Phase::Queued) => self.due = true,
                Some(Phase::Scheduled { until }) => self.due |= until <= now,
                Some(Phase::Running(_)) => {}
                Some(Phase::Done { .. } | Phase::Failed { .. } | Phase::Cancelled { .. }) | None => {
                    self.ids.remove(&id);
                    self.beside_others.remove(&id);
                }
            }
        }
        Ok(())
    }

    /// Returns how many more tasks may run in `slots`, in addition to the running ones.
    pub fn room<'t>(&self, slots: usize, running: impl Iterator<Item = &'t Ticket>) -> usize {
        let (mut number, mut is_alone) = (0, false);
        for ticket in running {
            number += 1;
            is_alone |= self.has(ticket);
        }
        match (is_alone, self.due) {
            (true, _) => 0,
            (false, true) => usize::from(number == 0),
            (false, false) => slots.saturating_sub(number),
        }
    }

    /// Splits `tasks` into those that may run now, in a worker that is idle or not, and those that have to wait.
    /// Suspects that wait are remembered, so that they run later.
    pub fn split<T>(&mut self, tasks: Vec<T>, is_idle: bool, ticket: impl Fn(&T) -> &Ticket) -> (Vec<T>, Vec<T>) {
        let alone = is_idle && tasks.first().is_some_and(|task| self.has(ticket(task)));
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for task in tasks {
            let may = if alone { now.is_empty() } else { !self.has(ticket(&task)) };
            if may { &mut now } else { &mut later }.push(task);
        }
        let waiting: Vec<TaskId> = later.iter().map(&ticket).filter(|t| self.has(t)).map(|t| t.id).collect();
        if !waiting.is_empty() {
            self.add(waiting);
        }
        (now, later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{Endpoint, Moment, NewTask, TaskRequest, machine};

    fn ticket(id: u64) -> Ticket {
        let new = NewTask::new(TaskRequest { endpoint: Endpoint::Chat, body: "{}".into() });
        machine::enqueue(TaskId(id), &new, Moment { now: Timestamp(0), policy: Default::default() })
    }

    fn split(quarantine: &mut Quarantine, tasks: &[Ticket], is_idle: bool) -> (Vec<u64>, Vec<u64>) {
        let (now, later) = quarantine.split(tasks.to_vec(), is_idle, |t| t);
        let ids = |all: Vec<Ticket>| all.iter().map(|t| t.id.0).collect();
        (ids(now), ids(later))
    }

    #[test]
    fn suspects_run_one_at_a_time_and_the_others_together_again() {
        let mut quarantine = Quarantine::default();
        let all: Vec<Ticket> = (1..=4).map(ticket).collect();
        assert_eq!(quarantine.room(16, [].into_iter()), 16);
        quarantine.add([TaskId(1), TaskId(2)]);
        assert_eq!(quarantine.room(16, [].into_iter()), 1);
        assert_eq!(quarantine.room(16, [&all[3]].into_iter()), 0, "what runs is waited for");
        assert_eq!(split(&mut quarantine, &all, true), (vec![1], vec![2, 3, 4]));
        assert_eq!(split(&mut quarantine, &all, false), (vec![3, 4], vec![1, 2]));
        assert_eq!(quarantine.room(16, [&all[0]].into_iter()), 0, "it is alone");
        quarantine.clear(TaskId(1));
        quarantine.clear(TaskId(2));
        assert_eq!(quarantine.room(16, [&all[3]].into_iter()), 15);
        assert_eq!(split(&mut quarantine, &all, true), (vec![1, 2, 3, 4], vec![]));
    }

    #[test]
    fn a_suspect_that_somebody_cancels_or_that_waits_for_its_time_holds_nobody_up() {
        let mut quarantine = Quarantine::default();
        quarantine.add([TaskId(1), TaskId(2), TaskId(3)]);
        let waits = |until| Ticket { phase: Phase::Scheduled { until: Timestamp(until) }, ..ticket(2) };
        let look = |id: TaskId| {
            Ok(match id.0 {
                1 => Some(Ticket { phase: Phase::Cancelled { at: Timestamp(1) }, ..ticket(1) }),
                2 => Some(waits(50)),
                _ => None,
            })
        };
        quarantine.review(Timestamp(10), look).unwrap();
        assert_eq!(quarantine.room(16, [].into_iter()), 16);
        assert!(quarantine.has(&ticket(2)) && !quarantine.has(&ticket(1)) && !quarantine.has(&ticket(3)));
        quarantine.review(Timestamp(50), look).unwrap();
        assert_eq!(quarantine.room(16, [].into_iter()), 1, "its time has come");
    }

    /// A task would lose attempts, and at last fail, by crashes that requests of people have caused.
    #[test]
    fn one_end_of_a_server_beside_requests_of_others_proves_nothing_and_the_second_does() {
        let mut quarantine = Quarantine::default();
        assert!(quarantine.is_culprit(TaskId(1), Suspicion::Alone));
        assert!(!quarantine.is_culprit(TaskId(2), Suspicion::None));
        assert!(!quarantine.is_culprit(TaskId(2), Suspicion::Shared));
        assert!(quarantine.is_culprit(TaskId(2), Suspicion::Shared));
        quarantine.clear(TaskId(2));
        assert!(!quarantine.is_culprit(TaskId(2), Suspicion::Shared), "it was answered in between");
    }

    #[test]
    fn what_is_on_record_makes_a_suspect_too() {
        let mut quarantine = Quarantine::default();
        let killer = Ticket { crashes: 1, ..ticket(2) };
        let reboots = Ticket { interruptions: 2, ..ticket(3) };
        let once = Ticket { interruptions: 1, ..ticket(4) };
        assert_eq!(split(&mut quarantine, &[ticket(1), killer, reboots, once], true), (vec![1, 4], vec![2, 3]));
        assert_eq!(quarantine.room(16, [].into_iter()), 1, "their turn comes next");
    }
}
