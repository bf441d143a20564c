//! Reads of the node by a child of our own: what hangs there hangs the child alone.

use super::reads::NodeRead;
use crate::host::self_child::{self, Exchange, NoAnswer, OURSELVES};
use crate::node::late;
use crate::supervise::StopSignal;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::time::Duration;

/// The hidden command that a child runs.
pub const PROBE: [&str; 2] = ["probe", "node"];
/// Bytes of an answer. The lines of a service's logs are the largest part, at most a few MiB.
const MOST_BYTES: usize = 32 << 20;

/// Why a child gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRead {
    /// It was too slow; with the process and the kernel function where not even SIGKILL ended it.
    TimedOut(String),
    Failed(String),
}

/// Has a child do a read, within `limit` and until a stop is requested. Returns the bytes of the answer too.
///
/// # Errors
/// See [`NotRead`].
pub fn read<T: DeserializeOwned>(
    read: &NodeRead,
    limit: Duration,
    stop: Option<&StopSignal>,
) -> Result<(T, usize), NotRead> {
    if limit.is_zero() {
        return Err(NotRead::TimedOut("not read: the time limit for everything was reached".to_owned()));
    }
    let exchange = Exchange { most: MOST_BYTES, stop, ..Exchange::default() };
    self_child::ask_much(Path::new(OURSELVES), &PROBE, read, limit, &exchange).map_err(why)
}

fn why(no_answer: NoAnswer) -> NotRead {
    match no_answer {
        NoAnswer::TimedOut { limit, .. } => NotRead::TimedOut(late(limit)),
        NoAnswer::Hung { limit, pid, wchan } => {
            let place = wchan.map(|wchan| format!(" in `{wchan}`")).unwrap_or_default();
            NotRead::TimedOut(format!("{}; process {pid} hangs in the kernel{place}", late(limit)))
        }
        NoAnswer::NotStarted { why } => NotRead::Failed(format!("the reading process did not start: {why}")),
        NoAnswer::Ended(ending) => NotRead::Failed(format!("the reading process {ending}")),
        NoAnswer::Unreadable { why } => NotRead::Failed(format!("the reading process returned invalid output: {why}")),
    }
}
