//! `modelctl run-once` without a prompt: runs tasks of the queue.

use super::super::{Ctx, Exit, graceful_stop_on_signals};
use crate::db::Access;
use crate::ops::OpEvent;
use crate::ops::prune::auto;
use crate::ops::run_tasks::{failure, in_words, is_about_waiting, run_tasks};
use crate::queue::executor::{Bounds, LoadFailures, Summary};
use crate::ui::{text, units};

pub fn run(ctx: &mut Ctx, max_tasks: Option<u64>, json: bool) -> anyhow::Result<Exit> {
    let bounds = Bounds { tasks: Some(max_tasks.unwrap_or(ctx.session.config.offload.max_tasks)), batch: None };
    let stops = graceful_stop_on_signals()?;
    print_place(ctx);
    // A database that was named and is not there holds no tasks; cron must not believe that they were run.
    ctx.session.db(Access::ReadOnly)?;
    let summary = ctx.run(|session, on| {
        let mut queue = session.open_queue()?;
        let failures = &mut LoadFailures::default();
        let summary =
            run_tasks(session, &mut *queue, ("modelctl run-once", &bounds, None), &stops, failures, &mut |event| {
                // The reason why tasks wait is printed at the end.
                if !is_about_waiting(&event) {
                    on(event);
                }
            })?;
        if summary.busy.is_none()
            && summary.stopped.is_none()
            && let Err(error) = auto(session, &stops.graceful, on)
        {
            // The tasks are done, even if the prune fails.
            on(OpEvent::warning(format!("prune: {error:#}")));
        }
        anyhow::Ok(summary)
    })?;
    if summary.off {
        ctx.ui.note("inference is off: no task was run");
        ctx.ui.hint("`modelctl inference on` lets them run");
    }
    if json {
        ctx.ui.document(&summary)?;
    } else if let Some(line) = in_words(&summary) {
        ctx.ui.line(&line)?;
        if let Some(why) = &summary.waits_for {
            ctx.ui.warn(&format!("{} waiting: {}", units::plural(summary.waiting, "task"), text::clean(why)));
        }
    }
    verdict(&summary)
}

/// Prints a note when `HOME` is not set: the database of a service is used then, and tasks queued in a shell are not in
/// it.
fn print_place(ctx: &mut Ctx) {
    if ctx.session.config.is_database_of_service {
        let database = text::path(&ctx.session.config.database);
        ctx.ui.note(&format!("HOME is not set: running the tasks of {database}"));
        ctx.ui.hint("tasks queued in a shell are in that user's database: pass it with --db or MODELCTL_DB");
    }
}

/// Returns the exit code: busy, stopped, or whether a task failed.
fn verdict(summary: &Summary) -> anyhow::Result<Exit> {
    match failure(summary) {
        Some(failure) => Err(failure.into()),
        None => Ok(if summary.failed > 0 { Exit::Bad } else { Exit::Done }),
    }
}
