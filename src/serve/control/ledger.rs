//! The memory of loads, in the ledger that all processes of this machine share.

use super::prepared::{ModelParts, Prepared, What};
use crate::clock;
use crate::db::Access;
use crate::host::self_child::OURSELVES;
use crate::host::{budget, liveness, process_memory};
use crate::lifecycle::{Holder, Refusal, ServerKey};
use crate::model::DeviceBytes;
use crate::model::ledger::{Admission, Admitted, DeviceBudget, LedgerRow, LoadId, LoadState};
use crate::ops::{Session, needs};
use std::path::Path;

/// The answer to a request for memory.
#[derive(Debug)]
pub enum Asked {
    Reserved(LoadId),
    Refused(Refusal),
}

/// The text by which others know our rows.
const WHO: &str = "modelctl serve";

/// Reserves the memory of a load.
///
/// # Errors
/// The database cannot be written.
pub fn reserve(
    session: &mut Session,
    key: &ServerKey,
    (name, needs, margin_factor): (String, Vec<DeviceBytes>, u32),
) -> anyhow::Result<Asked> {
    let place = liveness::place();
    let owner = liveness::process(std::process::id())?;
    let admission = Admission {
        place: place.clone(),
        owner,
        who: session.who(WHO),
        model: key.model.clone(),
        name,
        purpose: key.purpose,
        needs: needs.clone(),
        at: clock::now(),
    };
    let rows = session.db(Access::ReadWrite)?.ledger()?;
    let gone = liveness::gone(&rows, &place);
    let budgets = budget::budgets(session.config.memory, Path::new(OURSELVES), &needs);
    let budgets = budget::with_margin(budgets, margin_factor);
    let refusal = match session.db(Access::ReadWrite)?.admit(&admission, &budgets, &gone)? {
        Admitted::Load(id) => return Ok(Asked::Reserved(id)),
        Admitted::Refused(refusal) => refusal,
    };
    let is_ours = |row: &&LedgerRow| row.owner == owner && row.place == place;
    let ours: Vec<&LedgerRow> = refusal.rows.iter().filter(is_ours).collect();
    let others: Vec<&LedgerRow> = refusal.rows.iter().filter(|row| !is_ours(row)).collect();
    let capacity = budgets.iter().map(|budget| capacity(budget, &ours, &others)).collect();
    let holder = |row: &&LedgerRow| Holder {
        name: format!("{} ({})", row.name, row.who),
        why: "other",
        held: row.bytes.iter().map(|b| DeviceBytes { device: b.device.clone(), bytes: b.held() }).collect(),
    };
    Ok(Asked::Refused(Refusal {
        short: refusal.short,
        capacity,
        others: others.iter().map(holder).collect(),
        others_end_soon: refusal.can_ever_fit && !others.is_empty(),
    }))
}

/// Returns what our servers could have of a device at most: the budget less what others of the ledger hold, and no more
/// than what the system could give if all of ours ended.
fn capacity(budget: &DeviceBudget, ours: &[&LedgerRow], others: &[&LedgerRow]) -> DeviceBytes {
    let held = |rows: &[&LedgerRow]| rows.iter().map(|row| row.held(&budget.device)).fold(0, u64::saturating_add);
    let by_budget = budget.budget.saturating_sub(held(others));
    let by_system = budget.available.map(|available| available.saturating_add(held(ours)));
    DeviceBytes { device: budget.device.clone(), bytes: by_system.map_or(by_budget, |most| most.min(by_budget)) }
}

/// Records the process of a load.
///
/// # Errors
/// As [`reserve`].
pub fn set_worker(session: &mut Session, id: LoadId, pid: u32) -> anyhow::Result<()> {
    let process = liveness::process(pid)?;
    session.db(Access::ReadWrite)?.set_load_worker(id, process)
}

/// Records what a server that is ready holds, in the ledger and for its next load.
///
/// # Errors
/// As [`reserve`].
pub fn measured(
    session: &mut Session,
    (id, pid): (LoadId, u32),
    key: &ServerKey,
    prepared: &Prepared,
) -> anyhow::Result<Vec<DeviceBytes>> {
    let is_on_gpu = prepared.profile.needs.iter().any(|need| need.device != budget::MAIN_MEMORY);
    let modelctl = is_on_gpu.then_some(Path::new(OURSELVES));
    let held = match &prepared.what {
        What::Model(_) => process_memory::held(pid, modelctl),
        // Many start further processes.
        What::Service(_) => process_memory::held_by_group(pid, modelctl),
    };
    let db = session.db(Access::ReadWrite)?;
    db.set_load_state(id, LoadState::Ready)?;
    db.set_load_measured(id, &held)?;
    // Where the driver does not say who holds its memory, the next load would count as one that needs none of it.
    let is_whole = !is_on_gpu || held.iter().any(|held| held.device != budget::MAIN_MEMORY);
    if let What::Model(parts) = &prepared.what
        && is_whole
    {
        let ModelParts { model, settings, .. } = &**parts;
        needs::record_of_server(session, model, (settings, key.purpose), &held)?;
    }
    Ok(held)
}

/// Records that a reservation is used from now on.
///
/// # Errors
/// As [`reserve`].
pub fn set_ready(session: &mut Session, id: LoadId) -> anyhow::Result<()> {
    session.db(Access::ReadWrite)?.set_load_state(id, LoadState::Ready)
}

/// Records that a load holds no more than this from now on.
///
/// # Errors
/// As [`reserve`].
pub fn shrink(session: &mut Session, id: LoadId, held: &[DeviceBytes]) -> anyhow::Result<()> {
    session.db(Access::ReadWrite)?.shrink_load(id, held)
}

/// Gives the memory of a load back.
///
/// # Errors
/// As [`reserve`].
pub fn release(session: &mut Session, id: LoadId) -> anyhow::Result<()> {
    session.db(Access::ReadWrite)?.release_loads(&[id])
}

/// Removes the rows of processes that have ended from the ledger. Returns whether rows are left whose owner has ended
/// and whose worker is about to: it ends with its owner.
///
/// # Errors
/// As [`reserve`].
pub fn reconcile(session: &mut Session) -> anyhow::Result<bool> {
    let place = liveness::place();
    let db = session.db(Access::ReadWrite)?;
    let rows = db.ledger()?;
    let gone = liveness::gone(&rows, &place);
    db.release_loads(&gone)?;
    Ok(rows
        .iter()
        .any(|row| row.place == place && !gone.contains(&row.id) && liveness::process(row.owner.pid).is_err()))
}
