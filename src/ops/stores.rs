//! The space that each store takes and how much of it is not referenced, and the space that the trash takes.

use super::stored_files::stored;
use super::trash::everything;
use super::{Session, Sink};
use crate::clock::Timestamp;
use crate::db::Access;
use crate::display::Document;
use crate::inventory::{ClassSum, Mass, RootSum, Weight, masses, root_sums, weigh};
use crate::model::{RootState, StoreKind, Stored, path_bytes_hex};
use crate::prune::room::{Content, Emptying};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The roots and the trashes of this machine.
pub struct Stores {
    pub rows: Vec<StoreRow>,
    pub trashes: Vec<TrashRow>,
    /// Bytes of disk of all these roots together: what several of them share counts once.
    pub allocated: u64,
}

/// One root.
pub struct StoreRow {
    pub sum: RootSum,
    /// The space of the root; None when the root could not be read.
    pub weight: Option<Weight>,
}

/// One trash.
pub struct TrashRow {
    pub path: PathBuf,
    pub items: u64,
    pub oldest: Option<Timestamp>,
    pub files: u64,
    /// Bytes of disk; `freed`: those of them that are freed when the trash is emptied.
    pub allocated: u64,
    pub freed: u64,
}

/// Computes the space of the stores of these kinds; without kinds, of all stores and of the trashes.
///
/// # Errors
/// The database cannot be read.
pub fn stores(session: &mut Session, kinds: &[StoreKind], on: &mut Sink<'_>) -> anyhow::Result<Stores> {
    let all = stored(session)?;
    let roots = session.db(Access::ReadOnly)?.roots()?.into_iter().map(|r| (r.path, r.store, r.state));
    let (mut inodes, mut others) = (Vec::new(), 0u64);
    let rows: Vec<StoreRow> = root_sums(&all, &roots.collect::<Vec<_>>())
        .into_iter()
        .filter(|sum| kinds.is_empty() || kinds.contains(&sum.store))
        // Leave out a folder that was scanned and in which every file belongs to a store below it.
        .filter(|sum| sum.files > 0 || sum.store != StoreKind::Dir || sum.state != RootState::Read)
        .map(|sum| {
            let weight = weight(&sum, &all).map(|(weight, own, rest)| {
                inodes.extend(own);
                others = others.saturating_add(rest);
                weight
            });
            if weight.is_none() {
                others = others.saturating_add(sum.allocated);
            }
            StoreRow { weight, sum }
        })
        .collect();
    inodes.sort_by_key(|mass| (mass.dev, mass.ino));
    inodes.dedup_by_key(|mass| (mass.dev, mass.ino));
    let allocated = weigh(&inodes).allocated.saturating_add(others);
    // A request for some kinds of stores does not include the trash.
    let trashes = if kinds.is_empty() { trashes(session, on)? } else { Vec::new() };
    Ok(Stores { rows, trashes, allocated })
}

/// Returns the space of a root, read from the disk now: a scan does not notice a hard link or a reflink made since the
/// last one. With it the inodes of which it is the sum, and the bytes of files that are only known as a number.
fn weight(sum: &RootSum, all: &[Stored]) -> Option<(Weight, Vec<Mass>, u64)> {
    if sum.state != RootState::Read {
        return None;
    }
    let own: Vec<&Stored> = all.iter().filter(|r| r.holding.root == sum.root).collect();
    let (single, sums): (Vec<&Stored>, Vec<&Stored>) = own.into_iter().partition(|r| r.holding.identity.is_some());
    let (masses, _) = masses(&single);
    let (mut weight, mut rest) = (weigh(&masses), 0u64);
    for holding in sums.iter().map(|r| &r.holding) {
        weight.apparent = weight.apparent.saturating_add(holding.size);
        weight.allocated = weight.allocated.saturating_add(holding.allocated);
        weight.freed = weight.freed.saturating_add(holding.allocated);
        rest = rest.saturating_add(holding.allocated);
    }
    Some((weight, masses, rest))
}

