//! Questions to a child that is modelctl itself: work that can hang or crash is done by a start of `modelctl` that
//! prints one JSON value.

use crate::supervise::{Bounded, Ending, SpawnSpec, run_bounded, run_bounded_up_to};
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

pub use crate::supervise::OURSELVES;

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
    TimedOut {
        limit: Duration,
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
    read(run_bounded(&SpawnSpec::new(modelctl, args), limit))
}

/// Does what [`ask`] does, for an answer of up to `bytes`.
///
/// # Errors
/// See [`NoAnswer`].
pub fn ask_much<T: DeserializeOwned>(
    modelctl: &Path,
    args: impl IntoIterator<Item = impl Into<OsString>>,
    limit: Duration,
    bytes: usize,
) -> Result<T, NoAnswer> {
    read(run_bounded_up_to(&SpawnSpec::new(modelctl, args), limit, bytes))
}

fn read<T: DeserializeOwned>(bounded: Bounded) -> Result<T, NoAnswer> {
    match bounded {
        Bounded::Finished { ending, stdout, .. } if ending.is_clean() => {
            serde_json::from_slice(&stdout).map_err(|error| NoAnswer::Unreadable { why: error.to_string() })
        }
        Bounded::Finished { ending, .. } => Err(NoAnswer::Ended(ending)),
        Bounded::TimedOut { limit } => Err(NoAnswer::TimedOut { limit }),
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
        assert_eq!(slow, Err(NoAnswer::TimedOut { limit }));
        let none = ask::<Vec<u32>>(Path::new("/nonexistent"), [""; 0], LONG);
        assert!(matches!(none, Err(NoAnswer::NotStarted { .. })));
    }
}
