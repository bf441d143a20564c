//! All SQL: opening, schema (append-only migrations), one file per table group.
//!
//! A file of a table group adds methods to [`Db`]. Each reads through [`Db::read`] or writes through [`Db::write`],
//! which hold the transaction and turn errors into messages for people. Decisions about models and changes are made
//! elsewhere.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod cells;
mod check;
mod clock;
mod error;
mod explain;
mod fit;
mod footprint;
mod forget;
mod hints;
mod history;
mod holdings;
mod inventory;
mod keep;
mod ledger;
mod names;
mod open;
mod place;
mod placed;
mod queue;
mod record;
mod rows;
mod schema;
mod settings;
mod share;
mod stamps;
mod stored;
#[cfg(test)]
mod tests;
mod tuning;
mod usage;
mod verdict;
mod verified;
mod watch;

pub use hints::ServerHint;
pub use history::HistoryFilter;
pub use inventory::KnownRoot;
pub use queue::SqliteQueue;
pub use schema::VERSION;
pub use usage::UseEvent;
pub use verified::HashRecord;

use error::DbResult;
use explain::explain;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Duration;
use watch::FileWatch;

/// The access that a command needs to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing is changed or created, except that an older format is upgraded.
    ReadOnly,
    ReadWrite,
    /// As `ReadOnly`, and modes, the format and the files beside it stay as they are too: for those who look at a node.
    Observe,
}

/// An open database.
#[derive(Debug)]
pub struct Db {
    conn: Connection,
    path: PathBuf,
    /// Device and inode of the file. None for a database in memory.
    place: Option<(u64, u64)>,
    /// The time that a statement waits for a lock.
    patience: Duration,
    fresh: bool,
    was_exposed: bool,
    /// The watch on the files, created with the first wait; None inside where files cannot be watched.
    watch: OnceCell<Option<FileWatch>>,
}

impl Db {
    /// Returns whether there was nothing at the path: a new database was created, or an empty one in memory is used
    /// instead.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Returns whether other users could read the file until opening it removed their permission.
    pub fn was_exposed(&self) -> bool {
        self.was_exposed
    }

    /// Returns the path that the database was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the path now leads to another file, or to none: no other process then sees what is written here.
    pub(super) fn is_file_replaced(&self) -> bool {
        // A file that cannot be checked is assumed to be unchanged.
        self.place.is_some() && place::inode(&self.path).is_ok_and(|now| now != self.place)
    }

    /// Reads one consistent state. Keep it short: a long read lets the write-ahead log grow without bound.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> DbResult<T>) -> anyhow::Result<T> {
        let run = || {
            // Dropping the transaction rolls it back, which has no effect after reads.
            let tx = self.conn.unchecked_transaction()?;
            work(&tx)
        };
        run().map_err(|error| explain(error, &self.path, self.patience))
    }

    /// Writes all or nothing. The lock is taken at the start: a transaction that reads first and writes later is
    /// refused at once when another process wrote in between, no matter how long it would wait.
    ///
    /// After an error SQLite may already have rolled back; dropping the transaction checks that first, so that the
    /// original error is the one that is reported.
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
