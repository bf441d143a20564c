use super::client::{Limits, Request, open};
use super::connection::within;
use super::error::HttpError;
use bytes::Bytes;
use std::time::Duration;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    pub status: u16,
    pub body: Bytes,
}

/// Fetches a whole answer of at most [`Limits::BYTES`] within `limit`.
///
/// # Errors
/// See [`HttpError`]. A status that reports an error is no [`HttpError`].
pub async fn fetch(request: Request, limit: Duration) -> Result<Whole, HttpError> {
    let fetched = async {
        let mut response = open(request, Limits::UNTIMED).await?;
        Ok(Whole { status: response.status.as_u16(), body: response.whole().await? })
    };
    within(Some(limit), fetched).await
}

/// Fetches several answers at the same time, each within `limit`, for code that is not asynchronous. The answers are in
/// the order of the requests.
pub fn fetch_all(requests: Vec<Request>, limit: Duration) -> Vec<Result<Whole, HttpError>> {
    if requests.is_empty() {
        return Vec::new();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Err(HttpError::broken(error)); requests.len()],
    };
    let answers = runtime.block_on(async {
        let running: Vec<_> = requests.into_iter().map(|request| tokio::spawn(fetch(request, limit))).collect();
        let mut answers = Vec::new();
        for answer in running {
            answers.push(answer.await.unwrap_or_else(|error| Err(HttpError::broken(error))));
        }
        answers
    });
    // The lookup of a name cannot be canceled: its thread is abandoned.
    runtime.shutdown_background();
    answers
}
