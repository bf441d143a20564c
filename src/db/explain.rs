//! The only place that words errors of the database for people.

use super::error::{DbError, DbResult, no_space, read_only};
use super::{place, schema};
use crate::failure::Failure;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Turns an error into one for people and scripts. An error that a user cannot cause stays without a [`Failure`].
pub(super) fn explain(error: DbError, path: &Path, patience: Duration) -> anyhow::Error {
    match failure_of(&error, path, patience) {
        // The failure is complete; the cause below it would only repeat its text.
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
        DbError::Sqlite(_) => {
            return failure_of_code(error, path, patience).or_else(|| schema_is_damaged(path).then(|| damaged(path)));
        }
        DbError::BadValue { .. } => {
            Failure::cannot_meet(format!("the database `{db}` holds a value that makes no sense"))
                .hint(start_over(path))
        }
        DbError::NoModel(id) => {
            Failure::not_found(format!("no model has the id `{id}`")).hint("`modelctl list` shows those there are")
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

/// Returns whether an error that our own statements cannot cause came from a schema that differs from ours.
fn schema_is_damaged(path: &Path) -> bool {
    let check = || -> DbResult<bool> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        schema::is_intact(&conn)
    };
    match check() {
        Ok(intact) => !intact,
        Err(error) => error.is_corrupt(),
    }
}

fn failure_of_code(error: &DbError, path: &Path, patience: Duration) -> Option<Failure> {
    use rusqlite::ErrorCode as Code;
    let db = path.display();
    Some(match error.code()? {
        _ if error.is_busy() && !place::locks_work(path) => {
            Failure::cannot_meet(format!("the file system of the database `{db}` does not support file locks"))
                .hint("use a path on a local disk (MODELCTL_DB)")
        }
        _ if error.is_busy() => Failure::busy(format!(
            "the database `{db}` is in use by another process and stayed locked for {}",
            humantime::format_duration(patience)
        ))
        .hint(format!("try again in a moment; `lsof {db}` shows who has it open")),
        _ if error.is_no_space() => no_space(path),
        Code::SystemIoFailure => Failure::cannot_meet(format!("reading or writing the database `{db}` failed"))
            .hint("check the disk and its file system (dmesg); the last complete state is kept"),
        Code::DatabaseCorrupt => damaged(path),
        Code::NotADatabase => {
            Failure::cannot_meet(format!("`{db}` is not an SQLite database, or a damaged one")).hint(start_over(path))
        }
        Code::ReadOnly => read_only(path),
        Code::CannotOpen | Code::PermissionDenied => Failure::cannot_meet(format!("cannot open the database `{db}`"))
            .hint("check the permissions of the file, of its `-wal` and `-shm` files, and of their folder"),
        Code::OutOfMemory => Failure::cannot_meet(format!("not enough memory to read the database `{db}`")),
        _ => return None,
    })
}

fn damaged(path: &Path) -> Failure {
    Failure::cannot_meet(format!("the database `{}` is damaged", path.display())).hint(start_over(path))
}

fn start_over(path: &Path) -> String {
    format!(
        "it was not changed. To start over, move `{0}` and `{0}-wal` away and run `modelctl scan`, which finds the models \
         again. Keep the old file: queued tasks, their answers, settings and usage are stored nowhere else",
        path.display()
    )
}
