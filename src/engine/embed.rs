//! Makes vectors from texts. No sequence continues after its decode, so each call of llama_decode takes whole texts, as
//! many as fit, from any of the waiting requests.

use super::command::{Answer, Command, Next, next_command};
use super::context::{Batch, Context, Decoded};
use super::thread_counts::{Counts, ThreadCounts};
use super::{EngineError, Metrics, Vectors};
use crate::clock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// The largest number of texts in one decode. More gain nothing: short ones fill a batch long before.
pub const TEXTS: u32 = 64;

struct Asked {
    texts: Vec<Vec<i32>>,
    /// The vectors of the first texts, as far as they are done.
    vectors: Vec<Vec<f32>>,
    answer: Answer,
}

/// The thread of an engine that gives vectors.
pub struct EmbedThread {
    pub context: Context,
    /// The number of tokens up to which a batch is filled; a longer text has a batch of its own.
    pub batch_tokens: usize,
    /// The number of requests that are processed at the same time.
    pub at_once: usize,
    /// What the numbers of threads are to be, and what they were the last time.
    pub counts: Arc<ThreadCounts>,
    pub seen: Counts,
    pub commands: Receiver<Command>,
    pub metrics: Arc<Metrics>,
    pub stopping: Arc<AtomicBool>,
}

impl EmbedThread {
    /// Works until a stop is requested or the channel of commands is closed.
    pub fn run(mut self) {
        let mut asked: VecDeque<Asked> = VecDeque::new();
        let mut batch = Batch::default();
        while self.admit(&mut asked) {
            asked.retain(|one| !one.answer.is_closed());
            self.count(&asked);
            if asked.is_empty() {
                continue;
            }
            if let Err(error) = self.step(&mut asked, &mut batch) {
                for one in asked.drain(..) {
                    send(&one.answer, Err(error.clone()));
                }
            }
            self.count(&asked);
        }
    }

    /// Takes requests while there is room; waits for one when there is none. Returns false when it is time to end.
    fn admit(&mut self, asked: &mut VecDeque<Asked>) -> bool {
        while asked.len() < self.at_once.max(1) {
            if self.stopping.load(Ordering::Relaxed) {
                return false;
            }
            match next_command(&self.commands, &self.stopping, asked.is_empty()) {
                Next::Embed(texts, answer) => {
                    self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
                    asked.push_back(Asked { texts: texts.tokens, vectors: Vec::new(), answer });
                    self.count(asked);
                }
                // Refused before it is queued.
                Next::Generate(..) => {
                    self.metrics.deferred.fetch_sub(1, Ordering::Relaxed);
                }
                Next::Nothing => break,
                Next::End => return false,
            }
        }
        !self.stopping.load(Ordering::Relaxed)
    }

    /// Runs one decode for the first texts that are not done, and sends the answers that it completes.
    fn step(&mut self, asked: &mut VecDeque<Asked>, batch: &mut Batch) -> Result<(), EngineError> {
        let chosen = choose(asked, batch, self.batch_tokens);
        if chosen.is_empty() {
            return Ok(());
        }
        let watched: Vec<_> = asked.iter().map(|one| one.answer.downgrade()).collect();
        let stopping = Arc::clone(&self.stopping);
        self.context.set_abort_check(Some(Box::new(move || {
            let unwanted = |one: &tokio::sync::mpsc::WeakSender<_>| one.upgrade().is_none_or(|a: Answer| a.is_closed());
            stopping.load(Ordering::Relaxed) || watched.iter().all(unwanted)
        })));
        self.metrics.count_decode(chosen.len());
        if let Some(counts) = self.counts.changed(&mut self.seen) {
            self.context.set_threads(counts.threads_batch);
        }
        let before = clock::instant();
        let decoded = self.context.decode(batch)?;
        self.context.forget_all();
        if decoded == Decoded::Aborted {
            // No receiver is left, or a stop was requested: the next round ends the requests.
            return Ok(());
        }
        self.account(batch.len(), clock::instant().saturating_duration_since(before));
        for (sequence, at) in (0_i32..).zip(chosen) {
            let vector = unit(self.context.pooled(sequence)?)?;
            if let Some(one) = asked.get_mut(at) {
                one.vectors.push(vector);
            }
        }
        while let Some(mut one) = asked.pop_front_if(|one| one.vectors.len() >= one.texts.len()) {
            let prompt_tokens = one.texts.iter().map(Vec::len).sum::<usize>();
            let prompt_tokens = u32::try_from(prompt_tokens).unwrap_or(u32::MAX);
            let vectors = std::mem::take(&mut one.vectors);
            // Before the last event: its receiver may read the gauge next.
            self.count(asked);
            send(&one.answer, Ok(Vectors { vectors, prompt_tokens }));
        }
        Ok(())
    }

    fn account(&self, tokens: usize, took: Duration) {
        self.metrics.prompt_tokens.fetch_add(u64::try_from(tokens).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.metrics.prompt_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn count(&self, asked: &VecDeque<Asked>) {
        self.metrics.processing.store(u64::try_from(asked.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Fills the batch with the next texts, each a sequence of its own. Returns the index of the request of each, in the
/// order of sequences.
fn choose(asked: &VecDeque<Asked>, batch: &mut Batch, batch_tokens: usize) -> Vec<usize> {
    batch.clear();
    let mut chosen = Vec::new();
    let waiting = asked.iter().enumerate().flat_map(|(at, one)| {
        one.texts.iter().skip(one.vectors.len()).map(move |text| (at, text)) //
    });
    for (sequence, (at, text)) in (0_i32..).zip(waiting).take(TEXTS as usize) {
        if !chosen.is_empty() && batch.len().saturating_add(text.len()) > batch_tokens {
            break;
        }
        for (position, &token) in (0_i32..).zip(text) {
            batch.push(token, position, sequence, true);
        }
        chosen.push(at);
    }
    chosen
}

fn send(answer: &Answer, result: Result<Vectors, EngineError>) {
    // The channel has room for this answer. A receiver that was dropped does not need it.
    let _ = answer.try_send(result);
}

/// Returns the vector scaled to length 1. A vector of zeros stays as it is.
fn unit(vector: &[f32]) -> Result<Vec<f32>, EngineError> {
    let length = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if !length.is_finite() {
        return Err(EngineError::Decode("the model computed no valid number".into()));
    }
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    Ok(vector.iter().map(|&x| (f64::from(x) * scale) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lengths: &[usize], done: usize) -> Asked {
        let texts = lengths.iter().map(|&n| vec![1; n]).collect();
        Asked { texts, vectors: vec![Vec::new(); done], answer: tokio::sync::mpsc::channel(1).0 }
    }

    #[test]
    fn a_batch_takes_whole_texts_of_all_who_wait_and_a_long_one_alone() {
        let mut batch = Batch::default();
        let all = VecDeque::from([asked(&[3, 4, 5], 1), asked(&[3], 0), asked(&[1], 0)]);
        assert_eq!(choose(&all, &mut batch, 12), [0, 0, 1]);
        assert_eq!(batch.len(), 12);
        let long = VecDeque::from([asked(&[40, 1], 0)]);
        assert_eq!(choose(&long, &mut batch, 12), [0]);
        assert_eq!(batch.len(), 40);
    }

    #[test]
    fn a_vector_has_length_one_and_no_broken_number() {
        assert_eq!(unit(&[3.0, -4.0]), Ok(vec![0.6, -0.8]));
        assert_eq!(unit(&[0.0, 0.0]), Ok(vec![0.0, 0.0]));
        assert!(unit(&[f32::NAN]).is_err() && unit(&[f32::INFINITY]).is_err());
    }
}
