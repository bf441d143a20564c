//! Computed hashes, by the identity of the file that was read.

use super::Db;
use super::cells::{Cells, bits, bytes, count};
use super::error::DbResult;
use crate::clock::Timestamp;
use crate::model::FileIdentity;
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::path::Path;

/// The result of reading a whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashRecord {
    /// The sha256, lower-case hex.
    pub sha256: String,
    /// The time when the command that read the file started.
    pub at: Timestamp,
}

impl Db {
    /// Returns the recorded hashes of those `files` whose whole identity is that of the file that was read.
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

    /// Stores the hash of a file that was read completely. Records of an earlier file in the same inode are removed.
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
            // The file could be read, and this is its hash now.
            tx.prepare_cached("DELETE FROM finding WHERE dev = ?1 AND ino = ?2")?
                .execute(params![bits(file.dev), bits(file.ino)])?;
            Ok(())
        })
    }

    /// Records that files are no longer as a scan saw them, with the reason; removes that record for files without a
    /// reason (None), which are as the scan saw them. The next scan of their root removes it too.
    pub fn record_changed(&mut self, files: &[(FileIdentity, Option<String>)], at: Timestamp) -> anyhow::Result<()> {
        self.write(|tx| {
            for (file, why) in files {
                let Some(why) = why else {
                    tx.prepare_cached("DELETE FROM finding WHERE dev = ?1 AND ino = ?2 AND what = 'changed'")?
                        .execute(params![bits(file.dev), bits(file.ino)])?;
                    continue;
                };
                add(tx, file, ("changed", why), at)?;
            }
            Ok(())
        })
    }

    /// Records a finding about the content of a file: a hash (lower-case hex) that differs from the recorded one, which
    /// stays, or the reason why the file could not be read to its end.
    pub fn record_finding(
        &mut self,
        file: &FileIdentity,
        found: Result<&str, &str>,
        at: Timestamp,
    ) -> anyhow::Result<()> {
        let (what, detail) = match found {
            Ok(sha256) => ("other", sha256),
            Err(why) => ("unreadable", why),
        };
        self.write(|tx| add(tx, file, (what, detail), at))
    }
}

fn add(conn: &Connection, file: &FileIdentity, (what, detail): (&str, &str), at: Timestamp) -> DbResult<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO finding (dev, ino, size, mtime_ns, ctime_ns, what, detail, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        bits(file.dev),
        bits(file.ino),
        count(file.size, "the size of a file")?,
        file.mtime_ns,
        file.ctime_ns,
        what,
        detail,
        at.millis()
    ])?;
    Ok(())
}

/// Removes, for the files of a scanned root, the records that they had changed since the scan before.
pub(super) fn forget_changed(conn: &Connection, root: &Path) -> DbResult<()> {
    conn.prepare_cached(
        "DELETE FROM finding WHERE what = 'changed' AND EXISTS (
             SELECT 1 FROM artifact AS a JOIN model AS m ON m.number = a.model
             WHERE a.dev = finding.dev AND a.ino = finding.ino AND m.root = ?1)",
    )?
    .execute([bytes(root)])?;
    Ok(())
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
