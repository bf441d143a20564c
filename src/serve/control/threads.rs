//! The number of threads of a worker that runs.

use crate::http::{Endpoint, Request, fetch};
use crate::supervise::LogRing;
use crate::worker::{THREADS_PATH, Threads};
use std::time::Duration;

/// The time that an answer may take: a worker takes the number over between two steps.
const LIMIT: Duration = Duration::from_secs(10);

/// Has a worker use this many threads from its next step on. What it answers is seen by its speed; a failure is a line
/// of its log.
pub fn set(endpoint: &Endpoint, threads: u32, log: LogRing) {
    let wanted = Threads { threads, threads_batch: threads };
    let Ok(body) = serde_json::to_vec(&wanted) else { return };
    let request = Request::post(endpoint.clone(), THREADS_PATH, body);
    drop(tokio::spawn(async move {
        match fetch(request, LIMIT).await {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => log.push(&format!("modelctl: {threads} threads: the worker answered {}", answer.status)),
            Err(error) => log.push(&format!("modelctl: {threads} threads: {error}")),
        }
    }));
}
