//! Starting of due tasks: claims, models, requests.

use super::claims::SecondTry;
use super::load::{self, NotLoaded, Watching};
use super::request_pool::{Event, Job, Why};
use super::run::{Filled, Run};
use super::shared::throttled;
use super::waits::waits;
use super::{ExecutorEvent, LOOK_AGAIN, SECOND_TRIES, classify};
use crate::clock;
use crate::model::task::machine::End;
use crate::model::task::order::{ClaimAsk, Claimed, Loaded, Scope};
use crate::model::task::{ErrorKind, Hold, Task, TaskError, Ticket, Wish};
use crate::model::{ModelId, ModelRow};
use crate::queue::candidates;
use crate::queue::place::Refused;
use std::collections::HashSet;

impl Run<'_> {
    /// Returns how many more tasks may run at once.
    pub(super) fn room(&self) -> usize {
        self.claims.room(self.slots())
    }

    /// Returns how many tasks may run at once: the slots of the worker, fewer where its owner says so.
    fn slots(&self) -> usize {
        let factor = self.setup.shared.as_ref().map_or(1.0, |shared| shared.throttle_factor());
        throttled(self.worker.slots(), factor)
    }

    /// Returns whether more may be claimed.
    pub(super) fn may_claim(&self) -> bool {
        self.stopping.is_none() && self.claims.wants_more()
    }

    /// Claims as many tasks as fit and passes them to the worker.
    pub(super) fn fill(&mut self) -> anyhow::Result<Filled> {
        if !self.may_claim() {
            return Ok(Filled::Nothing);
        }
        if self.worker.is_refused {
            if !self.claims.inflight.is_empty() {
                return Ok(Filled::Full);
            }
            self.worker.is_refused = false;
            self.unload();
        }
        if !self.supply.waits.is_empty() && self.claims.inflight.is_empty() && self.supply.looked.elapsed() > LOOK_AGAIN
        {
            self.refresh_waits()?;
        } else if self.supply.listed.elapsed() > LOOK_AGAIN {
            self.supply.waits.refresh_can_serve((&*self.queue, &*self.inventory), &self.setup.limits)?;
            self.supply.listed = clock::instant();
        }
        // Before a model is loaded, its number of slots is unknown: one task is claimed first, the others after the
        // load.
        let (now, queue) = (self.queue.now()?, &*self.queue);
        self.claims.review(now, |id| queue.ticket(id))?;
        let limit = self.claims.limit(self.slots());
        if limit == 0 {
            return Ok(Filled::Full);
        }
        let ask = ClaimAsk {
            owner: self.lock.id().clone(),
            limit,
            loaded: self.worker.loaded.as_ref().map(|l| Loaded { serves: l.serves.clone(), since: l.since }),
            scope: if self.claims.inflight.is_empty() { Scope::All } else { Scope::LoadedOnly },
            can_serve: self.supply.waits.can_serve(),
            skip: self.supply.waits.skip(),
        };
        match self.record_ends(|queue, ends, at| queue.exchange(ends, &ask, at))? {
            Claimed::Tasks(tasks) => {
                for task in &tasks {
                    self.worker.progress.mark(Hold::from(&task.ticket));
                }
                self.claims.count(&tasks);
                self.start(tasks)?;
                Ok(Filled::Some)
            }
            Claimed::Off => {
                self.summary.off = true;
                Ok(Filled::Nothing)
            }
            Claimed::Nothing | Claimed::Yield => Ok(Filled::Nothing),
        }
    }

    /// Passes claimed tasks, which one model can serve, to that model: the loaded one, or the first that the wish
    /// selects and that fits in memory and loads. Only if no such model loads have the tasks failed through their
    /// model.
    pub(super) fn start(&mut self, tasks: Vec<Task>) -> anyhow::Result<()> {
        let Some(first) = tasks.first() else { return Ok(()) };
        let wish = first.ticket.wish.clone();
        if self.worker.loaded.as_ref().is_some_and(|l| l.serves.contains(&wish)) {
            return self.ask_all(tasks);
        }
        let rows = self.inventory.rows()?;
        let loaded = self.worker.loaded.as_ref().map(|l| l.row.id.clone());
        // Models that failed before are included: their errors belong in the message when none is left.
        let own = candidates(&wish, &rows, &self.setup.hints, &self.setup.limits, (loaded.as_ref(), &[])).own;
        if own.is_empty() {
            return self.let_wait(tasks, &wish, "the model is no longer known".to_owned());
        }
        let holds: Vec<Hold> = tasks.iter().map(|t| Hold::from(&t.ticket)).collect();
        let (mut tried, mut refused, mut lacking) = (Vec::new(), Vec::new(), Vec::new());
        let mut own: Vec<&ModelRow> = own.into_iter().filter_map(|i| rows.get(i)).collect();
        // Models that recently failed to load come last.
        own.sort_by_key(|row| self.supply.failures.resting(row, clock::instant()).is_some());
        for row in own {
            if loaded.as_ref() == Some(&row.id) {
                return self.ask_all(tasks);
            }
            tried.push(row.id.clone());
            let resting = self.supply.failures.resting(row, clock::instant()).cloned();
            let is_known = |refused: &Refused| refused.is_place || self.supply.failures.is_of_this_run(row);
            let why = match resting.filter(is_known) {
                Some(refused) => refused,
                None => match self.load(row, &holds)? {
                    Ok(()) => return self.ask_all(tasks),
                    Err(NotLoaded::Refused(refused)) => refused,
                    Err(NotLoaded::GivenUp) => {
                        let tasks = self.without_lost(tasks);
                        self.give_back(tasks);
                        return Ok(());
                    }
                },
            };
            if why.is_place { &mut lacking } else { &mut refused }.push(format!("{}: {}", row.name, why.why));
        }
        if lacking.is_empty() {
            let error = TaskError::new(ErrorKind::Model, refused.join("; "));
            return self.through_the_model(tasks, &tried, (&error, true));
        }
        // Something is missing here and may be available later, which is no fault of the tasks.
        let is_other_there = self.alternative(&wish, &rows, &tried).is_some();
        let (swap, wait): (Vec<Task>, Vec<Task>) =
            tasks.into_iter().partition(|task| wish.model().is_some() && is_other_there && self.may_swap(&task.ticket));
        lacking.extend(refused);
        let why = lacking.join("; ");
        self.through_the_model(swap, &tried, (&TaskError::new(ErrorKind::Model, why.clone()), true))?;
        self.let_wait(wait, &wish, why)
    }

    /// Returns whether a second model may be tried for a task.
    pub(super) fn may_swap(&self, ticket: &Ticket) -> bool {
        ticket.swaps == 0 && (ticket.may_fall_back() || self.setup.fallback)
    }

    /// Gives tasks back that nothing here can answer now, and claims no more with the same wish until something has
    /// changed.
    fn let_wait(&mut self, tasks: Vec<Task>, wish: &Wish, why: String) -> anyhow::Result<()> {
        if tasks.is_empty() {
            return Ok(());
        }
        self.supply.waits.add(wish, false, tasks.len() as u64, why);
        self.supply.looked = clock::instant();
        self.claims.wait(&tasks);
        self.give_back(tasks);
        (self.emit)(ExecutorEvent::Waits { why: self.supply.waits.why() });
        Ok(())
    }

    fn refresh_waits(&mut self) -> anyhow::Result<()> {
        let before = self.supply.waits.why();
        self.supply.waits = waits(
            (&*self.queue, &*self.inventory),
            self.setup,
            self.supply.failures,
            self.worker.loaded.as_ref().map(|l| &l.model),
        )?;
        (self.supply.looked, self.supply.listed) = (clock::instant(), clock::instant());
        if before != self.supply.waits.why() {
            (self.emit)(ExecutorEvent::Waits { why: self.supply.waits.why() });
        }
        Ok(())
    }

    /// Keeps the tasks whose claims are not over.
    fn without_lost(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let (left, lost) = self.claims.without_lost(tasks);
        for task in lost {
            self.worker.progress.forget(task.ticket.id);
            self.summary.lost += 1;
        }
        left
    }

    /// Unloads the present model and loads `row`; before that, the attempts record the model that they are about to
    /// use. The inner error is the reason why it was not loaded, which is remembered for some time.
    pub(super) fn load(&mut self, row: &ModelRow, holds: &[Hold]) -> anyhow::Result<Result<(), NotLoaded>> {
        self.unload();
        if self.is_device_lost() {
            return Ok(Err(NotLoaded::GivenUp));
        }
        let models = self.inventory.models(Some(std::slice::from_ref(&row.id)))?;
        let Some(model) = models.into_iter().next() else {
            let why = "it is no longer in the inventory".to_owned();
            return Ok(Err(NotLoaded::Refused(Refused { why, is_place: true })));
        };
        let at = self.moment()?;
        let answers = self.queue.assign(holds, &row.id, at)?;
        let lost = holds.iter().zip(&answers).filter(|(_, answer)| answer.is_err()).map(|(hold, _)| *hold);
        self.claims.lose(lost);
        let mut left: HashSet<Hold> = holds.iter().copied().filter(|hold| !self.claims.is_lost(hold)).collect();
        if left.is_empty() {
            return Ok(Err(NotLoaded::GivenUp));
        }
        (self.emit)(ExecutorEvent::Loading { model: row.name.clone() });
        // Trying earlier models took time.
        holds.iter().for_each(|hold| self.worker.progress.mark(*hold));
        self.worker.progress.reset_worker();
        self.worker.called_back = None;
        let progress = self.worker.progress.clone();
        let mut on_progress = |_: f32| holds.iter().for_each(|hold| progress.mark(*hold));
        let (events, backlog) = (&self.worker.events, &mut self.worker.backlog);
        let mut is_wanted = || {
            for event in events.try_iter() {
                match event {
                    Event::Drop(hold, Why::ClaimOver) => drop(left.remove(&hold)),
                    other => backlog.push(other),
                }
            }
            !left.is_empty()
        };
        let watching = Watching { stop: self.stop, on_progress: &mut on_progress, is_wanted: &mut is_wanted };
        let loaded = load::load((self.setup, &self.worker.device, &*self.inventory), row, &model, watching)?;
        self.claims.lose(holds.iter().copied().filter(|hold| !left.contains(hold)));
        match loaded {
            Ok(loaded) => {
                self.supply.failures.forget(&row.id);
                (self.emit)(ExecutorEvent::Ready { model: row.name.clone(), took: loaded.took });
                self.worker.loaded = Some(loaded);
                Ok(Ok(()))
            }
            Err(why) => {
                if let NotLoaded::Refused(refused) = &why {
                    self.supply.failures.note(row, refused.clone(), clock::instant());
                }
                Ok(Err(why))
            }
        }
    }

    pub(super) fn unload(&mut self) {
        if let Some(loaded) = self.worker.loaded.take() {
            loaded.unload();
        }
    }

    pub(super) fn ask_all(&mut self, tasks: Vec<Task>) -> anyhow::Result<()> {
        if self.stop.reason().is_some() {
            self.give_back(tasks);
            return Ok(());
        }
        let tasks = self.without_lost(tasks);
        let Some(loaded) = &self.worker.loaded else {
            self.give_back(tasks);
            return Ok(());
        };
        let (route, model) = (loaded.route(), loaded.row.id.clone());
        // A group may have been claimed before one of several models was chosen for it.
        let unassigned: Vec<Hold> =
            tasks.iter().filter(|t| t.ticket.model.as_ref() != Some(&model)).map(|t| Hold::from(&t.ticket)).collect();
        if !unassigned.is_empty() {
            let at = self.moment()?;
            self.queue.assign(&unassigned, &model, at)?;
        }
        // Suspects run one at a time; the others are given back and wait.
        // Tasks beyond the number of slots are given back too: they were claimed before that number was known.
        let (tasks, rest) = self.claims.quarantine.split(tasks, self.claims.inflight.is_empty(), |task| &task.ticket);
        for task in tasks {
            let hold = Hold::from(&task.ticket);
            match classify::worker_body(&task.ticket, &task.request) {
                Ok(body) => {
                    let path = task.request.endpoint.url();
                    self.worker.progress.mark(hold);
                    if self.claims.inflight.is_empty() {
                        self.worker.progress.listen();
                    }
                    self.worker.requests.send(Job { hold, route: route.clone(), path, body });
                    (self.emit)(ExecutorEvent::Started { id: hold.id });
                    self.claims.start(task, clock::instant());
                }
                Err(why) => self.end(hold, End::FailedForGood(TaskError::new(ErrorKind::Request, why))),
            }
        }
        self.claims.uncount(rest.len());
        self.give_back(rest);
        Ok(())
    }

    /// Runs the second tries, one model after another.
    pub(super) fn run_second_tries(&mut self) -> anyhow::Result<()> {
        let Some(model) = self.claims.second_tries.first().map(|(_, second)| second.model.clone()) else {
            return Ok(());
        };
        let (mut group, mut rest, mut leads_alone) = (Vec::new(), Vec::new(), false);
        for (task, second) in std::mem::take(&mut self.claims.second_tries) {
            let is_alone = self.claims.quarantine.has(&task.ticket);
            let is_room = group.is_empty() || (group.len() < SECOND_TRIES && !is_alone && !leads_alone);
            let fits = second.model == model && is_room;
            leads_alone |= fits && is_alone;
            if fits { &mut group } else { &mut rest }.push((task, second));
        }
        self.claims.second_tries = rest;
        if self.worker.loaded.as_ref().is_none_or(|l| l.row.id != model) {
            let rows = self.inventory.rows()?;
            let holds: Vec<Hold> = group.iter().map(|(task, _)| Hold::from(&task.ticket)).collect();
            let loaded = match rows.iter().find(|r| r.id == model) {
                Some(row) => self.load(row, &holds)?,
                None => {
                    let why = "the second model has been removed".to_owned();
                    Err(NotLoaded::Refused(Refused { why, is_place: true }))
                }
            };
            match loaded {
                Ok(()) => {}
                Err(NotLoaded::GivenUp) => {
                    let tasks = self.without_lost(group.into_iter().map(|(task, _)| task).collect());
                    self.give_back(tasks);
                    return Ok(());
                }
                Err(NotLoaded::Refused(refused)) => {
                    for (task, second) in group {
                        self.next_second(task, second, &rows, &refused);
                    }
                    return Ok(());
                }
            }
        }
        let slots = self.slots();
        let later = group.split_off(slots.min(group.len()));
        self.claims.second_tries.extend(later);
        self.ask_all(group.into_iter().map(|(task, _)| task).collect())?;
        // The running tasks must end before others are claimed.
        while !self.claims.inflight.is_empty() {
            self.wait()?;
            self.commit()?;
        }
        Ok(())
    }

    /// Replaces a second model that cannot be loaded by another one, if there is one: it has answered nothing yet.
    fn next_second(&mut self, mut task: Task, mut second: SecondTry, rows: &[ModelRow], refused: &Refused) {
        let name = rows.iter().find(|row| row.id == second.model).map_or(second.model.as_str(), |row| &row.name);
        let why = format!("{name}: {}", refused.why);
        second.tried.push(second.model);
        second.why = format!("{}; {why}", second.why);
        let Some(other) = self.alternative(&task.ticket.wish, rows, &second.tried) else {
            return self.fail(&task, TaskError::new(ErrorKind::Model, second.why));
        };
        let (id, to) = (task.ticket.id, other.name.clone());
        (self.emit)(ExecutorEvent::Swapped { id, to, why });
        task.ticket.model = None;
        second.model = other.id.clone();
        self.claims.second_tries.push((task, second));
    }

    /// Returns the next model for a wish after those in `tried` have failed.
    pub(super) fn alternative<'r>(&self, wish: &Wish, rows: &'r [ModelRow], tried: &[ModelId]) -> Option<&'r ModelRow> {
        let now = clock::instant();
        let resting = rows.iter().filter(|row| self.supply.failures.resting(row, now).is_some()).map(|row| &row.id);
        let failed: Vec<ModelId> = tried.iter().chain(resting).cloned().collect();
        let found = candidates(wish, rows, &self.setup.hints, &self.setup.limits, (None, &failed));
        found.own.into_iter().chain(found.others).next().and_then(|i| rows.get(i))
    }
}
