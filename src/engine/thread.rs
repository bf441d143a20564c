use super::command::{Asked, Command, Next, next_command};
use super::context::{Batch, Context, Decoded};
use super::sequence::Sequence;
use super::slots::Slots;
use super::thread_counts::{Counts, ThreadCounts};
use super::thread_tuner::ThreadTuner;
use super::{EngineError, Event, Finish, Metrics};
use crate::clock;
use llama_cpp_2::model::LlamaModel;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use tokio::sync::mpsc::Sender;

/// The number of sequences whose next tokens one thread computes: most take 50 microseconds, the worst 20 milliseconds.
const MASKS_EACH: usize = 4;

/// The state of the engine thread.
pub struct EngineThread {
    pub model: Arc<LlamaModel>,
    pub context: Context,
    pub slots: Slots,
    /// Tokens of context of one request.
    pub room: u32,
    /// The request that was taken from the channel and has to wait for room.
    pub waiting: Option<(Box<Asked>, Sender<Event>)>,
    pub batch_tokens: usize,
    pub pace: ThreadTuner,
    /// The largest number of threads for prompts.
    pub threads_batch: u32,
    /// What both numbers of threads are to be, and what they were the last time.
    pub counts: Arc<ThreadCounts>,
    pub seen: Counts,
    pub commands: Receiver<Command>,
    pub metrics: Arc<Metrics>,
    pub stopping: Arc<AtomicBool>,
    /// Whether cells are used only once, until all requests have ended.
    pub reproducible: bool,
}

impl EngineThread {
    /// Works until a stop is requested or the channel of commands is closed. Requests are admitted between two decodes,
    /// while there is a free sequence; the others wait in the channel, whose bound is the queue's.
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

    /// Takes requests while there is room; waits for one when none is active. Returns `Some(true)` when there are new
    /// ones, `None` when it is time to end.
    fn admit(&mut self, active: &mut Vec<Sequence>) -> Option<bool> {
        let mut admitted = false;
        loop {
            if self.stopping.load(Ordering::Relaxed) {
                return None;
            }
            let (asked, events) = match self.waiting.take() {
                Some(waiting) => waiting,
                None => match next_command(&self.commands, &self.stopping, active.is_empty()) {
                    Next::Generate(asked, events) => (asked, events),
                    // Refused before it is queued.
                    Next::Embed(..) => {
                        self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
                        continue;
                    }
                    Next::Nothing => return Some(admitted),
                    Next::End => return None,
                },
            };
            // The receiver may have been dropped while the request waited.
            if events.is_closed() {
                self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let request = &asked.request;
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
                self.waiting = Some((asked, events));
                return Some(admitted);
            };
            self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
            for slot in &place.evict {
                self.context.remove_sequence(id_of(*slot));
            }
            let id = id_of(place.slot);
            self.context.cut_sequence(id, place.keep);
            let Asked { request, rule } = *asked;
            let mut sequence = Sequence::start(id, request, (&self.model, self.room, rule), events);
            match place.copy {
                Some((from, tokens)) => {
                    self.context.remove_sequence(id);
                    self.context.copy_sequence(id_of(from), id, tokens);
                    sequence.begin_at(tokens);
                }
                None => sequence.begin_at(place.keep),
            }
            sequence.wait = place.wait;
            let model = Arc::clone(&self.model);
            let working = sequence.at_work();
            let whole = sequence.begin(&model.vocab());
            drop(working);
            self.metrics.beat();
            if !matches!(whole, Ok(None)) {
                self.metrics.processing.fetch_add(1, Ordering::Relaxed);
            }
            match whole {
                Ok(None) => active.push(sequence),
                Ok(Some(finish)) => self.end(sequence, finish),
                // The constraint was checked when the request came. The client gets the error, and other requests are
                // not affected.
                Err(error) => self.fail(sequence, error),
            }
            admitted = true;
            self.count_processing(active);
        }
    }

    /// Continues requests that wait for a prefix: with the prefix when it is complete, without it when nothing computes
    /// it any more.
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

