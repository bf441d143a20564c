use super::{Exported, Request, import};
use crate::db::Access;
use crate::display::{text, units};
use crate::model::task::TaskState;
use crate::ops::run_tasks::{Stops, run_tasks};
use crate::ops::{OpEvent, Progress, Session, Sink, Step};
use crate::queue::Queue;
use crate::queue::executor::{Bounds, ExecutorEvent, LoadFailures, Summary};
use std::fs::File;

/// Writes the answers of the batch with the given name.
pub type Write<'w> = dyn FnMut(&dyn Queue, &str) -> anyhow::Result<Exported> + Send + 'w;

/// The state of a batch after its run. After a kill, the same call continues the batch.
#[derive(Debug)]
pub struct Answered {
    pub batch: String,
    pub summary: Summary,
    /// Requests that have ended, of `total`.
    pub ended: u64,
    pub total: u64,
    /// Requests without an answer; counts those that have not ended too.
    pub failed: u64,
    /// The figures of the files; None where they were not written because requests have not ended.
    pub exported: Option<Exported>,
}

/// Queues the requests of a file, unless they are queued already, and runs tasks until all of them have ended. `write`
/// is called once they have, even while other tasks that have begun are still running.
///
/// # Errors
/// Those of [`import`] and of `write`; also when the database can no longer be used.
pub fn answer(
    session: &mut Session,
    file: &mut File,
    request: &Request,
    (command, stops): (&str, &Stops),
    write: &mut Write<'_>,
    on: &mut Sink<'_>,
) -> anyhow::Result<Answered> {
    let batch = import(session, file, request, on)?.batch;
    let (ended, total, _) = counts(session, &batch)?;
    if ended > 0 && ended < total {
        on(OpEvent::note(format!("{ended} of {} are already answered", units::plural(total, "request"))));
    }
    let bounds = Bounds { tasks: None, batch: Some(batch.clone()) };
    let (mut queue, queues) = (session.open_queue()?, session.queues());
    let mut exported = None;
    let failures = &mut LoadFailures::default();
    let mut progress = Progress { done: ended, ..Progress::new(Step::Answering, Some(total)) };
    on(progress.clone().into());
    let summary = run_tasks(session, &mut *queue, (command, &bounds, None), stops, failures, &mut |event| {
        if advance(&mut progress, &event) {
            on(progress.clone().into());
        }
        if matches!(event, OpEvent::Task(ExecutorEvent::BatchEnded { .. })) {
            // Where this fails, they are written at the end, and that is reported.
            exported = queues.open().and_then(|queue| write(&*queue, &batch)).ok();
            if exported.is_none() {
                return;
            }
        }
        on(event);
    });
    on(OpEvent::StepEnded { step: Step::Answering });
    let summary = summary?;
    let (ended, total, failed) = counts(session, &batch)?;
    // Half of the answers under the name of all of them would mislead whoever waits for the file.
    if exported.is_none() && ended >= total {
        exported = Some(write(&*queue, &batch)?);
    }
    Ok(Answered { batch, summary, ended, total, failed, exported })
}

/// Returns the number of tasks of a batch that have ended, the number of all its tasks, and the number of those that
/// are not done.
fn counts(session: &mut Session, batch: &str) -> anyhow::Result<(u64, u64, u64)> {
    let counts = session.queue(Access::ReadWrite)?.counts(Some(batch))?;
    let sum = |fits: fn(TaskState) -> bool| counts.iter().filter(|(state, _)| fits(**state)).map(|(_, n)| *n).sum();
    Ok((sum(TaskState::is_finished), counts.values().sum(), sum(|state| state != TaskState::Done)))
}

/// Updates the progress. Returns whether the event changed it.
fn advance(progress: &mut Progress, event: &OpEvent) -> bool {
    match event {
        OpEvent::Task(ExecutorEvent::Ended { state, .. }) if state.is_finished() && *state != TaskState::Cancelled => {
            progress.done = progress.done.saturating_add(1);
        }
        OpEvent::Task(ExecutorEvent::ByOthers { ended }) => progress.done = *ended,
        OpEvent::Task(ExecutorEvent::Loading { model }) => progress.about = Some(text::clean(model).into_owned()),
        OpEvent::Task(ExecutorEvent::Ready { .. }) => progress.about = None,
        _ => return false,
    }
    true
}
