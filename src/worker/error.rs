use crate::failure::{Failure, Kind};
use crate::supervise::{Ending, Stop};

/// Why a worker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// No process, or no socket.
    #[error("cannot start the worker: {0}")]
    Spawn(String),
    /// In llama.cpp's words, or ours where it was not asked.
    #[error("the engine refused the model: {reason}")]
    Refused { reason: String },
    /// It ended by itself. `last_log` are its last lines, oldest first.
    #[error("the worker {ending}{}", last_words(last_log))]
    Died { ending: Ending, last_log: Vec<String> },
    /// It did not become ready, or did not end, within the limit.
    #[error("{0}")]
    TimedOut(String),
    /// It said what we do not understand.
    #[error("the worker answered what makes no sense: {0}")]
    Protocol(String),
    /// It answered with an error.
    #[error("the worker answered {status}: {message}")]
    Server { status: u16, message: String },
    /// Somebody wants us to stop.
    #[error("stopped before it was done")]
    Interrupted(Stop),
}

/// The line of a log that best says why its process died, after a colon.
fn last_words(log: &[String]) -> String {
    let told = |line: &&String| line.contains("GGML_ASSERT") || line.contains("GGML_ABORT") || line.contains("what():");
    let line = log.iter().rev().find(told).or_else(|| log.iter().rev().find(|line| line.contains("error")));
    line.map_or_else(String::new, |line| format!(": {}", without_directories(line.trim())))
}

/// `/build/src/llama-model.cpp:12: GGML_ASSERT(a/b)` → `llama-model.cpp:12: GGML_ASSERT(a/b)`.
fn without_directories(line: &str) -> &str {
    let (file, _) = line.split_once(':').unwrap_or((line, ""));
    file.rfind('/').and_then(|slash| line.get(slash..)).map_or(line, |rest| rest.trim_start_matches('/'))
}

impl WorkerError {
    /// The kind of failure, with the next step.
    fn failure(&self) -> Failure {
        let message = self.to_string();
        match self {
            WorkerError::Interrupted(stop) => Failure::new(stop.kind(), message),
            WorkerError::Server { status: 400, .. } => Failure::cannot_meet(message),
            WorkerError::Server { status: 503, .. } => Failure::busy(message).hint("try again when it has less to do"),
            WorkerError::Refused { .. } => {
                Failure::engine(message).hint("the file may be damaged or newer than this build of llama.cpp")
            }
            WorkerError::Died { ending, .. } => match ending.hint() {
                Some(hint) => Failure::engine(message).hint(hint),
                None => Failure::engine(message),
            },
            WorkerError::TimedOut(_) => {
                Failure::engine(message).hint("a large model on a slow disk needs a longer limit")
            }
            WorkerError::Spawn(_) | WorkerError::Protocol(_) | WorkerError::Server { .. } => Failure::engine(message),
        }
    }
}

impl From<WorkerError> for Failure {
    fn from(error: WorkerError) -> Failure {
        debug_assert!(!matches!(error.failure().kind, Kind::Bug));
        error.failure()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_quotes_the_assertion_that_caused_it() {
        let log = ["loading", "/x/ggml.c:123: GGML_ASSERT(a == b) failed", "aborting"].map(String::from).to_vec();
        let error = WorkerError::Died { ending: Ending::Signalled { signal: 6, core_dumped: false }, last_log: log };
        let failure = Failure::from(error);
        assert_eq!(failure.kind, Kind::Engine);
        assert!(
            failure.message.contains("SIGABRT")
                && failure.message.ends_with(": ggml.c:123: GGML_ASSERT(a == b) failed"),
            "{failure}"
        );
    }

    #[test]
    fn an_interrupt_keeps_its_exit_code() {
        assert_eq!(Failure::from(WorkerError::Interrupted(Stop::Terminated)).kind.code(), 143);
        assert_eq!(Failure::from(WorkerError::Interrupted(Stop::Interrupted)).kind.code(), 130);
    }
}
