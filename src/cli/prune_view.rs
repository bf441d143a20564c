//! What `prune` shows: the plan with a reason for every row, and what became of it.

use crate::clock::Timestamp;
use crate::failure::{Failure, classify};
use crate::model::{StoreKind, path_bytes_hex};
use crate::prune::apply::{Done, Fate};
use crate::prune::candidate::{Evidence, LastUse};
use crate::prune::decide::{Large, Rule};
use crate::prune::plan::{Plan, Row};
use crate::ui::{Cell, Column, Table, Tone, Ui, text, units};
use serde::Serialize;

/// The plan, of which nothing was done.
pub fn show(ui: &mut Ui, plan: &Plan, json: bool, purge: bool, notes: &[String], now: Timestamp) -> anyhow::Result<()> {
    if json {
        return ui.json(&document(plan, None, notes));
    }
    if !plan.rows.is_empty() {
        ui.table(&table(plan, now))?;
    }
    for note in notes {
        ui.note(note);
    }
    for large in &plan.large {
        let (going, all) = (units::bytes(large.going), units::bytes(large.all));
        let root = text::path(&large.root);
        ui.warn(&format!("{going} of {all} in `{root}` would go, which is more than half: --allow-large permits it"));
    }
    if plan.going().any(|row| row.is_foreign) {
        ui.warn(
            "an Ollama store cannot be written: only its own server can delete there, with --purge and without an undo",
        );
    }
    let count = plan.going().count() as u64;
    if count == 0 {
        ui.note("nothing would be removed");
        return Ok(());
    }
    let sums = &plan.sums;
    let freed = units::bytes(sums.freed);
    let (apparent, allocated) = (units::bytes(sums.apparent), units::bytes(sums.allocated));
    let when = if purge { "comes free at once" } else { "comes free when the trash is emptied" };
    let rows = units::plural(count, "row");
    ui.note(&format!("{rows} would go: apparent {apparent}, on disk {allocated}; {freed} {when}"));
    ui.hint(&format!("nothing was changed: --confirm {}", if purge { "deletes it" } else { "moves it to the trash" }));
    Ok(())
}