    /// Runs one decode for all sequences, and processes its results.
    fn step(&mut self, active: &mut Vec<Sequence>, batch: &mut Batch) -> Result<(), EngineError> {
        batch.clear();
        self.release_waiting(active);
        // Running answers come first: a long prompt must not delay them. They are fewer than a batch has tokens.
        let mut fed = 0_usize;
        // The tokens that a constraint forces must leave one token to each of the others.
        let mut others = active.iter().filter(|s| s.is_generating() && s.wait.is_none()).count();
        for generating in [true, false] {
            for sequence in active.iter_mut().filter(|s| s.is_generating() == generating && s.wait.is_none()) {
                let before = batch.len();
                others = others.saturating_sub(usize::from(generating));
                sequence.feed(batch, self.batch_tokens.saturating_sub(before).saturating_sub(others));
                fed = fed.saturating_add(usize::from(batch.len() > before));
            }
        }
        if batch.len() == 0 {
            return Ok(());
        }
        self.metrics.count_decode(fed);
        self.take_counts();
        // The time of a step with prompt tokens is no measure of the speed of single tokens.
        let single = batch.len() == active.len();
        self.context.set_threads(if self.reproducible {
            // Some sums are split by the number of threads.
            self.threads_batch
        } else if single {
            self.pace.threads()
        } else {
            self.pace.prompt_threads(self.threads_batch)
        });
        let before = clock::instant();
        if self.decode(batch, active)? == Decoded::Aborted {
            // Only when every sequence is overdue, or a stop was requested: the next round ends them. It is unknown
            // which tokens of the batch their cells hold.
            for sequence in active.iter() {
                self.slots.holds(slot_of(sequence.id), 0);
            }
            return Ok(());
        }
        let after = clock::instant();
        for sequence in active.iter().filter(|s| s.is_reading()) {
            self.slots.holds(slot_of(sequence.id), sequence.fed());
        }
        if single {
            self.pace.observe(after.saturating_duration_since(before), active.len(), after);
        }
        let model = Arc::clone(&self.model);
        let vocabulary = model.vocab();
        for mut sequence in std::mem::take(active) {
            let working = sequence.at_work();
            let finish = match sequence.output() {
                Some(index) => self.context.logits(index).and_then(|logits| sequence.advance(logits, &vocabulary)),
                None => Ok(None),
            };
            drop(working);
            self.metrics.beat();
            match finish {
                Ok(None) => active.push(sequence),
                Ok(Some(finish)) => self.end(sequence, finish),
                Err(error) => self.fail(sequence, error),
            }
        }
        Ok(())
    }

    /// Takes over numbers of threads that were set since the last decode.
    fn take_counts(&mut self) {
        if let Some(Counts { threads, threads_batch }) =
            self.counts.changed(&mut self.seen).filter(|_| !self.reproducible)
        {
            self.pace = self.pace.with_most(threads, clock::instant());
            self.threads_batch = threads_batch;
        }
    }

    /// Decodes, and computes meanwhile which tokens are allowed next in the sequences that wait for logits under a
    /// schema.
    fn decode(&mut self, batch: &mut Batch, active: &mut [Sequence]) -> Result<Decoded, EngineError> {
        let waiting = active.iter_mut().filter(|sequence| sequence.output().is_some());
        let mut ahead: Vec<_> = waiting.filter_map(Sequence::ahead).collect();
        if ahead.is_empty() {
            return self.context.decode(batch);
        }
        std::thread::scope(|scope| {
            for some in ahead.chunks_mut(MASKS_EACH) {
                let work = move || some.iter_mut().for_each(|constraint| constraint.prepare_mask());
                // Without a thread, the mask is computed when it is needed.
                let _ = std::thread::Builder::new().name("masks".into()).spawn_scoped(scope, work);
            }
            self.context.decode(batch)
        })
    }

    /// Sets the check that aborts a decode when all of its sequences must end.
    fn arm_abort(&mut self, active: &[Sequence]) {
        let checks: Vec<_> = active.iter().map(Sequence::abort_check).collect();
        let (stopping, metrics) = (Arc::clone(&self.stopping), Arc::clone(&self.metrics));
        self.context.set_abort_check(Some(Box::new(move || {
            metrics.beat();
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
        self.retire_cells(&sequence);
        let kept = self.slots.release(slot_of(sequence.id));
        self.context.cut_sequence(sequence.id, kept);
        // Before the last event: its receiver may read the gauge next.
        self.metrics.processing.fetch_sub(1, Ordering::Relaxed);
        sequence.finish(finish, &self.metrics);
    }

    fn fail(&mut self, sequence: Sequence, error: EngineError) {
        let slot = slot_of(sequence.id);
        self.retire_cells(&sequence);
        // It is unknown which tokens its cells hold after an error.
        self.slots.holds(slot, 0);
        self.slots.release(slot);
        self.context.remove_sequence(sequence.id);
        self.metrics.processing.fetch_sub(1, Ordering::Relaxed);
        sequence.fail(error);
    }

    fn retire_cells(&mut self, sequence: &Sequence) {
        if self.reproducible {
            self.slots.retire_cells(sequence.cells());
        }
    }

    fn count_processing(&self, active: &[Sequence]) {
        self.metrics.processing.store(u64::try_from(active.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Returns the number of a slot's sequence; there are few.
fn id_of(slot: usize) -> i32 {
    i32::try_from(slot).unwrap_or(i32::MAX)
}

fn slot_of(id: i32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}
