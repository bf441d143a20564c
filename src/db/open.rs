//! Opening: the checks before SQLite may open a file, and the settings of every connection.
//!
//! The measured reasons for the settings are next to them. The order matters: a foreign or newer file must be refused
//! before anything is written next to it.

use super::error::{DbError, DbResult};
use super::explain::explain;
use super::place::{self, Found};
use super::schema::{self, Stage};
use super::{Access, Db};
use crate::clock;
use crate::failure::Failure;
use crate::model::backoff::Backoff;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::cell::OnceCell;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// The time that a statement waits for another process's lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The oldest safe SQLite. Before 3.51.3 two connections that checkpoint one write-ahead log at once can corrupt it.
const OLDEST_SQLITE: i32 = 3_051_003;

/// The maximum number of checks of a file that seems damaged before it is reported as damaged.
const PEEKS: u32 = 3;

/// The size of the write-ahead log in pages at which it is moved into the main file (16 MB). Until then, a page that is
/// written repeatedly is moved only once.
const JOURNAL_PAGES: i64 = 4_000;

/// The size in bytes to which the write-ahead log is cut after a checkpoint; SQLite alone would never shrink it.
const JOURNAL_LIMIT: i64 = 64 << 20;

impl Db {
    /// Opens the database of the program.
    ///
    /// `ReadWrite` creates the file, its folders (mode 0700) and the schema where they are missing. `ReadOnly` of a
    /// missing or blank file returns an empty database in memory, for which [`Db::is_fresh`] is true.
    ///
    /// # Errors
    /// Cannot be met (3): a newer format, another program's file, a damaged one, a network file system, a read-only
    /// location, a full disk. Busy (4): locked for longer than 5 s.
    pub fn open(path: &Path, access: Access) -> anyhow::Result<Db> {
        Db::open_patiently(path, access, PATIENCE)
    }

    /// Opens the database as [`Db::open`] does, with another wait for locks.
    pub(super) fn open_patiently(path: &Path, access: Access, patience: Duration) -> anyhow::Result<Db> {
        let version = rusqlite::version_number();
        anyhow::ensure!(version >= OLDEST_SQLITE, "built with SQLite {version}, which can corrupt a shared database");
        match access {
            Access::ReadWrite => open_to_write(path, patience),
            Access::ReadOnly => open_to_read(path, patience),
            Access::Observe => open_to_observe(path, patience),
        }
    }

    fn in_memory(path: &Path, patience: Duration) -> anyhow::Result<Db> {
        let make = || -> DbResult<Connection> {
            let mut conn = Connection::open_in_memory()?;
            schema::upgrade(&mut conn)?;
            conn.pragma_update(None, "query_only", true)?;
            Ok(conn)
        };
        let conn = make().map_err(|error| explain(error, path, patience))?;
        Ok(Db {
            conn,
            path: path.to_owned(),
            place: None,
            patience,
            fresh: true,
            was_exposed: false,
            watch: OnceCell::new(),
        })
    }
}

/// Returns device and inode of the file at `path`; None when it does not exist or cannot be checked. Taken before the
/// file is opened: one that takes its place meanwhile is then seen as another, whichever of the two was opened.
fn inode(path: &Path) -> Option<(u64, u64)> {
    place::inode(path).unwrap_or(None)
}

/// Removes the permissions of other users. Returns whether they could read the database until now. A file whose mode we
/// may not change stays as it is.
fn make_private(path: &Path) -> bool {
    place::make_private(path).unwrap_or(false)
}

