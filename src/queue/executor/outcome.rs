//! What became of what runs: answers, failures, second models, claims that are over.

use super::*;

impl Run<'_> {
    /// Waits for the next thing to happen and takes everything that has.
    pub(super) fn wait(&mut self) -> anyhow::Result<()> {
        let limit = match self.stopping {
            None => self.next_look()?,
            Some(since) => self.setup.grace.saturating_sub(since.elapsed()),
        };
        let first = self.events.recv_timeout(limit);
        if first.is_err() && self.stopping.is_some() {
            self.abort_all();
            return Ok(());
        }
        let more: Vec<Event> = self.events.try_iter().collect();
        let mut gone: Vec<(Hold, String)> = Vec::new();
        for event in first.into_iter().chain(more) {
            match event {
                Event::Stop => {
                    self.summary.stopped = self.stop.thrown();
                    self.stopping.get_or_insert_with(clock::instant);
                }
                Event::Hurry => self.abort_all(),
                // Whoever waits looks for more to do now.
                Event::Changed => {}
                Event::Drop(hold, why) => self.dropped(hold, why),
                Event::Asked(hold, outcome) => {
                    if self.inflight.get(&hold.id).is_none_or(|f| f.task.ticket.token != hold.token) {
                        continue; // it was dropped meanwhile
                    }
                    let Some(flight) = self.inflight.remove(&hold.id) else { continue };
                    let Some(row) = self.loaded.as_ref().map(|l| l.row.clone()) else { continue };
                    let verdict = judge::verdict(&flight.task.request, outcome, &row);
                    self.settle(flight, verdict, &row, &mut gone)?;
                }
            }
        }
        if !gone.is_empty() {
            self.worker_died(gone)?;
        }
        Ok(())
    }

    /// How long nothing happens at most: until a task is due that there is room for.
    fn next_look(&self) -> anyhow::Result<Duration> {
        const LONGEST: Duration = Duration::from_secs(60);
        if self.room() == 0 || !self.may_claim() {
            return Ok(LONGEST);
        }
        let due = self.db.next_task_due()?;
        // One that is overdue and was not claimed wants another model: it is no reason to look all the time.
        Ok(due.map_or(LONGEST, |due| due_in(due, clock::now()).clamp(POLL, LONGEST)))
    }

    pub(super) fn settle(
        &mut self,
        flight: InFlight,
        verdict: Verdict,
        row: &ModelRow,
        gone: &mut Vec<(Hold, String)>,
    ) -> anyhow::Result<()> {
        let hold = Hold::from(&flight.task.ticket);
        match verdict {
            Verdict::Answered(result) => {
                self.uses.push(UseEvent {
                    model: row.id.clone(),
                    at: clock::now(),
                    source: "task".to_owned(),
                    prompt_tokens: result.prompt_tokens,
                    completion_tokens: result.completion_tokens,
                    duration_ms: u64::try_from(flight.started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    outcome: result.finish_reason.clone(),
                });
                self.end(hold, End::Done(result));
            }
            Verdict::Never(error) => self.end(hold, End::FailedForGood(error)),
            Verdict::Again(error) => self.fail(&flight.task, error),
            Verdict::NoRoom => self.give_back(vec![flight.task]),
            Verdict::Model(error) => {
                self.through_the_model(vec![flight.task], std::slice::from_ref(&row.id), &error)?;
            }
            Verdict::WorkerGone(why) => {
                gone.push((hold, why));
                // Looked at together with the others that were running.
                self.inflight.insert(hold.id, flight);
            }
        }
        Ok(())
    }

    /// The worker died. If one task was in it, that is the crash of this task and a failure of its model; of several
    /// nobody knows which it was, so it is counted for none.
    pub(super) fn worker_died(&mut self, gone: Vec<(Hold, String)>) -> anyhow::Result<()> {
        let Some(mut loaded) = self.loaded.take() else { return Ok(()) };
        let why = loaded.why_gone().or_else(|| gone.first().map(|(_, why)| why.clone())).unwrap_or_default();
        let row = loaded.row.clone();
        loaded.unload();
        let flights: Vec<InFlight> = self.inflight.drain().map(|(_, flight)| flight).collect();
        for flight in &flights {
            self.askers.abort(flight.task.ticket.id);
        }
        let mut tasks: Vec<Task> = flights.into_iter().map(|f| f.task).collect();
        if self.is_stopping() {
            // Who ends all processes of a service at once ends the worker too.
            self.give_back(tasks);
            return Ok(());
        }
        (self.tell)(Told::Warning(format!("the worker with {} {why}", row.name)));
        if tasks.len() == 1 {
            let error = TaskError::new(ErrorKind::KilledWorker, format!("{}: {why}", row.name));
            return self.through_the_model(tasks, std::slice::from_ref(&row.id), &error);
        }
        tasks.sort_by_key(|t| t.ticket.id);
        self.suspects.add(tasks.iter().map(|t| t.ticket.id));
        self.taken = self.taken.saturating_sub(tasks.len() as u64);
        self.give_back(tasks);
        Ok(())
    }

    /// Tasks that failed through their models, `tried`, go on with another one, once each; without one, or after that, they have
    /// failed this attempt.
    pub(super) fn through_the_model(
        &mut self,
        tasks: Vec<Task>,
        tried: &[ModelId],
        error: &TaskError,
    ) -> anyhow::Result<()> {
        let rows = self.db.rows()?;
        let is_crash = error.kind == ErrorKind::KilledWorker;
        for task in tasks {
            let may_swap =
                task.ticket.swaps == 0 && !(is_crash && task.ticket.crashes >= self.setup.policy.max_crashes);
            let Some(other) = self.alternative(&task.ticket.wish, &rows, tried).filter(|_| may_swap) else {
                self.fail(&task, error.clone());
                continue;
            };
            if self.is_stopping() {
                // The second model would be used up without having been tried.
                self.give_back(vec![task]);
                continue;
            }
            let hold = Hold::from(&task.ticket);
            let at = self.moment();
            // In the database before the second model is loaded: whatever happens then, it was the second.
            match self.db.swap_task(hold, &other.id, error, at)? {
                Ok(fresh) => {
                    let told = Told::Swapped { id: hold.id, to: other.name.clone(), why: error.message.clone() };
                    (self.tell)(told);
                    let mut task = task;
                    task.ticket.token = fresh.token;
                    task.ticket.swaps += 1;
                    task.ticket.crashes += u32::from(is_crash);
                    task.ticket.model = Some(other.id.clone());
                    self.progress.mark(fresh);
                    let (model, tried, why) = (other.id.clone(), tried.to_vec(), error.message.clone());
                    self.swapped.push((task, Second { model, tried, why }));
                }
                Err(refusal) => self.refused(&refusal),
            }
        }
        Ok(())
    }

    /// A claim that is over, or that gets nowhere.
    pub(super) fn dropped(&mut self, hold: Hold, why: Why) {
        let is_ours = self.inflight.get(&hold.id).is_some_and(|f| f.task.ticket.token == hold.token);
        if !is_ours {
            return;
        }
        self.askers.abort(hold.id);
        let Some(flight) = self.inflight.remove(&hold.id) else { return };
        match why {
            Why::ClaimOver => {
                self.progress.forget(hold.id);
                self.suspects.clear(hold.id);
                self.summary.lost += 1;
            }
            Why::Stalled => {
                let error = TaskError::new(ErrorKind::Timeout, "the worker gave no sign of life for ten minutes");
                self.fail(&flight.task, error);
            }
        }
    }

    /// Also where the event that tells has not been taken yet.
    fn is_stopping(&self) -> bool {
        self.stopping.is_some() || self.stop.thrown().is_some()
    }

    pub(super) fn abort_all(&mut self) {
        self.stopping.get_or_insert_with(clock::instant);
        let tasks: Vec<Task> = self.inflight.drain().map(|(_, f)| f.task).collect();
        for task in &tasks {
            self.askers.abort(task.ticket.id);
        }
        self.give_back(tasks);
    }

    pub(super) fn give_back(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            self.end(Hold::from(&task.ticket), End::GivenBack);
        }
    }

    pub(super) fn fail(&mut self, task: &Task, error: TaskError) {
        let jitter = Jitter::from_random(RandomState::new().hash_one(task.ticket.id.0));
        let end = match error.kind {
            ErrorKind::KilledWorker => End::Crashed { error, jitter },
            _ => End::Failed { error, jitter },
        };
        self.end(Hold::from(&task.ticket), end);
    }

    /// Recorded with the others at the next commit.
    pub(super) fn end(&mut self, hold: Hold, end: End) {
        self.progress.forget(hold.id);
        if !matches!(end, End::GivenBack | End::Crashed { .. }) {
            self.suspects.clear(hold.id);
        }
        self.ends.push((hold, end));
    }
}
