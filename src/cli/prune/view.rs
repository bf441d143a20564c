//! The output of `prune`: the plan with a reason for every row, and the result of a run.

use super::super::ctx::Printer;
use super::table::{kept, table};
use super::{Shown, head};
use crate::failure::Failure;
use crate::ops::prune::{Acted, deleted, exceptions, in_words, moved, report};
use crate::prune::apply::{Done, Fate};
use crate::prune::decide::Rule;
use crate::prune::plan::{Plan, Row};
use crate::ui::{Ui, text, units};
use std::collections::HashMap;

/// Prints a plan that was not acted on.
pub fn show(ui: &mut Ui, plan: &Plan, shown: &Shown<'_>) -> anyhow::Result<()> {
    if shown.args.json {
        return ui.document(&report(plan, None, (shown.notes, shown.leap)));
    }
    let is_all = head::print(ui, plan, shown);
    let purge = shown.args.purge;
    // Quiet is for scripts, which check the exit code.
    if !(is_all || ui.is_quiet()) {
        let rows: Vec<&Row> = plan.rows.iter().filter(|row| row.goes || shown.args.all).collect();
        if !rows.is_empty() {
            ui.table(&table(rows.into_iter(), purge, shown.now))?;
        }
        let folded = kept(plan).filter(|_| !(shown.args.all || plan.policy.is_empty()));
        if let Some(folded) = folded {
            let them = if plan.staying().nth(1).is_some() { "them" } else { "it" };
            ui.note(&format!("{folded} (--all lists {them})"));
        }
    }
    for note in shown.notes {
        ui.note(note);
    }
    let copies = plan.going().filter(|row| row.rule == Rule::Duplicate && !shown.args.json);
    for (_, missing) in copies.filter_map(|row| row.why.split_once("; ")) {
        ui.note(&text::clean(missing));
    }
    for large in plan.large.iter().filter(|_| !shown.args.allow_large) {
        let (going, all) = (units::bytes(large.going), units::bytes(large.all));
        let root = ui.path(&large.root);
        ui.warn(&format!(
            "{going} of {all} in {root} would be removed, more than half: use --allow-large to permit this"
        ));
    }
    if plan.going().any(|row| row.is_foreign) {
        ui.warn("an Ollama store is not writable: only its server can delete there, with --purge and without undo");
    }
    let count = plan.going().count() as u64;
    if count == 0 {
        if !is_all {
            ui.note("nothing would be removed");
        }
        return Ok(());
    }
    let sums = &plan.sums;
    let (freed, apparent, allocated) =
        (units::bytes(sums.freed), units::bytes(sums.apparent), units::bytes(sums.allocated));
    let when = if purge { "freed at once" } else { "freed when the trash is emptied" };
    let what = in_words(&plan.going().collect::<Vec<_>>());
    // Equal figures are said once.
    let sizes = match (apparent == allocated, allocated == freed) {
        (true, true) => format!("{apparent}, {when}"),
        (true, false) => format!("{apparent}; {freed} {when}"),
        _ => format!("{apparent}, {allocated} on disk; {freed} {when}"),
    };
    ui.note(&format!("{what} would be removed: {sizes}"));
    if shown.is_asking {
        return Ok(());
    }
    let what = if purge { "deletes them" } else { "moves them to the trash" };
    let how = if shown.args.is_rm { "the same command without --dry-run" } else { "--confirm" };
    ui.hint(&format!("nothing was changed: {how} {what}"));
    Ok(())
}