fn open_to_write(path: &Path, patience: Duration) -> anyhow::Result<Db> {
    place::refuse_network(path)?;
    peek(path).map_err(|error| explain(error, path, patience)).and_then(|()| place::prepare(path))?;
    place::look(path)?;
    let before = inode(path);
    let connect = || -> DbResult<(Connection, bool)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(patience)?;
        // SQLite silently opens a file for reading if it may not write to it.
        if conn.is_readonly(rusqlite::MAIN_DB)? {
            return Err(DbError::ReadOnlyFile);
        }
        // The earlier check read the main file alone. The content of the log counts too, and until it is known to be
        // ours, closing must not move the log into the main file.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let stage = schema::stage(&conn)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        settle(&conn)?;
        switch_to_wal(&conn, patience)?;
        let made = stage != Stage::Step(schema::VERSION) && schema::upgrade(&mut conn)?;
        Ok((conn, made))
    };
    let (conn, fresh) = connect().map_err(|error| explain(error, path, patience))?;
    Ok(Db {
        conn,
        path: path.to_owned(),
        place: before.or_else(|| inode(path)),
        patience,
        fresh,
        was_exposed: make_private(path),
        watch: OnceCell::new(),
    })
}

/// Returns whether there is a database to read: one of ours, in a place where its locks work.
fn is_there(path: &Path, patience: Duration) -> anyhow::Result<bool> {
    place::refuse_network(path)?;
    let found = place::look(path)?;
    peek(path).map_err(|error| explain(error, path, patience))?;
    Ok(found == Found::File)
}

fn open_to_read(path: &Path, patience: Duration) -> anyhow::Result<Db> {
    if !is_there(path, patience)? {
        return Db::in_memory(path, patience);
    }
    let before = inode(path);
    match connect_to_read(path, patience).map_err(|error| explain(error, path, patience))? {
        (_, Stage::Blank) => Db::in_memory(path, patience),
        (conn, Stage::Step(schema::VERSION)) => {
            let was_exposed = make_private(path);
            Ok(Db {
                conn,
                path: path.to_owned(),
                place: before,
                patience,
                fresh: false,
                was_exposed,
                watch: OnceCell::new(),
            })
        }
        (conn, Stage::Step(older)) => {
            drop(conn);
            let upgraded = open_to_write(path, patience).map_err(|error| {
                let (kind, _) = crate::failure::classify(&error);
                error.context(
                    Failure::new(kind, format!("the database `{}` has the older format {older}", path.display()))
                        .hint("it is brought up to date on first use, and for that it must be possible to write to it"),
                )
            })?;
            upgraded.conn.pragma_update(None, "query_only", true)?;
            Ok(upgraded)
        }
    }
}

fn open_to_observe(path: &Path, patience: Duration) -> anyhow::Result<Db> {
    if !is_there(path, patience)? {
        return Db::in_memory(path, patience);
    }
    let before = inode(path);
    // With a log, the newest pages are there, and whoever wrote them has made the files beside it already.
    let connected = match place::has_journal(path) {
        true => connect_to_read(path, patience),
        false => connect_immutable(path).and_then(|conn| schema::stage(&conn).map(|stage| (conn, stage))),
    };
    match connected.map_err(|error| explain(error, path, patience))? {
        (_, Stage::Blank) => Db::in_memory(path, patience),
        (conn, Stage::Step(schema::VERSION)) => Ok(Db {
            conn,
            path: path.to_owned(),
            place: before,
            patience,
            fresh: false,
            was_exposed: false,
            watch: OnceCell::new(),
        }),
        (_, Stage::Step(older)) => {
            Err(Failure::cannot_meet(format!("the database `{}` has the older format {older}", path.display()))
                .hint("run `modelctl list` to bring it up to date")
                .into())
        }
    }
}

/// Refuses a file that is not ours, without leaving files next to it: `immutable` reads the main file and nothing else.
///
/// The file is opened by SQLite and not by us, for the reason given at [`place::look`].
fn peek(path: &Path) -> DbResult<()> {
    // The caller's own check reports a file that cannot be checked here.
    match place::look(path).unwrap_or(Found::Nothing) {
        Found::Nothing => Ok(()),
        // The main file is checked again after the log, since another process may be creating both at this moment.
        Found::Empty if place::has_journal(path) && matches!(place::look(path), Ok(Found::Empty)) => {
            Err(DbError::LostMainFile { journal: place::beside(path, "-wal") })
        }
        Found::Empty => Ok(()),
        Found::File => peek_file(path),
    }
}

