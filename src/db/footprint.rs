//! What models took when they were loaded, by the identity of the main file and the settings of the load.

use super::Db;
use super::cells::{Cells, bits, count};
use super::error::DbResult;
use crate::model::{DeviceBytes, FileIdentity};
use rusqlite::{Connection, params};

impl Db {
    /// Returns the memory that a process with exactly this file was found to hold with these settings. `settings` must
    /// contain everything that the values depend on, including the build of the engine.
    pub fn footprint(&self, file: &FileIdentity, settings: &str) -> anyhow::Result<Option<Vec<DeviceBytes>>> {
        self.read(|tx| footprint(tx, file, settings))
    }

    /// Stores what a process holds. Of several measurements the largest counts, per device. Those of an earlier file in
    /// the same inode are removed.
    pub fn record_footprint(
        &mut self,
        file: &FileIdentity,
        settings: &str,
        devices: &[DeviceBytes],
    ) -> anyhow::Result<()> {
        self.write(|tx| {
            let mut all = footprint(tx, file, settings)?.unwrap_or_default();
            for DeviceBytes { device, bytes } in devices {
                match all.iter_mut().find(|known| known.device == *device) {
                    Some(known) => known.bytes = known.bytes.max(*bytes),
                    None => all.push(DeviceBytes { device: device.clone(), bytes: *bytes }),
                }
            }
            let text =
                serde_json::to_string(&all).map_err(|error| super::error::DbError::Contradiction(error.to_string()))?;
            let size = count(file.size, "the size of a file")?;
            let (dev, ino) = (bits(file.dev), bits(file.ino));
            tx.execute(
                "DELETE FROM footprint
                 WHERE dev = ?1 AND ino = ?2 AND (size <> ?3 OR mtime_ns <> ?4 OR ctime_ns <> ?5)",
                params![dev, ino, size, file.mtime_ns, file.ctime_ns],
            )?;
            tx.execute(
                "INSERT OR REPLACE INTO footprint (dev, ino, size, mtime_ns, ctime_ns, settings, devices)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![dev, ino, size, file.mtime_ns, file.ctime_ns, settings, text],
            )?;
            Ok(())
        })
    }
}

fn footprint(conn: &Connection, file: &FileIdentity, settings: &str) -> DbResult<Option<Vec<DeviceBytes>>> {
    let mut find = conn.prepare_cached(
        "SELECT ino, devices FROM footprint
         WHERE dev = ?1 AND ino = ?2 AND settings = ?3 AND size = ?4 AND mtime_ns = ?5 AND ctime_ns = ?6",
    )?;
    let size = count(file.size, "the size of a file")?;
    let key = params![bits(file.dev), bits(file.ino), settings, size, file.mtime_ns, file.ctime_ns];
    let mut rows = find.query(key)?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut cells = Cells::new(row, "footprint");
    cells.bits()?;
    // A text that this version cannot read counts as missing: the memory is measured again.
    Ok(serde_json::from_str(&cells.take::<String>()?).ok())
}
