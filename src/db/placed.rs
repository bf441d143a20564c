//! The locations of model files, from which a plan is made.

use super::Db;
use super::cells::Cells;
use super::error::DbResult;
use crate::model::{FileIdentity, ModelId, PlacedFile, Role};
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::PathBuf;

impl Db {
    /// Returns every file of every model that is not gone, by model and position.
    pub fn placed_files(&self) -> anyhow::Result<Vec<PlacedFile>> {
        self.read(|tx| {
            let mut also: HashMap<i64, Vec<PathBuf>> = HashMap::new();
            let mut entries =
                tx.prepare_cached("SELECT artifact, path FROM artifact_entry ORDER BY artifact, position")?;
            let mut rows = entries.query([])?;
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "artifact_entry");
                let artifact: i64 = cells.take()?;
                also.entry(artifact).or_default().push(cells.path()?);
            }
            let mut all = tx.prepare_cached(
                "SELECT a.number, m.id, a.role, a.path, a.target, a.dev, a.ino, a.size, a.mtime_ns, a.ctime_ns,
                     a.allocated, a.expected_sha256, v.sha256
                 FROM artifact AS a
                 JOIN model AS m ON m.number = a.model
                 LEFT JOIN verified AS v ON v.dev = a.dev AND v.ino = a.ino AND v.size = a.size
                     AND v.mtime_ns = a.mtime_ns AND v.ctime_ns = a.ctime_ns
                 WHERE m.state <> 'gone' ORDER BY m.number, a.position",
            )?;
            let mut rows = all.query([])?;
            let mut files = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "artifact");
                let number: i64 = cells.take()?;
                let (model, role) = (ModelId(cells.take()?), cells.name(Role::from_name)?);
                let (entry, target) = (cells.path()?, cells.path_or_null()?);
                let identity = FileIdentity {
                    dev: cells.bits()?,
                    ino: cells.bits()?,
                    size: cells.count()?,
                    mtime_ns: cells.take()?,
                    ctime_ns: cells.take()?,
                };
                let path = target.unwrap_or_else(|| entry.clone());
                let mut entries = also.remove(&number).unwrap_or_default();
                entries.push(entry);
                entries.push(path.clone());
                entries.sort();
                entries.dedup();
                files.push(PlacedFile {
                    model,
                    role,
                    path,
                    entries,
                    identity,
                    allocated: cells.count()?,
                    expected_sha256: cells.take()?,
                    verified_sha256: cells.take()?,
                });
            }
            Ok(files)
        })
    }

    /// Marks models as gone without a scan, because this program removed them.
    pub fn mark_gone(&mut self, ids: &[ModelId]) -> anyhow::Result<()> {
        self.write(|tx| mark_gone(tx, ids))
    }

    /// Returns the models that unfinished tasks name or were assigned, each as the text that was given, with the number
    /// of those tasks.
    pub fn models_of_tasks(&self) -> anyhow::Result<Vec<(String, u64)>> {
        self.read(|tx| {
            let mut all = tx.prepare_cached(
                "SELECT name, count(*) FROM (
                     SELECT wish_model AS name FROM task WHERE finished IS NULL AND wish_model IS NOT NULL
                     UNION ALL SELECT model FROM task WHERE state = 'running' AND model IS NOT NULL)
                 GROUP BY name ORDER BY name",
            )?;
            let mut rows = all.query([])?;
            let mut named = Vec::new();
            while let Some(row) = rows.next()? {
                let mut cells = Cells::new(row, "task");
                named.push((cells.take()?, cells.count()?));
            }
            Ok(named)
        })
    }
}

/// Marks models as gone, within the transaction of the caller.
pub(super) fn mark_gone(conn: &Connection, ids: &[ModelId]) -> DbResult<()> {
    let mut gone = conn.prepare_cached("UPDATE model SET state = 'gone', reason = NULL WHERE id = ?1")?;
    for id in ids {
        gone.execute([id.as_str()])?;
    }
    Ok(())
}
