//! The places where models are kept when none are configured.

use super::{Env, Root, places, places_local};
use crate::model::StoreKind;
use std::path::{Path, PathBuf};

/// Returns the known default places, whether they exist or not: every store of a user and of the services of a machine.
pub(super) fn default_roots(env: &Env) -> Vec<Root> {
    let hub = env.hub_cache().map(|p| (p, StoreKind::Hf));
    let xet = env.xet_cache().map(|p| (p, StoreKind::Hf));
    let is_root = rustix::process::geteuid().is_root();
    let stores = [hub, xet, places_local::llama_cpp(env), places_local::lm_studio(env), places_local::gpt4all(env)];
    let stores = stores.into_iter().flatten();
    let stores = stores.chain(places::ollama(env)).chain(places::docker(env));
    let stores = stores.chain(places_local::ramalama(env, is_root));
    let models = env.home().map(|h| Root::folder(h.join("models")));
    stores.map(|(path, store)| Root::store(path, store)).chain(models).collect()
}

/// Returns the variables that name a place of a store and are in effect, each with the folder that it names. A variable
/// that another one overrides is left out.
fn named_places(env: &Env) -> Vec<(&'static str, PathBuf)> {
    let own = |key: &'static str| env.expanded(key).map(|path| (key, path));
    let hub = own("HF_HUB_CACHE").or_else(|| own("HUGGINGFACE_HUB_CACHE"));
    let xet = own("HF_XET_CACHE");
    // Folders in `HF_HOME` are created when they are needed.
    let home = own("HF_HOME").filter(|_| hub.is_none() || xet.is_none());
    let plain = |key: &'static str| env.path(key).map(|path| (key, path));
    let ollama = places::own_ollama(env).map(|path| ("OLLAMA_MODELS", path));
    [hub, xet, home, plain("LLAMA_CACHE"), ollama, plain("MODELS_PATH")].into_iter().flatten().collect()
}

/// Returns the variables that name a place of a store that does not exist: most likely a mistake, since models are
/// expected there.
pub(super) fn names_nothing(env: &Env) -> Vec<(&'static str, PathBuf)> {
    let is_missing = |path: &Path| path.metadata().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
    named_places(env).into_iter().filter(|(_, path)| is_missing(path)).collect()
}
