//! Reading the body of a request within the limits.

use super::Refusal;
use super::guard::too_large;
use crate::config::ServeLimits;
use crate::openai::json::is_deeper;
use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError};
use std::error::Error;
use std::io;

/// Reads a body to its end, which is JSON for all that have one.
///
/// # Errors
/// 413 for one that is too large, 408 for one that takes too long, 503 while too many large ones are read at once, and
/// 400 for one that breaks off or is nested too deeply.
pub async fn read_body(body: Body, limits: &ServeLimits) -> Result<Bytes, Refusal> {
    let whole = body.collect().await.map_err(|error| unread(&error, limits))?.to_bytes();
    match is_deeper(&whole, limits.json_depth) {
        true => Err(Refusal::malformed(format!("the body is nested more than {} levels deep", limits.json_depth))),
        false => Ok(whole),
    }
}

pub(super) fn unread(error: &axum::Error, limits: &ServeLimits) -> Refusal {
    let mut source = Some(error as &dyn Error);
    while let Some(inner) = source {
        if inner.is::<LengthLimitError>() {
            return too_large(limits.body_bytes);
        }
        match inner.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => {
                return Refusal::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", inner.to_string());
            }
            Some(io::ErrorKind::QuotaExceeded) => {
                return Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", inner.to_string());
            }
            _ => {}
        }
        source = inner.source();
    }
    Refusal::malformed(format!("the body of the request cannot be read: {error}"))
}
