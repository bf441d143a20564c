use super::status::FailedKind;
use crate::engine::EngineError;
use crate::failure::{Failure, Kind};
use crate::openai::ApiError;
use crate::supervise::{Ending, Stop};

/// The reason why a worker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// There is no process, or no socket.
    #[error("cannot start the worker: {0}")]
    Spawn(String),
    /// The worker refused, in llama.cpp's words, or in ours where llama.cpp was not asked.
    #[error("the engine refused the model: {reason}")]
    Refused { kind: FailedKind, reason: String },
    /// The worker ended on its own. `last_log` has its last lines, oldest first.
    #[error("the worker {ending}{}", last_words(last_log))]
    Died { ending: Ending, last_log: Vec<String> },
    /// The worker did not become ready, or did not end, within the limit.
    #[error("{0}")]
    TimedOut(String),
    /// The worker gave no sign of life and was killed.
    #[error("{0}")]
    Hung(String),
    /// The worker was not needed any more, and the start was given up while it was loading.
    #[error("it was no longer needed")]
    Unwanted,
    /// The worker sent something that cannot be parsed.
    #[error("the worker sent an invalid answer: {0}")]
    Protocol(String),
    /// The worker answered with an error.
    #[error("the worker answered {status}: {message}")]
    Server { status: u16, message: String },
    /// A stop was requested.
    #[error("stopped before it was done")]
    Interrupted(Stop),
}

/// Returns the line of a log that best explains the end of its process, after a colon.
fn last_words(log: &[String]) -> String {
    let told = |line: &&String| line.contains("GGML_ASSERT") || line.contains("GGML_ABORT") || line.contains("what():");
    let line = log.iter().rev().find(told).or_else(|| log.iter().rev().find(|line| line.contains("error")));
    line.map_or_else(String::new, |line| format!(": {}", without_directories(line.trim())))
}

/// Shortens a path: `/build/src/llama-model.cpp:12: GGML_ASSERT(a/b)` → `llama-model.cpp:12: GGML_ASSERT(a/b)`.
fn without_directories(line: &str) -> &str {
    let (file, _) = line.split_once(':').unwrap_or((line, ""));
    file.rfind('/').and_then(|slash| line.get(slash..)).map_or(line, |rest| rest.trim_start_matches('/'))
}

/// Returns whether llama.cpp refused for want of memory, by its own words.
fn is_about_memory(message: &str) -> bool {
    let message = message.to_lowercase();
    ["allocat", "out of memory", "not enough memory", "cudamalloc"].iter().any(|word| message.contains(word))
}

impl WorkerError {
    /// Returns the kind of failure, with the next step.
    fn failure(&self) -> Failure {
        let message = self.to_string();
        match self {
            WorkerError::Interrupted(stop) => Failure::new(stop.kind(), message),
            WorkerError::Server { status: 400, .. } => Failure::cannot_meet(message),
            WorkerError::Server { status: 503, .. } => Failure::busy(message).hint("try again when it has less to do"),
            WorkerError::Refused { kind: FailedKind::File, .. } => {
                Failure::cannot_meet(message).hint("mount its folder or make it readable, then run `modelctl scan`")
            }
            WorkerError::Refused { kind: FailedKind::Device, .. } => {
                Failure::busy(message).hint("this process was suspended for longer than its lease of the device")
            }
            WorkerError::Refused { kind: FailedKind::Cpu | FailedKind::Engine, .. } => Failure::engine(message),
            WorkerError::Refused { .. } if is_about_memory(&message) => Failure::engine(message)
                .hint("the memory ran out: free some, or choose a smaller model, context or number of GPU layers"),
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
            WorkerError::Spawn(_)
            | WorkerError::Hung(_)
            | WorkerError::Unwanted
            | WorkerError::Protocol(_)
            | WorkerError::Server { .. } => Failure::engine(message),
        }
    }
}

impl From<WorkerError> for Failure {
    fn from(error: WorkerError) -> Failure {
        debug_assert!(!matches!(error.failure().kind, Kind::Bug));
        error.failure()
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> ApiError {
        let message = error.to_string();
        let too_long = |tokens: usize, context: u32| {
            let tokens = u64::try_from(tokens).unwrap_or(u64::MAX);
            ApiError::new(400, "exceed_context_size_error", message.clone()).with_figures(tokens, context)
        };
        match error {
            EngineError::Template(_)
            | EngineError::TemplateRefused(_)
            | EngineError::EmptyPrompt
            | EngineError::BadSpec(_) => ApiError::bad_request(message),
            EngineError::ContextOverflow { prompt, context } => too_long(prompt, context),
            EngineError::PromptTooLong { at_least, context, .. } => too_long(at_least, context),
            EngineError::TextTooLong { tokens, most, .. } => too_long(tokens, most),
            EngineError::TextOverflow { .. } => ApiError::new(400, "exceed_context_size_error", message),
            EngineError::NotThisModel(_) => ApiError::new(501, "not_supported_error", message),
            EngineError::Busy { .. } | EngineError::Stopped | EngineError::Cancelled => ApiError::unavailable(message),
            EngineError::NoEngine
            | EngineError::Cpu(_)
            | EngineError::NoFile(_)
            | EngineError::Refused(_)
            | EngineError::Decode(_)
            | EngineError::Renderer(_)
            | EngineError::Stuck(_) => ApiError::broken(message),
        }
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

    /// A person would look for a damaged file while the memory was full.
    #[test]
    fn a_refusal_for_want_of_memory_says_so() {
        let refused = |reason: &str| {
            Failure::from(WorkerError::Refused { kind: FailedKind::Load, reason: reason.to_owned() }).hint.unwrap()
        };
        assert!(refused("failed to allocate compute pp buffers").starts_with("the memory ran out"));
        assert!(refused("unable to allocate CUDA0 buffer").starts_with("the memory ran out"));
        assert!(refused("unknown model architecture").starts_with("the file may be damaged"));
    }

    #[test]
    fn an_interrupt_keeps_its_exit_code() {
        assert_eq!(Failure::from(WorkerError::Interrupted(Stop::Terminated)).kind.code(), 143);
        assert_eq!(Failure::from(WorkerError::Interrupted(Stop::Interrupted)).kind.code(), 130);
    }
}
