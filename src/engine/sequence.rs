use super::chain::Around;
use super::constraint::Constraint;
use super::context::Batch;
use super::form::Rule;
use super::sampler::{Sampler, Step};
use super::text::TextStream;
use super::{AtWork, EngineError, Event, Finish, Generate, Metrics, Timings, Working};
use crate::clock;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// One running generation in the context. The engine thread takes tokens from it, decodes them together with those of
/// others, and returns the logits.
pub struct Sequence {
    /// Its number in the context.
    pub id: i32,
    prompt: Vec<i32>,
    /// Prompt tokens that are decoded, or in the current batch.
    fed: usize,
    /// Prompt tokens that were already in the cache.
    cached: usize,
    /// The slot to wait for, and the number of tokens of the prompt that it must hold first.
    pub wait: Option<(usize, usize)>,
    /// The tokens to decode next, once the prompt is done: the chosen one, and those that must follow it.
    next: VecDeque<i32>,
    /// Tokens of the answer that are decoded, or in the current batch.
    answered: usize,
    /// Whether prompt tokens are in the current batch.
    reads: bool,
    /// The index of its logits in the batch.
    output: Option<usize>,
    sampler: Sampler,
    text: TextStream,
    predicted: u32,
    max_predicted: u32,
    started: Instant,
    prompt_done: Option<Instant>,
    deadline: Option<Instant>,
    events: Sender<Event>,
    at_work: AtWork,
    bytes: Vec<u8>,
}

impl Sequence {
    pub fn start(
        id: i32,
        request: Generate,
        (model, room, rule): (&LlamaModel, u32, Option<Rule>),
        events: Sender<Event>,
    ) -> Sequence {
        let started = clock::instant();
        let around = Around { model, room, prompt: &request.prompt.tokens };
        let prompt_tokens = u32::try_from(request.prompt.len()).unwrap_or(u32::MAX);
        let sequence = Sequence {
            id,
            fed: 0,
            cached: 0,
            wait: None,
            next: VecDeque::new(),
            answered: 0,
            reads: false,
            output: None,
            sampler: Sampler::new(&request.sampling, Some(around), rule),
            text: TextStream::new(request.stop),
            predicted: 0,
            max_predicted: request.max_tokens.unwrap_or(u32::MAX).min(room.saturating_sub(prompt_tokens)),
            started,
            prompt_done: None,
            deadline: request.timeout.and_then(|limit| started.checked_add(limit)),
            events,
            at_work: request.at_work,
            bytes: Vec::new(),
            prompt: request.prompt.tokens,
        };
        sequence.send(Event::Started { prompt_tokens });
        sequence
    }

    pub fn prompt(&self) -> &[i32] {
        &self.prompt
    }

    /// Marks that the engine works for this request alone, until the returned value is dropped.
    pub fn at_work(&self) -> Working {
        self.at_work.begin()
    }

    /// Returns the number of prompt tokens that its cells hold once the present batch is decoded.
    pub fn fed(&self) -> usize {
        self.fed
    }

    /// Returns the number of cells that it has used itself.
    pub fn cells(&self) -> usize {
        self.fed.saturating_sub(self.cached).saturating_add(self.answered)
    }

    /// Returns whether its prompt is decoded, or in the current batch.
    pub fn is_generating(&self) -> bool {
        self.fed >= self.prompt.len()
    }

    /// Returns whether a part of its prompt is in the current batch.
    pub fn is_reading(&self) -> bool {
        self.reads
    }

    /// Writes the tokens with which every answer under its constraint begins. Returns `Some` when they are the whole
    /// answer.
    ///
    /// # Errors
    /// The constraint cannot be followed.
    pub fn begin(&mut self, vocabulary: &LlamaVocab) -> Result<Option<Finish>, EngineError> {
        let forced = self.sampler.begin()?;
        let done = self.sampler.is_done();
        Ok(self.write(&forced, done, vocabulary))
    }

    /// Returns the constraint whose mask can be computed during a decode.
    pub fn ahead(&mut self) -> Option<&mut Constraint> {
        self.sampler.ahead()
    }

    /// Starts after the first `tokens` of its prompt, which its cells already hold.
    pub fn begin_at(&mut self, tokens: usize) {
        (self.fed, self.cached, self.wait) = (tokens, tokens, None);
    }

    /// Adds to `batch` the tokens that this sequence needs decoded next, at most `room` of them.
    pub fn feed(&mut self, batch: &mut Batch, room: usize) {
        self.output = None;
        self.reads = self.fed < self.prompt.len();
        let position = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
        let last = self.prompt.len().saturating_sub(1);
        let mut room = room;
        for (at, &token) in self.prompt.iter().enumerate().skip(self.fed).take(room) {
            // When the start of the answer is known, the logits after the prompt are not needed.
            let wants_logits = at == last && self.next.is_empty();
            let index = batch.push(token, position(at), self.id, wants_logits);
            if wants_logits {
                self.output = Some(index);
            }
            self.fed = at.saturating_add(1);
            room = room.saturating_sub(1);
        }
        if self.fed < self.prompt.len() {
            return;
        }
        while room > 0
            && let Some(token) = self.next.pop_front()
        {
            let at = self.prompt.len().saturating_add(self.answered);
            let index = batch.push(token, position(at), self.id, self.next.is_empty());
            if self.next.is_empty() {
                self.output = Some(index);
            }
            self.answered = self.answered.saturating_add(1);
            room = room.saturating_sub(1);
        }
    }

