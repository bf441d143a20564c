use super::client::{Limits, exchange};
use super::connection::{Body, Kept, connect};
use super::endpoint::Endpoint;
use super::error::HttpError;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body as HttpBody;
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::uri::{PathAndQuery, Uri};
use std::error::Error;

/// Headers that belong to one connection (RFC 9110, 7.6.1), in addition to those that `Connection` names.
const OF_ONE_CONNECTION: [HeaderName; 7] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
/// Another such header, without a constant in the library.
const KEEP_ALIVE: &str = "keep-alive";

/// Passes a request on to `endpoint` and its answer back, both bodies byte for byte as they come. Dropping the answer's
/// body closes the connection.
///
/// # Errors
/// See [`HttpError`]. An error in the body of the answer is returned by that body.
pub async fn forward<B>(
    endpoint: &Endpoint,
    mut request: hyper::Request<B>,
    limits: Limits,
) -> Result<hyper::Response<Body>, HttpError>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    address(&mut request, endpoint)?;
    let mut response = exchange(endpoint, request, limits).await?;
    drop_connection_headers(response.headers_mut());
    Ok(response)
}

/// Passes a request on to `endpoint`, as [`forward`] does, on a connection that an earlier answer has
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
            None => (connect(endpoint, None).await?, false),
        };
        let (mut sender, mut connection) = idle;
        let sent = connection.driven(sender.try_send_request(request)).await;
        match sent {
            Ok(response) => {
                let mut response = response.map(|incoming| kept.body(incoming, (sender, connection)));
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

/// Makes of a request that was received one to another server.
fn address<B>(request: &mut hyper::Request<B>, endpoint: &Endpoint) -> Result<(), HttpError> {
    let target = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
    // We choose the version of this connection.
    *request.version_mut() = hyper::Version::HTTP_11;
    drop_connection_headers(request.headers_mut());
    let host = HeaderValue::from_str(&endpoint.authority()).map_err(HttpError::broken)?;
    request.headers_mut().insert(HOST, host);
    Ok(())
}

fn drop_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok()) // a value that is no text names no header
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok()) // as above
        .collect();
    for name in named.iter().chain(&OF_ONE_CONNECTION) {
        headers.remove(name);
    }
    headers.remove(KEEP_ALIVE);
}
