//! Handles on the database for asynchronous code: blocking work runs on threads of its own, with a session each.

use crate::clock;
use crate::config::Config;
use crate::ops::Session;
use anyhow::Context as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Sessions that are kept open between two uses.
const KEPT: usize = 4;

/// A session that nobody uses, with the configuration it was opened for.
type Idle = (Arc<Config>, Session);

/// Runs work that needs a session.
#[derive(Clone)]
pub struct Sessions {
    config: watch::Receiver<Arc<Config>>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

impl Sessions {
    pub fn new(config: watch::Receiver<Arc<Config>>) -> Sessions {
        Sessions { config, idle: Arc::default() }
    }

    /// Returns the configuration as it is now.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Follows the configuration: the receiver changes when it is read again.
    pub fn follow(&self) -> watch::Receiver<Arc<Config>> {
        self.config.clone()
    }

    /// Runs `work` on a thread that may block.
    ///
    /// # Errors
    /// Those of `work`, and a panic in it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let config = this.config();
            let mut session = this.take(&config);
            session.now = clock::now();
            let outcome = work(&mut session);
            if outcome.is_err() {
                // The file may have been replaced: the next use opens it again.
                session.close_db();
            }
            this.keep(config, session);
            outcome
        });
        done.await.context("the work on the database did not end")?
    }

    fn take(&self, config: &Arc<Config>) -> Session {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Sessions of an earlier configuration are closed.
        idle.retain(|(of, _)| Arc::ptr_eq(of, config));
        match idle.pop() {
            Some((_, session)) => session,
            None => Session::new(Config::clone(config), clock::now()),
        }
    }

    fn keep(&self, config: Arc<Config>, session: Session) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push((config, session));
        }
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}
