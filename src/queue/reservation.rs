//! Memory that is reserved in the ledger while a process of ours has a model loaded.

use super::needs;
use crate::clock;
use crate::db::{Access, Db};
use crate::display::{text, units};
use crate::engine::LoadSpec;
use crate::host::budget::{MAIN_MEMORY, budgets};
use crate::host::{liveness, process_memory};
use crate::model::ledger::{
    Admission, Admitted, BudgetLimits, DeviceBudget, LedgerRow, LoadId, LoadState, Place, Purpose, Refusal, left,
    left_alone,
};
use crate::model::server::Engine;
use crate::model::{DeviceBytes, Model, Reading};
use std::path::{Path, PathBuf};

/// Whose memory it is, and within which limits.
#[derive(Debug, Clone)]
pub struct Reserving {
    /// The database with the ledger.
    pub database: PathBuf,
    /// The owner, for people.
    pub who: String,
    pub limits: BudgetLimits,
    /// The program that measures models and asks GPUs: this one.
    pub program: PathBuf,
    /// Whether a person insists: the model then counts as the whole budget at most, and what the system has available
    /// does not count.
    pub is_forced: bool,
}

/// A request for memory that may be repeated until it is admitted.
#[derive(Debug)]
pub struct Request {
    db: Db,
    admission: Admission,
    reserving: Reserving,
    model: Model,
    load: LoadSpec,
}

impl Request {
    /// Finds out what the model takes, which may take up to a minute, the first time.
    ///
    /// # Errors
    /// When the database cannot be used, or the system does not say when this process started.
    pub fn new(reserving: &Reserving, model: &Model, load: &LoadSpec) -> anyhow::Result<Request> {
        let mut db = Db::open(&reserving.database, Access::ReadWrite)?;
        let needs = needs::needs(&mut db, &reserving.program, model, (load, Engine::Worker))?;
        let admission = Admission {
            place: liveness::place(),
            owner: liveness::process(std::process::id())?,
            who: reserving.who.clone(),
            model: model.id.clone(),
            name: model.name.clone(),
            purpose: Purpose::Main,
            needs,
            at: clock::now(),
        };
        Ok(Request { db, admission, reserving: reserving.clone(), model: model.clone(), load: load.clone() })
    }

    /// Reserves the memory, if it fits now. The inner error says what is missing and who has it.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn attempt(&mut self) -> anyhow::Result<Result<LoadId, Refusal>> {
        let mut budgets = budgets(self.reserving.limits, &self.reserving.program, &self.admission.needs);
        let mut admission = self.admission.clone();
        if self.reserving.is_forced {
            budgets.iter_mut().for_each(|budget| budget.available = None);
            for need in &mut admission.needs {
                let budget = budgets.iter().find(|budget| budget.device == need.device);
                need.bytes = budget.map_or(need.bytes, |budget| need.bytes.min(budget.budget));
            }
        }
        let gone = liveness::gone(&self.db.ledger()?, &self.admission.place);
        Ok(match self.db.admit(&admission, &budgets, &gone)? {
            Admitted::Load(id) => Ok(id),
            Admitted::Refused(refusal) => Err(refusal),
        })
    }

    /// Returns the reason of a refusal: `needs 1.2 GB, 400 MB more than there is beside NAME (…)`.
    pub fn in_words(&self, refusal: &Refusal) -> String {
        let needs = &self.admission.needs;
        let short: Vec<String> = refusal
            .short
            .iter()
            .map(|short| {
                let need = needs.iter().filter(|need| need.device == short.device).map(|need| need.bytes).sum();
                let device = if short.device == MAIN_MEMORY { "main memory" } else { &short.device };
                let (need, missing) = (units::bytes(need), units::bytes(short.bytes));
                let than = if refusal.can_ever_fit { "is free" } else { "models may take" };
                format!("needs {need} of {device}, {missing} more than {than}")
            })
            .collect();
        let short = short.join(" and ");
        if refusal.rows.is_empty() || !refusal.can_ever_fit {
            return short;
        }
        format!("{short} next to {}", holders(refusal))
    }

    /// Takes over the admitted row.
    pub fn hold(self, id: LoadId) -> Reservation {
        let Request { db, model, load, reserving, admission } = self;
        let asks_gpus = admission.needs.iter().any(|need| need.device != MAIN_MEMORY);
        let program = asks_gpus.then_some(reserving.program);
        Reservation { db, id, model, load, program, is_kept: false }
    }
}

