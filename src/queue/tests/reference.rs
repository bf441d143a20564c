//! The queue as a list in memory: every question answered by looking at all of it. Slow and plainly right.

use crate::clock::Timestamp;
use crate::db::{Inference, Recovered, Removed};
use crate::model::ModelId;
use crate::model::task::machine::{self, Answer, Change, End, Owner, Refusal};
use crate::model::task::order::{ClaimAsk, Claimed, Turn, place, turn};
use crate::model::task::*;
use crate::queue::Store;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Reference {
    tasks: BTreeMap<TaskId, (Task, Vec<Attempt>)>,
    given: u64,
    off: bool,
    thrown: Option<Timestamp>,
}

impl Reference {
    fn write(&mut self, change: Change, at: Moment) {
        let (task, attempts) = self.tasks.get_mut(&change.ticket.id).unwrap();
        if let Some((end, why)) = change.closes {
            let open = attempts.iter_mut().find(|a| a.token == task.ticket.token).unwrap();
            assert_eq!(open.end, None, "an attempt ends once");
            (open.ended, open.end, open.error) = (Some(at.now), Some(end), why);
            if end == AttemptEnd::Done {
                open.model = change.ticket.model.clone();
            }
        }
        if change.opens {
            let lease = change.ticket.lease().unwrap();
            attempts.push(Attempt {
                token: change.ticket.token,
                round: change.ticket.round,
                owner: lease.owner.clone(),
                model: change.ticket.model.clone(),
                started: lease.since,
                ended: None,
                end: None,
                error: None,
            });
        } else if let Some(open) = attempts.iter_mut().find(|a| a.token == change.ticket.token && a.end.is_none()) {
            open.model = change.ticket.model.clone();
        }
        match change.answer {
            Answer::Leave => {}
            Answer::Put(result) => assert_eq!(task.result.replace(result), None, "recorded once"),
            Answer::Drop => task.result = None,
        }
        task.ticket = change.ticket;
    }

    fn decide<T>(
        &mut self,
        id: TaskId,
        at: Moment,
        decide: impl FnOnce(&Ticket) -> Result<Change, Refusal>,
        tell: impl FnOnce(&Ticket, &Ticket) -> T,
    ) -> anyhow::Result<Result<T, Refusal>> {
        let Some((task, _)) = self.tasks.get(&id) else { return Ok(Err(Refusal::Unknown(id))) };
        let before = task.ticket.clone();
        Ok(decide(&before).map(|change| {
            let told = tell(&before, &change.ticket);
            self.write(change, at);
            told
        }))
    }

    fn tickets(&self) -> Vec<Ticket> {
        self.tasks.values().map(|(task, _)| task.ticket.clone()).collect()
    }

    fn tidy(&mut self, gone: &Gone, at: Moment, which: impl Fn(&Ticket) -> bool) -> Recovered {
        let mut found = Recovered::default();
        for before in self.tickets().into_iter().filter(which) {
            let owner = match before.lease().map(|lease| &lease.owner) {
                Some(owner) if gone.left.contains(owner) => Owner::LeftBehind,
                Some(owner) if gone.died.contains(owner) => Owner::Dead,
                _ => Owner::MayLive,
            };
            let Some(change) = machine::tidy(&before, owner, at) else { continue };
            match (before.state(), change.ticket.state()) {
                (TaskState::Running, TaskState::Queued | TaskState::Scheduled) => found.requeued.push(before.id),
                (_, TaskState::Failed) => found.failed.push(before.id),
                _ => {}
            }
            self.write(change, at);
        }
        found
    }

    fn due(&self, wishes: Option<&[Wish]>) -> Vec<Ticket> {
        let mut due = self.tickets();
        due.retain(|t| t.phase == Phase::Queued && wishes.is_none_or(|w| w.contains(&t.wish)));
        due.sort_by_key(place);
        due
    }
}

impl Store for Reference {
    fn enqueue(
        &mut self,
        tasks: &mut dyn Iterator<Item = anyhow::Result<NewTask>>,
        finished: OnFinished,
        at: Moment,
    ) -> anyhow::Result<Vec<Enqueued>> {
        let all: Vec<NewTask> = tasks.collect::<anyhow::Result<_>>()?;
        let one = |new: NewTask| {
            let same_key = |t: &&Ticket| t.key.is_some() && (&t.batch, &t.key) == (&new.batch, &new.key);
            let Some(before) = self.tickets().iter().find(same_key).cloned() else {
                self.given += 1;
                let id = TaskId(self.given);
                let ticket = machine::enqueue(id, &new, at);
                self.tasks.insert(id, (Task { ticket, request: new.request, result: None }, Vec::new()));
                return Enqueued { id, how: Accepted::New };
            };
            let id = before.id;
            if finished == OnFinished::Replace
                && let Ok(change) = machine::replace(&before, &new, at)
            {
                self.write(change, at);
                self.tasks.get_mut(&id).unwrap().0.request = new.request;
                return Enqueued { id, how: Accepted::Replaced };
            }
            let same = new.is(&before, &self.tasks[&id].0.request);
            Enqueued { id, how: if same { Accepted::Existing } else { Accepted::ExistingDiffers } }
        };
        Ok(all.into_iter().map(one).collect())
    }

