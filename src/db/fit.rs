//! Memory that llama.cpp measured, by the identity of the file and the settings of the measurement.

use super::Db;
use super::cells::{Cells, bits, count};
use crate::model::{DeviceMemory, FileIdentity};
use rusqlite::params;

impl Db {
    /// Returns the memory measured for exactly this file with these settings. `settings` must contain everything that
    /// the values depend on, including the build of llama.cpp.
    pub fn measured(&self, file: &FileIdentity, settings: &str) -> anyhow::Result<Option<Vec<DeviceMemory>>> {
        self.read(|tx| {
            let mut find = tx.prepare_cached(
                "SELECT ino, devices FROM fit
                 WHERE dev = ?1 AND ino = ?2 AND settings = ?3 AND size = ?4 AND mtime_ns = ?5 AND ctime_ns = ?6",
            )?;
            let size = count(file.size, "the size of a file")?;
            let key = params![bits(file.dev), bits(file.ino), settings, size, file.mtime_ns, file.ctime_ns];
            let mut rows = find.query(key)?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let mut cells = Cells::new(row, "fit");
            cells.bits()?;
            // A text that this version cannot read counts as missing: the memory is measured again.
            Ok(serde_json::from_str(&cells.take::<String>()?).ok())
        })
    }

    /// Stores a measurement. Measurements of an earlier file in the same inode are removed.
    pub fn record_measured(
        &mut self,
        file: &FileIdentity,
        settings: &str,
        devices: &[DeviceMemory],
    ) -> anyhow::Result<()> {
        let devices = serde_json::to_string(devices)?;
        self.write(|tx| {
            let size = count(file.size, "the size of a file")?;
            let (dev, ino) = (bits(file.dev), bits(file.ino));
            tx.execute(
                "DELETE FROM fit WHERE dev = ?1 AND ino = ?2 AND (size <> ?3 OR mtime_ns <> ?4 OR ctime_ns <> ?5)",
                params![dev, ino, size, file.mtime_ns, file.ctime_ns],
            )?;
            tx.execute(
                "INSERT OR REPLACE INTO fit (dev, ino, size, mtime_ns, ctime_ns, settings, devices)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![dev, ino, size, file.mtime_ns, file.ctime_ns, settings, devices],
            )?;
            Ok(())
        })
    }
}
