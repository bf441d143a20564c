use super::connection::{Body, connect, within};
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::sse::{NamedEvent, SseEvent, SseReader};
use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Frame};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use std::collections::VecDeque;
use std::error::Error;
use std::time::Duration;

const JSON: &str = "application/json";

/// One request with a body that is in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub endpoint: Endpoint,
    pub method: Method,
    /// The path from the slash on, with the query.
    pub path: String,
    /// Empty for no body.
    pub body: Bytes,
    /// The media type of the body.
    pub content_type: &'static str,
    pub authorization: Option<Authorization>,
}

/// The value of an `Authorization` header. It is not shown by `Debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization(HeaderValue);

impl Authorization {
    /// Creates the value for a user and a password (RFC 7617). None: it would not be a header.
    pub fn basic(user: &str, password: &str) -> Option<Authorization> {
        Authorization::new(&format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
    }

    /// Creates the value for a key (RFC 6750). None: it has characters that no header may have.
    pub fn bearer(key: &str) -> Option<Authorization> {
        Authorization::new(&format!("Bearer {key}"))
    }

    fn new(text: &str) -> Option<Authorization> {
        let mut value = HeaderValue::from_str(text).ok()?; // the error says nothing more
        value.set_sensitive(true);
        Some(Authorization(value))
    }
}

impl Request {
    pub fn get(endpoint: Endpoint, path: impl Into<String>) -> Request {
        Request::new(endpoint, Method::GET, path, Bytes::new())
    }

    /// Creates a POST of JSON.
    pub fn post(endpoint: Endpoint, path: impl Into<String>, json: impl Into<Bytes>) -> Request {
        Request::new(endpoint, Method::POST, path, json)
    }

    /// Creates a DELETE with a body of JSON.
    pub fn delete(endpoint: Endpoint, path: impl Into<String>, json: impl Into<Bytes>) -> Request {
        Request::new(endpoint, Method::DELETE, path, json)
    }

    /// Creates a request with a body of JSON.
    pub fn new(endpoint: Endpoint, method: Method, path: impl Into<String>, json: impl Into<Bytes>) -> Request {
        let (path, body) = (path.into(), json.into());
        Request { endpoint, method, path, body, content_type: JSON, authorization: None }
    }

    /// Changes the media type of the body.
    pub fn content_type(self, content_type: &'static str) -> Request {
        Request { content_type, ..self }
    }

    pub fn authorization(self, authorization: Option<Authorization>) -> Request {
        Request { authorization, ..self }
    }
}

/// Limits of an exchange. `None` means no limit: then the caller has one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time from the start to the connection.
    pub connect: Option<Duration>,
    /// Time from the connection to the head of the answer.
    pub head: Option<Duration>,
    /// Time between two parts of the body.
    pub idle: Option<Duration>,
    /// Bytes of a body that is read as a whole.
    pub bytes: usize,
}

impl Limits {
    /// The default limit in bytes. A list of a thousand models has some hundred KiB.
    pub const BYTES: usize = 8 << 20;

    /// Limits without one on time.
    pub const UNTIMED: Limits = Limits { connect: None, head: None, idle: None, bytes: Limits::BYTES };
}

/// The head of an answer, and its body as it comes. Dropping it closes the connection.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Body,
    limits: Limits,
    reader: SseReader,
    events: VecDeque<NamedEvent>,
}

/// Sends a request and waits for the head of the answer.
///
/// # Errors
/// See [`HttpError`]. A status that reports an error is no [`HttpError`].
pub async fn open(request: Request, limits: Limits) -> Result<Response, HttpError> {
    let mut outgoing = hyper::Request::builder()
        .method(request.method)
        .uri(request.path)
        .header(HOST, request.endpoint.authority())
        .header(ACCEPT, "application/json, text/event-stream");
    if !request.body.is_empty() {
        outgoing = outgoing.header(CONTENT_TYPE, request.content_type);
    }
    if let Some(Authorization(value)) = request.authorization {
        outgoing = outgoing.header(AUTHORIZATION, value);
    }
    let outgoing = outgoing.body(Full::new(request.body)).map_err(HttpError::broken)?;
    let (head, body) = exchange(&request.endpoint, outgoing, limits).await?.into_parts();
    let (reader, events) = (SseReader::default(), VecDeque::new());
    Ok(Response { status: head.status, headers: head.headers, body, limits, reader, events })
}

/// Sends a request on a new connection.
pub(super) async fn exchange<B>(
    endpoint: &Endpoint,
    request: hyper::Request<B>,
    limits: Limits,
) -> Result<hyper::Response<Body>, HttpError>
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut sender, mut connection) = connect(endpoint, limits.connect).await?;
    let asked = async {
        let response = connection.driven(sender.send_request(request)).await.map_err(HttpError::broken)?;
        Ok(response.map(|incoming| Body::new(incoming, connection)))
    };
    within(limits.head, asked).await
}

impl Response {
    /// Returns the next bytes of the body; `None` at its end. A length or a chunk that is cut off is an error.
    ///
    /// # Errors
    /// The connection broke, or was silent for too long.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let frame = within(self.limits.idle, async { Ok(self.body.frame().await) }).await?;
            match frame.transpose().map_err(HttpError::broken)?.map(Frame::into_data) {
                None => return Ok(None),
                Some(Ok(bytes)) => return Ok(Some(bytes)),
                // Trailers.
                Some(Err(_)) => {}
            }
        }
    }

    /// Returns the next event or comment of a stream; `None` at its end.
    ///
    /// # Errors
    /// As [`Response::chunk`]; [`HttpError::TooLarge`] for an event that exceeds the limit of one.
    pub async fn event(&mut self) -> Result<Option<SseEvent>, HttpError> {
        Ok(self.named_event().await?.map(|named| named.event))
    }

    /// As [`Response::event`], with the name of the event.
    ///
    /// # Errors
    /// As [`Response::event`].
    pub async fn named_event(&mut self) -> Result<Option<NamedEvent>, HttpError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let Some(bytes) = self.chunk().await? else { return Ok(None) };
            self.events.extend(self.reader.push_named(&bytes)?);
        }
    }

    /// Accepts events of so many bytes from now on, for a stream that begins with all that there is.
    #[must_use]
    pub fn with_events_of(self, bytes: usize) -> Response {
        Response { reader: SseReader::up_to(bytes), ..self }
    }

    /// Returns the whole body.
    ///
    /// # Errors
    /// As [`Response::chunk`]; [`HttpError::TooLarge`] for a body over the limit.
    pub async fn whole(&mut self) -> Result<Bytes, HttpError> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.chunk().await? {
            if whole.len().saturating_add(bytes.len()) > self.limits.bytes {
                return Err(HttpError::TooLarge(self.limits.bytes));
            }
            whole.extend_from_slice(&bytes);
        }
        Ok(whole.into())
    }
}
