use super::context::{Batch, Context, Decoded};
use super::pace::Pace;
use super::sequence::Sequence;
use super::{EngineError, Event, Finish, Generate, Metrics};
use crate::clock;
use llama_cpp_2::model::LlamaModel;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use tokio::sync::mpsc::Sender;

/// Sequences that share the context.
pub const SEQUENCES: u32 = 1;

/// What the engine thread is asked.
pub enum Command {
    Generate {
        request: Box<Generate>,
        events: Sender<Event>,
    },
    /// Wakes it, so that it sees the stop flag.
    Stop,
}

/// The engine thread's own things.
pub struct EngineThread {
    pub model: Arc<LlamaModel>,
    pub context: Context,
    pub batch_tokens: usize,
    pub pace: Pace,
    /// For prompts, at most.
    pub threads_batch: u32,
    pub commands: Receiver<Command>,
    pub metrics: Arc<Metrics>,
    pub stopping: Arc<AtomicBool>,
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

    /// Takes requests while a sequence is free; waits for one when none is active. `Some(true)` when there are new
    /// ones, `None` when it is time to end.
    fn admit(&mut self, active: &mut Vec<Sequence>) -> Option<bool> {
        let mut admitted = false;
        loop {
            if self.stopping.load(Ordering::Relaxed) {
                return None;
            }
            let free =
                (0..SEQUENCES).filter_map(|id| i32::try_from(id).ok()).find(|id| active.iter().all(|s| s.id != *id));
            let Some(id) = free else { return Some(admitted) };
            let command = if active.is_empty() {
                self.commands.recv().ok()?
            } else {
                match self.commands.try_recv() {
                    Ok(command) => command,
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Some(admitted),
                }
            };
            let Command::Generate { request, events } = command else { continue };
            self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
            // Whoever asked may have gone while it waited.
            if !events.is_closed() {
                active.push(Sequence::start(id, *request, self.context.size(), events));
                admitted = true;
                self.count_processing(active);
            }
        }
    }

    /// One decode for all, and what follows from it.
    fn step(&mut self, active: &mut Vec<Sequence>, batch: &mut Batch) -> Result<(), EngineError> {
        batch.clear();
        for sequence in active.iter_mut() {
            sequence.feed(batch, self.batch_tokens.saturating_sub(batch.len()));
        }
        self.metrics.decodes.fetch_add(1, Ordering::Relaxed);
        // A step with prompt tokens in it says nothing about the speed of single tokens.
        let single = batch.len() == active.len();
        self.context.set_threads(if single {
            self.pace.threads()
        } else {
            self.pace.prompt_threads(self.threads_batch)
        });
        let before = clock::instant();
        if self.context.decode(batch)? == Decoded::Aborted {
            // Only when every sequence is overdue, or all stop: the next round ends them.
            return Ok(());
        }
        let after = clock::instant();
        if single {
            self.pace.observe(after.saturating_duration_since(before), after);
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
        self.context.remove_sequence(sequence.id);
        // Before its last word: whoever hears that may look at the gauge next.
        self.metrics.processing.fetch_sub(1, Ordering::Relaxed);
        sequence.finish(finish, &self.metrics);
    }

    fn fail(&mut self, sequence: Sequence, error: EngineError) {
        self.context.remove_sequence(sequence.id);
        self.metrics.processing.fetch_sub(1, Ordering::Relaxed);
        sequence.fail(error);
    }

    fn count_processing(&self, active: &[Sequence]) {
        self.metrics.processing.store(u64::try_from(active.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
