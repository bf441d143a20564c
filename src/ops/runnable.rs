//! Checks that a model that a person named can be run at all, before anything is queued or loaded.

use super::{OpEvent, Session, Sink};
use crate::db::Access;
use crate::display::text;
use crate::failure::Failure;
use crate::host::memory;
use crate::model::{ModelRow, State};
use crate::queue::{Unfit, too_large, unfit};

/// Refuses a model that cannot be run, with the reason.
///
/// # Errors
/// Cannot be met (3), with the next step.
pub fn check(row: &ModelRow) -> anyhow::Result<()> {
    let Some(Unfit { why, hint }) = unfit(row) else { return Ok(()) };
    let (name, why) = (text::clean(&row.name), text::clean(&why));
    Err(Failure::cannot_meet(format!("{name} {why}")).hint(hint).into())
}

/// Refuses a model that is larger than all the memory of this machine.
///
/// # Errors
/// Cannot be met (3), unless `force`.
pub fn check_size(session: &mut Session, row: &ModelRow, force: bool) -> anyhow::Result<()> {
    if force || row.state != State::Ready {
        return Ok(());
    }
    let context = session.config.worker.context;
    let total = memory::memory().map(|memory| memory.total);
    let models = session.db(Access::ReadOnly)?.models(Some(std::slice::from_ref(&row.id)))?;
    match models.first().and_then(|model| too_large(model, (context, 1), &total)) {
        None => Ok(()),
        Some(why) => Err(Failure::cannot_meet(format!("{} {why} on this machine", text::clean(&row.name)))
            .hint("choose a smaller model, or a smaller `[worker] context`")
            .into()),
    }
}

/// Refuses a model that can never run a task as it is, unless another model may answer in its place. A model that is
/// only unreachable is accepted: the task waits for it. Warns when another model answers and when the task waits.
///
/// # Errors
/// Those of [`check`] and [`check_size`].
pub fn check_for_task(session: &mut Session, row: &ModelRow, fallback: bool, on: &mut Sink<'_>) -> anyhow::Result<()> {
    if matches!(row.state, State::Gone | State::Unavailable) {
        let (name, path) = (text::clean(&row.name), text::path(&row.path));
        on(OpEvent::warning(format!("{name} is unavailable: {path} does not exist; the task waits for it")));
        return Ok(());
    }
    let checked = check(row).and_then(|()| check_size(session, row, false));
    match checked {
        Err(error) if fallback => {
            on(OpEvent::warning(format!("{error:#}; another model answers")));
            Ok(())
        }
        checked => checked,
    }
}
