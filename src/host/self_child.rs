//! Questions to a child that is modelctl itself: work that can hang or crash is done by a start of `modelctl` that
//! prints one JSON value.

use crate::supervise::{Bounded, Ending, SpawnSpec, run_bounded, run_bounded_with};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

pub use crate::supervise::{Exchange, OURSELVES};

/// The reason why a child gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    NotStarted {
        why: String,
    },
    /// The child ended without an answer.
    Ended(Ending),
    /// The output of the child is no answer.
    Unreadable {
        why: String,
    },
    /// The child was killed at the end of its time; `state` and `wchan` as in [`Bounded::TimedOut`].
    TimedOut {
        limit: Duration,
        state: Option<char>,
        wchan: Option<String>,
    },
    /// Not even SIGKILL ended the child: it waits in the kernel, in the function `wchan` where the kernel reports one.
    Hung {
        limit: Duration,
        pid: u32,
        wchan: Option<String>,
    },
}

/// Asks `modelctl`, normally [`OURSELVES`], with a hidden subcommand. Takes at most half a second longer than `limit`.
///
/// # Errors
/// See [`NoAnswer`].
pub fn ask<T: DeserializeOwned>(
    modelctl: &Path,
    args: impl IntoIterator<Item = impl Into<OsString>>,
    limit: Duration,
) -> Result<T, NoAnswer> {
    read(run_bounded(&SpawnSpec::new(modelctl, args), limit)).map(|(answer, _)| answer)
}

/// Asks with a request that is written to the child's stdin as JSON: it may be long and hold secrets, which the command
/// line of a process shows to everyone. Otherwise as [`ask`].
///
/// # Errors
/// See [`NoAnswer`].
pub fn ask_json<T: DeserializeOwned>(
    modelctl: &Path,
    probe: &[&str],
    request: &impl Serialize,
    limit: Duration,
) -> Result<T, NoAnswer> {
    ask_much(modelctl, probe, request, limit, &Exchange::default()).map(|(answer, _)| answer)
}

/// Does what [`ask_json`] does, for an answer of the size of an exchange and until its stop is requested. Returns the bytes of
/// the answer too.
///
/// # Errors
/// See [`NoAnswer`].
pub fn ask_much<T: DeserializeOwned>(
    modelctl: &Path,
    probe: &[&str],
    request: &impl Serialize,
    limit: Duration,
    exchange: &Exchange<'_>,
) -> Result<(T, usize), NoAnswer> {
    // A path that is not UTF-8 has no JSON.
    let json = serde_json::to_vec(request).map_err(|error| NoAnswer::NotStarted { why: error.to_string() })?;
    let exchange = Exchange { input: Some(&json), ..*exchange };
    // It sees that we have ended even where that was before it could ask the kernel to end with us.
    let parent = std::process::id().to_string();
    let args = probe.iter().copied().chain(["--parent", &parent]);
    read(run_bounded_with(&SpawnSpec::new(modelctl, args), limit, &exchange))
}

fn read<T: DeserializeOwned>(bounded: Bounded) -> Result<(T, usize), NoAnswer> {
    match bounded {
        Bounded::Finished { ending, stdout, .. } if ending.is_clean() => match serde_json::from_slice(&stdout) {
            Ok(answer) => Ok((answer, stdout.len())),
            Err(error) => Err(NoAnswer::Unreadable { why: error.to_string() }),
        },
        Bounded::Finished { ending, .. } => Err(NoAnswer::Ended(ending)),
        Bounded::TimedOut { limit, state, wchan } => Err(NoAnswer::TimedOut { limit, state, wchan }),
        Bounded::Abandoned { limit, pid, wchan } => Err(NoAnswer::Hung { limit, pid, wchan }),
        Bounded::NotStarted { why } => Err(NoAnswer::NotStarted { why }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_child_answers_or_says_why_not() {
        let shell = |script: &str| ask::<Vec<u32>>(Path::new("/bin/sh"), ["-c", script], LONG);
        assert_eq!(shell("echo '[1,2]'"), Ok(vec![1, 2]));
        assert!(matches!(shell("echo no"), Err(NoAnswer::Unreadable { .. })));
        assert_eq!(shell("echo '[1]'; exit 3"), Err(NoAnswer::Ended(Ending::Exited(3))));
        let crash = shell("kill -SEGV $$");
        assert!(matches!(crash, Err(NoAnswer::Ended(Ending::Signalled { signal: 11, .. }))), "{crash:?}");
        let limit = Duration::from_millis(50);
        let slow = ask::<Vec<u32>>(Path::new("/bin/sleep"), ["600"], limit);
        assert!(matches!(slow, Err(NoAnswer::TimedOut { .. })), "{slow:?}");
        let none = ask::<Vec<u32>>(Path::new("/nonexistent"), [""; 0], LONG);
        assert!(matches!(none, Err(NoAnswer::NotStarted { .. })));
    }
}
