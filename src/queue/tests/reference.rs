//! The queue as a list in memory: every question answered by looking at all of it. Slow and plainly right.

use crate::clock::Timestamp;
use crate::model::ModelId;
use crate::model::task::machine::{self, Answer, Change, End, Owner, Refusal};
use crate::model::task::order::{Admission, ClaimAsk, ClaimChoice, Claimed, choose_wishes, place};
use crate::model::task::*;
use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Reference {
    tasks: BTreeMap<TaskId, (Task, Vec<Attempt>)>,
    given: u64,
    off: bool,
    thrown: Option<Timestamp>,
    clock: ClockMemory,
}

impl Reference {
    fn write(&mut self, change: Change, at: Moment) {
        let (task, attempts) = self.tasks.get_mut(&change.ticket.id).unwrap();
        if let Some((end, why)) = change.ends_attempt {
            let open = attempts.iter_mut().find(|a| a.token == task.ticket.token).unwrap();
            assert_eq!(open.end, None, "an attempt ends once");
            (open.ended, open.end, open.error) = (Some(at.now), Some(end), why);
            if end == AttemptEnd::Done {
                open.model = change.ticket.model.clone();
            }
        }
        if change.starts_attempt {
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

    fn pass_time(&mut self, gone: &DeadOwners, at: Moment, which: impl Fn(&Ticket) -> bool) -> Recovered {
        let mut found = Recovered::default();
        for before in self.tickets().into_iter().filter(which) {
            let owner = match before.lease().map(|lease| &lease.owner) {
                Some(owner) if gone.unreleased.contains(owner) => Owner::Unreleased,
                Some(owner) if gone.crashed.contains(owner) => Owner::Crashed,
                _ => Owner::MayLive,
            };
            let Some(change) = machine::on_time_passed(&before, owner, at) else { continue };
            match (before.state(), change.ticket.state()) {
                (TaskState::Running, TaskState::Queued | TaskState::Scheduled) => found.requeued.push(before.id),
                (_, TaskState::Failed) => found.failed.push(before.id),
                _ => {}
            }
            self.write(change, at);
        }
        found
    }

    /// The ends of those that have ended, in their order.
    fn finished(&self) -> Vec<(Timestamp, TaskId)> {
        let mut ends: Vec<_> = self.tickets().iter().filter_map(|t| Some((t.phase.finished()?, t.id))).collect();
        ends.sort();
        ends
    }

    fn due(&self, wishes: Option<&[Wish]>, ask: &ClaimAsk) -> Vec<Ticket> {
        let mut due = self.tickets();
        due.retain(|t| t.phase == Phase::Queued && wishes.is_none_or(|w| w.contains(&t.wish)));
        due.retain(|t| match ask.admits(&t.wish) {
            Admission::All => true,
            Admission::FallbackOnly => t.fallback,
            Admission::None => false,
        });
        due.sort_by_key(place);
        due
    }
}

impl Queue for Reference {
    fn enqueue(
        &mut self,
        tasks: &mut dyn Iterator<Item = anyhow::Result<NewTask>>,
        finished: OnFinished,
        at: Moment,
    ) -> anyhow::Result<Vec<Enqueued>> {
        let all: Vec<NewTask> = tasks.collect::<anyhow::Result<_>>()?;
        if let Some(why) = all.iter().find_map(NewTask::refusal) {
            anyhow::bail!(why);
        }
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
        self.pass_time(&DeadOwners::default(), at, is_due);
        loop {
            let Some(head) = self.due(None, ask).into_iter().next() else { return Ok(Claimed::Nothing) };
            let best = ask.loaded.as_ref().and_then(|l| self.due(Some(&l.serves), ask).into_iter().next());
            let ClaimChoice::Serve(wishes) = choose_wishes(&head, best.as_ref(), ask, at) else {
                return Ok(Claimed::Yield);
            };
            let mut taken = Vec::new();
            for before in self.due(Some(&wishes), ask).into_iter().take(ask.limit) {
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

    fn recover(&mut self, gone: &DeadOwners, at: Moment) -> anyhow::Result<Recovered> {
        // What is merely due is the claim's business.
        let is_due = |t: &Ticket| {
            matches!(t.phase, Phase::Scheduled { until } if until <= at.now)
                && t.deadline.is_none_or(|deadline| deadline > at.now)
        };
        let mut all = self.pass_time(gone, at, |t| t.state() == TaskState::Running);
        let others = self
            .pass_time(gone, at, |t| t.state() != TaskState::Running && !is_due(t) && !all.requeued.contains(&t.id));
        all.failed.extend(others.failed);
        Ok(all)
    }

    fn retain(&mut self, keep: &Retention, at: Moment) -> anyhow::Result<Removed> {
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

    fn now(&self) -> anyhow::Result<Timestamp> {
        Ok(crate::clock::now())
    }

    fn trust_clock(&mut self, now: Timestamp) -> anyhow::Result<bool> {
        let newest = self.finished().pop().map(|(at, _)| at);
        let (trusted, after) = ClockMemory { seen: self.clock.seen.or(newest), ..self.clock }.judge(now);
        self.clock = after;
        Ok(trusted)
    }

    fn set_inference(&mut self, on: bool, now: Timestamp) -> anyhow::Result<(Inference, Inference)> {
        let before = self.inference()?;
        if self.off == on {
            (self.off, self.thrown) = (!on, Some(now));
        }
        Ok((before, self.inference()?))
    }

    fn inference(&self) -> anyhow::Result<Inference> {
        Ok(Inference { on: !self.off, since: self.thrown })
    }

    fn any_due(&self, wishes: Option<&[Wish]>, now: Timestamp) -> anyhow::Result<bool> {
        Ok(self.tickets().iter().any(|t| is_due(t, now) && wishes.is_none_or(|w| w.contains(&t.wish))))
    }

    fn due_wishes(&self, now: Timestamp) -> anyhow::Result<Vec<(Wish, u64)>> {
        let mut wishes: BTreeMap<Wish, u64> = BTreeMap::new();
        self.tickets().into_iter().filter(|t| is_due(t, now)).for_each(|t| *wishes.entry(t.wish).or_default() += 1);
        Ok(wishes.into_iter().collect())
    }

    fn may_any_fall_back(&self, wish: &Wish) -> anyhow::Result<bool> {
        Ok(self.tickets().iter().any(|t| t.phase == Phase::Queued && t.wish == *wish && t.fallback))
    }

    fn next_due(&self) -> anyhow::Result<Option<Timestamp>> {
        let due = |t: &Ticket| if let Phase::Scheduled { until } = t.phase { Some(until) } else { None };
        Ok(self.tickets().iter().filter_map(due).min())
    }

    fn next_deadline(&self) -> anyhow::Result<Option<Timestamp>> {
        let waits = |t: &&Ticket| matches!(t.phase, Phase::Queued | Phase::Scheduled { .. });
        Ok(self.tickets().iter().filter(waits).filter_map(|t| t.deadline).min())
    }

    fn task(&self, id: TaskId) -> anyhow::Result<Option<Task>> {
        Ok(self.tasks.get(&id).map(|(task, _)| task.clone()))
    }

    fn ticket(&self, id: TaskId) -> anyhow::Result<Option<Ticket>> {
        Ok(self.tasks.get(&id).map(|(task, _)| task.ticket.clone()))
    }

    fn by_key(&self, batch: &str, key: &str) -> anyhow::Result<Option<TaskId>> {
        Ok(self.tickets().iter().find(|t| t.batch == batch && t.key.as_deref() == Some(key)).map(|t| t.id))
    }

    fn attempts(&self, id: TaskId) -> anyhow::Result<Vec<Attempt>> {
        Ok(self.tasks.get(&id).map(|(_, attempts)| attempts.clone()).unwrap_or_default())
    }

    fn newest(&self, filter: &TaskFilter, before: Option<TaskId>, limit: u32) -> anyhow::Result<Vec<Ticket>> {
        let mut all = self.tickets();
        all.retain(|t| fits(t, filter) && before.is_none_or(|before| t.id < before));
        Ok(all.into_iter().rev().take(limit as usize).collect())
    }

    fn tasks_after(&self, filter: &TaskFilter, after: TaskId, limit: u32) -> anyhow::Result<Vec<Task>> {
        let all = self.tasks.values().map(|(task, _)| task).filter(|t| fits(&t.ticket, filter) && t.ticket.id > after);
        Ok(all.take(limit as usize).cloned().collect())
    }

    fn tickets_after(&self, filter: &TaskFilter, after: TaskId, limit: u32) -> anyhow::Result<Vec<Ticket>> {
        Ok(self.tasks_after(filter, after, limit)?.into_iter().map(|task| task.ticket).collect())
    }

    fn running(&self) -> anyhow::Result<Vec<Ticket>> {
        let mut all = self.tickets();
        all.retain(|t| t.state() == TaskState::Running);
        Ok(all)
    }

    fn finished_after(&self, after: (Timestamp, TaskId), limit: u32) -> anyhow::Result<Vec<Ticket>> {
        let later = self.finished().into_iter().filter(|end| *end > after).take(limit as usize);
        Ok(later.map(|(_, id)| self.tasks[&id].0.ticket.clone()).collect())
    }

    fn standing(&self, task: &Ticket) -> anyhow::Result<Standing> {
        let ahead = |t: &&Ticket| t.phase == Phase::Queued && place(t) < place(task);
        let ran = |(at, id): (Timestamp, TaskId)| {
            let (task, attempts) = &self.tasks[&id];
            let last = attempts.iter().find(|a| a.token == task.ticket.token && a.end == Some(AttemptEnd::Done))?;
            Some((at.0 - last.started.0).max(0) as f64)
        };
        let latest: Vec<f64> = self.finished().into_iter().rev().take(20).filter_map(ran).collect();
        let mean = latest.iter().sum::<f64>() / latest.len() as f64;
        Ok(Standing {
            ahead: self.tickets().iter().filter(ahead).count() as u64,
            running: self.running()?.len() as u64,
            mean_ms: (!latest.is_empty()).then_some(mean as u64),
        })
    }

    fn counts(&self, batch: Option<&str>) -> anyhow::Result<Counts> {
        let mut counts = Counts::new();
        for ticket in self.tickets().iter().filter(|t| batch.is_none_or(|batch| t.batch == batch)) {
            *counts.entry(ticket.state()).or_default() += 1;
        }
        Ok(counts)
    }

    fn stats(&self) -> anyhow::Result<Stats> {
        let queued = |t: &&Ticket| t.phase == Phase::Queued;
        let mut attempts: BTreeMap<AttemptEnd, u64> = BTreeMap::new();
        for end in self.tasks.values().flat_map(|(_, attempts)| attempts).filter_map(|a| a.end) {
            *attempts.entry(end).or_default() += 1;
        }
        let mut models: BTreeMap<ModelId, ModelStats> = BTreeMap::new();
        for result in self.tasks.values().filter_map(|(task, _)| task.result.as_ref()) {
            let (model, name) = (result.model.clone(), result.model_name.clone());
            let none = ModelStats { model, name, tasks: 0, prompt_tokens: 0, completion_tokens: 0, generate_ms: 0 };
            let sum = models.entry(result.model.clone()).or_insert(none);
            sum.tasks += 1;
            sum.prompt_tokens += result.prompt_tokens;
            sum.completion_tokens += result.completion_tokens;
            sum.generate_ms += result.generate_ms;
        }
        let mut models: Vec<ModelStats> = models.into_values().collect();
        models.sort_by_key(|model| std::cmp::Reverse(model.tasks));
        Ok(Stats {
            counts: self.counts(None)?,
            oldest_due: self.tickets().iter().filter(queued).map(|t| t.ready).min(),
            next_due: self.next_due()?,
            finished_bytes: self.finished().iter().map(|(_, id)| size(&self.tasks[id].0)).sum(),
            attempts,
            models,
        })
    }

    /// There are no others.
    fn changes(&self) -> anyhow::Result<ChangeMark> {
        Ok(ChangeMark(0))
    }

    fn wait_for_change(&self, _: ChangeMark, _: Duration, _: Option<BorrowedFd<'_>>) -> anyhow::Result<bool> {
        Ok(false)
    }

    fn is_replaced(&self) -> bool {
        false
    }
}

fn is_due(ticket: &Ticket, now: Timestamp) -> bool {
    match ticket.phase {
        Phase::Queued => true,
        Phase::Scheduled { until } => until <= now,
        _ => false,
    }
}

fn fits(ticket: &Ticket, filter: &TaskFilter) -> bool {
    (filter.states.is_empty() || filter.states.contains(&ticket.state()))
        && filter.batch.as_ref().is_none_or(|batch| ticket.batch == *batch)
}

/// Bytes of the texts of a task.
fn size(task: &Task) -> u64 {
    (task.request.body.len() + task.result.as_ref().map_or(0, |r| r.text.len())) as u64
}
