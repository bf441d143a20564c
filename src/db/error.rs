//! Errors of the database.

use crate::failure::Failure;
use crate::model::ModelId;
use rusqlite::ffi;
use std::path::{Path, PathBuf};

pub(super) type DbResult<T> = Result<T, DbError>;

#[derive(Debug, thiserror::Error)]
pub(super) enum DbError {
    /// Without a source: SQLite's own error would only repeat the text.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
    /// A stored value in a form that this program does not write.
    #[error("table `{table}`, column `{column}`, row `{row}`: {why}")]
    BadValue { table: &'static str, column: String, row: String, why: String },
    #[error("no model has the id `{0}`")]
    NoModel(ModelId),
    /// An SQLite file of another program.
    #[error("it is an SQLite database of another program")]
    Foreign,
    #[error("its format is version {found}, this program knows versions up to {known}")]
    Newer { found: i32, known: i32 },
    /// The file is read-only.
    #[error("it is read-only")]
    ReadOnlyFile,
    /// An empty main file next to a journal with content: SQLite would delete the journal.
    #[error("it is empty, but its journal `{}` is not", .journal.display())]
    LostMainFile { journal: PathBuf },
    /// The journal has content that cannot be read without writing next to it.
    #[error("its journal `{}` holds changes, and the folder cannot be written to", .journal.display())]
    JournalOutOfReach { journal: PathBuf },
    /// `PRAGMA journal_mode` did not switch to WAL.
    #[error("the file system does not support a write-ahead log: the journal mode is still `{0}`")]
    NoWal(String),
    #[error("inconsistent data: {0}")]
    Contradiction(String),
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        DbError::Sqlite(error)
    }
}

impl DbError {
    /// Returns whether another process holds a lock; the same call may succeed later.
    pub(super) fn is_busy(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, FileLockingProtocolFailed};
        matches!(self.code(), Some(DatabaseBusy | DatabaseLocked | FileLockingProtocolFailed))
    }

    /// Returns whether a file could not be created or written to.
    pub(super) fn is_unwritable(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
        matches!(self.code(), Some(CannotOpen | ReadOnly))
    }

    /// Returns whether the pages contradict each other.
    pub(super) fn is_corrupt(&self) -> bool {
        self.code() == Some(rusqlite::ErrorCode::DatabaseCorrupt)
    }

    /// Returns whether the disk is full, or too full for the shared-memory file next to the database.
    pub(super) fn is_no_space(&self) -> bool {
        self.code() == Some(rusqlite::ErrorCode::DiskFull)
            || self.sqlite().is_some_and(|e| e.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
    }

    fn sqlite(&self) -> Option<&ffi::Error> {
        match self {
            DbError::Sqlite(error) => error.sqlite_error(),
            _ => None,
        }
    }

    pub(super) fn code(&self) -> Option<rusqlite::ErrorCode> {
        self.sqlite().map(|e| e.code)
    }
}

pub(super) fn no_space(path: &Path) -> Failure {
    Failure::cannot_meet(format!("no space left for the database `{}`: nothing was changed", path.display()))
        .hint("make room on that disk and run the command again")
}

pub(super) fn read_only(path: &Path) -> Failure {
    Failure::cannot_meet(format!("the database `{}` is read-only", path.display())).hint(
        "this command has to write to it: make it and its folder writable, or name another database (MODELCTL_DB)",
    )
}
