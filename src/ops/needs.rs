//! The memory that the server of a model takes: see [`crate::queue::needs`].

use super::Session;
use crate::db::Access;
use crate::engine::{LoadSpec, Pooling, TEXT_TOKENS};
use crate::host::self_child::OURSELVES;
use crate::model::ledger::Purpose;
use crate::model::server::{Engine, ServerSettings};
use crate::model::{DeviceBytes, Kind, Model};
use crate::queue::needs;
use std::path::Path;

/// The sequences of a server for which none were chosen.
const PARALLEL_WORKER: u32 = 16;
const PARALLEL_LLAMA_SERVER: u32 = 4;

/// The longest text, in tokens, for the worker of vectors beside that of chats: its memory grows with the square.
const MOST_BESIDE_CHATS: u32 = 8_192;

/// Returns the bytes that a server takes, per device. May take up to a minute, the first time.
///
/// # Errors
/// When the database cannot be used.
pub fn of_server(
    session: &mut Session,
    model: &Model,
    (settings, purpose): (&ServerSettings, Purpose),
) -> anyhow::Result<Vec<DeviceBytes>> {
    let load = load(model, settings, purpose);
    needs::needs(session.db(Access::ReadWrite)?, Path::new(OURSELVES), model, (&load, settings.engine))
}

/// Returns the bytes that a server takes on all devices, by the formula over the header of its model alone.
pub fn by_formula(model: &Model, settings: &ServerSettings, purpose: Purpose) -> Option<u64> {
    needs::by_formula(model, &load(model, settings, purpose))
}

/// Stores what a server holds, for its next load with these settings.
///
/// # Errors
/// When the database cannot be written to.
pub fn record_of_server(
    session: &mut Session,
    model: &Model,
    (settings, purpose): (&ServerSettings, Purpose),
    held: &[DeviceBytes],
) -> anyhow::Result<()> {
    let load = load(model, settings, purpose);
    needs::record(session.db(Access::ReadWrite)?, model, (&load, settings.engine), held)
}

fn load(model: &Model, settings: &ServerSettings, purpose: Purpose) -> LoadSpec {
    let mut load = LoadSpec::new(model.main().map_or(Path::new(""), |main| &main.path));
    load.context = settings.context;
    load.parallel = settings.parallel.unwrap_or(match settings.engine {
        Engine::Worker => PARALLEL_WORKER,
        Engine::LlamaServer => PARALLEL_LLAMA_SERVER,
    });
    load.gpu_layers = settings.gpu_layers;
    load.pooling = (purpose == Purpose::Vectors).then_some(Pooling::Mean);
    if purpose == Purpose::Vectors || model.kind == Kind::Embedding {
        load.text_tokens = text_tokens(settings, purpose);
    }
    load
}

/// Returns the tokens that a text for a vector may have: those of a context that a person chose. That of a model which
/// generates text was chosen for its chats, so that its worker for vectors follows it up to a bound.
pub fn text_tokens(settings: &ServerSettings, purpose: Purpose) -> u32 {
    let chosen = if settings.is_context_chosen { settings.context } else { 0 };
    let bound = if purpose == Purpose::Vectors { MOST_BESIDE_CHATS } else { u32::MAX };
    chosen.min(bound).max(TEXT_TOKENS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::{Choices, Defaults};

    /// A text within the context that a person set would be refused, or take memory that nobody counted.
    #[test]
    fn a_text_for_a_vector_may_have_the_context_that_was_chosen() {
        let settings = |context: Option<u32>| {
            let chosen = Choices { context, ..Choices::default() };
            ServerSettings::of(&Defaults::default(), [&chosen], Some(32_768))
        };
        let most = |context, purpose| text_tokens(&settings(context), purpose);
        assert_eq!((most(None, Purpose::Main), most(None, Purpose::Vectors)), (TEXT_TOKENS, TEXT_TOKENS));
        assert_eq!((most(Some(8_192), Purpose::Main), most(Some(8_192), Purpose::Vectors)), (8_192, 8_192));
        assert_eq!((most(Some(32_768), Purpose::Main), most(Some(32_768), Purpose::Vectors)), (32_768, 8_192));
        assert_eq!(most(Some(512), Purpose::Main), TEXT_TOKENS, "the context itself is the limit then");
    }
}
