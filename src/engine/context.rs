//! A llama.cpp context, over the C API: the safe wrapper cannot set the abort callback, and without it a cancel would
//! wait for a whole prompt batch, which takes a minute with a large model on a few cores.

use super::reproducible::{self, Extra};
use super::{EngineError, LoadSpec, Pooling, log};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

/// Tokens to decode together, each with its position and its sequence.
#[derive(Debug, Default)]
pub struct Batch {
    tokens: Vec<i32>,
    positions: Vec<i32>,
    sequences: Vec<i32>,
    wants_logits: Vec<i8>,
}

impl Batch {
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.positions.clear();
        self.sequences.clear();
        self.wants_logits.clear();
    }

    /// Adds a token. Returns the index by which [`Context::logits`] finds its logits after decoding.
    pub fn push(&mut self, token: i32, position: i32, sequence: i32, wants_logits: bool) -> usize {
        self.tokens.push(token);
        self.positions.push(position);
        self.sequences.push(sequence);
        self.wants_logits.push(i8::from(wants_logits));
        self.tokens.len().saturating_sub(1)
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns the number of tokens whose logits are wanted.
    fn outputs(&self) -> usize {
        self.wants_logits.iter().filter(|wants| **wants != 0).count()
    }
}

/// The outcome of a decode without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    Done,
    /// The abort check ended the decode. The sequences of the batch must then be removed.
    Aborted,
}

type AbortCheck = Box<dyn Fn() -> bool + Send>;

/// The data that the abort callback reads. Boxed, since llama.cpp keeps its address.
#[derive(Default)]
struct Abort {
    check: Mutex<Option<AbortCheck>>,
}

pub struct Context {
    raw: NonNull<sys::llama_context>,
    abort: Box<Abort>,
    vocabulary: usize,
    /// Extra sequences, where answers must not depend on concurrent requests.
    extra: Option<Extra>,
    /// Freed after the context, which points into it.
    _model: Arc<LlamaModel>,
}

// SAFETY: a llama_context is not bound to the thread that made it; it must only not be used by two at once, which `&mut
// self` on every method prevents. The abort check is `Send`.
unsafe impl Send for Context {}

impl Context {
    /// Creates a context of `context` tokens for `sequences` sequences that share them.
    pub fn new(model: Arc<LlamaModel>, spec: &LoadSpec, context: u32, sequences: u32) -> Result<Context, EngineError> {
        if !spec.reproducible {
            return Context::with(model, spec, (context, sequences), |_| {});
        }
        let all = sequences.saturating_add(Extra::COUNT);
        let mut made = Context::with(model, spec, (context, all), |params| {
            params.n_batch = reproducible::BATCH;
            params.n_ubatch = reproducible::BATCH;
            params.flash_attn_type = sys::LLAMA_FLASH_ATTN_TYPE_ENABLED;
            params.swa_full = true;
        })?;
        made.extra = Some(Extra::behind(sequences));
        Ok(made)
    }

    /// Creates a context for vectors instead of text: `most` tokens in a batch, which is then decoded in one piece,
    /// since llama.cpp makes one vector from the tokens that it decodes together.
    pub fn for_vectors(
        model: Arc<LlamaModel>,
        spec: &LoadSpec,
        (most, sequences): (u32, u32),
        pooling: Option<Pooling>,
    ) -> Result<Context, EngineError> {
        Context::with(model, spec, (most, sequences), |params| {
            params.embeddings = true;
            params.n_batch = most;
            params.n_ubatch = most;
            params.pooling_type = match pooling {
                None => sys::LLAMA_POOLING_TYPE_UNSPECIFIED,
                Some(Pooling::None) => sys::LLAMA_POOLING_TYPE_NONE,
                Some(Pooling::Mean) => sys::LLAMA_POOLING_TYPE_MEAN,
                Some(Pooling::Cls) => sys::LLAMA_POOLING_TYPE_CLS,
                Some(Pooling::Last) => sys::LLAMA_POOLING_TYPE_LAST,
                Some(Pooling::Rank) => sys::LLAMA_POOLING_TYPE_RANK,
            };
        })
    }

