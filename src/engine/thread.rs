use super::context::{Batch, Context, Decoded};
use super::embed::{Answer, Texts};
use super::pace::Pace;
use super::sampler;
use super::sequence::Sequence;
use super::slots::Slots;
use super::{EngineError, Event, Finish, Generate, Metrics};
use crate::clock;
use llama_cpp_2::model::LlamaModel;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use tokio::sync::mpsc::Sender;

/// What the engine thread is asked.
pub enum Command {
    Generate {
        request: Box<Generate>,
        events: Sender<Event>,
    },
    Embed {
        texts: Texts,
        answer: Answer,
    },
    /// Wakes it, so that it sees the stop flag.
    Stop,
}

/// The engine thread's own things.
pub struct EngineThread {
    pub model: Arc<LlamaModel>,
    pub context: Context,
    pub slots: Slots,
    /// Tokens of context of one request.
    pub room: u32,
    /// The request that was taken from the channel and has to wait for room.
    pub waiting: Option<(Box<Generate>, Sender<Event>)>,
    pub batch_tokens: usize,
    pub pace: Pace,
    /// For prompts, at most.
    pub threads_batch: u32,
    pub commands: Receiver<Command>,
    pub metrics: Arc<Metrics>,
    pub stopping: Arc<AtomicBool>,
    /// Cells are used once only, until all have ended.
    pub steady: bool,
}

impl EngineThread {
    /// Works until it is told to stop or nobody can ask any more. Requests are admitted between two decodes, while
    /// there is a free sequence; the others wait in the channel, whose bound is the queue's.
    pub fn run(mut self) {
        let mut active: Vec<Sequence> = Vec::new();
        let mut batch = Batch::default();
        while let Some(admitted) = self.admit(&mut active) {
            if admitted {
                self.arm_abort(&active);
            }
            self.end_overdue(&mut active);
            if active.is_empty() {
                continue;
            }
            if let Err(error) = self.step(&mut active, &mut batch) {
                for sequence in active.drain(..) {
                    self.fail(sequence, error.clone());
                }
            }
            self.count_processing(&active);
        }
        for sequence in active {
            sequence.finish(Finish::Cancelled, &self.metrics);
        }
    }

