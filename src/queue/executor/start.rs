//! From what is due to what runs: claims, models, questions.

use super::*;
use crate::host::memory;
use crate::queue::too_large;

impl Run<'_> {
    /// How many may run at once.
    pub(super) fn room(&self) -> usize {
        let slots = self.loaded.as_ref().map_or(1, |l| l.slots);
        self.suspects.room(slots, self.inflight.values().map(|flight| &flight.task.ticket))
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
        let (now, db) = (clock::now(), &self.db);
        self.suspects.review(now, |id| db.ticket(id))?;
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

    /// Gives claimed tasks, which one model can serve, to that model: the loaded one, or the first of those that are
    /// meant which fits in memory and loads. Only when none of them does have the tasks failed through their model.
    pub(super) fn start(&mut self, tasks: Vec<Task>) -> anyhow::Result<()> {
        let Some(first) = tasks.first() else { return Ok(()) };
        let wish = first.ticket.wish.clone();
        if self.loaded.as_ref().is_some_and(|l| l.serves.contains(&wish)) {
            return self.ask_all(tasks);
        }
        let rows = self.db.rows()?;
        let loaded = self.loaded.as_ref().map(|l| l.row.id.clone());
        // Those that failed before as well: what was wrong with them belongs to the error when none is left.
        let own = candidates(&wish, &rows, &self.setup.hints, &self.setup.limits, (loaded.as_ref(), &[])).own;
        if own.is_empty() {
            return self.no_model(tasks);
        }
        let holds: Vec<Hold> = tasks.iter().map(|t| Hold::from(&t.ticket)).collect();
        let (mut tried, mut refused) = (Vec::new(), Vec::new());
        for row in own.into_iter().filter_map(|i| rows.get(i)) {
            if loaded.as_ref() == Some(&row.id) {
                return self.ask_all(tasks);
            }
            tried.push(row.id.clone());
            if let Some(why) = self.failed_models.get(&row.id) {
                refused.push(format!("{}: {why}", row.name));
                continue;
            }
            match self.load(row, &holds)? {
                Ok(()) => return self.ask_all(tasks),
                Err(_) if self.stop.thrown().is_some() => {
                    self.give_back(tasks);
                    return Ok(());
                }
                Err(error) => refused.push(error.message),
            }
        }
        let error = TaskError::new(ErrorKind::Model, refused.join("; "));
        self.through_the_model(tasks, &tried, &error)
    }

    pub(super) fn no_model(&mut self, tasks: Vec<Task>) -> anyhow::Result<()> {
        for task in tasks {
            let why = match task.ticket.wish.model() {
                Some(name) => format!("the model `{name}` is not here"),
                None => {
                    let tier = task.ticket.wish.tier().map(|tier| format!(" of the tier `{tier}`")).unwrap_or_default();
                    format!("no model{tier} can answer: none is known that generates text, is intact and enabled")
                }
            };
            self.fail(&task, TaskError::new(ErrorKind::NoModel, why));
        }
        Ok(())
    }

    /// Unloads what there is and loads `row`; before that, the attempts say which model they are about to use.
    /// The inner error is the model's. It is remembered for this run, unless it is one of room, which may be there later.
    pub(super) fn load(&mut self, row: &ModelRow, holds: &[Hold]) -> anyhow::Result<Result<(), TaskError>> {
        self.unload();
        let cannot = |kind, why: String| Ok(Err(TaskError::new(kind, format!("{}: {why}", row.name))));
        let models = self.db.models(Some(std::slice::from_ref(&row.id)))?;
        let Some(model) = models.into_iter().next() else {
            return cannot(ErrorKind::NoModel, "it is not in the inventory any more".to_owned());
        };
        let available = memory::memory().map(|m| m.available);
        if let Some(why) = too_large(&model, (self.setup.worker.context, 1), &available) {
            return cannot(ErrorKind::Model, format!("it {why}"));
        }
        let at = self.moment();
        self.db.assign_model(holds, &row.id, at)?;
        (self.tell)(Told::Loading { model: row.name.clone() });
        // What was tried before has taken its time.
        holds.iter().for_each(|hold| self.progress.mark(*hold));
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
                    self.failed_models.insert(row.id.clone(), why.clone());
                }
                cannot(ErrorKind::Model, why)
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
        // Suspects go one at a time; the others wait with their claim given back.
        // What is more than the worker serves at once waits there: it was claimed before anybody knew.
        let (tasks, rest) = self.suspects.split(tasks, self.inflight.is_empty(), |task| &task.ticket);
        for task in tasks {
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
        self.taken = self.taken.saturating_sub(rest.len() as u64);
        self.give_back(rest);
        Ok(())
    }

    /// The second tries, model by model.
    pub(super) fn run_swapped(&mut self) -> anyhow::Result<()> {
        let Some(model) = self.swapped.first().map(|(_, second)| second.model.clone()) else { return Ok(()) };
        let (mut group, mut rest, mut leads_alone) = (Vec::new(), Vec::new(), false);
        for (task, second) in std::mem::take(&mut self.swapped) {
            let is_alone = self.suspects.has(&task.ticket);
            let is_room = group.is_empty() || (group.len() < SECOND_TRIES && !is_alone && !leads_alone);
            let fits = second.model == model && is_room;
            leads_alone |= fits && is_alone;
            if fits { &mut group } else { &mut rest }.push((task, second));
        }
        self.swapped = rest;
        if self.loaded.as_ref().is_none_or(|l| l.row.id != model) {
            let rows = self.db.rows()?;
            let holds: Vec<Hold> = group.iter().map(|(task, _)| Hold::from(&task.ticket)).collect();
            let loaded = match rows.iter().find(|r| r.id == model) {
                Some(row) => self.load(row, &holds)?,
                None => Err(TaskError::new(ErrorKind::NoModel, "the second model was removed meanwhile")),
            };
            if self.stop.thrown().is_some() {
                self.give_back(group.into_iter().map(|(task, _)| task).collect());
                return Ok(());
            }
            if let Err(error) = loaded {
                for (task, second) in group {
                    self.next_second(task, second, &rows, &error);
                }
                return Ok(());
            }
        }
        let slots = self.loaded.as_ref().map_or(1, |l| l.slots).max(1);
        let later = group.split_off(slots.min(group.len()));
        self.swapped.extend(later);
        self.ask_all(group.into_iter().map(|(task, _)| task).collect())?;
        // What runs now is waited for before anything else is claimed.
        while !self.inflight.is_empty() {
            self.wait()?;
            self.commit()?;
        }
        Ok(())
    }

    /// A second model that cannot be loaded has answered nothing: another one takes its place, as long as there is one.
    fn next_second(&mut self, mut task: Task, mut second: Second, rows: &[ModelRow], error: &TaskError) {
        second.tried.push(second.model);
        second.why = format!("{}; {}", second.why, error.message);
        let Some(other) = self.alternative(&task.ticket.wish, rows, &second.tried) else {
            return self.fail(&task, TaskError::new(ErrorKind::Model, second.why));
        };
        let (id, to) = (task.ticket.id, other.name.clone());
        (self.tell)(Told::Swapped { id, to, why: error.message.clone() });
        task.ticket.model = None;
        second.model = other.id.clone();
        self.swapped.push((task, second));
    }

    /// The model that comes next for a wish when those in `tried` have failed it.
    pub(super) fn alternative<'r>(&self, wish: &Wish, rows: &'r [ModelRow], tried: &[ModelId]) -> Option<&'r ModelRow> {
        let failed: Vec<ModelId> = tried.iter().chain(self.failed_models.keys()).cloned().collect();
        let found = candidates(wish, rows, &self.setup.hints, &self.setup.limits, (None, &failed));
        found.own.into_iter().chain(found.others).next().and_then(|i| rows.get(i))
    }
}