/// Returns the names of the models that hold memory, with their owners.
pub fn holders(refusal: &Refusal) -> String {
    let name = |row: &LedgerRow| format!("{} of {}", text::clean(&row.name), text::clean(&row.who));
    refusal.rows.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Reads the main memory that the ledger and the system leave for one more model.
///
/// # Errors
/// When the database cannot be read.
pub fn main_memory_left(db: &Db, limits: BudgetLimits) -> anyhow::Result<Reading<u64>> {
    main_memory(db, limits, left)
}

/// Reads the main memory that one more model could have when all others of the ledger have ended.
///
/// # Errors
/// When the database cannot be read.
pub fn main_memory_later(db: &Db, limits: BudgetLimits) -> anyhow::Result<Reading<u64>> {
    main_memory(db, limits, left_alone)
}

fn main_memory(
    db: &Db,
    limits: BudgetLimits,
    count: fn(&[LedgerRow], &Place, &DeviceBudget) -> u64,
) -> anyhow::Result<Reading<u64>> {
    let here = liveness::place();
    let mut rows = db.ledger()?;
    let gone = liveness::gone(&rows, &here);
    rows.retain(|row| !gone.contains(&row.id));
    let budgets: Vec<DeviceBudget> = budgets(limits, Path::new(""), &[]);
    Ok(match budgets.iter().find(|budget| budget.device == MAIN_MEMORY) {
        Some(budget) => Reading::Known(count(&rows, &here, budget)),
        None => Reading::Unavailable("the available memory is unknown".to_owned()),
    })
}

/// Memory of the ledger that is ours. Dropping it releases the memory: drop the worker first, which waits for its end.
#[derive(Debug)]
pub struct Reservation {
    db: Db,
    id: LoadId,
    model: Model,
    load: LoadSpec,
    /// The program that asks the GPUs, where the model takes some of theirs.
    program: Option<PathBuf>,
    is_kept: bool,
}

impl Reservation {
    /// Records the worker that holds the memory.
    pub fn started(&mut self, worker: u32) {
        // A worker that has ended again, or that cannot be recorded, is found by its command line.
        let Ok(worker) = liveness::process(worker) else { return };
        let _ = self.db.set_load_worker(self.id, worker); // as above
    }

    /// Records that the model is loaded.
    ///
    /// # Errors
    /// When the database cannot be written to.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        self.db.set_load_state(self.id, LoadState::Ready)
    }

    /// Measures what the worker holds now, for the ledger and for the next load of this model.
    ///
    /// # Errors
    /// When the database cannot be written to.
    pub fn measure(&mut self, worker: u32) -> anyhow::Result<()> {
        let held: Vec<DeviceBytes> = process_memory::held(worker, self.program.as_deref());
        self.db.set_load_measured(self.id, &held)?;
        needs::record(&mut self.db, &self.model, (&self.load, Engine::Worker), &held)
    }

    /// Keeps the memory reserved although this is dropped: the worker does not end. It is given back when the worker has
    /// ended.
    pub fn keep(mut self) {
        self.is_kept = true;
        // A row that cannot be changed stays as long as this process runs.
        let _ = self.db.set_load_state(self.id, LoadState::Stopping);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.is_kept {
            // A row that stays is removed by the next who asks for memory after the end of this process.
            let _ = self.db.release_loads(&[self.id]);
        }
    }
}
