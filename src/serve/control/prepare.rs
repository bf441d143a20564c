//! What has to be known of a model before its server is started: its files, its settings, its memory.

use super::ask::Grow;
use super::prepared::{Flags, ModelParts, Prepared, What};
use super::rungs::{Full, rungs};
use super::service;
use crate::db::Access;
use crate::display::text;
use crate::host::budget;
use crate::host::self_child::OURSELVES;
use crate::lifecycle::{Denial, IdleKind, KeyKind, Profile, Purpose, ServerKey, Why};
use crate::model::server::{Engine, ServerSettings};
use crate::model::{DeviceBytes, FileIdentity, Kind, Model, ModelRow, Reading};
use crate::ops::file_problem::file_problem;
use crate::ops::{Session, needs};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use tokio::sync::oneshot;

/// A model that was prepared with a larger context.
pub struct Grown {
    pub key: ServerKey,
    pub grow: Grow,
    /// `None`: it cannot be loaded.
    pub prepared: Option<Prepared>,
    pub answer: oneshot::Sender<bool>,
}

/// Finds out what has to be known of a model or a service before it is started. See [`prepare_model`] for `least`.
///
/// # Errors
/// The outer error: the database cannot be read. The inner one: it cannot be started.
pub fn prepare(session: &mut Session, key: &ServerKey, least: Option<u32>) -> anyhow::Result<Result<Prepared, Denial>> {
    match key.kind() {
        KeyKind::Model => prepare_model(session, key, least),
        KeyKind::Service(name) => Ok(service::prepare(&session.config, name)),
        // It is made by the request for it alone.
        KeyKind::Headroom(_) => Ok(Err(refuse(Why::Unknown, "reserved memory is not a server".to_owned()))),
    }
}

/// Reads a model, checks its files, and finds out what its server needs. It has `least` tokens of context at least, as far
/// as the model was trained with them and memory admits it.
///
/// # Errors
/// The outer error: the database cannot be read. The inner one: the model cannot be served.
fn prepare_model(
    session: &mut Session,
    key: &ServerKey,
    least: Option<u32>,
) -> anyhow::Result<Result<Prepared, Denial>> {
    let db = session.db(Access::ReadOnly)?;
    let id = std::slice::from_ref(&key.model);
    let (Some(row), Some(model)) = (db.row(&key.model)?, db.models(Some(id))?.pop()) else {
        return Ok(Err(refuse(Why::Unknown, format!("Model not found: {}", key.model))));
    };
    let name = row.alias.clone().unwrap_or_else(|| row.name.clone());
    let trained = model.trained_context();
    let chosen = session.config.server_settings(&row, trained);
    let mut settings = match least {
        Some(least) => chosen.clone().with_context_of_at_least(least, trained),
        None => chosen.clone(),
    };
    if let Err(why) = check_files(&model) {
        return Ok(Err(refuse(Why::BadFile, format!("{} cannot be loaded: {why}", text::clean(&name)))));
    }
    if let (Engine::LlamaServer, Reading::Unavailable(why)) = (chosen.engine, session.config.engine.find_llama_server())
    {
        let message =
            format!("{} is served by llama-server, and {why}: see `llama_server` in [engine]", text::clean(&name));
        return Ok(Err(refuse(Why::Failed, message)));
    }
    let mut bytes = needs::of_server(session, &model, (&settings, key.purpose))?;
    let budgets = budget::budgets(session.config.memory, Path::new(OURSELVES), &bytes);
    let is_over = |bytes: &[DeviceBytes]| {
        bytes.iter().any(|need| budgets.iter().any(|all| all.device == need.device && need.bytes > all.budget))
    };
    if settings.context > chosen.context && is_over(&bytes) {
        bytes = needs::of_server(session, &model, (&chosen, key.purpose))?;
        settings = chosen;
    }
    // A context that nobody chose is made smaller until the model fits at all.
    while is_over(&bytes)
        && let Some(less) = settings.with_less_context()
    {
        bytes = needs::of_server(session, &model, (&less, key.purpose))?;
        settings = less;
    }
    let layers = model.facts().and_then(|facts| facts.layers).and_then(|layers| u32::try_from(layers).ok()); // no model has more
    let full = Full { settings: &settings, needs: &bytes, layers, budgets: &budgets };
    let at = |context| ServerSettings { context, ..settings.clone() };
    let rungs = rungs(&full, |context| needs::by_formula(&model, &at(context), key.purpose));
    let flags = flags_of(&row, &settings);
    let mut profile = Profile {
        name,
        needs: bytes,
        pinned: false,
        idle_timeout: settings.idle_timeout,
        idle_kind: idle_kind(&row, key.purpose),
        rungs,
        no_degrade: settings.no_degrade,
        pressure_evict_only: false,
        essential: false,
        min_tier: None,
        disk: model.main().map_or(0, |file| file.identity.dev),
        files: files(&model),
    };
    flags.apply(&mut profile);
    let what = What::Model(Box::new(ModelParts { row, model, settings }));
    Ok(Ok(Prepared { profile, what }))
}

