//! Connections that are used for more than one request.

use super::client::{Body, Connection, Limits, connect};
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::forward::{address, drop_connection_headers};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

/// The connections that are kept: as many as a busy server answers on at once.
const MOST: usize = 16;

/// Connections to one server that wait for its next requests: those of whole answers. One that was left before its end
/// is closed, which cancels a generation.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Idle>>>);

type Idle = (SendRequest<Full<Bytes>>, Connection);

impl Kept {
    fn take(&self) -> Option<Idle> {
        loop {
            let (sender, mut connection) = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // What has happened to it meanwhile; nobody waits for more.
            connection.drive(&mut Context::from_waker(Waker::noop()));
            if sender.is_ready() && !connection.has_ended() {
                return Some((sender, connection));
            }
        }
    }

    fn put(&self, idle: Idle) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.push(idle);
        }
    }
}

/// All are alike: which connections there are is no property of a server.
impl PartialEq for Kept {
    fn eq(&self, _: &Kept) -> bool {
        true
    }
}

impl Eq for Kept {}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

/// Where a connection goes after a whole answer.
pub(super) struct Back {
    sender: SendRequest<Full<Bytes>>,
    kept: Kept,
}

impl Back {
    pub(super) fn give(self, connection: Connection) {
        self.kept.put((self.sender, connection));
    }
}

/// Passes a request on to `endpoint`, as [`forward`](super::forward) does, on a connection that an earlier answer has
/// left, and leaves it for a later one.
///
/// # Errors
/// See [`HttpError`]. An error in the body of the answer is returned by that body.
pub async fn forward_kept(
    endpoint: &Endpoint,
    mut request: hyper::Request<Full<Bytes>>,
    kept: &Kept,
) -> Result<hyper::Response<Body>, HttpError> {
    address(&mut request, endpoint)?;
    loop {
        let (idle, is_old) = match kept.take() {
            Some(idle) => (idle, true),
            None => (connect(endpoint, Limits::UNTIMED).await?, false),
        };
        let (mut sender, mut connection) = idle;
        let sent = connection.driven(sender.try_send_request(request)).await;
        match sent {
            Ok(response) => {
                let back = Back { sender, kept: kept.clone() };
                let mut response = response.map(|incoming: Incoming| Body::new(incoming, connection, Some(back)));
                drop_connection_headers(response.headers_mut());
                return Ok(response);
            }
            Err(mut error) => match error.take_message().filter(|_| is_old) {
                // The server closed it before anything was sent.
                Some(unsent) => request = unsent,
                None => return Err(HttpError::broken(error.into_error())),
            },
        }
    }
}