    /// Takes requests while there is room; waits for one when none is active. `Some(true)` when there are new ones,
    /// `None` when it is time to end.
    fn admit(&mut self, active: &mut Vec<Sequence>) -> Option<bool> {
        let mut admitted = false;
        loop {
            if self.stopping.load(Ordering::Relaxed) {
                return None;
            }
            let (request, events) = match self.waiting.take() {
                Some(waiting) => waiting,
                None => match next_command(&self.commands, &self.stopping, active.is_empty()) {
                    Next::Generate(request, events) => (request, events),
                    // Refused before it is queued.
                    Next::Embed(..) => {
                        self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
                        continue;
                    }
                    Next::Nothing => return Some(admitted),
                    Next::End => return None,
                },
            };
            // Whoever asked may have gone while it waited.
            if events.is_closed() {
                self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let prompt = request.prompt.len();
            let most = usize::try_from(self.room).unwrap_or(usize::MAX);
            let answer = request.max_tokens.map_or(most, |n| usize::try_from(n).unwrap_or(usize::MAX));
            let reserve = prompt.saturating_add(answer).min(most);
            let mut place = self.slots.admit(request.prompt.tokens(), reserve);
            if place.is_none() && self.slots.is_used_up() {
                self.context.forget_all();
                self.slots.clear();
                place = self.slots.admit(request.prompt.tokens(), reserve);
            }
            let Some(place) = place else {
                self.waiting = Some((request, events));
                return Some(admitted);
            };
            self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
            for slot in &place.evict {
                self.context.remove_sequence(id_of(*slot));
            }
            let id = id_of(place.slot);
            self.context.cut_sequence(id, place.keep);
            let grammar = request.form.as_ref().map(|form| sampler::grammar(&self.model, form)).transpose();
            let grammar = match grammar {
                Ok(grammar) => grammar,
                Err(error) => {
                    // It was checked when it was asked; whoever asked is told, and nothing else is touched.
                    let sequence = Sequence::start(id, *request, (self.room, None), events);
                    self.metrics.processing.fetch_add(1, Ordering::Relaxed);
                    self.fail(sequence, error);
                    continue;
                }
            };
            let mut sequence = Sequence::start(id, *request, (self.room, grammar), events);
            match place.copy {
                Some((from, tokens)) => {
                    self.context.remove_sequence(id);
                    self.context.copy_sequence(id_of(from), id, tokens);
                    sequence.begin_at(tokens);
                }
                None => sequence.begin_at(place.keep),
            }
            sequence.wait = place.wait;
            active.push(sequence);
            admitted = true;
            self.count_processing(active);
        }
    }

    /// Lets those that wait for a beginning go on: with it when it is there, alone when nobody computes it any more.
    fn release_waiting(&mut self, active: &mut [Sequence]) {
        for sequence in active {
            let Some((from, tokens)) = sequence.wait else { continue };
            let slot = slot_of(sequence.id);
            let copy = match self.slots.ready(from, tokens, sequence.prompt()) {
                Some(true) => Some((from, tokens)),
                Some(false) => continue,
                None => self.slots.best(sequence.prompt(), slot).filter(|(_, n)| *n > sequence.fed()),
            };
            match copy {
                Some((from, tokens)) => {
                    self.context.remove_sequence(sequence.id);
                    self.context.copy_sequence(id_of(from), sequence.id, tokens);
                    sequence.begin_at(tokens);
                    self.slots.holds(slot, tokens);
                }
                None => sequence.wait = None,
            }
        }
    }

    /// One decode for all, and what follows from it.
    fn step(&mut self, active: &mut Vec<Sequence>, batch: &mut Batch) -> Result<(), EngineError> {
        batch.clear();
        self.release_waiting(active);
        // Answers on their way first: a long prompt must not hold them up. They are fewer than a batch has tokens.
        let mut fed = 0_usize;
        for generating in [true, false] {
            for sequence in active.iter_mut().filter(|s| s.is_generating() == generating && s.wait.is_none()) {
                let before = batch.len();
                sequence.feed(batch, self.batch_tokens.saturating_sub(before));
                fed = fed.saturating_add(usize::from(batch.len() > before));
            }
        }
        if batch.len() == 0 {
            return Ok(());
        }
        self.metrics.count_decode(fed);
        // A step with prompt tokens in it says nothing about the speed of single tokens.
        let single = batch.len() == active.len();
        self.context.set_threads(if self.steady {
            // Some sums are split by their number.
            self.threads_batch
        } else if single {
            self.pace.threads()
        } else {
            self.pace.prompt_threads(self.threads_batch)
        });
        let before = clock::instant();
        if self.context.decode(batch)? == Decoded::Aborted {
            // Only when every sequence is overdue, or all stop: the next round ends them. What of the batch their
            // cells hold is not known.
            for sequence in active.iter() {
                self.slots.holds(slot_of(sequence.id), 0);
            }
            return Ok(());
        }
        let after = clock::instant();
        for sequence in active.iter().filter(|s| !s.is_generating()) {
            self.slots.holds(slot_of(sequence.id), sequence.fed());
        }
        if single {
            self.pace.observe(after.saturating_duration_since(before), active.len(), after);
        }
        let model = Arc::clone(&self.model);
        let vocabulary = model.vocab();
        for mut sequence in std::mem::take(active) {
            let finish = match sequence.output() {
                Some(index) => self.context.logits(index).and_then(|logits| sequence.advance(logits, &vocabulary)),
                None => Ok(None),
            };
            match finish {
                Ok(None) => active.push(sequence),
                Ok(Some(finish)) => self.end(sequence, finish),
                Err(error) => self.fail(sequence, error),
            }
        }
        Ok(())
    }

    /// A decode may be given up when none of its sequences is wanted any more.
    fn arm_abort(&mut self, active: &[Sequence]) {
        let checks: Vec<_> = active.iter().map(Sequence::abort_check).collect();
        let stopping = Arc::clone(&self.stopping);
        self.context.set_abort_check(Some(Box::new(move || {
            stopping.load(Ordering::Relaxed) || checks.iter().all(|unwanted| unwanted())
        })));
    }

    fn end_overdue(&mut self, active: &mut Vec<Sequence>) {
        for sequence in std::mem::take(active) {
            match sequence.overdue() {
                Some(finish) => self.end(sequence, finish),
                None => active.push(sequence),
            }
        }
        self.count_processing(active);
    }

    fn end(&mut self, sequence: Sequence, finish: Finish) {
        self.bury(&sequence);
        let kept = self.slots.release(slot_of(sequence.id));
        self.context.cut_sequence(sequence.id, kept);
        // Before its last word: whoever hears that may look at the gauge next.
        self.metrics.processing.fetch_sub(1, Ordering::Relaxed);
        sequence.finish(finish, &self.metrics);
    }

    fn fail(&mut self, sequence: Sequence, error: EngineError) {
        let slot = slot_of(sequence.id);
        self.bury(&sequence);
        // What its cells hold is not known after an error.
        self.slots.holds(slot, 0);
        self.slots.release(slot);
        self.context.remove_sequence(sequence.id);
        self.metrics.processing.fetch_sub(1, Ordering::Relaxed);
        sequence.fail(error);
    }

    fn bury(&mut self, sequence: &Sequence) {
        if self.steady {
            self.slots.bury(sequence.cells());
        }
    }

    fn count_processing(&self, active: &[Sequence]) {
        self.metrics.processing.store(u64::try_from(active.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// What the channel gave.
pub enum Next {
    Generate(Box<Generate>, Sender<Event>),
    Embed(Texts, Answer),
    Nothing,
    End,
}

/// The next request in the channel.
pub fn next_command(commands: &Receiver<Command>, stopping: &AtomicBool, may_wait: bool) -> Next {
    loop {
        let command = if may_wait {
            match commands.recv() {
                Ok(command) => command,
                Err(_) => return Next::End,
            }
        } else {
            match commands.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Next::Nothing,
            }
        };
        match command {
            Command::Generate { request, events } => return Next::Generate(request, events),
            Command::Embed { texts, answer } => return Next::Embed(texts, answer),
            Command::Stop if stopping.load(Ordering::Relaxed) => return Next::End,
            Command::Stop => {}
        }
    }
}

/// The number of a slot's sequence; there are few.
fn id_of(slot: usize) -> i32 {
    i32::try_from(slot).unwrap_or(i32::MAX)
}

fn slot_of(id: i32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}
