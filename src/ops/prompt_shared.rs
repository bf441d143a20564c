//! A one-shot prompt beside a daemon on the same database: the daemon's server of the model answers it.

use super::{OpEvent, Session, Sink};
use crate::clock;
use crate::host::daemon;
use crate::model::ModelId;
use crate::openai::{ChatRequest, Completion};
use crate::supervise::StopSignal;
use crate::worker::{chat_through, is_serving};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An answer with its times.
pub(super) struct Shared {
    pub completion: Completion,
    /// Time until the model began with it.
    pub waited: Duration,
    pub total: Duration,
    pub first_token: Option<Duration>,
}

/// Returns the socket of a daemon that serves this database.
pub(super) fn gateway(session: &Session) -> Option<PathBuf> {
    let daemon = daemon::find(&session.config.lock_dir)?;
    is_serving(&daemon.socket).then_some(daemon.socket)
}

/// Has a chat answered by the daemon. The text comes as events. Returns `None` where the daemon does not know the model,
/// or has ended.
///
/// # Errors
/// As those of a worker of our own.
pub(super) fn ask(
    (socket, model): (&Path, &ModelId),
    chat: &ChatRequest,
    time: (&StopSignal, Option<Duration>),
    on: &mut Sink<'_>,
) -> anyhow::Result<Option<Shared>> {
    let began = clock::instant();
    let mut first_token = None;
    let answer = chat_through((socket, model.as_str()), chat, time, &mut |piece| {
        first_token.get_or_insert_with(|| began.elapsed());
        on(OpEvent::Text { text: piece.to_owned() });
        ControlFlow::Continue(())
    })?;
    Ok(answer.map(|answer| Shared {
        completion: answer.completion,
        waited: answer.waited,
        total: began.elapsed(),
        first_token,
    }))
}
