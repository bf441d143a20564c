//! Keeps the catalog as the database has it.

use super::{Capabilities, Catalog, Needs, Resolved};
use crate::clock;
use crate::db::{Access, Db};
use crate::host::own_memory;
use crate::model::task::{ChangeMark, Queue};
use crate::supervise::StopSignal;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
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
    /// None: the catalog does not change.
    database: Option<PathBuf>,
    reader: Mutex<Reader>,
    /// One request at a time finds out whether the catalog is behind.
    catching_up: tokio::sync::Mutex<()>,
    capabilities: Capabilities,
    needs: Needs,
}

/// The handle that the catalog is read by.
#[derive(Debug, Default)]
struct Reader {
    db: Option<Db>,
    /// The commits of others that the last read has seen.
    seen: Option<ChangeMark>,
    /// When the next read is due at the earliest. A handler that has just changed the database does not wait for it.
    next: Option<Instant>,
}

impl Reader {
    /// Returns the time until the next read is due.
    fn rest(&self) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(clock::instant()))
    }

    /// As [`Reader::rest`]; `None` where nothing was committed since the last read.
    fn behind(&self) -> anyhow::Result<Option<Duration>> {
        let is_current = match &self.db {
            Some(db) if !Queue::is_replaced(db) => self.seen == Some(db.changes()?),
            _ => false,
        };
        Ok((!is_current).then(|| self.rest()))
    }
}

impl Catalogs {
    /// Returns a catalog that does not change, for tests and for a daemon without a database.
    pub fn fixed(catalog: Catalog) -> Catalogs {
        Catalogs::of(catalog, None)
    }

    fn of(catalog: Catalog, database: Option<PathBuf>) -> Catalogs {
        Catalogs(Arc::new(Shared {
            current: watch::Sender::new(Arc::new(catalog)),
            database,
            reader: Mutex::default(),
            catching_up: tokio::sync::Mutex::default(),
            capabilities: Capabilities::default(),
            needs: Needs::default(),
        }))
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        self.0.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the model that a client names, and returns the catalog that it is in. Before a name leads nowhere, what was
    /// committed since the last read is read: a model that a scan has just found can be asked for at once. That takes a
    /// second at most, and no longer than a look at the database where nothing has changed.
    pub async fn resolve(&self, name: &str) -> (Arc<Catalog>, Resolved) {
        let catalog = self.current();
        match catalog.resolve(name) {
            found @ (Resolved::One(_) | Resolved::Many(_)) => return (catalog, found),
            Resolved::None | Resolved::NotServed(..) => {}
        }
        // The thread that follows the database reports that it cannot be read; the catalog stays what it was.
        let _ = self.catch_up().await;
        let catalog = self.current();
        let found = catalog.resolve(name);
        (catalog, found)
    }

    async fn catch_up(&self) -> anyhow::Result<()> {
        let Some(database) = self.0.database.clone() else { return Ok(()) };
        let _first = self.0.catching_up.lock().await;
        let behind = {
            let catalogs = self.clone();
            move || catalogs.reader().behind()
        };
        let Some(rest) = tokio::task::spawn_blocking(behind.clone()).await?? else { return Ok(()) };
        tokio::time::sleep(rest.min(REST)).await;
        let catalogs = self.clone();
        tokio::task::spawn_blocking(move || match behind()? {
            Some(_) => catalogs.refresh(&database),
            None => Ok(()), // the thread that follows was faster
        })
        .await?
    }

    /// Returns the catalog as of the last change that was seen.
    pub fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.current.borrow())
    }

    /// Returns what is known of the abilities of models, in this catalog and in later ones.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// Returns what is known of the memory that models need, in this catalog and in later ones.
    pub fn needs(&self) -> &Needs {
        &self.0.needs
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
        let mut reader = self.reader();
        let began = clock::instant();
        let db = match reader.db.take().filter(|db| !Queue::is_replaced(db)) {
            Some(db) => db,
            None => Db::open(database, Access::ReadWrite)?,
        };
        // Before the rows: a commit in between is read once more.
        let seen = db.changes()?;
        let (rows, written) = (db.rows()?, db.written()?);
        (reader.db, reader.seen) = (Some(db), Some(seen));
        reader.next = clock::instant().checked_add(REST.max(began.elapsed().saturating_mul(REST_FACTOR)));
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
    let catalogs = Catalogs::of(Catalog::default(), Some(database.clone()));
    let mut waiting = Some(Db::open(&database, Access::ReadWrite)?);
    let mut seen = waiting.as_ref().map(Queue::changes).transpose()?;
    catalogs.refresh(&database)?;
    let following = catalogs.clone();
    let work = move || {
        let mut is_reported = false;
        while stop.reason().is_none() {
            let read = (|| -> anyhow::Result<Duration> {
                // This handle waits only, so that a refresh by a handler never waits for a change.
                if waiting.as_ref().is_none_or(Queue::is_replaced) {
                    (waiting, seen) = (Some(Db::open(&database, Access::ReadWrite)?), None);
                }
                let Some(db) = &waiting else { return Ok(Duration::ZERO) };
                if let Some(seen) = seen
                    && !db.wait_for_change(seen, WAIT, stop.descriptor())?
                {
                    return Ok(Duration::ZERO);
                }
                seen = Some(db.changes()?);
                following.refresh(&database)?;
                Ok(following.reader().rest())
            })();
            let rest = match read {
                Ok(rest) => {
                    is_reported = false;
                    rest
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_reported, true) {
                        report(format!("the list of models is no longer up to date: {error:#}"));
                    }
                    waiting = None;
                    REST
                }
            };
            stop.wait_timeout(rest);
        }
    };
    std::thread::Builder::new().name("catalog".into()).spawn(work).context("cannot start a thread")?;
    Ok(catalogs)
}
