//! The schema: an append-only list of steps. `PRAGMA user_version` counts the steps that were applied to a file, and
//! `PRAGMA application_id` marks the file as ours.

use super::error::{DbError, DbResult};
use rusqlite::{Connection, Transaction, TransactionBehavior};

/// "mctl" in ASCII, in the header of every database of this program.
pub(super) const APPLICATION_ID: i32 = 0x6d63_746c;

/// The SQL of each step. Never edited, reordered or removed once released; a new step needs a dump of a database at the
/// step before it in `fixtures/db/`, which the tests then upgrade.
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
    include_str!("v11.sql"),
    include_str!("v12.sql"),
    include_str!("v13.sql"),
    include_str!("v14.sql"),
    include_str!("v15.sql"),
    include_str!("v16.sql"),
    include_str!("v17.sql"),
    include_str!("v18.sql"),
];

/// The version of a database to which every step was applied.
pub const VERSION: i32 = {
    assert!(STEPS.len() < 10_000);
    STEPS.len() as i32
};

/// The stage of a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The file is empty.
    Blank,
    /// The file is ours and has this number of steps: 1 to [`VERSION`].
    Step(i32),
}

/// Reads the stage of a file. An error for another program's file and for a newer version.
pub(super) fn stage(conn: &Connection) -> DbResult<Stage> {
    // Read in one transaction: if another process creates the schema between two reads, a file of ours would look like
    // a foreign one.
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
    // Most programs set neither number, so only an empty schema distinguishes a new file from a foreign one.
    if application == 0 && version == 0 {
        let objects: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if objects == 0 {
            return Ok(Stage::Blank);
        }
    }
    Err(DbError::Foreign)
}

/// Returns whether every table and index exists as the steps create it, and there is no trigger or view. `conn` must be
/// open on a file of ours.
pub(super) fn is_intact(conn: &Connection) -> DbResult<bool> {
    let Stage::Step(taken) = stage(conn)? else { return Ok(true) };
    let expected = Connection::open_in_memory()?;
    for step in STEPS.iter().take(usize::try_from(taken).unwrap_or(0)) {
        expected.execute_batch(step)?;
    }
    Ok(objects(&expected)? == objects(conn)?)
}

/// Returns the definition of every table, index, trigger and view, without those that SQLite creates itself.
fn objects(conn: &Connection) -> DbResult<Vec<(String, String, String)>> {
    let mut rows =
        conn.prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")?;
    let all = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(all.collect::<Result<_, _>>()?)
}

/// Applies the missing steps, all in one transaction. Returns whether the database was blank before.
///
/// The stage is read again under the write lock: another process may have been faster.
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
