//! What can go wrong in the database, and the one place that decides what a person is told about it.

use crate::failure::Failure;
use crate::model::ModelId;
use rusqlite::ffi;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) type DbResult<T> = Result<T, DbError>;

#[derive(Debug, thiserror::Error)]
pub(super) enum DbError {
    /// Without a source: SQLite's own error below this one only says the same again.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
    /// A stored value that this program did not write like that.
    #[error("table `{table}`, column `{column}`, row `{row}`: {why}")]
    BadValue { table: &'static str, column: String, row: String, why: String },
    #[error("no model has the id `{0}`")]
    NoModel(ModelId),
    /// Another program's SQLite file.
    #[error("it is an SQLite database of another program")]
    Foreign,
    #[error("its format is version {found}, this program knows versions up to {known}")]
    Newer { found: i32, known: i32 },
    /// The file can be read only.
    #[error("it is read-only")]
    ReadOnlyFile,
    /// An empty main file beside a journal with content: SQLite would delete the journal.
    #[error("it is empty, but its journal `{}` is not", .journal.display())]
    LostMainFile { journal: PathBuf },
    /// The journal has content that cannot be read without writing beside it.
    #[error("its journal `{}` holds changes, and the folder cannot be written to", .journal.display())]
    JournalOutOfReach { journal: PathBuf },
    /// `PRAGMA journal_mode` stayed at something else.
    #[error("the file system gives no write-ahead log: the journal mode stayed `{0}`")]
    NoWal(String),
    #[error("what is to be stored contradicts itself: {0}")]
    Contradiction(String),
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        DbError::Sqlite(error)
    }
}

impl DbError {
    /// Somebody else holds a lock; the same call may succeed later.
    pub(super) fn is_busy(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, FileLockingProtocolFailed};
        matches!(self.code(), Some(DatabaseBusy | DatabaseLocked | FileLockingProtocolFailed))
    }

    /// A file could not be made or written to.
    pub(super) fn is_unwritable(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
        matches!(self.code(), Some(CannotOpen | ReadOnly))
    }

    /// The pages contradict each other.
    pub(super) fn is_corrupt(&self) -> bool {
        self.code() == Some(rusqlite::ErrorCode::DatabaseCorrupt)
    }

    /// The disk is full, or too full for the shared-memory file beside the database.
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

    fn code(&self) -> Option<rusqlite::ErrorCode> {
        self.sqlite().map(|e| e.code)
    }
}

/// Turns an error into what a person and a script see. An error that a user cannot cause stays without a [`Failure`].
pub(super) fn explain(error: DbError, path: &Path, patience: Duration) -> anyhow::Error {
    match failure_of(&error, path, patience) {
        // The failure says it all; the cause below it would only repeat it.
        Some(failure) if matches!(error, DbError::NoModel(_) | DbError::Newer { .. } | DbError::Foreign) => {
            anyhow::Error::new(failure)
        }
        Some(failure) => anyhow::Error::new(error).context(failure),
        None => anyhow::Error::new(error).context(format!("the database `{}`", path.display())),
    }
}

fn failure_of(error: &DbError, path: &Path, patience: Duration) -> Option<Failure> {
    let db = path.display();
    Some(match error {
        DbError::Sqlite(_) => return failure_of_code(error, path, patience),
        DbError::BadValue { .. } => {
            Failure::cannot_meet(format!("the database `{db}` holds a value that makes no sense"))
                .hint(start_over(path))
        }
        DbError::NoModel(id) => {
            Failure::cannot_meet(format!("no model has the id `{id}`")).hint("`modelctl list` shows those there are")
        }
        DbError::Foreign => Failure::cannot_meet(format!("`{db}` is an SQLite database of another program"))
            .hint("it was not touched; name another file for modelctl's own database (MODELCTL_DB)"),
        DbError::Newer { found, known } => Failure::cannot_meet(format!(
            "the database `{db}` has format version {found}, and this modelctl knows versions up to {known}"
        ))
        .hint("it was not touched; use the newer modelctl that wrote it, or name another database (MODELCTL_DB)"),
        DbError::ReadOnlyFile => read_only(path),
        DbError::LostMainFile { .. } => {
            Failure::cannot_meet(format!("the database `{db}` is damaged")).hint(start_over(path))
        }
        DbError::JournalOutOfReach { .. } => Failure::cannot_meet(format!(
            "the database `{db}` cannot be read where it is"
        ))
        .hint("copy it with its `-wal` file to a folder that can be written to, and name the copy (MODELCTL_DB)"),
        DbError::NoWal(_) => Failure::cannot_meet(format!("the database `{db}` cannot be kept there"))
            .hint("name a path on a local disk (MODELCTL_DB)"),
        DbError::Contradiction(_) => return None,
    })
}

fn failure_of_code(error: &DbError, path: &Path, patience: Duration) -> Option<Failure> {
    use rusqlite::ErrorCode as Code;
    let db = path.display();
    Some(match error.code()? {
        _ if error.is_busy() => Failure::busy(format!(
            "the database `{db}` is in use by another process and stayed locked for {}",
            humantime::format_duration(patience)
        ))
        .hint(format!("try again in a moment; `lsof {db}` shows who has it open")),
        _ if error.is_no_space() => no_space(path),
        Code::SystemIoFailure => Failure::cannot_meet(format!("reading or writing the database `{db}` failed"))
            .hint("look at the disk and its file system (dmesg); the last complete state is kept"),
        Code::DatabaseCorrupt => damaged(path),
        Code::NotADatabase => {
            Failure::cannot_meet(format!("`{db}` is not an SQLite database, or a damaged one")).hint(start_over(path))
        }
        Code::ReadOnly => read_only(path),
        Code::CannotOpen | Code::PermissionDenied => Failure::cannot_meet(format!("cannot open the database `{db}`"))
            .hint("look at the permissions of the file, of its `-wal` and `-shm` files, and of their folder"),
        Code::OutOfMemory => Failure::cannot_meet(format!("not enough memory to read the database `{db}`")),
        _ => return None,
    })
}

fn damaged(path: &Path) -> Failure {
    Failure::cannot_meet(format!("the database `{}` is damaged", path.display())).hint(start_over(path))
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

fn start_over(path: &Path) -> String {
    format!(
        "it was left as it is; move `{0}` and `{0}-wal` away and run `modelctl scan`: models are found again, settings \
         and usage are only in that file, so keep it",
        path.display()
    )
}
