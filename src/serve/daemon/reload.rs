//! Reading the config again while the daemon runs.

use crate::config::Config;
use crate::ops::OpEvent;
use crate::serve::listen::Keys;
use std::sync::Arc;
use tokio::sync::watch;

/// The config of a running daemon, and how it is read.
pub(super) struct Reload<'a> {
    pub config: &'a watch::Sender<Arc<Config>>,
    pub keys: &'a watch::Sender<Arc<Keys>>,
    pub load: &'a (dyn Fn() -> anyhow::Result<Config> + Send + Sync),
}

impl Reload<'_> {
    /// Reads the config. One that cannot be used is reported, and the old one stays. What a process cannot change while
    /// it runs (its database, its addresses) stays as it is.
    pub fn run(&self) -> OpEvent {
        let old = Arc::clone(&self.config.borrow());
        let new = match (self.load)() {
            Ok(new) => new,
            Err(error) => return OpEvent::warning(format!("{error:#}; the previous config stays in use")),
        };
        let keys = match keys(&new) {
            Ok(keys) => keys,
            Err(error) => return OpEvent::warning(format!("{error:#}; the previous keys and config stay in use")),
        };
        let is_exposed = old.serve.listen.iter().any(|address| !address.is_local());
        if is_exposed && keys.is_empty() {
            return OpEvent::warning(
                "other machines can reach this daemon, which requires a file of keys; the previous config stays in use",
            );
        }
        let needs_restart = (&new.database, &new.serve.listen, &new.serve.socket)
            != (&old.database, &old.serve.listen, &old.serve.socket);
        let mut merged = Config {
            database: old.database.clone(),
            is_database_of_service: old.is_database_of_service,
            is_database_named: old.is_database_named,
            missing_home: old.missing_home.clone(),
            lock_dir: old.lock_dir.clone(),
            runtime_dir: old.runtime_dir.clone(),
            ..new
        };
        merged.serve.listen.clone_from(&old.serve.listen);
        merged.serve.socket.clone_from(&old.serve.socket);
        self.config.send_replace(Arc::new(merged));
        self.keys.send_replace(Arc::new(keys));
        match needs_restart {
            true => OpEvent::warning("config reloaded; changing the database or an address requires a restart"),
            false => OpEvent::note("config reloaded"),
        }
    }
}

/// Reads the keys that a config names.
pub(super) fn keys(config: &Config) -> anyhow::Result<Keys> {
    match &config.serve.api_key_file {
        Some(path) => Keys::read(path),
        None => Ok(Keys::default()),
    }
}
