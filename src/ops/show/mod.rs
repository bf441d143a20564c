//! Everything known about one model, the memory it needs, and whether that much is available now.

mod metadata;
mod report;

pub use report::{ShowReport, report};

use super::memory_fit::{Machine, Need, Wanted, need};
use super::{Session, measured_memory, resolve_model, unscanned};
use crate::clock::Timestamp;
use crate::db::Access;
use crate::failure::Failure;
use crate::host::{gpu, memory, self_child};
use crate::inventory;
use crate::model::{Artifact, DeviceMemory, Kind, Model, ModelRow, Reading, Selector, State, Stored};
use std::path::Path;

/// Number of events of the usage journal that are shown.
const EVENTS: u32 = 5;

/// A model, and the settings that it would run with.
#[derive(Debug, Clone)]
pub struct Request {
    pub model: Selector,
    pub memory: Wanted,
    /// Whether to ask llama.cpp for the exact memory if it is not cached.
    pub measure: bool,
}

/// One entry of the usage journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseEvent {
    pub at: Timestamp,
    /// The command that used the model.
    pub source: String,
}

/// Everything known about one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub row: ModelRow,
    pub model: Model,
    /// The entries of its files in their stores, with class and reason.
    pub stored: Vec<Stored>,
    pub need: Reading<Need>,
    /// llama.cpp's figures by device; None when they were never measured.
    pub exact: Option<Reading<Vec<DeviceMemory>>>,
    pub machine: Machine,
    /// Latest first.
    pub events: Vec<UseEvent>,
    /// Confidence that a projector belongs to its model, as a sentence; None for a model without one.
    pub pairing: Option<String>,
    /// Copies of the same content in other places.
    pub also_in: Vec<ModelRow>,
    /// Whether the database knows it; if not, its file was read just now.
    pub is_recorded: bool,
    pub now: Timestamp,
}

impl Shown {
    /// Returns the entry of that file in its store.
    pub fn stored_of(&self, artifact: &Artifact) -> Option<&Stored> {
        self.stored.iter().find(|s| s.holding.identity == Some(artifact.identity))
    }
}

/// Returns the models in the folder of a projector that it could belong to.
fn beside(session: &mut Session, projector: &ModelRow) -> anyhow::Result<Vec<Model>> {
    let db = session.db(Access::ReadOnly)?;
    let rows = db.rows()?.into_iter();
    let near = rows.filter(|row| row.kind.is_served() && row.path.parent() == projector.path.parent());
    db.models(Some(&near.map(|row| row.id).collect::<Vec<_>>()))
}

/// Collects everything about a model; asks llama.cpp for the memory if [`Request::measure`] is set.
///
/// # Errors
/// Cannot be met (3) for a model that does not exist.
pub fn show(session: &mut Session, request: &Request) -> anyhow::Result<Shown> {
    let row = match resolve_model::resolve(session, &request.model) {
        Ok(row) => row,
        // A file that no scan has found is read as it is.
        Err(error) => match unscanned::read(&request.model, session.now) {
            Some(model) => return describe(session, request, Known::of(model)),
            None => return Err(error),
        },
    };
    let db = session.db(Access::ReadOnly)?;
    let mut models = db.models(Some(std::slice::from_ref(&row.id)))?;
    let Some(model) = models.pop() else {
        return Err(Failure::cannot_meet(format!("model {} has just been removed", row.id)).into());
    };
    let events =
        db.uses(&row.id, EVENTS)?.into_iter().map(|u| UseEvent { at: u.at, source: u.source }).collect::<Vec<_>>();
    let files = db.model_files(Some(&row.id))?;
    let mut stored = inventory::stored(db.holdings()?, files);
    stored.retain(|s| s.models.iter().any(|(id, _)| *id == row.id));
    let also_in = match &row.content {
        Some(_) => db.rows()?.into_iter().filter(|other| is_copy(other, &row)).collect(),
        None => Vec::new(),
    };
    describe(session, request, Known { row, model, stored, events, also_in, is_recorded: true })
}

/// Returns whether a model has the same content as another one, in another place, and is still there.
fn is_copy(other: &ModelRow, of: &ModelRow) -> bool {
    other.content == of.content && other.id != of.id && !matches!(other.state, State::Gone | State::Unavailable)
}

/// What is known of a model without asking the machine.
struct Known {
    row: ModelRow,
    model: Model,
    stored: Vec<Stored>,
    events: Vec<UseEvent>,
    also_in: Vec<ModelRow>,
    is_recorded: bool,
}

impl Known {
    /// Returns what is known of a file that no scan has found.
    fn of(model: Model) -> Known {
        let (stored, events, also_in) = (Vec::new(), Vec::new(), Vec::new());
        Known { row: ModelRow::of(&model), model, stored, events, also_in, is_recorded: false }
    }
}

/// Adds the memory that a model needs and the memory of the machine.
fn describe(session: &mut Session, request: &Request, known: Known) -> anyhow::Result<Shown> {
    let Known { row, model, stored, events, also_in, is_recorded } = known;
    let wanted = &request.memory;
    let need = need(&model, wanted);
    let settings = wanted.settings(model.facts().and_then(|f| f.context_length));
    let exact = match (&need, request.measure) {
        (Reading::Unavailable(why), true) => Some(Reading::Unavailable(why.clone())),
        (Reading::Unavailable(_), false) => None,
        (Reading::Known(_), true) => Some(measured_memory::measure(session, &model, &settings)?),
        (Reading::Known(_), false) => measured_memory::cached(session, &model, &settings)?.map(Reading::Known),
    };
    // Without a figure there is nothing to compare, so do not wait for a driver.
    let gpus = match &need {
        Reading::Known(_) => gpu::gpus(Path::new(self_child::OURSELVES)),
        Reading::Unavailable(_) => Reading::Unavailable("not asked: there is nothing to load".into()),
    };
    let machine = Machine { memory: memory::memory(), gpus };
    let beside = if model.kind == Kind::Mmproj { beside(session, &row)? } else { Vec::new() };
    let pairing = inventory::pairing(&model, &beside.iter().collect::<Vec<_>>());
    Ok(Shown { row, model, stored, need, exact, machine, events, pairing, also_in, is_recorded, now: session.now })
}
