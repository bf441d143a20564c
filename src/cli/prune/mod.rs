//! `modelctl prune`: shows what can be removed and why, and on request moves it to the trash or deletes it for good.

mod args;
mod head;
mod table;
mod view;

pub use args::PruneArgs;

use super::{Ctx, Exit};
use crate::clock::Timestamp;
use crate::failure::{Failure, Kind};
use crate::ops::OpEvent;
use crate::ops::prune::{Acted, Emptied, Prepared, act, encode, in_words, prepare, save};
use crate::prune::leap::Leap;
use crate::prune::plan::Plan;
use crate::prune::target::Reach;
use crate::prune::trash::run_id;
use crate::supervise::StopSignal;
use crate::ui::{Ui, units};

/// Everything that is printed in addition to a plan.
struct Shown<'a> {
    args: &'a PruneArgs,
    notes: &'a [String],
    leap: Option<&'a Leap>,
    now: Timestamp,
    /// Whether a person is asked next, rather than told which option acts.
    is_asking: bool,
    /// Id of this run in the trash and in the history.
    run: String,
}

pub fn run(ctx: &mut Ctx, args: &PruneArgs) -> anyhow::Result<Exit> {
    let stop = super::stop_on_signals()?;
    let request = args.request()?;
    let (mut expired, mut written) = (None, Ok(()));
    let mut watch = |ui: &mut Ui, event: &OpEvent| {
        let OpEvent::TrashExpired { items, freed_bytes, limit } = event else { return };
        let emptied = Emptied { items: *items, freed: *freed_bytes, is_bad: false };
        let line = emptied.line(&format!("older than {limit}"));
        if args.json {
            expired = line;
        } else if let Some(line) = line {
            written = ui.line(&line);
        }
    };
    let prepared = ctx.run_watching(&mut watch, |session, on| prepare(session, &request, on));
    written?;
    let mut prepared = prepared?;
    expired.into_iter().for_each(|line| prepared.notes.insert(0, line));
    let plan = &prepared.plan;
    if request.saved.is_none() && plan.policy.is_empty() && !args.json {
        let expires = ctx.session.config.trash.expire.is_some() || request.expire_trash.is_some();
        if args.confirm && !expires {
            // A cron line that has lost its rules must not seem to do its work.
            return Err(Failure::new(Kind::Usage, "nothing is selected: give at least one rule")
                .hint(
                    "for example `modelctl prune --unused-for 30d --confirm`; `modelctl prune --help` lists the rules",
                )
                .into());
        }
        ctx.ui.note("nothing selected: give at least one rule");
        ctx.ui.hint("try `modelctl prune --unused-for 30d`: models not used for 30 days");
    }
    if let Some(file) = &args.plan {
        let is_stdout = file.as_os_str() == "-";
        if is_stdout {
            ctx.ui.raw(&encode(plan)?)?;
            return Ok(args.verdict(plan.going().next().is_some()));
        }
        save(plan, file)?;
    }
    let is_unexamined = view::unexamined(&mut ctx.ui, plan);
    let run = run_id(ctx.session.now, ctx.session.actor().pid);
    let shown = Shown {
        args,
        notes: &prepared.notes,
        leap: prepared.leap.as_ref(),
        now: ctx.session.now,
        is_asking: false,
        run,
    };
    if !args.confirm {
        view::show(&mut ctx.ui, plan, &shown)?;
        if let Some(kept) = view::named_kept(plan, &[]) {
            return Err(kept.into());
        }
        let is_missed = plan.targets.iter().any(|t| matches!(t.reach(), Reach::Missed(_))) || is_over(plan);
        let is_bad = is_unexamined || is_missed || prepared.leap.is_some();
        return Ok(if is_bad { Exit::Bad } else { args.verdict(plan.going().next().is_some()) });
    }
    let acted = ctx.run(|session, on| act(session, &prepared, &request, &stop, on))?;
    let is_missed = view::acted(&mut ctx.ui, plan, &acted, &shown)?;
    verdict((args, &stop), &prepared, &acted, is_unexamined || is_missed)
}

/// Removes the models that the command line names: shows the plan, asks, and carries out exactly that plan.
///
/// # Errors
/// Usage (2) without a terminal, after the plan was shown.
pub fn remove_by_name(ctx: &mut Ctx, args: &PruneArgs) -> anyhow::Result<Exit> {
    let stop = super::stop_on_signals()?;
    let mut request = args.request()?;
    let planned = ctx.run(|session, on| prepare(session, &request, on))?;
    let run = run_id(ctx.session.now, ctx.session.actor().pid);
    let now = ctx.session.now;
    let shown = Shown { args, notes: &planned.notes, leap: planned.leap.as_ref(), now, is_asking: true, run };
    view::show(&mut ctx.ui, &planned.plan, &shown)?;
    let count = planned.plan.going().count() as u64;
    if count == 0 {
        return view::named_kept(&planned.plan, &[]).map_or(Ok(Exit::Done), |kept| Err(kept.into()));
    }
    if args.json || !ctx.ui.can_ask() {
        let failure = Failure::new(Kind::Usage, "nothing was removed: cannot ask for confirmation without a terminal");
        return Err(failure.hint("--yes removes without asking").into());
    }
    let what = in_words(&planned.plan.going().collect::<Vec<_>>());
    let size = units::bytes(planned.plan.sums.allocated);
    let question = if args.purge {
        format!("Permanently delete {what} ({size})? This cannot be undone.")
    } else {
        format!("Move {what} ({size}) to the trash?")
    };
    if !ctx.ui.ask(&question)? {
        ctx.ui.note("nothing was removed");
        return Ok(Exit::Bad);
    }
    // What has changed since the plan was shown is left alone.
    (request.saved, request.confirm) = (Some(planned.plan), true);
    let prepared = ctx.run(|session, on| prepare(session, &request, on))?;
    let acted = ctx.run(|session, on| act(session, &prepared, &request, &stop, on))?;
    let shown = Shown { args, notes: &prepared.notes, leap: prepared.leap.as_ref(), ..shown };
    let is_missed = view::acted(&mut ctx.ui, &prepared.plan, &acted, &shown)?;
    verdict((args, &stop), &prepared, &acted, is_missed)
}

/// Returns whether models take more than their limit in total, even after the plan.
fn is_over(plan: &Plan) -> bool {
    plan.total.is_some_and(|total| total.missed() > 0)
}

fn verdict(
    (args, stop): (&PruneArgs, &StopSignal),
    prepared: &Prepared,
    acted: &Acted<'_>,
    is_lacking: bool,
) -> anyhow::Result<Exit> {
    let plan = &prepared.plan;
    if let Some(why) = stop.reason() {
        let left = plan.going().count().saturating_sub(acted.done.len());
        return Err(Failure::new(why.kind(), format!("interrupted: {left} of the plan left alone")).into());
    }
    let (removed, skipped) = (acted.removed(), acted.skipped());
    // A reviewed plan must be carried out completely. With a fresh plan it is normal that some rows came into use
    // meanwhile, as long as not all of them did.
    if acted.has_failed() || skipped > 0 && (removed == 0 || args.apply.is_some()) {
        return Ok(Exit::Bad);
    }
    if let Some(kept) = view::named_kept(plan, &acted.done) {
        return Err(kept.into());
    }
    if is_lacking || acted.emptied.is_bad || acted.expired.is_bad || prepared.leap.is_some() {
        return Ok(Exit::Bad);
    }
    Ok(args.verdict(removed > 0 || acted.emptied.items + acted.expired.items > 0))
}
