//! A plan and the result of acting on it, for a client.

use super::trash_room::Emptied;
use super::{Acted, Leap};
use crate::clock::Timestamp;
use crate::display::Document;
use crate::model::{StoreKind, path_bytes_hex, paths_bytes_hex};
use crate::prune::apply::Fate;
use crate::prune::candidate::{Evidence, LastUse};
use crate::prune::decide::Rule;
use crate::prune::plan::{Plan, Row};
use crate::prune::target::{Large, Reach, Target};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The document of `prune --json`. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct PruneReport<'a> {
    /// Whether nothing was done.
    dry_run: bool,
    /// When the plan was made, RFC 3339 in UTC.
    at: String,
    apparent_bytes: u64,
    allocated_bytes: u64,
    /// Bytes freed at least by everything that the plan removes.
    freed_bytes: u64,
    /// Bytes freed by this run, without those from the trash.
    freed_now_bytes: u64,
    /// Stores that would lose more than half of their bytes.
    large: Vec<LargeReport>,
    notes: &'a [String],
    /// Roots that the plan may remove something from.
    roots: Vec<String>,
    /// The bytes of all roots, when one is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    roots_bytes_hex: Option<Vec<String>>,
    /// Dates of the two ages: not used, or not written, since that date.
    unused_since: Option<String>,
    written_since: Option<String>,
    /// `--free`, for each file system.
    targets: Vec<TargetReport>,
    /// `--max-total`.
    total: Option<TotalReport>,
    /// Items that this run deleted from the trash, including expired ones.
    trash_deleted_items: u64,
    trash_freed_bytes: u64,
    /// Seconds by which the clock is ahead of the time up to which ages are counted.
    clock_ahead_seconds: Option<u64>,
    rows: Vec<RowReport<'a>>,
}

impl Document for PruneReport<'_> {
    const SCHEMA: &'static str = "modelctl.prune/1";
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct LargeReport {
    store: StoreKind,
    root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_bytes_hex: Option<String>,
    /// Bytes of disk that the plan removes.
    removed_bytes: u64,
    allocated_bytes: u64,
}

