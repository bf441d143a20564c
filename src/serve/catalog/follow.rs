//! Keeps the catalog as the database has it.

use super::{Capabilities, Catalog};
use crate::clock;
use crate::db::{Access, Db};
use crate::host::own_memory;
use crate::model::task::Queue;
use crate::supervise::StopSignal;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The longest wait for a change of the database; it is only read when there was one.
const WAIT: Duration = Duration::from_secs(60);
/// The least time between two reads: tasks write to the same database, several times a second when many are short.
const REST: Duration = Duration::from_secs(1);
/// A read is followed by a rest of this many times its duration, so that a large database costs 2 % of a core at most.
const REST_FACTOR: u32 = 50;

/// The current catalog, for everybody who needs names.
#[derive(Debug, Clone)]
pub struct Catalogs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    current: watch::Sender<Arc<Catalog>>,
    /// The handle that it is read by.
    db: Mutex<Option<Db>>,
    capabilities: Capabilities,
}

impl Catalogs {
    /// Returns a catalog that does not change, for tests and for a daemon without a database.
    pub fn fixed(catalog: Catalog) -> Catalogs {
        let (current, db) = (watch::Sender::new(Arc::new(catalog)), Mutex::default());
        Catalogs(Arc::new(Shared { current, db, capabilities: Capabilities::default() }))
    }

    /// Returns the catalog as of the last change that was seen.
    pub fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.current.borrow())
    }

    /// Returns what is known of the abilities of models, in this catalog and in later ones.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// Follows the catalog: the receiver changes with every catalog that differs from the one before.
    pub fn watch(&self) -> watch::Receiver<Arc<Catalog>> {
        self.0.current.subscribe()
    }

    /// Reads the database now, for a handler that has just changed it. Blocks for the time of the read.
    ///
    /// # Errors
    /// The database cannot be read; the catalog stays what it was.
    pub fn refresh(&self, database: &Path) -> anyhow::Result<()> {
        let mut handle = self.0.db.lock().unwrap_or_else(PoisonError::into_inner);
        let db = match handle.take().filter(|db| !Queue::is_replaced(db)) {
            Some(db) => db,
            None => Db::open(database, Access::ReadWrite)?,
        };
        let db = handle.insert(db);
        let (rows, written) = (db.rows()?, db.written()?);
        if !self.current().is_of(&rows, &written) {
            self.0.current.send_replace(Arc::new(Catalog::new(rows, &written)));
            own_memory::trim_heap();
        }
        Ok(())
    }
}

/// Reads the catalog, and follows the database on a thread of its own until `stop` is requested. `report` gets an error
/// once when the database cannot be read any more.
///
/// # Errors
/// The database cannot be read, or the thread cannot be started.
pub fn follow(
    database: PathBuf,
    stop: StopSignal,
    mut report: impl FnMut(String) + Send + 'static,
) -> anyhow::Result<Catalogs> {
    let catalogs = Catalogs::fixed(Catalog::default());
    let mut waiting = Some(Db::open(&database, Access::ReadWrite)?);
    let mut seen = waiting.as_ref().map(Queue::changes).transpose()?;
    catalogs.refresh(&database)?;
    let following = catalogs.clone();
    let work = move || {
        let mut is_reported = false;
        while stop.reason().is_none() {
            let mut rest = Duration::ZERO;
            let read = (|| {
                // This handle waits only, so that a refresh by a handler never waits for a change.
                if waiting.as_ref().is_none_or(Queue::is_replaced) {
                    (waiting, seen) = (Some(Db::open(&database, Access::ReadWrite)?), None);
                }
                let Some(db) = &waiting else { return Ok(()) };
                if let Some(seen) = seen
                    && !db.wait_for_change(seen, WAIT, stop.descriptor())?
                {
                    return Ok(());
                }
                seen = Some(db.changes()?);
                let began = clock::instant();
                let refreshed = following.refresh(&database);
                rest = REST.max(began.elapsed().saturating_mul(REST_FACTOR));
                refreshed
            })();
            match read {
                Ok(()) => is_reported = false,
                Err(error) => {
                    if !std::mem::replace(&mut is_reported, true) {
                        report(format!("the list of models is not up to date any more: {error:#}"));
                    }
                    (waiting, rest) = (None, REST);
                }
            }
            stop.wait_timeout(rest);
        }
    };
    std::thread::Builder::new().name("catalog".into()).spawn(work).context("cannot start a thread")?;
    Ok(catalogs)
}