/// Returns every trash that has items. Warns about a trash that cannot be read.
fn trashes(session: &mut Session, on: &mut Sink<'_>) -> anyhow::Result<Vec<TrashRow>> {
    let (items, _) = everything(session, &[], on)?;
    let mut rows: BTreeMap<PathBuf, (TrashRow, Emptying)> = BTreeMap::new();
    for item in items {
        let Some(place) = item.folder.parent() else { continue };
        let (row, emptying) = rows.entry(place.to_owned()).or_insert_with(|| {
            let path = place.to_owned();
            (TrashRow { path, items: 0, oldest: None, files: 0, allocated: 0, freed: 0 }, Emptying::default())
        });
        row.items += 1;
        let moved = item.order.as_ref().map(|order| order.at);
        row.oldest = row.oldest.into_iter().chain(moved).min();
        row.allocated = row.allocated.saturating_add(item.bytes);
        // An item that vanished, or cannot be read, may free nothing.
        if let Ok(content) = Content::of(&item.folder) {
            row.files = row.files.saturating_add(content.files.len() as u64);
            row.allocated = row.allocated.saturating_add(content.own);
            row.freed = row.freed.saturating_add(emptying.take(&content));
        }
    }
    Ok(rows.into_values().map(|(row, _)| row).collect())
}

impl StoreRow {
    /// Returns the bytes of disk in use.
    pub fn on_disk(&self) -> u64 {
        self.weight.map_or(self.sum.allocated, |w| w.allocated)
    }
}

/// One root or one trash in `list --stores --json`. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct StoreReport<'a> {
    /// The kind of the store, or `trash`.
    store: &'static str,
    root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_bytes_hex: Option<String>,
    /// `read` or `unavailable`.
    state: &'static str,
    /// The reason why it is unavailable.
    reason: Option<&'a str>,
    /// Number of items of a trash.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<u64>,
    /// Time at which the oldest item was moved to the trash.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<String>,
    models: u64,
    files: u64,
    /// Apparent bytes; each inode counts once.
    apparent_bytes: u64,
    /// Bytes of disk in use; an inode and shared blocks count once.
    allocated_bytes: u64,
    /// Bytes freed at least when all of it is deleted; null when the root could not be read.
    freed_bytes: Option<u64>,
    /// Sums by class, without empty classes.
    classes: BTreeMap<&'static str, ClassSum>,
}

/// The document of `list --stores --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct StoresReport<'a> {
    stores: Vec<StoreReport<'a>>,
    /// Bytes of disk of all stores together, without the trash: files that several of them share count once.
    allocated_bytes: u64,
}

impl Document for StoresReport<'_> {
    const SCHEMA: &'static str = "modelctl.list-stores/1";
}

impl Stores {
    /// Returns the stores and the trashes for a client.
    pub fn report(&self) -> StoresReport<'_> {
        let trashes = self.trashes.iter().map(StoreReport::of_trash);
        let stores = self.rows.iter().map(StoreReport::of).chain(trashes).collect();
        StoresReport { stores, allocated_bytes: self.allocated }
    }
}

impl StoreReport<'_> {
    /// Returns the report of a root.
    pub fn of(row: &StoreRow) -> StoreReport<'_> {
        let sum = &row.sum;
        StoreReport {
            store: sum.store.name(),
            items: None,
            oldest: None,
            root: sum.root.to_string_lossy().into_owned(),
            root_bytes_hex: path_bytes_hex(&sum.root),
            state: sum.state.name(),
            reason: sum.state.reason(),
            models: sum.models,
            files: sum.files,
            apparent_bytes: row.weight.map_or(sum.apparent, |w| w.apparent),
            allocated_bytes: row.on_disk(),
            freed_bytes: row.weight.map(|w| w.freed),
            classes: sum.classes.iter().map(|(class, sum)| (class.name(), *sum)).collect(),
        }
    }

    /// Returns the report of a trash.
    pub fn of_trash(row: &TrashRow) -> StoreReport<'_> {
        StoreReport {
            store: "trash",
            root: row.path.to_string_lossy().into_owned(),
            root_bytes_hex: path_bytes_hex(&row.path),
            state: RootState::Read.name(),
            reason: None,
            items: Some(row.items),
            oldest: row.oldest.map(Timestamp::rfc3339),
            models: 0,
            files: row.files,
            apparent_bytes: row.allocated,
            allocated_bytes: row.allocated,
            freed_bytes: Some(row.freed),
            classes: BTreeMap::new(),
        }
    }
}
