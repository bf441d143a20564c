//! What there is on this machine, in a few figures: models, disk, what could be freed, trash, queue, what is loaded.

use super::stores::{StoreRow, stores};
use super::tasks::Lens;
use super::{Session, Sink};
use crate::clock::Timestamp;
use crate::db::Access;
use crate::display::text;
use crate::model::task::TaskState;
use crate::model::{Class, RootState};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The figures. Keys are added, never renamed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Overview {
    /// The number of models by state, without those that are gone.
    pub models: BTreeMap<&'static str, u64>,
    pub disabled: u64,
    pub pinned: u64,
    pub stores: Vec<StoreSum>,
    /// Bytes of disk in use by all stores.
    pub allocated_bytes: u64,
    /// Files that `prune` removes without a rule about use.
    pub reclaimable: Vec<Reclaimable>,
    pub trash: TrashSum,
    pub queue: QueueSum,
    /// Models in memory, whichever process loaded them.
    pub loaded: Vec<Loaded>,
    /// When the roots were last scanned, the one that was scanned longest ago; null when nothing ever was.
    pub last_scan: Option<String>,
    /// The model database.
    pub database: String,
    /// The config file that was read.
    pub config: Option<String>,
}

/// One root.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StoreSum {
    pub store: &'static str,
    pub root: String,
    /// Why it could not be read in the last scan.
    pub unavailable: Option<String>,
    pub models: u64,
    pub allocated_bytes: u64,
}

/// Files of one class that can be removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reclaimable {
    pub class: &'static str,
    pub files: u64,
    pub allocated_bytes: u64,
    pub command: String,
}

/// All trashes.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct TrashSum {
    pub items: u64,
    pub allocated_bytes: u64,
    /// Bytes that are freed at least when it is emptied.
    pub freed_bytes: u64,
}

/// The queue of tasks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct QueueSum {
    /// `on` or `off`.
    pub inference: &'static str,
    pub tasks: BTreeMap<&'static str, u64>,
}

/// A model in memory.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Loaded {
    pub model_id: String,
    pub name: String,
    /// The process that loaded it.
    pub by: String,
    pub pid: Option<u32>,
    pub since: String,
    pub memory_bytes: u64,
}

/// Returns the figures of this database, and when it was last scanned.
///
/// # Errors
/// The database cannot be read.
pub fn overview(session: &mut Session, on: &mut Sink<'_>) -> anyhow::Result<(Overview, Option<Timestamp>)> {
    let all = stores(session, &[], on)?;
    let rows = session.db(Access::ReadOnly)?.rows()?;
    let mut models: BTreeMap<&'static str, u64> = BTreeMap::new();
    let present = || rows.iter().filter(|row| row.state != crate::model::State::Gone);
    for row in present() {
        let count = models.entry(row.state.name()).or_default();
        *count = count.saturating_add(1);
    }
    let count = |is: fn(&crate::model::ModelRow) -> bool| present().filter(|row| is(row)).count() as u64;
    let (disabled, pinned) = (count(|row| !row.enabled), count(|row| row.pinned));
    let roots = session.db(Access::ReadOnly)?.roots()?;
    let last_scan = roots.iter().filter(|root| root.is_named).map(|root| root.last_scan).min();
    let loaded = session.db(Access::ReadOnly)?.ledger()?.into_iter().map(|row| Loaded {
        model_id: row.model.to_string(),
        pid: row.worker.as_ref().map(|worker| worker.pid),
        since: row.since.rfc3339(),
        memory_bytes: row.bytes.iter().map(|bytes| bytes.held()).fold(0, u64::saturating_add),
        name: row.name,
        by: row.who,
    });
    let loaded = loaded.collect();
    let trash = all.trashes.iter().fold(TrashSum::default(), |sum, trash| TrashSum {
        items: sum.items.saturating_add(trash.items),
        allocated_bytes: sum.allocated_bytes.saturating_add(trash.allocated),
        freed_bytes: sum.freed_bytes.saturating_add(trash.freed),
    });
    let overview = Overview {
        models,
        disabled,
        pinned,
        allocated_bytes: all.allocated,
        reclaimable: reclaimable(&all.rows),
        stores: all.rows.iter().map(store).collect(),
        trash,
        queue: queue(session)?,
        loaded,
        last_scan: last_scan.map(Timestamp::rfc3339),
        database: text::path(&session.config.database),
        config: session.config.source.as_deref().map(text::path),
    };
    Ok((overview, last_scan))
}

fn store(row: &StoreRow) -> StoreSum {
    StoreSum {
        store: row.sum.store.name(),
        root: text::path(&row.sum.root),
        unavailable: match &row.sum.state {
            RootState::Unavailable { reason } => Some(reason.clone()),
            _ => None,
        },
        models: row.sum.models,
        allocated_bytes: row.on_disk(),
    }
}

fn queue(session: &mut Session) -> anyhow::Result<QueueSum> {
    let queue = session.queue(Access::ReadOnly)?;
    let (stats, inference) = (queue.stats()?, queue.inference()?);
    let counts = Lens::counts(session, stats.counts)?;
    Ok(QueueSum {
        inference: if inference.on { "on" } else { "off" },
        tasks: counts.iter().map(|(state, count): (&TaskState, &u64)| (state.name(), *count)).collect(),
    })
}

/// Adds up, over all stores, the classes of files that a rule of `prune` selects.
fn reclaimable(rows: &[StoreRow]) -> Vec<Reclaimable> {
    let rules = [
        (Class::Partial, "--partials"),
        (Class::Superseded, "--superseded"),
        (Class::Orphan, "--orphans"),
        (Class::Damaged, "--damaged"),
    ];
    let sum = |(class, rule): (Class, &str)| {
        let sums = rows.iter().filter_map(|row| row.sum.classes.get(&class));
        let (files, allocated_bytes) = sums.fold((0u64, 0u64), |(files, bytes), sum| {
            (files.saturating_add(sum.files), bytes.saturating_add(sum.allocated))
        });
        let command = format!("modelctl prune {rule}");
        (files > 0).then(|| Reclaimable { class: class.name(), files, allocated_bytes, command })
    };
    rules.into_iter().filter_map(sum).collect()
}
