//! From what is due to what runs: claims, models, questions.

use super::*;

impl Run<'_> {
    /// How many may run at once.
    pub(super) fn room(&self) -> usize {
        let slots = if self.alone.is_empty() { self.loaded.as_ref().map_or(1, |l| l.slots) } else { 1 };
        slots.saturating_sub(self.inflight.len())
    }

    /// Tasks that may be claimed before the bounds are reached.
    fn left(&self) -> u64 {
        if self.is_batch_over() {
            return 0;
        }
        self.bounds.tasks.map_or(u64::MAX, |most| most.saturating_sub(self.taken))
    }

    /// Whether more may be claimed: second tries go first.
    pub(super) fn may_claim(&self) -> bool {
        self.stopping.is_none() && self.swapped.is_empty() && self.left() > 0
    }

    /// Claims what fits and hands it to the worker.
    pub(super) fn fill(&mut self) -> anyhow::Result<Filled> {
        if !self.may_claim() {
            return Ok(Filled::Nothing);
        }
        // Before a model is there nobody knows how many it serves at once: one, and the others when it is.
        let limit = self.room().min(usize::try_from(self.left()).unwrap_or(usize::MAX));
        if limit == 0 {
            return Ok(Filled::Full);
        }
        let ask = ClaimAsk {
            owner: self.alive.id().clone(),
            limit,
            loaded: self.loaded.as_ref().map(|l| LoadedWishes { serves: l.serves.clone(), since: l.since }),
            scope: if self.inflight.is_empty() { Scope::All } else { Scope::LoadedOnly },
        };
        let at = self.moment();
        let ends = std::mem::take(&mut self.ends);
        let told = about(&ends);
        let exchanged = self.db.exchange_tasks(ends.clone(), &ask, at);
        let (answers, claimed) = self.or_keep(ends, exchanged)?;
        self.account(told, answers);
        match claimed {
            Claimed::Tasks(tasks) => {
                for task in &tasks {
                    self.progress.mark(Hold::from(&task.ticket));
                }
                self.taken += tasks.len() as u64;
                self.of_batch(&tasks);
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

    /// Gives claimed tasks, which one model can serve, to that model: the loaded one, or the first that loads.
    pub(super) fn start(&mut self, tasks: Vec<Task>) -> anyhow::Result<()> {
        let Some(first) = tasks.first() else { return Ok(()) };
        let wish = first.ticket.wish.clone();
        if self.loaded.as_ref().is_some_and(|l| l.serves.contains(&wish)) {
            return self.ask_all(tasks);
        }
        let rows = self.db.rows()?;
        let loaded = self.loaded.as_ref().map(|l| l.row.id.clone());
        let order =
            candidates(&wish, &rows, &self.setup.hints, &self.setup.limits, (loaded.as_ref(), &self.failed_models));
        let Some(choice) = order.first().and_then(|i| rows.get(*i)).cloned() else {
            return self.no_model(tasks);
        };
        if loaded.as_ref() == Some(&choice.id) {
            return self.ask_all(tasks);
        }
        match self.load(&choice, &tasks)? {
            Ok(()) => self.ask_all(tasks),
            Err(_) if self.stop.thrown().is_some() => {
                self.give_back(tasks);
                Ok(())
            }
            Err(error) => self.through_the_model(tasks, &choice.id, &error),
        }
    }

    pub(super) fn no_model(&mut self, tasks: Vec<Task>) -> anyhow::Result<()> {
        for task in tasks {
            let why = match task.ticket.wish.model() {
                Some(name) => format!("the model `{name}` is not here"),
                None => "no model can answer: none is known that generates text, is intact and enabled".to_owned(),
            };
            self.fail(&task, TaskError::new(ErrorKind::NoModel, why));
        }
        Ok(())
    }

    /// Unloads what there is and loads `row`; before that, the attempts say which model they are about to use.
    /// The inner error is the model's.
    pub(super) fn load(&mut self, row: &ModelRow, tasks: &[Task]) -> anyhow::Result<Result<(), TaskError>> {
        self.unload();
        let holds: Vec<Hold> = tasks.iter().map(|t| Hold::from(&t.ticket)).collect();
        let at = self.moment();
        self.db.assign_model(&holds, &row.id, at)?;
        (self.tell)(Told::Loading { model: row.name.clone() });
        let models = self.db.models(Some(std::slice::from_ref(&row.id)))?;
        let Some(model) = models.into_iter().next() else {
            return Ok(Err(TaskError::new(
                ErrorKind::NoModel,
                format!("{} is not in the inventory any more", row.name),
            )));
        };
        let progress = self.progress.clone();
        let mut on_progress = |_: f32| holds.iter().for_each(|hold| progress.mark(*hold));
        match load::load((self.setup, &self.device), row, &model, self.stop, &mut on_progress)? {
            Ok(loaded) => {
                (self.tell)(Told::Ready { model: row.name.clone(), took: loaded.took });
                self.loaded = Some(loaded);
                Ok(Ok(()))
            }
            Err(why) => {
                if self.stop.thrown().is_none() {
                    self.failed_models.insert(row.id.clone());
                }
                Ok(Err(TaskError::new(ErrorKind::Model, format!("{}: {why}", row.name))))
            }
        }
    }

    pub(super) fn unload(&mut self) {
        if let Some(loaded) = self.loaded.take() {
            loaded.unload();
        }
    }

    pub(super) fn ask_all(&mut self, tasks: Vec<Task>) -> anyhow::Result<()> {
        if self.stop.thrown().is_some() {
            self.give_back(tasks);
            return Ok(());
        }
        let Some(loaded) = &self.loaded else {
            self.give_back(tasks);
            return Ok(());
        };
        let (socket, model) = (loaded.socket(), loaded.row.id.clone());
        // A group may have been claimed before it was known which of several models would serve it.
        let unassigned: Vec<Hold> =
            tasks.iter().filter(|t| t.ticket.model.as_ref() != Some(&model)).map(|t| Hold::from(&t.ticket)).collect();
        let at = self.moment();
        if !unassigned.is_empty() {
            self.db.assign_model(&unassigned, &model, at)?;
        }
        let mut tasks = tasks.into_iter();
        // Suspects go one at a time; the others wait with their claim given back.
        // What is more than the worker serves at once waits there: it was claimed before anybody knew.
        let room = if self.alone.is_empty() { tasks.len() } else { usize::from(self.inflight.is_empty()) };
        for task in tasks.by_ref().take(room) {
            let hold = Hold::from(&task.ticket);
            match judge::body(&task.ticket, &task.request) {
                Ok(body) => {
                    let limit = task.ticket.timeout_ms.map(|ms| Duration::from_millis(ms) + TIMEOUT_MARGIN);
                    let path = task.request.endpoint.url();
                    self.progress.mark(hold);
                    self.askers.ask(Job { hold, socket: socket.clone(), path, body, limit });
                    (self.tell)(Told::Started { id: hold.id });
                    self.inflight.insert(hold.id, InFlight { task, started: clock::instant() });
                }
                Err(why) => self.end(hold, End::FailedForGood(TaskError::new(ErrorKind::Request, why))),
            }
        }
        let rest: Vec<Task> = tasks.collect();
        self.taken = self.taken.saturating_sub(rest.len() as u64);
        self.give_back(rest);
        Ok(())
    }

    /// The second tries, model by model.
    pub(super) fn run_swapped(&mut self) -> anyhow::Result<()> {
        let Some(model) = self.swapped.first().map(|(_, model)| model.clone()) else { return Ok(()) };
        let room = if self.alone.is_empty() { SECOND_TRIES } else { 1 };
        let mut group = Vec::new();
        let mut rest = Vec::new();
        for (task, wanted) in std::mem::take(&mut self.swapped) {
            if wanted == model && group.len() < room {
                group.push(task);
            } else {
                rest.push((task, wanted));
            }
        }
        self.swapped = rest;
        let is_loaded = self.loaded.as_ref().is_some_and(|l| l.row.id == model);
        if !is_loaded {
            let row = self.db.rows()?.into_iter().find(|r| r.id == model);
            let loaded = match row {
                Some(row) => self.load(&row, &group)?,
                None => Err(TaskError::new(ErrorKind::NoModel, "the second model was removed meanwhile")),
            };
            if self.stop.thrown().is_some() {
                self.give_back(group);
                return Ok(());
            }
            if let Err(error) = loaded {
                for task in &group {
                    self.fail(task, error.clone());
                }
                return Ok(());
            }
        }
        let slots = self.loaded.as_ref().map_or(1, |l| l.slots).max(1);
        let later = group.split_off(slots.min(group.len()));
        self.swapped.extend(later.into_iter().map(|task| (task, model.clone())));
        self.ask_all(group)?;
        // What runs now is waited for before anything else is claimed.
        while !self.inflight.is_empty() {
            self.wait()?;
            self.commit()?;
        }
        Ok(())
    }
}
