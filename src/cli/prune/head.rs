//! The head of a plan of prune: the roots that it may remove from, the dates up to which it selects, and how far its
//! targets can be reached; after a run, how far they were reached.

use super::Shown;
use crate::ops::prune::{roots, since};
use crate::prune::plan::Plan;
use crate::prune::target::{Reach, Target};
use crate::ui::{Ui, units};

/// Number of roots that are named one by one; the others are only counted.
const NAMED: usize = 6;

/// Prints the lines above the table. Returns whether nothing else needs to be printed: nothing is removed, because
/// enough space is free already or emptying the trash is enough.
pub fn print(ui: &mut Ui, plan: &Plan, shown: &Shown<'_>) -> bool {
    let policy = &plan.policy;
    for target in &plan.targets {
        say(ui, target, shown);
    }
    let is_settled = !plan.targets.is_empty()
        && plan.targets.iter().all(|t| matches!(t.reach(), Reach::Free | Reach::Trash))
        && plan.total.is_none()
        && plan.going().next().is_none();
    if is_settled || policy.is_empty() {
        return is_settled;
    }
    let roots = roots(plan);
    let mut names: Vec<String> = roots.iter().take(NAMED).map(|root| ui.path(root)).collect();
    if roots.len() > NAMED {
        names.push(format!("{} more", roots.len() - NAMED));
    }
    if !names.is_empty() {
        ui.note(&format!("may remove from: {}", names.join(", ")));
    }
    for (age, what) in [(policy.unused_for, "not used"), (policy.older_than, "not written")] {
        if let Some(age) = age {
            ui.note(&format!("selected: {what} since {} ({})", since(plan, age), units::ago(age)));
        }
    }
    if let Some(total) = &plan.total {
        let [before, after, most] = [total.before, total.after, total.most].map(units::bytes);
        match total.missed() {
            0 => ui.note(&format!("models take {before}, and {after} after this plan; the limit is {most}")),
            by => ui.warn(&format!(
                "limit missed by {}: models take {before}, and {after} after this plan; the limit is {most}",
                units::bytes(by)
            )),
        }
    }
    false
}

/// Prints how far `--free` can be reached on one file system.
fn say(ui: &mut Ui, target: &Target, shown: &Shown<'_>) {
    let place = ui.path(&target.path);
    let [free, trash, selected, wanted] = [target.free, target.trash, target.selected, target.wanted].map(units::bytes);
    let has = match target.trash {
        0 => format!("{free} are free on {place}"),
        _ => format!("{free} are free on {place}, {trash} are in the trash"),
    };
    match target.reach() {
        Reach::Free => ui.note(&format!("{free} are free on {place}: nothing to do for {wanted}")),
        Reach::Trash => {
            ui.note(&format!("{has}: emptying the trash is enough for {wanted}, no model is selected"));
            if !shown.args.empty_trash {
                ui.hint("--empty-trash deletes the oldest items permanently, as needed");
            }
        }
        Reach::Plan => {
            ui.note(&format!("{has}; with {selected} of this plan the target of {wanted} can be reached"));
            if !shown.args.empty_trash && !shown.args.purge {
                ui.hint("space is freed when the trash is emptied: --empty-trash, --purge or `modelctl trash empty`");
            } else if shown.args.empty_trash && !shown.args.purge {
                ui.hint("--empty-trash may delete what this plan moves to the trash: there is no undo for that");
            }
        }
        Reach::Missed(by) => ui.warn(&format!(
            "target missed by {}: {has}, this plan removes {selected}; the target is {wanted}",
            units::bytes(by)
        )),
    }
}

/// Prints which targets the run did not reach. `after`: the bytes that are free on the file system of each target now.
/// Returns whether a target was missed.
pub fn missed(ui: &mut Ui, plan: &Plan, after: &[Option<u64>], shown: &Shown<'_>) -> bool {
    let mut is_missed = false;
    for (target, free) in plan.targets.iter().zip(after) {
        let place = ui.path(&target.path);
        let Some(free) = *free else {
            is_missed = true;
            ui.warn(&format!("cannot determine the free space on {place}"));
            continue;
        };
        let wanted = units::bytes(target.wanted);
        if free >= target.wanted {
            ui.note(&format!("{} are free on {place}; the target is {wanted}", units::bytes(free)));
            continue;
        }
        is_missed = true;
        let (by, free) = (units::bytes(target.wanted - free), units::bytes(free));
        ui.warn(&format!("target missed by {by}: {free} are free on {place}, the target is {wanted}"));
        if target.reach() != Reach::Free && !shown.args.empty_trash && (target.trash > 0 || !shown.args.purge) {
            ui.hint("the trash still takes space: use --empty-trash, or `modelctl trash empty --confirm`");
        }
    }
    if let Some(total) = plan.total.filter(|total| total.missed() > 0) {
        is_missed = true;
        let [after, most, by] = [total.after, total.most, total.missed()].map(units::bytes);
        ui.warn(&format!("limit missed by {by}: models take {after}, the limit is {most}"));
    }
    is_missed
}
