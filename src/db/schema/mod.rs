//! The schema: an append-only list of steps. `PRAGMA user_version` counts the steps a file has taken, and
//! `PRAGMA application_id` says that the file is ours.

use super::error::{DbError, DbResult};
use rusqlite::{Connection, Transaction, TransactionBehavior};

/// "mctl" in ASCII, in the header of every database of this program.
pub(super) const APPLICATION_ID: i32 = 0x6d63_746c;

/// What each step adds. Never edited, reordered or removed once released; a new one needs a dump of a database at the
/// step before it in `fixtures/db/`, which the tests then lead through it.
const STEPS: &[&str] = &[
    include_str!("v1.sql"),
    include_str!("v2.sql"),
    include_str!("v3.sql"),
    include_str!("v4.sql"),
    include_str!("v5.sql"),
    include_str!("v6.sql"),
    include_str!("v7.sql"),
    include_str!("v8.sql"),
    include_str!("v9.sql"),
    include_str!("v10.sql"),
];

/// The version a database has when it has taken every step.
pub(super) const VERSION: i32 = {
    assert!(STEPS.len() < 10_000);
    STEPS.len() as i32
};

/// How far a database file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing is in it yet.
    Blank,
    /// It is ours and has taken so many steps: 1 to [`VERSION`].
    Step(i32),
}

/// Reads how far a file is. An error for another program's file and for a newer version.
pub(super) fn stage(conn: &Connection) -> DbResult<Stage> {
    // Read at one moment: seen half before and half after another process makes the schema, a file of ours would
    // look like a foreign one.
    stage_within(&conn.unchecked_transaction()?)
}

fn stage_within(conn: &Transaction<'_>) -> DbResult<Stage> {
    let application: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if application == APPLICATION_ID {
        return match version {
            found if found > VERSION => Err(DbError::Newer { found, known: VERSION }),
            found if found < 1 => Err(DbError::Foreign),
            found => Ok(Stage::Step(found)),
        };
    }
    // Most programs set neither number, so that only an empty schema tells a new file from a foreign one.
    if application == 0 && version == 0 {
        let objects: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if objects == 0 {
            return Ok(Stage::Blank);
        }
    }
    Err(DbError::Foreign)
}

/// Takes the steps that are missing, all in one transaction. True when the database was blank before.
///
/// What the caller read before is read again under the write lock: another process may have been faster.
pub(super) fn upgrade(conn: &mut Connection) -> DbResult<bool> {
    let tx = Transaction::new(conn, TransactionBehavior::Immediate)?;
    let taken = match stage_within(&tx)? {
        Stage::Blank => 0,
        Stage::Step(taken) => taken,
    };
    if taken == VERSION {
        return Ok(false);
    }
    for step in STEPS.iter().skip(usize::try_from(taken).unwrap_or(0)) {
        tx.execute_batch(step)?;
    }
    if taken == 0 {
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.execute(
            "INSERT INTO meta (name, value) VALUES ('created_by', ?1)",
            [concat!("modelctl ", env!("CARGO_PKG_VERSION"))],
        )?;
    }
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    Ok(taken == 0)
}