    fn with(
        model: Arc<LlamaModel>,
        spec: &LoadSpec,
        (context, sequences): (u32, u32),
        change: impl FnOnce(&mut sys::llama_context_params),
    ) -> Result<Context, EngineError> {
        let abort = Box::<Abort>::default();
        // SAFETY: no arguments, no state.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = context;
        params.n_batch = spec.batch;
        params.n_ubatch = spec.batch.min(512);
        params.n_seq_max = sequences;
        params.kv_unified = true;
        // Cells for a sliding window only, as in llama-server: `show` estimates the same, and it takes a fraction of
        // the memory.
        params.swa_full = false;
        params.n_threads = i32::try_from(spec.threads).unwrap_or(i32::MAX);
        params.n_threads_batch = i32::try_from(spec.threads_batch).unwrap_or(i32::MAX);
        params.no_perf = true;
        params.abort_callback = Some(should_abort);
        params.abort_callback_data = (&raw const *abort).cast_mut().cast::<c_void>();
        change(&mut params);
        // SAFETY: `LlamaModel` is a transparent wrapper of the pointer to a llama_model, and that model lives in the
        // `Arc` that this context keeps. No other context of it is being made: only the load thread makes one.
        let raw = unsafe {
            let model_pointer = *(&raw const *model).cast::<*mut sys::llama_model>();
            sys::llama_init_from_model(model_pointer, params)
        };
        let raw = NonNull::new(raw).ok_or_else(|| {
            EngineError::Refused(log::take_reason().unwrap_or_else(|| "llama.cpp could not make a context".into()))
        })?;
        let vocabulary = usize::try_from(model.n_vocab()).unwrap_or(0);
        Ok(Context { raw, abort, vocabulary, extra: None, _model: model })
    }

    /// Returns the number of tokens that fit; llama.cpp may have rounded the requested number.
    pub fn size(&self) -> u32 {
        // SAFETY: `raw` is a live context.
        unsafe { sys::llama_n_ctx(self.raw.as_ptr()) }
    }

    /// Sets the number of threads for the next decode.
    pub fn set_threads(&mut self, threads: u32) {
        let threads = i32::try_from(threads).unwrap_or(i32::MAX);
        // SAFETY: `raw` is a live context.
        unsafe { sys::llama_set_n_threads(self.raw.as_ptr(), threads, threads) };
    }

    /// Sets the check that is called many times during a decode, and decides whether to abort it.
    pub fn set_abort_check(&mut self, check: Option<AbortCheck>) {
        *self.abort.check.lock().unwrap_or_else(PoisonError::into_inner) = check;
    }

    pub fn decode(&mut self, batch: &mut Batch) -> Result<Decoded, EngineError> {
        let Some(extra) = self.extra.filter(|_| batch.outputs() < 2) else { return self.decode_as_it_is(batch) };
        // Placed after all others: its cell is the last, and removing it leaves no gap.
        batch.push(0, 0, extra.filler, true);
        let decoded = self.decode_as_it_is(batch);
        // SAFETY: `raw` is a live context; this removes the whole sequence, which cannot fail.
        unsafe { sys::llama_memory_seq_rm(sys::llama_get_memory(self.raw.as_ptr()), extra.filler, -1, -1) };
        decoded
    }

    fn decode_as_it_is(&mut self, batch: &mut Batch) -> Result<Decoded, EngineError> {
        let count = i32::try_from(batch.len()).map_err(|_| EngineError::Decode("batch too long".into()))?;
        let mut ones = vec![1_i32; batch.len()];
        let mut sequences: Vec<*mut i32> = batch.sequences.iter_mut().map(|id| &raw mut *id).collect();
        let raw_batch = sys::llama_batch {
            n_tokens: count,
            token: batch.tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: batch.positions.as_mut_ptr(),
            n_seq_id: ones.as_mut_ptr(),
            seq_id: sequences.as_mut_ptr(),
            logits: batch.wants_logits.as_mut_ptr(),
        };
        // SAFETY: `raw` is a live context; every array of the batch has `count` entries and outlives the call, which
        // keeps none of them.
        match unsafe { sys::llama_decode(self.raw.as_ptr(), raw_batch) } {
            0 => Ok(Decoded::Done),
            2 => Ok(Decoded::Aborted),
            1 => Err(EngineError::Decode("no room left in the KV cache".into())),
            code => Err(EngineError::Decode(log::take_reason().unwrap_or_else(|| format!("llama_decode gave {code}")))),
        }
    }

    /// Returns the logits after the batch token with this index, which must have requested them.
    pub fn logits(&mut self, index: usize) -> Result<&[f32], EngineError> {
        let missing = || EngineError::Decode("no logits for a token that asked for them".into());
        let index = i32::try_from(index).map_err(|_| missing())?;
        // SAFETY: `raw` is a live context; llama.cpp returns null for an index without logits.
        let first = unsafe { sys::llama_get_logits_ith(self.raw.as_ptr(), index) };
        if first.is_null() {
            return Err(missing());
        }
        // SAFETY: one float per token of the vocabulary, valid until the next decode, which needs `&mut self`.
        Ok(unsafe { std::slice::from_raw_parts(first, self.vocabulary) })
    }

