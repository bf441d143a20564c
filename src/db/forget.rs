//! Forgetting of roots that a person no longer wants to be scanned.

use super::Db;
use super::cells::bytes;
use super::error::DbResult;
use super::history;
use super::holdings::below;
use crate::model::Event;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};

impl Db {
    /// Forgets these roots with the models and holdings in them, and adds an event with the number of models. Settings
    /// and uses stay: they come back with the content.
    pub fn forget_roots(&mut self, roots: &[PathBuf], event: impl FnOnce(u64) -> Event) -> anyhow::Result<u64> {
        self.write(|tx| {
            let mut models = 0u64;
            for root in roots {
                models = models.saturating_add(forget(tx, root)?);
            }
            history::add_told(tx, Some(event(models)))?;
            Ok(models)
        })
    }
}

fn forget(conn: &Connection, root: &Path) -> DbResult<u64> {
    // Deleting a model deletes its artifacts too.
    let models = conn.prepare_cached("DELETE FROM model WHERE root = ?1")?.execute([bytes(root)])?;
    conn.prepare_cached("DELETE FROM holding WHERE root = ?1")?.execute([bytes(root)])?;
    // What was read of folders in it and around it is read again by the next scan.
    let (first, last) = below(root);
    conn.prepare_cached("DELETE FROM survey WHERE folder > ?1 AND folder < ?2")?.execute(params![first, last])?;
    for folder in root.ancestors() {
        conn.prepare_cached("DELETE FROM survey WHERE folder = ?1")?.execute([bytes(folder)])?;
    }
    conn.prepare_cached("DELETE FROM root WHERE path = ?1")?.execute([bytes(root)])?;
    Ok(u64::try_from(models).unwrap_or(u64::MAX))
}
