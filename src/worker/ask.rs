//! Questions to servers of others over plain HTTP, all at once and none for long.

use crate::config::ServerAddress;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// Bytes of an answer; a list of a thousand models has some hundred KiB.
const MOST: usize = 8 << 20;

/// What to get from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub server: ServerAddress,
    /// From the slash on.
    pub path: &'static str,
    pub verb: Verb,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    Get,
    /// DELETE with a JSON body.
    Delete(serde_json::Value),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Said {
        status: u16,
        body: Bytes,
    },
    /// Nobody listens there.
    Refused,
    /// No answer, or one that is none; a sentence without a full stop.
    Failed(String),
}

/// Asks all questions at the same time, each for at most `limit`; the answers are in their order. Redirects are not
/// followed.
pub fn ask_all(questions: &[Question], limit: Duration) -> Vec<Answer> {
    if questions.is_empty() {
        return Vec::new();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return vec![Answer::Failed(format!("nobody can be asked: {e}")); questions.len()],
    };
    let answers = runtime.block_on(async {
        let asked: Vec<_> = questions.iter().map(|q| tokio::spawn(within(q.clone(), limit))).collect();
        let mut answers = Vec::new();
        for answer in asked {
            answers.push(answer.await.unwrap_or_else(|e| Answer::Failed(format!("the question broke down: {e}"))));
        }
        answers
    });
    // Looking up a name cannot be broken off: its thread is left behind.
    runtime.shutdown_background();
    answers
}

async fn within(question: Question, limit: Duration) -> Answer {
    let failed = |why: String| Answer::Failed(format!("{} {why}", question.server));
    match tokio::time::timeout(limit, ask(&question)).await {
        Ok(Ok((status, body))) => Answer::Said { status, body },
        Ok(Err(Failed::Refused)) => Answer::Refused,
        Ok(Err(Failed::Because(why))) => failed(format!("cannot be asked: {why}")),
        Err(_) => failed(format!("gave no answer within {}", humantime::format_duration(limit))),
    }
}

enum Failed {
    Refused,
    Because(String),
}

impl Failed {
    fn because(why: impl std::fmt::Display) -> Failed {
        Failed::Because(why.to_string())
    }
}

async fn ask(question: &Question) -> Result<(u16, Bytes), Failed> {
    let server = &question.server;
    let stream = connect(&server.host, server.port).await?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(Failed::because)?;
    // Its end, dropped or not, ends the task that drives the connection.
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(connection);
    let host = match server.host.contains(':') {
        true => format!("[{}]:{}", server.host, server.port),
        false => format!("{}:{}", server.host, server.port),
    };
    let uri = format!("{}{}", server.base, question.path);
    let (request, body) = match &question.verb {
        Verb::Get => (Request::get(uri), Bytes::new()),
        Verb::Delete(body) => {
            (Request::delete(uri).header("content-type", "application/json"), Bytes::from(body.to_string()))
        }
    };
    let request = request
        .header("host", host)
        .header("accept", "application/json")
        .body(Full::new(body))
        .map_err(Failed::because)?;
    let response = sender.send_request(request).await.map_err(Failed::because)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MOST).collect().await.map_err(Failed::because)?;
    Ok((status, body.to_bytes()))
}

/// The first address of the host that takes us. Refused only when all of them refuse.
async fn connect(host: &str, port: u16) -> Result<TcpStream, Failed> {
    let mut worst = None;
    for address in tokio::net::lookup_host((host, port)).await.map_err(Failed::because)? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            // The other one: this machine does not have that address, as `::1` where there is no IPv6.
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::AddrNotAvailable) => {
                worst.get_or_insert(Failed::Refused);
            }
            Err(e) => worst = Some(Failed::because(e)),
        }
    }
    Err(worst.unwrap_or_else(|| Failed::because("its name leads to no address")))
}
