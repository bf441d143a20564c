//! Hashes that were computed, by the identity of the file they were computed of.

use super::Db;
use super::cells::{Cells, bits, count};
use super::error::DbResult;
use crate::clock::Timestamp;
use crate::model::FileIdentity;
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// What one reading of a whole file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashRecord {
    /// Lower-case hex.
    pub sha256: String,
    /// When the command that read it began.
    pub at: Timestamp,
}

impl Db {
    /// The hashes on record for those of `files` that are, by their whole identity, the files they were computed of.
    pub fn verified(&self, files: &[FileIdentity]) -> anyhow::Result<HashMap<FileIdentity, HashRecord>> {
        self.read(|tx| {
            let mut found = HashMap::new();
            for file in files {
                if let Some(record) = record_of(tx, file)? {
                    found.insert(*file, record);
                }
            }
            Ok(found)
        })
    }

    /// Keeps the hash of a file that was read whole. What was known of an earlier file in the same inode is forgotten.
    pub fn record_verified(&mut self, file: &FileIdentity, record: &HashRecord) -> anyhow::Result<()> {
        self.write(|tx| {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO verified (dev, ino, size, mtime_ns, ctime_ns, sha256, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                bits(file.dev),
                bits(file.ino),
                count(file.size, "the size of a file")?,
                file.mtime_ns,
                file.ctime_ns,
                record.sha256,
                record.at.millis()
            ])?;
            Ok(())
        })
    }
}

fn record_of(conn: &Connection, file: &FileIdentity) -> DbResult<Option<HashRecord>> {
    let mut find = conn.prepare_cached(
        "SELECT ino, sha256, at FROM verified
         WHERE dev = ?1 AND ino = ?2 AND size = ?3 AND mtime_ns = ?4 AND ctime_ns = ?5",
    )?;
    let size = count(file.size, "the size of a file")?;
    let mut rows = find.query(params![bits(file.dev), bits(file.ino), size, file.mtime_ns, file.ctime_ns])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut cells = Cells::new(row, "verified");
    cells.bits()?;
    Ok(Some(HashRecord { sha256: cells.take()?, at: Timestamp(cells.take()?) }))
}
