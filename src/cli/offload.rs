//! What `run-once` and `batch` have in common: running queued tasks, and saying how that went.

use super::{Access, Ctx, Exit, keep, prune};
use crate::clock::Timestamp;
use crate::failure::{Failure, Kind, OrFail};
use crate::host::probe;
use crate::model::task::{Policy, Retention};
use crate::queue::executor::{Bounds, Setup, Summary, Told, run};
use crate::supervise::Interrupt;
use crate::ui::{Ui, text, units};
use std::time::Duration;

/// How long running tasks may go on after SIGTERM: well below what systemd grants a unit (90 s) before it kills.
const GRACE: Duration = Duration::from_secs(60);

/// `modelctl run-once` without a prompt.
pub fn run_once(ctx: &mut Ctx, max_tasks: Option<u64>, json: bool) -> anyhow::Result<Exit> {
    let bounds = Bounds { tasks: Some(max_tasks.unwrap_or(ctx.config.offload.max_tasks)), batch: None };
    let (stop, hurry) = listen()?;
    let summary = work_until(ctx, "modelctl run-once", &bounds, (&stop, &hurry), &mut |_| {})?;
    if summary.busy.is_none()
        && summary.stopped.is_none()
        && let Err(error) = prune::auto(ctx, &stop)
    {
        // The tasks are done, whatever becomes of this.
        ctx.ui.warn(&format!("prune: {error:#}"));
    }
    if json {
        ctx.ui.json(&summary)?;
    } else if let Some(line) = line(&summary) {
        ctx.ui.line(&line)?;
    }
    verdict(&summary)
}

/// Runs tasks within `bounds`. `watch` sees everything that happens, after what a person is told of it.
pub fn work(ctx: &mut Ctx, command: &str, bounds: &Bounds, watch: &mut dyn FnMut(&Told)) -> anyhow::Result<Summary> {
    let (stop, hurry) = listen()?;
    work_until(ctx, command, bounds, (&stop, &hurry), watch)
}

/// The first switch: finish what is running; the second: be quick about it.
pub(super) fn listen() -> anyhow::Result<(Interrupt, Interrupt)> {
    Interrupt::on_signals_twice().or_fail(|| Failure::new(Kind::Bug, "cannot listen for signals"))
}

/// [`work`] until switches of the caller are thrown.
pub(super) fn work_until(
    ctx: &mut Ctx,
    command: &str,
    bounds: &Bounds,
    (stop, hurry): (&Interrupt, &Interrupt),
    watch: &mut dyn FnMut(&Told),
) -> anyhow::Result<Summary> {
    let hints = keep::hints(ctx)?.into_iter().map(|(_, hint)| hint).collect();
    let setup = Setup {
        database: ctx.config.database.clone(),
        program: probe::OURSELVES.into(),
        runtime_dir: ctx.config.runtime_dir.clone(),
        worker: ctx.config.worker.clone(),
        hints,
        limits: ctx.config.tiers,
        policy: Policy::default(),
        retention: Retention::default(),
        who: who(command, ctx.now),
        grace: GRACE,
    };
    ctx.db(Access::ReadWrite)?;
    let Ctx { ui, db, .. } = ctx;
    let Some((_, db)) = db else { anyhow::bail!("the database was closed") };
    let mut tell = |told: Told| {
        say(ui, &told);
        watch(&told);
    };
    run(db, &setup, bounds, (stop, hurry), &mut tell)
}

pub(super) fn who(command: &str, now: Timestamp) -> String {
    format!("{command} (process {}, since {})", std::process::id(), now.rfc3339())
}

/// What a person should hear while it happens. Everything goes to standard error.
fn say(ui: &mut Ui, told: &Told) {
    match told {
        Told::Recovered { requeued, failed } => {
            let failed = if *failed > 0 { format!(", {failed} failed for good") } else { String::new() };
            let tasks = units::plural(*requeued, "task");
            ui.note(&format!("taken up after a process that was killed: {tasks}{failed}"));
        }
        Told::Ready { model, took } => ui.note(&format!("{} loaded in {}", text::clean(model), units::took(*took))),
        Told::Ended { id, error: Some(error), state } => {
            ui.warn(&format!("task {id}: {}: {}", state.name(), text::clean(error)));
        }
        Told::Swapped { id, to, why } => {
            ui.warn(&format!("task {id}: {}; tried with {}", text::clean(why), text::clean(to)));
        }
        Told::Waiting { who } => {
            ui.note(&format!("the model is in use by {}, which takes the same tasks", text::clean(who)))
        }
        Told::Warning(why) => ui.warn(&text::clean(why)),
        Told::ByOthers { .. } | Told::Loading { .. } | Told::Started { .. } | Told::Ended { .. } => {}
    }
}

/// `3 done, 1 failed`; None when nothing was to be done.
pub fn line(summary: &Summary) -> Option<String> {
    let parts = [
        (summary.done, "done"),
        (summary.failed, "failed"),
        (summary.retried, "to be tried again"),
        (summary.given_back, "given back"),
        (summary.lost, "cancelled or taken over meanwhile"),
    ];
    let words: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The exit code: busy, stopped, or whether a task failed.
pub fn verdict(summary: &Summary) -> anyhow::Result<Exit> {
    if let Some(who) = &summary.busy {
        return Err(Failure::busy(format!("the model is in use by {}", text::clean(who)))
            .hint("its executor takes the same tasks; nothing is lost by waiting")
            .into());
    }
    if let Some(stop) = summary.stopped {
        return Err(Failure::new(stop.kind(), "stopped; what was running was finished or given back").into());
    }
    Ok(if summary.failed > 0 { Exit::Bad } else { Exit::Done })
}
