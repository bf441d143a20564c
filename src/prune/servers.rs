//! Requests to other programs' servers: for their loaded models, and to delete a model of theirs.

use crate::config::ServerAddress;
use crate::http::{Endpoint, HttpError, Request, Whole, fetch_all};
use bytes::Bytes;
use std::time::Duration;

/// A request to one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub server: ServerAddress,
    /// The path, with the leading slash.
    pub path: &'static str,
    pub method: Method,
}

/// The kind of request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    Get,
    /// DELETE with a JSON body.
    Delete(serde_json::Value),
}

/// The outcome of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Response {
        status: u16,
        body: Bytes,
    },
    /// No server listens there.
    Refused,
    /// No answer, or an invalid one; a sentence without a full stop.
    Failed(String),
}

/// Sends all queries at the same time, each for at most `limit`; the answers are in the order of the queries. Redirects
/// are not followed.
pub fn ask_all(queries: &[Query], limit: Duration) -> Vec<Answer> {
    let answers = fetch_all(queries.iter().map(request).collect(), limit);
    let answer = |(query, answer): (&Query, Result<Whole, HttpError>)| match answer {
        Ok(Whole { status, body }) => Answer::Response { status, body },
        Err(HttpError::Refused) => Answer::Refused,
        Err(why) => Answer::Failed(format!("{} {why}", query.server)),
    };
    queries.iter().zip(answers).map(answer).collect()
}

fn request(query: &Query) -> Request {
    let ServerAddress { host, port, base } = &query.server;
    let endpoint = Endpoint::Tcp { host: host.clone(), port: *port };
    let path = format!("{base}{}", query.path);
    match &query.method {
        Method::Get => Request::get(endpoint, path),
        Method::Delete(body) => Request::delete(endpoint, path, body.to_string()),
    }
}