/// What became of the plan. One line in all where something was done; every row that was not done with its reason.
pub fn told(ui: &mut Ui, plan: &Plan, done: &[Done<'_>], json: bool, notes: &[String]) -> anyhow::Result<()> {
    if json {
        return ui.json(&document(plan, Some(done), notes));
    }
    exceptions(ui, done);
    if let Some(line) = moved(done) {
        ui.line(&line)?;
        ui.hint("`modelctl trash list` shows it, `modelctl trash restore ID` brings it back");
    }
    if let Some(line) = deleted(done) {
        ui.line(&line)?;
    }
    if done.is_empty() {
        ui.note("nothing to remove");
        let named = |row: &&Row| plan.policy.models.iter().flatten().any(|id| Some(id) == row.id.as_ref());
        for row in plan.staying().filter(named) {
            ui.note(&format!("{} stays: {}", text::clean(&row.name), text::clean(&row.why)));
        }
    }
    Ok(())
}

/// The same on standard error, for a run that has something else to say.
pub fn told_aside(ui: &mut Ui, done: &[Done<'_>]) {
    exceptions(ui, done);
    for line in moved(done).into_iter().chain(deleted(done)) {
        ui.note(&line);
    }
}

/// What was not done as planned.
fn exceptions(ui: &mut Ui, done: &[Done<'_>]) {
    for Done { row, fate } in done {
        let name = text::clean(&row.name);
        match fate {
            Fate::Ready | Fate::Trashed { .. } => {}
            Fate::Purged { left, .. } if left.is_empty() => {}
            Fate::Purged { left, .. } => {
                let what = units::plural(left.len() as u64, "file");
                ui.warn(&format!("{name}: {what} that nobody planned to delete stayed in the trash"));
            }
            Fate::Skipped { why } => ui.warn(&format!("left alone: {name}: {why}")),
            Fate::Failed { error } | Fate::Partly { error, .. } => ui.error(&about(&name, error).into()),
        }
    }
}

/// The error with the name before it; its kind and its hint stay.
fn about(name: &str, error: &anyhow::Error) -> Failure {
    let (kind, hint) = classify(error);
    let failure = Failure::new(kind, format!("{name}: {error:#}"));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn moved(done: &[Done<'_>]) -> Option<String> {
    let rows: Vec<&Row> = done.iter().filter(|d| matches!(d.fate, Fate::Trashed { .. })).map(|d| d.row).collect();
    let freed = units::bytes(rows.iter().fold(0u64, |sum, row| sum.saturating_add(row.freed_bytes)));
    (!rows.is_empty())
        .then(|| format!("moved {} to the trash; freed now 0 B, {freed} when it is emptied", in_words(&rows)))
}

fn deleted(done: &[Done<'_>]) -> Option<String> {
    let purged = done.iter().filter_map(|d| match &d.fate {
        Fate::Purged { freed, .. } => Some((d.row, *freed)),
        _ => None,
    });
    let (rows, freed): (Vec<&Row>, Vec<u64>) = purged.unzip();
    let freed = units::bytes(freed.into_iter().fold(0u64, u64::saturating_add));
    (!rows.is_empty()).then(|| format!("deleted {}; freed {freed}", in_words(&rows)))
}

/// `2 models and 1 file`.
fn in_words(rows: &[&Row]) -> String {
    let models = rows.iter().filter(|row| row.id.is_some()).count() as u64;
    let files = rows.len() as u64 - models;
    match (models, files) {
        (_, 0) => units::plural(models, "model"),
        (0, _) => units::plural(files, "file"),
        _ => format!("{} and {}", units::plural(models, "model"), units::plural(files, "file")),
    }
}

const COLUMNS: &[Column] = &[
    Column::left("", 0),
    Column::left("NAME", 0).shrink_to(16),
    Column::right("SIZE", 1),
    Column::right("FREED", 3),
    Column::left("WHY", 0).shrink_to(24),
    Column::right("USED", 4),
    Column::left("STORE", 5),
    Column::left("PATH", 6).shrink_to(24),
];

fn table(plan: &Plan, now: Timestamp) -> Table<'_> {
    let mut table = Table::new(COLUMNS);
    for row in &plan.rows {
        let (word, tone) = if row.goes { ("remove", Tone::Warn) } else { ("keep", Tone::Dim) };
        let freed = if row.goes { Cell::new(units::bytes(row.freed_bytes)) } else { Cell::none() };
        let used = match row.last_use.evidence {
            Evidence::Appeared => Cell::none(),
            _ => Cell::new(units::ago(row.last_use.at.age(now))),
        };
        table.row(vec![
            Cell::new(word).tone(tone),
            Cell::new(row.name.as_str()),
            Cell::new(units::bytes(row.apparent_bytes)),
            freed,
            Cell::new(row.why.as_str()),
            used,
            Cell::new(row.store.name()),
            Cell::new(text::path(&row.path)).tone(Tone::Dim),
        ]);
    }
    table
}

/// `prune --json`. Part of the public interface: keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// Nothing was done.
    dry_run: bool,
    made: String,
    apparent_bytes: u64,
    allocated_bytes: u64,
    /// What comes free by everything that goes in the plan, at least.
    freed_bytes: u64,
    /// What came free by this run.
    freed_now_bytes: u64,
    large: &'a [Large],
    notes: &'a [String],
    rows: Vec<RowDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct RowDocument<'a> {
    /// `remove` or `keep`.
    verdict: &'static str,
    rule: Rule,
    why: &'a str,
    id: Option<&'a str>,
    name: &'a str,
    store: StoreKind,
    root: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    class: &'static str,
    state: Option<&'static str>,
    last_used: LastUsed,
    apparent_bytes: u64,
    allocated_bytes: u64,
    freed_bytes: u64,
    /// Only its owner's own interface can delete it, without an undo.
    no_undo: bool,
    /// Everything that goes with it, references first.
    paths: Vec<String>,
    /// `trashed`, `purged`, `skipped`, `failed`; null in a dry run and for what is kept.
    outcome: Option<&'static str>,
    /// Of the item in the trash.
    trash_id: Option<&'a str>,
    /// Why it was skipped, or how it failed.
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct LastUsed {
    at: String,
    evidence: Evidence,
    /// An access time can be moved by anybody who looks.
    is_weak: bool,
}

impl From<LastUse> for LastUsed {
    fn from(last: LastUse) -> LastUsed {
        let is_weak = last.evidence != Evidence::Journal;
        LastUsed { at: last.at.rfc3339(), evidence: last.evidence, is_weak }
    }
}

fn document<'a>(plan: &'a Plan, done: Option<&'a [Done<'_>]>, notes: &'a [String]) -> Document<'a> {
    let fate_of = |row: &Row| done.unwrap_or_default().iter().find(|d| std::ptr::eq(d.row, row)).map(|d| &d.fate);
    let freed = done.unwrap_or_default().iter().fold(0u64, |sum, d| match &d.fate {
        Fate::Purged { freed, .. } => sum.saturating_add(*freed),
        _ => sum,
    });
    Document {
        dry_run: done.is_none(),
        made: plan.made.rfc3339(),
        apparent_bytes: plan.sums.apparent,
        allocated_bytes: plan.sums.allocated,
        freed_bytes: plan.sums.freed,
        freed_now_bytes: freed,
        large: &plan.large,
        notes,
        rows: plan.rows.iter().map(|row| row_document(row, fate_of(row))).collect(),
    }
}

fn row_document<'a>(row: &'a Row, fate: Option<&'a Fate>) -> RowDocument<'a> {
    let base = row.base.as_ref();
    let paths = row.steps.iter().filter_map(|step| Some(base?.path.join(step.path()).to_string_lossy().into_owned()));
    let (outcome, trash_id, reason) = match fate {
        None | Some(Fate::Ready) => (None, None, None),
        Some(Fate::Trashed { id }) => (Some("trashed"), Some(id.as_str()), None),
        Some(Fate::Purged { .. }) => (Some("purged"), None, None),
        Some(Fate::Skipped { why }) => (Some("skipped"), None, Some(why.clone())),
        Some(Fate::Failed { error } | Fate::Partly { error, .. }) => (Some("failed"), None, Some(format!("{error:#}"))),
    };
    RowDocument {
        verdict: if row.goes { "remove" } else { "keep" },
        rule: row.rule,
        why: &row.why,
        id: row.id.as_ref().map(|id| id.as_str()),
        name: &row.name,
        store: row.store,
        root: row.root.to_string_lossy().into_owned(),
        path: row.path.to_string_lossy().into_owned(),
        path_bytes_hex: path_bytes_hex(&row.path),
        class: row.class.name(),
        state: row.state.map(|s| s.name()),
        last_used: row.last_use.into(),
        apparent_bytes: row.apparent_bytes,
        allocated_bytes: row.allocated_bytes,
        freed_bytes: row.freed_bytes,
        no_undo: row.is_foreign,
        paths: paths.collect(),
        outcome,
        trash_id,
        reason,
    }
}