    fn claim(&mut self, ask: &ClaimAsk, at: Moment) -> anyhow::Result<Claimed> {
        if self.off {
            return Ok(Claimed::Off);
        }
        let is_due = |t: &Ticket| matches!(t.phase, Phase::Scheduled { until } if until <= at.now);
        self.tidy(&Gone::default(), at, is_due);
        loop {
            let Some(head) = self.due(None).into_iter().next() else { return Ok(Claimed::Nothing) };
            let best = ask.loaded.as_ref().and_then(|l| self.due(Some(&l.serves)).into_iter().next());
            let Turn::Serve(wishes) = turn(&head, best.as_ref(), ask, at) else { return Ok(Claimed::Yield) };
            let mut taken = Vec::new();
            for before in self.due(Some(&wishes)).into_iter().take(ask.limit) {
                self.write(machine::claim(&before, &ask.owner, at).unwrap(), at);
                let task = &self.tasks[&before.id].0;
                if task.ticket.state() == TaskState::Running {
                    taken.push(task.clone());
                }
            }
            if !taken.is_empty() || ask.limit == 0 {
                return Ok(Claimed::Tasks(taken));
            }
        }
    }

    fn assign(&mut self, holds: &[Hold], model: &ModelId, at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>> {
        holds.iter().map(|h| self.decide(h.id, at, |t| machine::assign(t, *h, model), |_, _| ())).collect()
    }

    fn renew(&mut self, holds: &[Hold], at: Moment) -> anyhow::Result<Vec<Result<(), Refusal>>> {
        holds.iter().map(|h| self.decide(h.id, at, |t| machine::renew(t, *h, at), |_, _| ())).collect()
    }

    fn finish(&mut self, ends: Vec<(Hold, End)>, at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        let mut all = Vec::new();
        for (hold, end) in ends {
            all.push(self.decide(hold.id, at, |t| machine::finish(t, hold, end, at), |_, after| after.state())?);
        }
        Ok(all)
    }

    fn exchange(
        &mut self,
        ends: Vec<(Hold, End)>,
        ask: &ClaimAsk,
        at: Moment,
    ) -> anyhow::Result<(Vec<Result<TaskState, Refusal>>, Claimed)> {
        Ok((self.finish(ends, at)?, self.claim(ask, at)?))
    }

    fn swap(&mut self, hold: Hold, to: &ModelId, why: &TaskError, at: Moment) -> anyhow::Result<Result<Hold, Refusal>> {
        self.decide(hold.id, at, |t| machine::swap(t, hold, to, why, at), |_, after| after.into())
    }

    fn cancel(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        ids.iter().map(|id| self.decide(*id, at, |t| machine::cancel(t, at), |before, _| before.state())).collect()
    }

    fn retry(&mut self, ids: &[TaskId], at: Moment) -> anyhow::Result<Vec<Result<TaskState, Refusal>>> {
        ids.iter().map(|id| self.decide(*id, at, |t| machine::retry(t, at), |before, _| before.state())).collect()
    }

    fn owners(&self) -> anyhow::Result<Vec<OwnerId>> {
        let mut owners: Vec<OwnerId> = self.tickets().iter().filter_map(|t| Some(t.lease()?.owner.clone())).collect();
        owners.sort();
        owners.dedup();
        Ok(owners)
    }

    fn recover(&mut self, gone: &Gone, at: Moment) -> anyhow::Result<Recovered> {
        // What is merely due is the claim's business.
        let is_due = |t: &Ticket| {
            matches!(t.phase, Phase::Scheduled { until } if until <= at.now)
                && t.deadline.is_none_or(|deadline| deadline > at.now)
        };
        let mut all = self.tidy(gone, at, |t| t.state() == TaskState::Running);
        let others =
            self.tidy(gone, at, |t| t.state() != TaskState::Running && !is_due(t) && !all.requeued.contains(&t.id));
        all.failed.extend(others.failed);
        Ok(all)
    }

    fn retain(&mut self, keep: &Retention, at: Moment) -> anyhow::Result<Removed> {
        let size = |task: &Task| (task.request.body.len() + task.result.as_ref().map_or(0, |r| r.text.len())) as u64;
        let mut finished: Vec<(Timestamp, TaskId, u64)> = self
            .tasks
            .values()
            .filter_map(|(task, _)| Some((task.ticket.phase.finished()?, task.ticket.id, size(task))))
            .collect();
        finished.sort();
        let mut total: u64 = finished.iter().map(|(.., bytes)| bytes).sum();
        let mut removed = Removed::default();
        for (ended, id, bytes) in finished {
            if ended.0 >= at.now.0.saturating_sub(keep.max_age_ms) && total <= keep.max_bytes {
                break;
            }
            total -= bytes;
            removed.tasks += 1;
            removed.bytes += bytes;
            self.tasks.remove(&id);
        }
        Ok(removed)
    }

    fn set_inference(&mut self, on: bool, now: Timestamp) -> anyhow::Result<Inference> {
        if self.off == on {
            (self.off, self.thrown) = (!on, Some(now));
        }
        self.inference()
    }

    fn inference(&self) -> anyhow::Result<Inference> {
        Ok(Inference { on: !self.off, since: self.thrown })
    }

    fn any_due(&self, wishes: Option<&[Wish]>, now: Timestamp) -> anyhow::Result<bool> {
        let is_due = |t: &Ticket| match t.phase {
            Phase::Queued => true,
            Phase::Scheduled { until } => until <= now,
            _ => false,
        };
        Ok(self.tickets().iter().any(|t| is_due(t) && wishes.is_none_or(|w| w.contains(&t.wish))))
    }

    fn task(&self, id: TaskId) -> anyhow::Result<Option<Task>> {
        Ok(self.tasks.get(&id).map(|(task, _)| task.clone()))
    }

    fn attempts(&self, id: TaskId) -> anyhow::Result<Vec<Attempt>> {
        Ok(self.tasks.get(&id).map(|(_, attempts)| attempts.clone()).unwrap_or_default())
    }
}