/// Returns a number that changes with the files of a model, or with a service, as they are now.
///
/// # Errors
/// The database cannot be read.
pub fn files_now(session: &mut Session, key: &ServerKey) -> anyhow::Result<Option<u64>> {
    match key.kind() {
        KeyKind::Model => {}
        KeyKind::Service(name) => return Ok(service::files_now(&session.config, name)),
        KeyKind::Headroom(_) => return Ok(None),
    }
    let id = std::slice::from_ref(&key.model);
    Ok(session.db(Access::ReadOnly)?.models(Some(id))?.pop().map(|model| files(&model)))
}

/// Returns a number that changes with the files of a model.
fn files(model: &Model) -> u64 {
    let mut hasher = DefaultHasher::new();
    for artifact in &model.artifacts {
        artifact.path.hash(&mut hasher);
        // What is on the disk now, not what was scanned: a repaired file is tried again.
        if let Ok(meta) = std::fs::metadata(&artifact.path) {
            FileIdentity::of(&meta).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Checks that every file is there, can be read, and is as long as it was when it was scanned.
fn check_files(model: &Model) -> Result<(), String> {
    if model.artifacts.is_empty() {
        return Err("it has no file".to_owned());
    }
    for artifact in &model.artifacts {
        if let Some(problem) = file_problem(&artifact.path, false) {
            return Err(problem);
        }
        let path = text::path(&artifact.path);
        let meta = std::fs::metadata(&artifact.path).map_err(|error| format!("{path} cannot be read: {error}"))?;
        if !meta.is_file() {
            return Err(format!("{path} is not a file"));
        }
        if meta.len() != artifact.identity.size {
            let (now, before) = (meta.len(), artifact.identity.size);
            return Err(format!("{path} has {now} bytes and had {before} when it was scanned: run `modelctl scan`"));
        }
    }
    Ok(())
}

/// Returns by what its idle timeout follows where none was chosen.
fn idle_kind(row: &ModelRow, purpose: Purpose) -> Option<IdleKind> {
    match (row.kind, purpose) {
        (Kind::Reranker, _) => Some(IdleKind::Rerank),
        (_, Purpose::Vectors) | (Kind::Embedding, _) => Some(IdleKind::Embedding),
        (Kind::Generative, _) if row.mmproj => Some(IdleKind::Vision),
        (Kind::Generative, _) => Some(IdleKind::Generating),
        (Kind::Speech, _) => Some(IdleKind::SpeechToText),
        (Kind::Diffusion, _) => Some(IdleKind::Image),
        _ => None,
    }
}

/// Returns whether a server of this model for this purpose gives vectors.
pub fn gives_vectors(row: &ModelRow, purpose: Purpose) -> bool {
    purpose == Purpose::Vectors || row.kind == Kind::Embedding
}

pub fn refuse(why: Why, message: String) -> Denial {
    Denial::new(why, message)
}

fn flags_of(row: &ModelRow, settings: &ServerSettings) -> Flags {
    Flags {
        pinned: row.pinned,
        no_degrade: settings.no_degrade,
        pressure_evict_only: settings.pressure_evict_only,
        essential: settings.essential,
        min_tier: settings.min_tier,
    }
}

/// Returns the flags of a model as they are now; `None` for what has none.
///
/// # Errors
/// The database cannot be read.
pub fn flags_now(session: &mut Session, key: &ServerKey) -> anyhow::Result<Option<Flags>> {
    match key.kind() {
        KeyKind::Model => {}
        KeyKind::Service(name) => return Ok(Some(service::flags_now(&session.config, name))),
        KeyKind::Headroom(_) => return Ok(None),
    }
    let Some(row) = session.db(Access::ReadOnly)?.row(&key.model)? else { return Ok(None) };
    let settings = session.config.server_settings(&row, None);
    Ok(Some(flags_of(&row, &settings)))
}