    /// Returns how vectors are made: as requested, otherwise by the model's header.
    pub fn pooling(&self) -> Pooling {
        // SAFETY: `raw` is a live context.
        match unsafe { sys::llama_pooling_type(self.raw.as_ptr()) } {
            sys::LLAMA_POOLING_TYPE_MEAN => Pooling::Mean,
            sys::LLAMA_POOLING_TYPE_CLS => Pooling::Cls,
            sys::LLAMA_POOLING_TYPE_LAST => Pooling::Last,
            sys::LLAMA_POOLING_TYPE_RANK => Pooling::Rank,
            _ => Pooling::None,
        }
    }

    /// Returns the vector of a sequence of the last batch, where pooling makes one.
    pub fn pooled(&mut self, sequence: i32) -> Result<&[f32], EngineError> {
        // SAFETY: `raw` is a live context, and so is the model in it; llama.cpp returns null for a missing vector.
        let (first, length) = unsafe {
            let length = sys::llama_model_n_embd_out(sys::llama_get_model(self.raw.as_ptr()));
            (sys::llama_get_embeddings_seq(self.raw.as_ptr(), sequence), length)
        };
        if first.is_null() {
            return Err(EngineError::Decode("no vector for a text that was decoded".into()));
        }
        // SAFETY: the length is the same for each way of pooling except ranking, which is refused when the model is
        // loaded; the vector is valid until the next decode, which needs `&mut self`.
        Ok(unsafe { std::slice::from_raw_parts(first, usize::try_from(length).unwrap_or(0)) })
    }

    /// Removes every sequence.
    pub fn forget_all(&mut self) {
        // SAFETY: `raw` is a live context. An encoder has no memory, and the call ignores null.
        unsafe { sys::llama_memory_clear(sys::llama_get_memory(self.raw.as_ptr()), false) };
    }

    /// Returns whether a part of a sequence can be kept or copied: false where old cells are dropped (sliding windows)
    /// and where there are states instead of cells (recurrent layers).
    pub fn can_share(&self) -> bool {
        // SAFETY: `raw` is a live context, and so is the model in it.
        unsafe {
            let model = sys::llama_get_model(self.raw.as_ptr());
            sys::llama_model_n_swa(model) == 0
                && !sys::llama_model_is_recurrent(model)
                && !sys::llama_model_is_hybrid(model)
        }
    }

    /// Adds the first `tokens` of `from` to `to`, which must be empty.
    pub fn copy_sequence(&mut self, from: i32, to: i32, tokens: usize) {
        let end = i32::try_from(tokens).unwrap_or(i32::MAX);
        // SAFETY: `raw` is a live context; in a unified cache the cells are marked for both, none is moved.
        unsafe { sys::llama_memory_seq_cp(sys::llama_get_memory(self.raw.as_ptr()), from, to, 0, end) };
    }

    /// Removes the cells of a sequence from that position on.
    pub fn cut_sequence(&mut self, sequence: i32, from: usize) {
        let from = i32::try_from(from).unwrap_or(i32::MAX);
        self.retire_cells(sequence, from);
        // SAFETY: `raw` is a live context. Removing the end of a sequence can fail only where `can_share` says no, and
        // there the whole sequence is removed.
        unsafe { sys::llama_memory_seq_rm(sys::llama_get_memory(self.raw.as_ptr()), sequence, from, -1) };
    }

    /// Retires the cells of a sequence from that position on, so that no other sequence gets them.
    fn retire_cells(&mut self, sequence: i32, from: i32) {
        let Some(Extra { discard_seq, .. }) = self.extra else { return };
        // SAFETY: `raw` is a live context, and the discard_seq is one of its sequences; the cells are marked for both.
        unsafe { sys::llama_memory_seq_cp(sys::llama_get_memory(self.raw.as_ptr()), sequence, discard_seq, from, -1) };
    }

    /// Removes one sequence.
    pub fn remove_sequence(&mut self, sequence: i32) {
        self.retire_cells(sequence, 0);
        // SAFETY: `raw` is a live context; negative positions mean the whole sequence, whose removal cannot fail.
        unsafe { sys::llama_memory_seq_rm(sys::llama_get_memory(self.raw.as_ptr()), sequence, -1, -1) };
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: `raw` is a live context that only this owns.
        unsafe { sys::llama_free(self.raw.as_ptr()) }
    }
}

/// Returns whether the decode must be aborted. ggml calls it on the decoding thread, between the operations of a graph.
unsafe extern "C" fn should_abort(data: *mut c_void) -> bool {
    // SAFETY: `data` is the address of the `Abort` that the context's box keeps alive.
    let abort = unsafe { &*data.cast::<Abort>() };
    let check = abort.check.lock().unwrap_or_else(PoisonError::into_inner);
    check.as_ref().is_some_and(|wanted| wanted())
}
