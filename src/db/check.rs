//! A check of the whole file.

use super::Db;

/// Number of faults that are read; one is enough to know.
const MOST: i64 = 5;

impl Db {
    /// Returns what SQLite finds wrong with the pages of the file; empty when nothing is. Reads all of it.
    pub fn faults(&self) -> anyhow::Result<Vec<String>> {
        self.read(|tx| {
            let mut faults = Vec::new();
            tx.pragma(None, "quick_check", MOST, |row| {
                faults.push(row.get::<_, String>(0)?);
                Ok(())
            })?;
            faults.retain(|fault| fault != "ok");
            Ok(faults)
        })
    }
}
