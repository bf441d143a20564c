//! Files that were made to share their space, and how each was before.

use super::Db;
use super::cells::{Cells, bytes, count};
use crate::clock::Timestamp;
use crate::model::{Share, ShareHow};
use rusqlite::params;

impl Db {
    /// Records a file that is about to share its space, and returns the number of the record. It is on the disk when this
    /// returns.
    pub fn add_share(&mut self, share: &Share) -> anyhow::Result<i64> {
        self.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO share (run, at, how, name, kept, path, size, mode, uid, gid, mtime_ns)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                share.run,
                share.at.millis(),
                share.how.name(),
                share.name,
                bytes(&share.kept),
                bytes(&share.path),
                count(share.size, "the size of a file")?,
                share.mode,
                share.uid,
                share.gid,
                share.mtime_ns,
            ])?;
            Ok(tx.last_insert_rowid())
        })
    }

    /// Removes the record of a file that was left alone after all.
    pub fn remove_share(&mut self, number: i64) -> anyhow::Result<()> {
        self.write(|tx| {
            tx.prepare_cached("DELETE FROM share WHERE number = ?1")?.execute([number])?;
            Ok(())
        })
    }

    /// Records that a file has space of its own again.
    pub fn note_share_undone(&mut self, number: i64, at: Timestamp) -> anyhow::Result<()> {
        self.write(|tx| {
            tx.prepare_cached("UPDATE share SET undone = ?2 WHERE number = ?1")?
                .execute(params![number, at.millis()])?;
            Ok(())
        })
    }

    /// Returns the files that share their space since a run of this program, the latest first.
    pub fn shares(&self) -> anyhow::Result<Vec<Share>> {
        self.read(|tx| {
            let mut all = tx.prepare_cached(
                "SELECT number, run, at, how, name, kept, path, size, mode, uid, gid, mtime_ns FROM share
                 WHERE undone IS NULL ORDER BY number DESC",
            )?;
            let mut rows = all.query([])?;
            let mut shares = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "share");
                shares.push(Share {
                    number: cells.take()?,
                    run: cells.take()?,
                    at: Timestamp(cells.take()?),
                    how: cells.name(ShareHow::from_name)?,
                    name: cells.take()?,
                    kept: cells.path()?,
                    path: cells.path()?,
                    size: cells.count()?,
                    mode: cells.take()?,
                    uid: cells.take()?,
                    gid: cells.take()?,
                    mtime_ns: cells.take()?,
                });
            }
            Ok(shares)
        })
    }
}
