use super::context::Batch;
use super::sampler::Sampler;
use super::text::TextStream;
use super::{EngineError, Event, Finish, Generate, Metrics, Timings};
use crate::clock;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// One generation on its way through the context. The engine thread asks it for tokens, decodes them together with
/// those of others, and hands the logits back.
pub struct Sequence {
    /// Its number in the context.
    pub id: i32,
    prompt: Vec<i32>,
    /// Prompt tokens that are decoded, or in the current batch.
    fed: usize,
    /// Prompt tokens that were there already.
    cached: usize,
    /// Waits until that slot holds so many tokens of the prompt.
    pub wait: Option<(usize, usize)>,
    /// The next token to decode, once the prompt is done.
    next: Option<i32>,
    /// Where in the batch its logits will be.
    output: Option<usize>,
    sampler: Sampler,
    text: TextStream,
    predicted: u32,
    max_predicted: u32,
    started: Instant,
    prompt_done: Option<Instant>,
    deadline: Option<Instant>,
    events: Sender<Event>,
    bytes: Vec<u8>,
}

impl Sequence {
    pub fn start(
        id: i32,
        request: Generate,
        (room, grammar): (u32, Option<LlamaSampler>),
        events: Sender<Event>,
    ) -> Sequence {
        let started = clock::instant();
        let prompt_tokens = u32::try_from(request.prompt.len()).unwrap_or(u32::MAX);
        let sequence = Sequence {
            id,
            fed: 0,
            cached: 0,
            wait: None,
            next: None,
            output: None,
            sampler: Sampler::new(&request.sampling, grammar),
            text: TextStream::new(request.stop),
            predicted: 0,
            max_predicted: request.max_tokens.unwrap_or(u32::MAX).min(room.saturating_sub(prompt_tokens)),
            started,
            prompt_done: None,
            deadline: request.timeout.and_then(|limit| started.checked_add(limit)),
            events,
            bytes: Vec::new(),
            prompt: request.prompt.tokens,
        };
        sequence.send(Event::Started { prompt_tokens });
        sequence
    }

    pub fn prompt(&self) -> &[i32] {
        &self.prompt
    }

    /// Prompt tokens that its cells hold once the present batch is decoded.
    pub fn fed(&self) -> usize {
        self.fed
    }

    /// Cells that it has used by itself.
    pub fn cells(&self) -> usize {
        self.fed.saturating_sub(self.cached).saturating_add(usize::try_from(self.predicted).unwrap_or(usize::MAX))
    }

    pub fn is_generating(&self) -> bool {
        self.next.is_some()
    }

    /// Starts behind the first `tokens` of its prompt, which its cells hold already.
    pub fn begin_at(&mut self, tokens: usize) {
        (self.fed, self.cached, self.wait) = (tokens, tokens, None);
    }

    /// Adds to `batch` what this sequence needs decoded next, at most `room` tokens.
    pub fn feed(&mut self, batch: &mut Batch, room: usize) {
        self.output = None;
        let position = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
        if let Some(token) = self.next {
            let at = self.prompt.len().saturating_add(self.predicted as usize).saturating_sub(1);
            self.output = Some(batch.push(token, position(at), self.id, true));
            return;
        }
        let last = self.prompt.len().saturating_sub(1);
        for (at, &token) in self.prompt.iter().enumerate().skip(self.fed).take(room) {
            let index = batch.push(token, position(at), self.id, at == last);
            if at == last {
                self.output = Some(index);
            }
            self.fed = at.saturating_add(1);
        }
    }

    /// The batch index of the logits it waits for, when its part of the batch asked for any.
    pub fn output(&self) -> Option<usize> {
        self.output
    }

    /// Takes the logits after its last token: chooses the next one and sends its text. `Some` when it is finished.
    pub fn advance(&mut self, logits: &[f32], vocabulary: &LlamaVocab) -> Result<Option<Finish>, EngineError> {
        self.prompt_done.get_or_insert_with(clock::instant);
        let token = self.sampler.next(logits)?;
        if vocabulary.is_eog(LlamaToken(token)) {
            self.flush();
            return Ok(Some(Finish::Stop));
        }
        self.predicted = self.predicted.saturating_add(1);
        self.next = Some(token);
        self.bytes.clear();
        vocabulary.token_to_piece_into(LlamaToken(token), &mut self.bytes, false, None);
        let flow = self.text.push(&self.bytes);
        self.send_text(flow.text);
        if flow.stopped {
            return Ok(Some(Finish::Stop));
        }
        if self.predicted >= self.max_predicted {
            self.flush();
            return Ok(Some(Finish::Length));
        }
        Ok(None)
    }

    /// Whether it must end now, whatever the model says.
    pub fn overdue(&self) -> Option<Finish> {
        if self.events.is_closed() {
            return Some(Finish::Cancelled);
        }
        self.deadline.filter(|&at| clock::instant() >= at).map(|_| Finish::TimedOut)
    }

    /// A check of [`Sequence::overdue`] for use during a decode.
    pub fn abort_check(&self) -> impl Fn() -> bool + Send + 'static {
        let (events, deadline) = (self.events.downgrade(), self.deadline);
        move || {
            let unwanted = events.upgrade().is_none_or(|events| events.is_closed());
            unwanted || deadline.is_some_and(|at| clock::instant() >= at)
        }
    }

    /// Ends it with what it has done so far.
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

    /// Ends it with an error.
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
        // The channel has room for every event a generation can send (`channel_size`), so this fails only when the
        // receiver has gone, which `overdue` will see.
        let _ = self.events.try_send(event);
    }
}

/// Room for every event of a generation in a context of this size: a slow reader never stops the engine.
pub fn channel_size(context: u32) -> usize {
    usize::try_from(context).unwrap_or(usize::MAX >> 4).saturating_add(8)
}
