//! The ledger of models in memory: see [`crate::model::ledger`], which decides.

use super::Db;
use super::cells::{Cells, bits, count};
use super::error::DbResult;
use crate::clock::Timestamp;
use crate::model::ledger::{
    Admission, Admitted, DeviceBudget, LedgerBytes, LedgerRow, LoadId, LoadState, Place, ProcessId, Purpose, decide,
};
use crate::model::{DeviceBytes, ModelId};
use rusqlite::{Connection, params};

impl Db {
    /// Returns the models in memory, of this machine and of others, oldest first.
    pub fn ledger(&self) -> anyhow::Result<Vec<LedgerRow>> {
        self.read(|tx| rows(tx))
    }

    /// Reserves memory for a model, if it fits beside all others; nobody else is admitted between the decision and the
    /// reservation. `gone` are the rows whose owner and worker were found to have ended: they are removed first.
    /// `budgets` holds readings taken just before.
    pub fn admit(
        &mut self,
        admission: &Admission,
        budgets: &[DeviceBudget],
        gone: &[LoadId],
    ) -> anyhow::Result<Admitted> {
        self.write(|tx| {
            remove(tx, gone)?;
            match decide(&rows(tx)?, &admission.place, &admission.needs, budgets) {
                Ok(()) => Ok(Admitted::Load(add(tx, admission)?)),
                Err(refusal) => Ok(Admitted::Refused(refusal)),
            }
        })
    }

    /// Records the process that will hold the memory of a row.
    pub fn set_load_worker(&mut self, id: LoadId, worker: ProcessId) -> anyhow::Result<()> {
        self.write(|tx| {
            tx.prepare_cached("UPDATE load SET worker_pid = ?2, worker_start = ?3 WHERE id = ?1")?.execute(params![
                id.0,
                worker.pid,
                bits(worker.start)
            ])?;
            Ok(())
        })
    }

    pub fn set_load_state(&mut self, id: LoadId, state: LoadState) -> anyhow::Result<()> {
        self.write(|tx| {
            tx.prepare_cached("UPDATE load SET state = ?2 WHERE id = ?1")?.execute(params![id.0, state.name()])?;
            Ok(())
        })
    }

    /// Records what the process of a row holds. A device that nothing was reserved on is added.
    pub fn set_load_measured(&mut self, id: LoadId, measured: &[DeviceBytes]) -> anyhow::Result<()> {
        self.write(|tx| {
            let mut set = tx.prepare_cached(
                "INSERT INTO load_bytes (load, device, reserved, measured)
                 SELECT id, ?2, 0, ?3 FROM load WHERE id = ?1
                 ON CONFLICT (load, device) DO UPDATE SET measured = excluded.measured",
            )?;
            for DeviceBytes { device, bytes } in measured {
                set.execute(params![id.0, device, count(*bytes, "measured memory")?])?;
            }
            Ok(())
        })
    }

    /// Records that a process holds no more than this from now on: it has given memory back and runs on.
    pub fn shrink_load(&mut self, id: LoadId, held: &[DeviceBytes]) -> anyhow::Result<()> {
        self.write(|tx| {
            tx.prepare_cached("DELETE FROM load_bytes WHERE load = ?1")?.execute([id.0])?;
            let mut set = tx.prepare_cached(
                "INSERT INTO load_bytes (load, device, reserved, measured) SELECT id, ?2, ?3, ?3 FROM load WHERE id = ?1",
            )?;
            for DeviceBytes { device, bytes } in held {
                set.execute(params![id.0, device, count(*bytes, "measured memory")?])?;
            }
            Ok(())
        })
    }

    /// Removes rows: their memory is free. A row that is no longer there is no error.
    pub fn release_loads(&mut self, ids: &[LoadId]) -> anyhow::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.write(|tx| remove(tx, ids))
    }
}

fn remove(conn: &Connection, ids: &[LoadId]) -> DbResult<()> {
    let mut delete = conn.prepare_cached("DELETE FROM load WHERE id = ?1")?;
    for id in ids {
        delete.execute([id.0])?;
    }
    Ok(())
}

fn add(conn: &Connection, admission: &Admission) -> DbResult<LoadId> {
    let Admission { place, owner, who, model, name, purpose, needs, at } = admission;
    conn.prepare_cached(
        "INSERT INTO load (host, boot, namespace, owner_pid, owner_start, who, model, name, purpose, state, since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        place.host,
        place.boot,
        bits(place.namespace),
        owner.pid,
        bits(owner.start),
        who,
        model.as_str(),
        name,
        purpose.name(),
        LoadState::Loading.name(),
        at.millis()
    ])?;
    let id = conn.last_insert_rowid();
    let mut reserve = conn.prepare_cached(
        "INSERT INTO load_bytes (load, device, reserved) VALUES (?1, ?2, ?3)
         ON CONFLICT (load, device) DO UPDATE SET reserved = reserved + excluded.reserved",
    )?;
    for DeviceBytes { device, bytes } in needs {
        reserve.execute(params![id, device, count(*bytes, "reserved memory")?])?;
    }
    Ok(LoadId(id))
}

fn rows(conn: &Connection) -> DbResult<Vec<LedgerRow>> {
    let mut all = conn.prepare_cached(
        "SELECT id, host, boot, namespace, owner_pid, owner_start, who, worker_pid, worker_start, model, name, purpose,
             state, since
         FROM load ORDER BY id",
    )?;
    let mut bytes =
        conn.prepare_cached("SELECT load, device, reserved, measured FROM load_bytes WHERE load = ?1 ORDER BY device")?;
    let (mut found, mut rows) = (Vec::new(), all.query([])?);
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "load");
        let id: i64 = cells.take()?;
        let place = Place { host: cells.take()?, boot: cells.take()?, namespace: cells.bits()? };
        let owner = ProcessId { pid: cells.take()?, start: cells.bits()? };
        let who = cells.take()?;
        let (pid, start) = (cells.take::<Option<u32>>()?, cells.bits_or_null()?);
        let worker = pid.zip(start).map(|(pid, start)| ProcessId { pid, start });
        found.push(LedgerRow {
            id: LoadId(id),
            place,
            owner,
            who,
            worker,
            model: ModelId(cells.take()?),
            name: cells.take()?,
            purpose: cells.name(Purpose::from_name)?,
            state: cells.name(LoadState::from_name)?,
            since: Timestamp(cells.take()?),
            bytes: bytes_of(bytes.query([id])?)?,
        });
    }
    Ok(found)
}

fn bytes_of(mut rows: rusqlite::Rows<'_>) -> DbResult<Vec<LedgerBytes>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row, "load_bytes");
        cells.take::<i64>()?;
        found.push(LedgerBytes { device: cells.take()?, reserved: cells.count()?, measured: cells.count_or_null()? });
    }
    Ok(found)
}
