use super::sse::{SseReader, TooLong};
use std::fmt::Display;
use std::time::Duration;

/// The reason why there is no answer, or no more of it. Reads as the predicate of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Nothing listens there.
    #[error("does not listen")]
    Refused,
    #[error("did not answer within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    #[error("answered with more than {0} bytes")]
    TooLarge(usize),
    /// There is no connection, it broke, or the data is no HTTP.
    #[error("cannot be queried: {0}")]
    Broken(String),
}

impl HttpError {
    pub(super) fn broken(error: impl Display) -> HttpError {
        HttpError::Broken(error.to_string())
    }
}

impl From<TooLong> for HttpError {
    fn from(_: TooLong) -> HttpError {
        HttpError::TooLarge(SseReader::EVENT_BYTES)
    }
}