impl LargeReport {
    fn of(large: &Large) -> LargeReport {
        LargeReport {
            store: large.store,
            root: large.root.to_string_lossy().into_owned(),
            root_bytes_hex: path_bytes_hex(&large.root),
            removed_bytes: large.going,
            allocated_bytes: large.all,
        }
    }
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct TotalReport {
    most_bytes: u64,
    before_bytes: u64,
    after_bytes: u64,
    missed_bytes: u64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct RowReport<'a> {
    /// `remove` or `keep`.
    verdict: &'static str,
    rule: Rule,
    why: &'a str,
    id: Option<&'a str>,
    name: &'a str,
    store: StoreKind,
    root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_bytes_hex: Option<String>,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    class: &'static str,
    state: Option<&'static str>,
    last_used: LastUsed,
    apparent_bytes: u64,
    allocated_bytes: u64,
    /// Bytes that are freed at least when it is removed after all rows before it; 0 for a row that is kept.
    freed_bytes: u64,
    /// Whether only the interface of its owner can delete it, without an undo.
    no_undo: bool,
    /// All paths that are removed with it, references first.
    paths: Vec<String>,
    /// The bytes of all paths, when one is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    paths_bytes_hex: Option<Vec<String>>,
    /// `trashed`, `purged`, `skipped`, `failed`; null in a dry run and for rows that are kept.
    outcome: Option<&'static str>,
    /// The id of the item in the trash.
    trash_id: Option<&'a str>,
    /// Reason for skipping the row, or its error.
    reason: Option<String>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct LastUsed {
    at: String,
    evidence: Evidence,
    /// Whether the time does not come from the journal: an access time changes whenever anyone reads the file.
    is_weak: bool,
}

impl From<LastUse> for LastUsed {
    fn from(last: LastUse) -> LastUsed {
        let is_weak = last.evidence != Evidence::Journal;
        LastUsed { at: last.at.rfc3339(), evidence: last.evidence, is_weak }
    }
}

/// Returns the report of a plan, with the result of acting on it.
pub fn report<'a>(
    plan: &'a Plan,
    acted: Option<&'a Acted<'_>>,
    (notes, leap): (&'a [String], Option<&Leap>),
) -> PruneReport<'a> {
    let done = acted.map_or(&[][..], |acted| &acted.done);
    let fates: HashMap<*const Row, &Fate> = done.iter().map(|d| (std::ptr::from_ref(d.row), &d.fate)).collect();
    let freed = done.iter().fold(0u64, |sum, d| match &d.fate {
        Fate::Purged { freed, .. } => sum.saturating_add(*freed),
        _ => sum,
    });
    let trash =
        |of: fn(&Emptied) -> u64| acted.map_or(0, |acted| of(&acted.emptied).saturating_add(of(&acted.expired)));
    let total = plan.total.map(|total| TotalReport {
        most_bytes: total.most,
        before_bytes: total.before,
        after_bytes: total.after,
        missed_bytes: total.missed(),
    });
    let roots: Vec<&Path> = roots(plan).into_iter().collect();
    PruneReport {
        dry_run: acted.is_none(),
        at: plan.made.rfc3339(),
        apparent_bytes: plan.sums.apparent,
        allocated_bytes: plan.sums.allocated,
        freed_bytes: plan.sums.freed,
        freed_now_bytes: freed,
        large: plan.large.iter().map(LargeReport::of).collect(),
        notes,
        roots_bytes_hex: paths_bytes_hex(&roots),
        roots: roots.into_iter().map(|root| root.to_string_lossy().into_owned()).collect(),
        unused_since: plan.policy.unused_for.map(|age| since(plan, age)),
        written_since: plan.policy.older_than.map(|age| since(plan, age)),
        targets: documents(plan, acted.map(|acted| acted.free.as_slice())),
        total,
        trash_deleted_items: trash(|emptied| emptied.items),
        trash_freed_bytes: trash(|emptied| emptied.freed),
        clock_ahead_seconds: leap.map(|leap| leap.ahead.as_secs()),
        rows: plan.rows.iter().map(|row| row_report(row, fates.get(&std::ptr::from_ref(row)).copied())).collect(),
    }
}

fn row_report<'a>(row: &'a Row, fate: Option<&'a Fate>) -> RowReport<'a> {
    let base = row.base.as_ref();
    let paths: Vec<PathBuf> = row.steps.iter().filter_map(|step| Some(base?.path.join(step.path()))).collect();
    let (outcome, trash_id, reason) = match fate {
        None | Some(Fate::Ready) => (None, None, None),
        Some(Fate::Trashed { id }) => (Some("trashed"), Some(id.as_str()), None),
        Some(Fate::Purged { .. }) => (Some("purged"), None, None),
        Some(Fate::Skipped { why }) => (Some("skipped"), None, Some(why.clone())),
        Some(Fate::Failed { error } | Fate::Partly { error, .. }) => (Some("failed"), None, Some(format!("{error:#}"))),
    };
    RowReport {
        verdict: if row.goes { "remove" } else { "keep" },
        rule: row.rule,
        why: &row.why,
        id: row.id.as_ref().map(|id| id.as_str()),
        name: &row.name,
        store: row.store,
        root: row.root.to_string_lossy().into_owned(),
        root_bytes_hex: path_bytes_hex(&row.root),
        path: row.path.to_string_lossy().into_owned(),
        path_bytes_hex: path_bytes_hex(&row.path),
        class: row.class.name(),
        state: row.state.map(|s| s.name()),
        last_used: row.last_use.into(),
        apparent_bytes: row.apparent_bytes,
        allocated_bytes: row.allocated_bytes,
        freed_bytes: if row.goes { row.freed_bytes } else { 0 },
        no_undo: row.is_foreign,
        paths_bytes_hex: paths_bytes_hex(&paths),
        paths: paths.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        outcome,
        trash_id,
        reason,
    }
}

/// Returns the roots that the plan may remove something from.
pub fn roots(plan: &Plan) -> BTreeSet<&Path> {
    let models = plan.policy.models.as_ref();
    let is_meant = |row: &&Row| match models {
        _ if row.goes => true,
        Some(named) if !plan.policy.selects_bytes() => row.id.as_ref().is_some_and(|id| named.contains(id)),
        _ => row.rule != Rule::WideRoot,
    };
    plan.rows.iter().filter(is_meant).map(|row| row.root.as_path()).collect()
}

/// Returns the date, such as `2026-08-28`, that was `age` before the plan was made.
pub fn since(plan: &Plan, age: Duration) -> String {
    let ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    let date = Timestamp(plan.made.millis().saturating_sub(ms)).rfc3339();
    date.split('T').next().unwrap_or_default().to_owned()
}

/// `--free` on one file system, in JSON. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct TargetReport {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    wanted_bytes: u64,
    free_bytes: u64,
    trash_bytes: u64,
    selected_bytes: u64,
    /// `free`, `trash` (emptying it is enough), `plan` (with what the plan removes) or `missed`.
    reach: &'static str,
    /// Bytes missing even so; after a run, bytes missing now.
    missed_bytes: u64,
    /// Bytes free after a run.
    free_after_bytes: Option<u64>,
}

fn documents(plan: &Plan, after: Option<&[Option<u64>]>) -> Vec<TargetReport> {
    let document = |(at, target): (usize, &Target)| {
        let after = after.and_then(|after| after.get(at).copied().flatten());
        let (reach, missed) = match target.reach() {
            Reach::Free => ("free", 0),
            Reach::Trash => ("trash", 0),
            Reach::Plan => ("plan", 0),
            Reach::Missed(by) => ("missed", by),
        };
        TargetReport {
            path: target.path.to_string_lossy().into_owned(),
            path_bytes_hex: path_bytes_hex(&target.path),
            wanted_bytes: target.wanted,
            free_bytes: target.free,
            trash_bytes: target.trash,
            selected_bytes: target.selected,
            reach,
            missed_bytes: after.map_or(missed, |free| target.wanted.saturating_sub(free)),
            free_after_bytes: after,
        }
    };
    plan.targets.iter().enumerate().map(document).collect()
}