/// Prints the result of a run: every row that was removed, every row that was not removed as planned with its reason,
/// and a summary line. With --quiet, prints only the summary and what went wrong. Returns whether a target was missed.
pub fn acted(ui: &mut Ui, plan: &Plan, acted: &Acted<'_>, shown: &Shown<'_>) -> anyhow::Result<bool> {
    if shown.args.json {
        ui.document(&report(plan, Some(acted), (shown.notes, shown.leap)))?;
    } else {
        let mut printer = Printer::new(ui);
        exceptions(&acted.done).into_iter().for_each(|event| printer.print(event));
        let removed: Vec<&Row> = removed(&acted.done).map(|d| d.row).collect();
        if !(removed.is_empty() || ui.is_quiet()) {
            ui.table(&table(removed.into_iter(), shown.args.purge, shown.now))?;
        }
        if let Some(line) = acted.emptied.line("for --free") {
            ui.line(&line)?;
        }
        if let Some(line) = moved(&acted.done) {
            ui.line(&line)?;
            let ids: Vec<&str> = acted.done.iter().filter_map(|d| trash_id(&d.fate)).collect();
            let which = if ids.len() <= 3 { ids.join(" ") } else { format!("--run {}", shown.run) };
            ui.hint(&format!(
                "to free the space: `modelctl trash empty --confirm`; to undo: `modelctl trash restore {which}`"
            ));
        }
        if let Some(line) = deleted(&acted.done) {
            ui.line(&line)?;
        }
        for note in shown.notes {
            ui.note(note);
        }
        let is_nothing = acted.done.is_empty() && acted.emptied.items == 0 && plan.targets.is_empty();
        if is_nothing && plan.unexamined().is_empty() {
            ui.note("nothing to remove");
        }
    }
    Ok(head::missed(ui, plan, &acted.free, shown))
}

fn removed<'a, 'p>(done: &'a [Done<'p>]) -> impl Iterator<Item = &'a Done<'p>> {
    done.iter().filter(|d| matches!(d.fate, Fate::Trashed { .. } | Fate::Purged { .. }))
}

fn trash_id(fate: &Fate) -> Option<&str> {
    match fate {
        Fate::Trashed { id } => Some(id),
        _ => None,
    }
}

/// Returns the failure of a run that kept models that a person named: busy (4) where one is in use, or may be, else
/// cannot be met (3). None when no named model was kept; a model that does not match a given age, or that a target does
/// not need, counts as not selected, not as kept.
pub fn named_kept(plan: &Plan, done: &[Done<'_>]) -> Option<Failure> {
    let is_named = |row: &Row| plan.policy.models.iter().flatten().any(|id| Some(id) == row.id.as_ref());
    let is_kept = |row: &&Row| is_named(row) && !matches!(row.rule, Rule::NotSelected | Rule::Enough | Rule::SameFile);
    let kept: Vec<(&str, &str)> =
        plan.staying().filter(is_kept).map(|row| (row.name.as_str(), row.why.as_str())).collect();
    // Models that came into use after the plan was made.
    let skipped = done.iter().filter(|d| is_named(d.row)).filter_map(|d| match &d.fate {
        Fate::Skipped { why } => Some((d.row.name.as_str(), why.as_str())),
        _ => None,
    });
    let all: Vec<String> = kept
        .into_iter()
        .chain(skipped)
        .map(|(name, why)| format!("{} was kept: {}", text::clean(name), text::clean(why)))
        .collect();
    let is_busy = plan.staying().filter(is_kept).any(|row| matches!(row.rule, Rule::InUse | Rule::UseUnknown));
    let message = Some(all.join("\n")).filter(|text| !text.is_empty())?;
    Some(if is_busy { Failure::busy(message) } else { Failure::cannot_meet(message) })
}

/// Prints why nothing is removed although something was selected: the reasons, the most frequent first. Returns whether
/// there are any.
pub fn unexamined(ui: &mut Ui, plan: &Plan) -> bool {
    const TOLD: usize = 3;
    let mut whys: HashMap<&str, u64> = HashMap::new();
    for row in plan.unexamined() {
        let count = whys.entry(&row.why).or_default();
        *count = count.saturating_add(1);
    }
    let mut whys: Vec<(&str, u64)> = whys.into_iter().collect();
    whys.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    for (why, count) in whys.iter().take(TOLD) {
        ui.warn(&format!("{count} of the plan could not be examined: {}", text::clean(why)));
    }
    !whys.is_empty()
}
