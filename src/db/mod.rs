//! All SQL: opening, schema (append-only migrations), one file per table group.
//!
//! A file of a table group adds methods to [`Db`]. Each reads through [`Db::read`] or writes through [`Db::write`],
//! which hold the transaction and turn errors into what a person is told. What a model is and whether anything is to
//! be changed is decided elsewhere.

mod cells;
mod error;
mod fit;
mod history;
mod holdings;
mod inventory;
mod keep;
mod open;
mod place;
mod placed;
mod queue;
mod record;
mod rows;
mod schema;
mod settings;
mod stamps;
mod stored;
#[cfg(test)]
mod tests;
mod usage;
mod verified;
mod watch;

pub use history::HistoryFilter;
pub use inventory::KnownRoot;
pub use queue::{Counts, Inference, ModelStats, Recovered, Removed, Standing, Stats, TaskFilter};
pub use usage::UseEvent;
pub use verified::HashRecord;
pub use watch::Version;

use error::{DbResult, explain};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a command wants of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing is changed, not even made, except that an older format is brought up to date.
    ReadOnly,
    ReadWrite,
}

/// An open database.
#[derive(Debug)]
pub struct Db {
    conn: Connection,
    path: PathBuf,
    /// Device and inode of the file. None for a database in memory.
    place: Option<(u64, u64)>,
    /// How long a statement waits for a lock.
    patience: Duration,
    fresh: bool,
}

impl Db {
    /// True when there was nothing at the path: a new database was made, or an empty one stands in for it in memory.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The path it was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether another file is at its path by now, or none: what is written here then, nobody else sees.
    pub fn is_replaced(&self) -> bool {
        // What cannot be looked at is taken to be there still.
        self.place.is_some() && place::inode(&self.path).is_ok_and(|now| now != self.place)
    }

    /// Reads one consistent state. Keep it short: a reader that stays lets the write-ahead log grow without bound.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> DbResult<T>) -> anyhow::Result<T> {
        let run = || {
            // Rolled back when dropped, which for a reader is the end and nothing else.
            let tx = self.conn.unchecked_transaction()?;
            work(&tx)
        };
        run().map_err(|error| explain(error, &self.path, self.patience))
    }

    /// Writes all or nothing. The lock is taken at the start: a transaction that reads first and writes later is
    /// refused at once when another process wrote in between, however long it is willing to wait.
    ///
    /// After an error SQLite may have rolled back by itself; dropping the transaction asks for that first, so that
    /// the error which is reported is the one that happened.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> DbResult<T>) -> anyhow::Result<T> {
        let Db { conn, path, patience, .. } = self;
        let run = || {
            let tx = Transaction::new(conn, TransactionBehavior::Immediate)?;
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        run().map_err(|error| explain(error, path, *patience))
    }
}