    /// Returns the batch index of the logits that it waits for, when its part of the batch requested any.
    pub fn output(&self) -> Option<usize> {
        self.output
    }

    /// Takes the logits after its last token: chooses the next token and sends its text. Returns `Some` when it is
    /// finished.
    pub fn advance(&mut self, logits: &[f32], vocabulary: &LlamaVocab) -> Result<Option<Finish>, EngineError> {
        self.prompt_done.get_or_insert_with(clock::instant);
        let Step { token, forced, done } = self.sampler.next(logits)?;
        if vocabulary.is_eog(LlamaToken(token)) {
            self.flush();
            return Ok(Some(Finish::Stop));
        }
        let mut tokens = vec![token];
        tokens.extend(forced);
        Ok(self.write(&tokens, done, vocabulary))
    }

    /// Adds tokens to the answer. Returns `Some` when the answer ends with them, as it does when nothing can follow
    /// (`done`).
    fn write(&mut self, tokens: &[i32], done: bool, vocabulary: &LlamaVocab) -> Option<Finish> {
        let mut left = tokens.len();
        for &token in tokens {
            left = left.saturating_sub(1);
            self.predicted = self.predicted.saturating_add(1);
            self.next.push_back(token);
            self.bytes.clear();
            vocabulary.token_to_piece_into(LlamaToken(token), &mut self.bytes, false, None);
            let flow = self.text.push(&self.bytes);
            self.send_text(flow.text);
            if flow.stopped {
                return Some(Finish::Stop);
            }
            if self.predicted >= self.max_predicted && !(done && left == 0) {
                self.flush();
                return Some(Finish::Length);
            }
        }
        done.then(|| {
            self.flush();
            Finish::Stop
        })
    }

    /// Returns the reason why it must end now, whatever the model chooses.
    pub fn overdue(&self) -> Option<Finish> {
        if self.events.is_closed() {
            return Some(Finish::Cancelled);
        }
        self.deadline.filter(|&at| clock::instant() >= at).map(|_| Finish::TimedOut)
    }

    /// Returns a check of [`Sequence::overdue`] for use during a decode.
    pub fn abort_check(&self) -> impl Fn() -> bool + Send + 'static {
        let (events, deadline) = (self.events.downgrade(), self.deadline);
        move || {
            let unwanted = events.upgrade().is_none_or(|events| events.is_closed());
            unwanted || deadline.is_some_and(|at| clock::instant() >= at)
        }
    }

    /// Ends the generation with the text so far.
    pub fn finish(mut self, finish: Finish, metrics: &Metrics) {
        if matches!(finish, Finish::Cancelled | Finish::TimedOut) {
            self.flush();
        }
        let timings = self.timings();
        let count = |counter: &std::sync::atomic::AtomicU64, n: u64| counter.fetch_add(n, Ordering::Relaxed);
        count(&metrics.prompt_tokens, u64::from(timings.prompt_n));
        count(&metrics.cached_tokens, u64::from(timings.cache_n));
        count(&metrics.predicted_tokens, u64::from(timings.predicted_n));
        count(&metrics.prompt_us, (timings.prompt_ms * 1e3) as u64);
        count(&metrics.predicted_us, (timings.predicted_ms * 1e3) as u64);
        self.send(Event::Done { finish, timings });
    }

    /// Ends the generation with an error.
    pub fn fail(self, error: EngineError) {
        self.send(Event::Failed(error));
    }

    fn timings(&self) -> Timings {
        let now = clock::instant();
        let prompt_time = self.prompt_done.unwrap_or(now).saturating_duration_since(self.started);
        let predicted_time = self.prompt_done.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let computed = count(self.fed.saturating_sub(self.cached));
        let timings = Timings::new((computed, prompt_time), (self.predicted, predicted_time));
        Timings { cache_n: count(self.cached), ..timings }
    }

    fn flush(&mut self) {
        let rest = self.text.finish();
        self.send_text(rest);
    }

    fn send_text(&self, text: String) {
        if !text.is_empty() {
            self.send(Event::Piece(text));
        }
    }

    fn send(&self, event: Event) {
        // The channel has room for every event that a generation can send (`channel_size`), so this fails only when the
        // receiver was dropped, which `overdue` will see.
        let _ = self.events.try_send(event);
    }
}

/// Returns room for every event of a generation in a context of this size: a slow reader never stops the engine.
pub fn channel_size(context: u32) -> usize {
    usize::try_from(context).unwrap_or(usize::MAX >> 4).saturating_add(8)
}
