//! What the engine thread does all its life: generate, or make vectors.

use super::context::Context;
use super::embed::{EmbedThread, TEXTS};
use super::pace::Pace;
use super::slots::Slots;
use super::steady;
use super::thread::{Command, EngineThread};
use super::{EngineError, LoadSpec, Metrics, Pooling};
use crate::clock;
use crate::gguf;
use llama_cpp_2::model::LlamaModel;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;

/// Tokens that a text may have at least where the context allows it: its vector is computed in one piece, and the
/// memory for that grows with this.
const TEXT_TOKENS: u32 = 2_048;

/// What both kinds are told through, and tell.
pub type Shared = (Receiver<Command>, Arc<Metrics>, Arc<AtomicBool>);

pub enum Work {
    Text(Box<EngineThread>),
    Vectors { thread: Box<EmbedThread>, pooling: Pooling, most: u32 },
}

impl Work {
    /// For answers of at most `wanted` tokens with their prompts.
    pub fn text(model: &Arc<LlamaModel>, spec: &LoadSpec, wanted: u32, shared: Shared) -> Result<Work, EngineError> {
        // A batch holds at least a token of each.
        let most = if spec.reproducible { steady::BATCH - 1 } else { u32::MAX };
        let parallel = spec.parallel.clamp(1, most);
        let context = Context::new(Arc::clone(model), spec, spec.cells(wanted), parallel)?;
        let cells = usize::try_from(context.size()).unwrap_or(usize::MAX);
        let slots = Slots::new(usize::try_from(parallel).unwrap_or(1), cells, context.can_share());
        let (commands, metrics, stopping) = shared;
        Ok(Work::Text(Box::new(EngineThread {
            model: Arc::clone(model),
            // llama.cpp rounds up; what one request may have is not more for it when several share.
            room: if parallel == 1 { context.size() } else { wanted },
            context,
            slots,
            waiting: None,
            // One is left for a filler.
            batch_tokens: usize::try_from(if spec.reproducible { steady::BATCH - 1 } else { spec.batch })
                .unwrap_or(1)
                .max(1),
            steady: spec.reproducible,
            pace: Pace::new(spec.threads, clock::instant()),
            threads_batch: spec.threads_batch,
            commands,
            metrics,
            stopping,
        })))
    }

    /// For texts of at most `wanted` tokens.
    pub fn vectors(model: &Arc<LlamaModel>, spec: &LoadSpec, wanted: u32, shared: Shared) -> Result<Work, EngineError> {
        if spec.pooling.or_else(|| own_pooling(model)) == Some(Pooling::Rank) {
            // Without the head that ranks, llama.cpp ends the process.
            return Err(EngineError::BadSpec(
                "this model ranks documents (pooling type `rank`), which is not served".into(),
            ));
        }
        let batch = spec.batch.max(1);
        // More than it was trained with has no positions in an encoder.
        let longest = wanted.min(model.n_ctx_train()).max(1);
        let most = longest.min(batch.max(TEXT_TOKENS));
        let context = Context::for_vectors(Arc::clone(model), spec, (most.max(batch), TEXTS), spec.pooling)?;
        let pooling = context.pooling();
        let (commands, metrics, stopping) = shared;
        let thread = EmbedThread {
            context,
            batch_tokens: usize::try_from(batch).unwrap_or(1),
            at_once: usize::try_from(spec.parallel).unwrap_or(1),
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

    /// Tokens of context of one request.
    pub fn room(&self) -> u32 {
        match self {
            Work::Text(thread) => thread.room,
            Work::Vectors { most, .. } => *most,
        }
    }

    /// Requests at once.
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

/// Whether the file is an embedding model by the rules of the inventory.
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

/// A key of the model's architecture; absent when it is not there or cannot be read.
fn own(model: &LlamaModel, key: &str) -> Option<String> {
    model.meta_val_str(&format!("{}.{key}", architecture(model))).ok()
}

fn architecture(model: &LlamaModel) -> String {
    model.meta_val_str("general.architecture").unwrap_or_default()
}
