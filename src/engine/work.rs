//! The work of an engine thread for all its life: to generate, or to make vectors.

use super::command::Command;
use super::context::Context;
use super::embed::{EmbedThread, TEXTS};
use super::reproducible;
use super::slots::Slots;
use super::thread::EngineThread;
use super::thread_counts::{Counts, ThreadCounts};
use super::thread_tuner::ThreadTuner;
use super::{EngineError, LoadSpec, Metrics, Pooling};
use crate::clock;
use crate::gguf;
use llama_cpp_2::model::LlamaModel;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;

/// The channel of commands, the metrics, the stop flag and the numbers of threads of either kind of work.
pub type Shared = (Receiver<Command>, Arc<Metrics>, Arc<AtomicBool>, Arc<ThreadCounts>);

/// Returns the numbers of threads that an engine begins with.
pub fn counts_of(spec: &LoadSpec) -> Counts {
    Counts { threads: spec.threads, threads_batch: spec.threads_batch }
}

pub enum Work {
    Text(Box<EngineThread>),
    Vectors { thread: Box<EmbedThread>, pooling: Pooling, most: u32 },
}

impl Work {
    /// Creates the work for answers of at most `wanted` tokens with their prompts.
    pub fn text(model: &Arc<LlamaModel>, spec: &LoadSpec, wanted: u32, shared: Shared) -> Result<Work, EngineError> {
        // A batch has room for at least one token of each.
        let most = if spec.reproducible { reproducible::BATCH - 1 } else { u32::MAX };
        let parallel = spec.parallel.clamp(1, most);
        let context = Context::new(Arc::clone(model), spec, spec.cells(wanted), parallel)?;
        let cells = usize::try_from(context.size()).unwrap_or(usize::MAX);
        let slots = Slots::new(usize::try_from(parallel).unwrap_or(1), cells, context.can_share());
        let (commands, metrics, stopping, counts) = shared;
        Ok(Work::Text(Box::new(EngineThread {
            model: Arc::clone(model),
            // llama.cpp rounds up; the room of one request does not grow by that when several share.
            room: if parallel == 1 { context.size() } else { wanted },
            context,
            slots,
            waiting: None,
            // One token is left for the filler sequence.
            batch_tokens: usize::try_from(if spec.reproducible { reproducible::BATCH - 1 } else { spec.batch })
                .unwrap_or(1)
                .max(1),
            reproducible: spec.reproducible,
            pace: ThreadTuner::new(spec.threads, clock::instant()),
            threads_batch: spec.threads_batch,
            counts,
            seen: counts_of(spec),
            commands,
            metrics,
            stopping,
        })))
    }

    /// Creates the work for texts of at most `wanted` tokens.
    pub fn vectors(model: &Arc<LlamaModel>, spec: &LoadSpec, wanted: u32, shared: Shared) -> Result<Work, EngineError> {
        if spec.pooling.or_else(|| own_pooling(model)) == Some(Pooling::Rank) {
            // Without the head that ranks, llama.cpp ends the process.
            return Err(EngineError::BadSpec(
                "this model ranks documents (pooling type `rank`), which is not served".into(),
            ));
        }
        let batch = spec.batch.max(1);
        // An encoder has no positions beyond the number of tokens it was trained with.
        let longest = wanted.min(model.n_ctx_train()).max(1);
        let most = longest.min(batch.max(spec.text_tokens));
        let context = Context::for_vectors(Arc::clone(model), spec, (most.max(batch), TEXTS), spec.pooling)?;
        let pooling = context.pooling();
        let (commands, metrics, stopping, counts) = shared;
        let thread = EmbedThread {
            context,
            batch_tokens: usize::try_from(batch).unwrap_or(1),
            at_once: usize::try_from(spec.parallel).unwrap_or(1),
            counts,
            seen: counts_of(spec),
            commands,
            metrics,
            stopping,
        };
        Ok(Work::Vectors { thread: Box::new(thread), pooling, most })
    }

    pub fn run(self) {
        match self {
            Work::Text(thread) => thread.run(),
            Work::Vectors { thread, .. } => thread.run(),
        }
    }

    /// Returns the tokens of context of one request.
    pub fn room(&self) -> u32 {
        match self {
            Work::Text(thread) => thread.room,
            Work::Vectors { most, .. } => *most,
        }
    }

    /// Returns the number of concurrent requests.
    pub fn slots(&self) -> u32 {
        let slots = match self {
            Work::Text(thread) => thread.slots.len(),
            Work::Vectors { thread, .. } => thread.at_once,
        };
        u32::try_from(slots).unwrap_or(u32::MAX)
    }

    pub fn pooling(&self) -> Option<Pooling> {
        match self {
            Work::Text(_) => None,
            Work::Vectors { pooling, .. } => Some(*pooling),
        }
    }
}

/// Returns whether the file is an embedding model by the rules of the inventory.
pub fn gives_vectors(model: &LlamaModel) -> bool {
    let causal = own(model, "attention.causal").map(|value| value == "true");
    gguf::gives_vectors(&architecture(model), own_number(model, "pooling_type"), causal)
}

fn own_pooling(model: &LlamaModel) -> Option<Pooling> {
    Pooling::ALL.get(usize::try_from(own_number(model, "pooling_type")?).ok()?).copied()
}

fn own_number(model: &LlamaModel, key: &str) -> Option<u64> {
    own(model, key)?.parse().ok()
}

/// Returns a key of the model's architecture; None when it is missing or cannot be read.
fn own(model: &LlamaModel, key: &str) -> Option<String> {
    model.meta_val_str(&format!("{}.{key}", architecture(model))).ok()
}

fn architecture(model: &LlamaModel) -> String {
    model.meta_val_str("general.architecture").unwrap_or_default()
}
