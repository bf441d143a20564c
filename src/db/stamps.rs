//! Stamps of folders, from when they were last read completely.

use super::Db;
use super::cells::{Cells, bytes, count};
use super::error::DbResult;
use crate::model::FolderStamp;
use rusqlite::{Connection, params};
use std::path::Path;

impl Db {
    /// Returns every stamp, in the order of the folders.
    pub fn stamps(&self) -> anyhow::Result<Vec<FolderStamp>> {
        self.read(|tx| {
            let mut all =
                tx.prepare_cached("SELECT folder, format, files, known, found, entries FROM stamp ORDER BY folder")?;
            let mut rows = all.query([])?;
            let mut stamps = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "stamp");
                stamps.push(FolderStamp {
                    folder: cells.path()?,
                    format: cells.take()?,
                    files: cells.count()?,
                    known: cells.take()?,
                    found: cells.take()?,
                    entries: cells.take()?,
                });
            }
            Ok(stamps)
        })
    }
}

/// Replaces the stamp of a folder. If there is a stamp, its survey must be recorded already.
pub(super) fn replace(conn: &Connection, folder: &Path, stamp: Option<&FolderStamp>) -> DbResult<()> {
    let Some(stamp) = stamp else {
        conn.prepare_cached("DELETE FROM stamp WHERE folder = ?1")?.execute([bytes(folder)])?;
        return Ok(());
    };
    conn.prepare_cached(
        "INSERT OR REPLACE INTO stamp (folder, format, files, known, found, entries) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        bytes(folder),
        stamp.format,
        count(stamp.files, "the number of files of models")?,
        stamp.known,
        stamp.found,
        stamp.entries
    ])?;
    Ok(())
}