/// Moving the log into the main file writes the first page of the main file first. During that move, or permanently
/// when the disk is full, the main file alone refers to pages that only the log has: with a log, the open that reads
/// both decides.
fn peek_file(path: &Path) -> DbResult<()> {
    let mut looks = 0;
    loop {
        match connect_immutable(path).and_then(|conn| schema::stage(&conn)) {
            Err(error) if error.is_corrupt() && place::has_journal(path) => return Ok(()),
            // The log may have been moved and removed between the two checks.
            Err(error) if error.is_corrupt() && looks < PEEKS => looks = looks.saturating_add(1),
            stage => return stage.map(|_| ()),
        }
    }
}

/// Returns a read-only connection and the stage of its file. Where SQLite cannot create its shared-memory file, because
/// the folder cannot be written to or the disk is full, the main file is read as it is, provided that no log has newer
/// pages. No process can write then: a writer needs that file too.
fn connect_to_read(path: &Path, patience: Duration) -> DbResult<(Connection, Stage)> {
    let begin = |conn: Connection| -> DbResult<(Connection, Stage)> {
        conn.busy_timeout(patience)?;
        let stage = schema::stage(&conn)?;
        settle(&conn)?;
        Ok((conn, stage))
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let error = match Connection::open_with_flags(path, flags).map_err(DbError::from).and_then(begin) {
        Ok(opened) => return Ok(opened),
        Err(error) => error,
    };
    let sealed = error.is_unwritable() && place::writable(&place::folder(path)).is_err();
    match place::has_journal(path) {
        false if sealed || error.is_no_space() => begin(connect_immutable(path)?),
        true if sealed => Err(DbError::JournalOutOfReach { journal: place::beside(path, "-wal") }),
        _ => Err(error),
    }
}

fn connect_immutable(path: &Path) -> DbResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(immutable_uri(path), flags)?)
}

/// Returns `file:PATH?immutable=1`, with every byte escaped that is not plainly a letter, a digit or a slash.
pub(super) fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// Applies the settings of every connection to a file.
fn settle(conn: &Connection) -> DbResult<()> {
    conn.set_prepared_statement_cache_capacity(64);
    conn.pragma_update(None, "foreign_keys", true)?;
    // A commit is on disk when it returns. With NORMAL a power cut may undo a commit that was reported as done.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update_and_check(None, "journal_size_limit", JOURNAL_LIMIT, |_| Ok(()))?;
    conn.pragma_update_and_check(None, "wal_autocheckpoint", JOURNAL_PAGES, |_| Ok(()))?;
    // Plans are kept. Without this setting every new value of a LIMIT causes a new plan, which took half the time of a
    // claim.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Sorting must not need disk space.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // Another program may have written the file: nothing in its schema may run code, and pages are checked when read.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Our schema has neither triggers nor views: those in a file are not ours.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

/// Switches to the write-ahead log, once in the life of a file: the switch takes a lock even where it is already made.
fn switch_to_wal(conn: &Connection, patience: Duration) -> DbResult<()> {
    let started = clock::instant();
    let pauses = Backoff::doubling(Duration::from_millis(1), Duration::from_millis(50));
    let mut tries = 0_u32;
    loop {
        tries = tries.saturating_add(1);
        match try_wal(conn) {
            // Two processes that create one database at the same time each hold the lock that the other needs, and
            // SQLite then refuses at once instead of waiting.
            Err(error) if error.is_busy() && started.elapsed() < patience => {
                wait(pauses.after(tries));
            }
            result => return result,
        }
    }
}

/// Sleeps. No other place of this module does.
#[expect(clippy::disallowed_methods, reason = "SQLite gives no event for a lock that is let go")]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}

fn try_wal(conn: &Connection) -> DbResult<()> {
    let now: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if now == "wal" {
        return Ok(());
    }
    let then: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if then == "wal" { Ok(()) } else { Err(DbError::NoWal(then)) }
}
