//! One request: checked, passed to the handlers, answered.

use super::accept::{Gate, Peer};
use super::body::{Answer, Running, discard};
use super::guard::{Admitted, Checked, Guard};
use super::{Kind, Logged, Passed, Refusal};
use crate::clock;
use crate::serve::Phase;
use axum::Router;
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, AUTHORIZATION,
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, TRANSFER_ENCODING, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use std::sync::Arc;
use tower::ServiceExt;

/// Bytes of a text that the router has for a request that it refuses.
const TEXT_BYTES: usize = 4 << 10;

/// The header that names a request in an answer.
const REQUEST_ID: &str = "x-request-id";

impl Gate {
    /// Answers one request.
    pub(super) async fn answer(self, request: Request<Incoming>, router: Router, peer: Peer) -> Response<Answer> {
        let began = clock::instant();
        let head = peer.connection.begin();
        let running = Running::begin(Arc::clone(&peer.connection), Arc::clone(&self.running), self.held.clone());
        let config = self.settings();
        let (mut parts, body) = request.into_parts();
        let id = sent_id(&parts.headers).unwrap_or_else(|| self.next_id());
        let (has_both_lengths, is_certain) = both_lengths(&head, &parts.headers);
        let phase = *self.setup.phase.borrow();
        let keys = Arc::clone(&self.setup.keys.borrow());
        let address = match (peer.kind, peer.remote) {
            (Kind::LocalSocket, _) | (_, None) => "socket".to_owned(),
            (_, Some(remote)) => remote.ip().to_canonical().to_string(),
        };
        let guard = Guard {
            config: &config.serve,
            keys: &keys,
            phase,
            kind: peer.kind,
            local: peer.local,
            address: &address,
            host_name: &self.host_name,
            has_both_lengths,
        };
        let Checked { foreign_origin: origin, outcome } = guard.check(&parts);
        let client = outcome.as_ref().map_or_else(|_| address.clone(), |admitted| admitted.caller.name.clone());
        let asked = format!("{} {}", parts.method, parts.uri.path());
        let path = parts.uri.path().to_owned();
        let mut answer = match outcome {
            Err(refusal) => {
                discard(&parts.headers, body).await;
                refusal.answer(&path)
            }
            Ok(Admitted { is_preflight: true, .. }) => preflight(&parts),
            Ok(Admitted { caller, .. }) => {
                let limits = &config.serve.limits;
                let body = running.limit(body, limits.body_bytes, limits.body_timeout);
                for secret in [AUTHORIZATION.as_str(), "x-api-key", COOKIE.as_str()] {
                    parts.headers.remove(secret);
                }
                parts.extensions.insert(caller);
                parts.extensions.insert(running.counted());
                // What is passed on has the same name everywhere.
                if let Ok(id) = HeaderValue::from_str(&id) {
                    parts.headers.insert(REQUEST_ID, id);
                }
                // A router has an answer for every request.
                let answer = router.oneshot(Request::from_parts(parts, body)).await;
                in_json(answer.unwrap_or_else(|never| match never {}), &path).await
            }
        };
        let headers = answer.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(REQUEST_ID, id);
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(&origin).ok()) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-request-id, retry-after"));
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if phase == Phase::Stopping || !is_certain {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let (parts, body) = answer.into_parts();
        let is_probe = parts.status == StatusCode::OK && asked.ends_with("/health");
        if !is_probe && parts.extensions.get::<Logged>().is_none() {
            let (status, took) = (parts.status.as_u16(), began.elapsed().as_millis());
            (self.setup.log)(format!("{asked:?} status={status} took_ms={took} id={id} client={client:?}"));
        }
        Response::from_parts(parts, Answer { body, running: Some(running) })
    }
}

/// Returns an answer with the body of an error where it is one and has another body: what the router refuses by itself
/// has a line of text. What a server of somebody else answered stays as it is.
async fn in_json(answer: Response<Body>, path: &str) -> Response<Body> {
    let status = answer.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let kind = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !is_error || kind.starts_with(b"application/json") || answer.extensions().get::<Passed>().is_some() {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    // A longer text, or one that breaks off, says no more than the status does.
    let told = Limited::new(body, TEXT_BYTES).collect().await.map(|text| text.to_bytes()).unwrap_or_default();
    let told = String::from_utf8_lossy(&told);
    let reason = status.canonical_reason().unwrap_or("the request failed");
    let message = if told.trim().is_empty() { reason } else { told.trim() };
    let mut refused = Refusal::new(status, code_of(status), message).answer(path);
    for (name, value) in &parts.headers {
        if *name != CONTENT_TYPE && *name != CONTENT_LENGTH {
            refused.headers_mut().insert(name, value.clone());
        }
    }
    *refused.extensions_mut() = parts.extensions;
    refused
}

/// Returns OpenAI's `code` for a request that the router refuses.
fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "unknown_url",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_supported",
        StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "invalid_content_type",
        status if status.is_server_error() => "internal_error",
        _ => "invalid_request",
    }
}

/// Returns the id that a client gave to its request, if it is a plain one.
fn sent_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?; // one that is no text is replaced by ours
    let is_plain =
        !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    is_plain.then(|| id.to_owned())
}

/// Returns whether a head has both Content-Length and Transfer-Encoding, of which hyper removes the former, and whether
/// that is certain: a head that came together with the request before it is not among the bytes.
fn both_lengths(bytes: &[u8], headers: &HeaderMap) -> (bool, bool) {
    if !headers.contains_key(TRANSFER_ENCODING) {
        return (false, true);
    }
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut head = httparse::Request::new(&mut fields);
    match head.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {
            let has = |name: &str| head.headers.iter().any(|field| field.name.eq_ignore_ascii_case(name));
            (has("content-length") && has("transfer-encoding"), has("transfer-encoding"))
        }
        _ => (false, false),
    }
}

/// Answers the question of a browser whether a page of another origin may send a request.
fn preflight(request: &Parts) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers
        .insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    // Whatever headers a page of an allowed origin wants to send.
    let wanted = request.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.unwrap_or(HeaderValue::from_static("content-type")));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    answer
}

impl From<Refusal> for Response<Body> {
    fn from(refusal: Refusal) -> Self {
        refusal.answer("")
    }
}
