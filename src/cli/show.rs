//! `modelctl show MODEL`: everything known about one model, the memory it needs, and whether that is there now.

use super::fit::{Machine, Need, Wanted, need};
use super::{Access, Ctx, Exit, exact, select, show_json, show_view};
use crate::clock::Timestamp;
use crate::failure::Failure;
use crate::gguf::estimate::CacheType;
use crate::host::{gpu, memory, probe};
use crate::inventory;
use crate::model::{Artifact, DeviceMemory, Model, ModelRow, Reading, Selector, Stored};
use clap::Args;
use std::path::Path;

/// How many events of the usage journal are shown.
const EVENTS: u32 = 5;

/// Show everything about one model: files, metadata, memory, use
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// An id or the start of one, a name, a part of a name, an alias, or a path
    pub model: String,
    /// Context in tokens to estimate the memory for [default: the model's own, at most 4096]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub ctx: Option<u32>,
    /// Sequences that share the context
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub parallel: u32,
    /// Type of the keys in the cache
    #[arg(long, value_name = "TYPE", default_value = "f16")]
    pub cache_type_k: CacheType,
    /// Type of the values in the cache
    #[arg(long, value_name = "TYPE", default_value = "f16")]
    pub cache_type_v: CacheType,
    /// Ask llama.cpp for the exact memory, without allocating it (the answer is kept)
    #[arg(long)]
    pub fit: bool,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// One entry of the usage journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseEvent {
    pub at: Timestamp,
    /// The command that used it.
    pub source: String,
}

/// All that the view shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown<'a> {
    pub row: &'a ModelRow,
    pub model: &'a Model,
    /// Why its files are there.
    pub stored: Vec<Stored>,
    pub need: Reading<Need>,
    /// What llama.cpp says by device; None when it was never asked.
    pub exact: Option<Reading<Vec<DeviceMemory>>>,
    pub machine: Machine,
    /// Latest first.
    pub events: Vec<UseEvent>,
    pub now: Timestamp,
}

impl Shown<'_> {
    /// Why that file is there.
    pub fn stored_of(&self, artifact: &Artifact) -> Option<&Stored> {
        self.stored.iter().find(|s| s.holding.identity == Some(artifact.identity))
    }
}

pub fn run(ctx: &mut Ctx, args: &ShowArgs) -> anyhow::Result<Exit> {
    let row = select::resolve(ctx, &Selector(args.model.clone()))?;
    let db = ctx.db(Access::ReadOnly)?;
    let models = db.models(Some(std::slice::from_ref(&row.id)))?;
    let Some(model) = models.first() else {
        return Err(Failure::cannot_meet(format!("model {} was removed while it was looked up", row.id)).into());
    };
    let events =
        db.uses(&row.id, EVENTS)?.into_iter().map(|u| UseEvent { at: u.at, source: u.source }).collect::<Vec<_>>();
    let files = db.model_files(Some(&row.id))?;
    let mut stored = inventory::stored(db.holdings()?, files);
    stored.retain(|s| s.models.iter().any(|(id, _)| *id == row.id));
    let wanted =
        Wanted { context: args.ctx, parallel: args.parallel, cache_k: args.cache_type_k, cache_v: args.cache_type_v };
    let need = need(model, &wanted);
    let settings = wanted.settings(model.facts().and_then(|f| f.context_length));
    let exact = match (&need, args.fit) {
        (Reading::Unavailable(why), true) => Some(Reading::Unavailable(why.clone())),
        (Reading::Unavailable(_), false) => None,
        (Reading::Known(_), true) => Some(exact::exact(ctx, model, &settings)?),
        (Reading::Known(_), false) => exact::remembered(ctx, model, &settings)?.map(Reading::Known),
    };
    // Without a figure there is nothing to compare, so nobody waits for a driver.
    let gpus = match &need {
        Reading::Known(_) => gpu::gpus(Path::new(probe::OURSELVES)),
        Reading::Unavailable(_) => Reading::Unavailable("not asked: there is nothing to load".into()),
    };
    let machine = Machine { memory: memory::memory(), gpus };
    let shown = Shown { row: &row, model, stored, need, exact, machine, events, now: ctx.now };
    let limits = ctx.config.tiers;
    if args.json {
        ctx.ui.json(&show_json::document(&shown, &limits))?;
    } else {
        show_view::print(&mut ctx.ui, &show_view::sections(&shown, &limits))?;
    }
    Ok(Exit::Done)
}
