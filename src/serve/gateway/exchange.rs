//! One request to the server of a model: its slot, its answer, and a second try where the first server died.

use super::meter::Meter;
use super::problem::Problem;
use super::record::Endpoint;
use super::relay::Relay;
use super::request::Asked;
use super::rewrite::{self, Rewriter};
use crate::http::{self, HttpError, Limits};
use crate::lifecycle::{Class, Denial, ServerKey, Why};
use crate::model::server::Engine;
use crate::openai;
use crate::serve::control::{Ask, Control, Grant};
use crate::worker::MODEL_HEADER;
use axum::body::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;

/// Time until the end of a server whose connection broke must be seen.
const DEATH: Duration = Duration::from_secs(2);
/// Bytes of an error of a server, and of a whole answer that is rewritten.
const ERROR_BYTES: usize = 1 << 20;
const ANSWER_BYTES: usize = 64 << 20;

/// Says how the model of an answer is loaded.
pub const MODE_HEADER: &str = "x-modelctl-mode";

/// A request that was read.
#[derive(Debug, Clone)]
pub struct Job {
    pub key: ServerKey,
    pub class: Class,
    pub endpoint: Endpoint,
    pub asked: Asked,
    pub body: Bytes,
    /// How long the client wishes that the model stays loaded when it has nothing to do.
    pub keep: Option<Duration>,
    /// The tokens of context with which the model is loaded once more where the prompt does not fit into fewer.
    pub grow: Option<u32>,
}

/// Why a server did not answer.
enum Failed {
    /// It has ended, or does not answer on its socket.
    Died(Option<Denial>),
    /// It answered with an error.
    Told(Problem),
}

/// Has a request answered, up to the first bytes of the answer beyond the opening of a stream. A server that dies before
/// them is replaced once: this request may be what kills it.
///
/// # Errors
/// The error for the client.
pub(super) async fn answer(control: Control, job: Job, mut meter: Meter) -> Result<Response<Relay>, Problem> {
    let cancelled = meter.cancelled();
    let outcome = tokio::select! {
        biased;
        outcome = attempt(&control, &job, &mut meter) => outcome,
        () = cancelled => Err(Problem::cancelled()),
    };
    match outcome {
        Ok((opened, grant)) => {
            let mode = mode_header(&control, &job.key);
            Ok(respond(&job, opened, (grant, mode), meter))
        }
        Err(problem) => {
            meter.fail(&problem);
            Err(problem)
        }
    }
}

async fn attempt(control: &Control, job: &Job, meter: &mut Meter) -> Result<(Opened, Grant), Problem> {
    let (mut is_retry, mut has_grown) = (false, false);
    loop {
        let ask = Ask { key: job.key.clone(), class: job.class, is_retry };
        let grant = match control.acquire(ask).await {
            Ok(grant) => grant,
            Err(denial) => {
                if has_grown && matches!(denial.why, Why::NoMemory | Why::PinnedMemory) {
                    // Others would be without the model, which has room with its own context.
                    control.ungrow(job.key.clone());
                }
                return Err(Problem::denied(&denial));
            }
        };
        meter.granted();
        if let Some(idle) = job.keep {
            control.keep(job.key.clone(), idle).await;
        }
        if grant.info.engine == Some(Engine::LlamaServer) && job.asked.prompts > 1 {
            return Err(several());
        }
        match open(job, grant).await {
            Ok(opened) => return Ok(opened),
            Err(Failed::Died(_)) if !is_retry => is_retry = true,
            Err(Failed::Died(why)) => return Err(Problem::killer(why.as_ref())),
            Err(Failed::Told(problem)) if job.endpoint == Endpoint::Embeddings && problem.overflow().is_some() => {
                let raise = "`modelctl set MODEL --context N` takes longer ones, up to what the model was trained with";
                let message = format!("{}; {raise}", problem.message);
                return Err(problem.told(message));
            }
            Err(Failed::Told(problem)) => match problem.overflow().and_then(|overflow| overflow.larger(job.grow)) {
                Some(grow) if !has_grown && control.grow(job.key.clone(), grow).await => has_grown = true,
                _ => return Err(problem),
            },
        }
    }
}

/// Returns the error for several prompts in one request to a llama-server: depending on its version it answers with another
/// shape, and with the figures of the first prompt for all.
fn several() -> Problem {
    let message = "`prompt` has several texts, which the engine of this model (llama-server) does not answer as OpenAI's \
                   API does: send a request for each, or have the built-in engine answer (`modelctl set MODEL --engine worker`)";
    Problem::bad_request(message).param("prompt")
}

/// Waits until a server is loaded.
pub(super) async fn load(
    control: &Control,
    (key, class): (ServerKey, Class),
    keep: Option<Duration>,
    mut meter: Meter,
) -> Result<(), Problem> {
    match control.acquire(Ask { key: key.clone(), class, is_retry: false }).await {
        Ok(_grant) => {
            meter.granted();
            if let Some(idle) = keep {
                control.keep(key.clone(), idle).await;
            }
            meter.finish("load");
            Ok(())
        }
        Err(denial) => {
            let problem = Problem::denied(&denial);
            meter.fail(&problem);
            Err(problem)
        }
    }
}

/// An answer, and the parts of it that were read.
type Opened = (Response<http::Body>, Vec<Bytes>);

async fn open(job: &Job, mut grant: Grant) -> Result<(Opened, Grant), Failed> {
    let endpoint = grant.endpoint.clone();
    let request = request(job, grant.required_name.as_deref())
        .map_err(|error| Failed::Told(Problem::bad_request(error.to_string())))?;
    // Other servers close a connection when they like, perhaps under a request.
    let kept = (grant.info.engine == Some(Engine::Worker)).then(|| grant.info.connections.clone());
    // A whole answer of llama-server is read to its end: only then is it known whether it is one.
    let is_whole = grant.info.engine == Some(Engine::LlamaServer) && !job.asked.stream;
    let opened = async {
        let mut response = match &kept {
            Some(kept) => http::forward_kept(&endpoint, request, kept).await?,
            None => http::forward(&endpoint, request, Limits::UNTIMED).await?,
        };
        let mut read = Vec::new();
        if !response.status().is_success() {
            return Ok((response, read));
        }
        let mut left = ANSWER_BYTES;
        while let Some(frame) = response.body_mut().frame().await {
            let frame = frame.map_err(|error| HttpError::Broken(error.to_string()))?;
            let Ok(bytes) = frame.into_data() else { continue };
            left = left.checked_sub(bytes.len()).ok_or(HttpError::TooLarge(ANSWER_BYTES))?;
            // The opening of a stream comes before the first token: a server that dies until then has answered nothing.
            let is_opening = job.asked.stream && read.is_empty() && openai::is_opening(&bytes);
            read.push(bytes);
            if !is_whole && !is_opening {
                return Ok((response, read));
            }
        }
        match is_whole || read.is_empty() {
            true => Ok((response, read)),
            false => Err(HttpError::Broken("the stream ended after its opening".to_owned())),
        }
    };
    let outcome = tokio::select! {
        biased;
        outcome = opened => outcome,
        why = grant.server_ended() => return Err(Failed::Died(Some(why))),
    };
    let (response, read) = match outcome {
        Ok(opened) => opened,
        Err(HttpError::TooLarge(_)) => return Err(Failed::Told(Problem::unreadable())),
        Err(_) => {
            grant.did_not_answer();
            // It died, or is about to: its end has the reason.
            let why = tokio::time::timeout(DEATH, grant.server_ended()).await.ok();
            return Err(Failed::Died(why));
        }
    };
    if response.status().is_success() {
        if !is_whole {
            return Ok(((response, read), grant));
        }
        let whole = rewrite::whole(&job.asked.model, &read.concat());
        let whole = whole.ok_or_else(|| Failed::Told(Problem::unreadable()))?;
        return Ok(((response, vec![whole]), grant));
    }
    let status = response.status();
    let whole = Limited::new(response.into_body(), ERROR_BYTES).collect();
    let body = tokio::select! {
        biased;
        whole = whole => whole.map(http_body_util::Collected::to_bytes).unwrap_or_default(),
        why = grant.server_ended() => return Err(Failed::Died(Some(why))),
    };
    Err(Failed::Told(Problem::of_server(status, &body)))
}

/// Builds the request to the server. No header of the client is passed on: keys among them are none of its business.
fn request(job: &Job, required_name: Option<&str>) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let name = utf8_percent_encode(&job.asked.model, NON_ALPHANUMERIC).to_string();
    let body = match required_name {
        Some(name) => named(&job.body, name),
        None => job.body.clone(),
    };
    Request::post(job.endpoint.path())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream")
        .header(MODEL_HEADER, name)
        .body(Full::new(body))
}

/// Returns a body with the name by which a server of somebody else knows the model.
fn named(body: &Bytes, name: &str) -> Bytes {
    match openai::json::read::<serde_json::Map<String, serde_json::Value>>(body) {
        Ok(mut members) => {
            members.insert("model".to_owned(), name.into());
            serde_json::Value::Object(members).to_string().into()
        }
        // It was read as an object before.
        Err(_) => body.clone(),
    }
}

/// Returns how the model of an answer is loaded: `gpu`, or `cpu_offload; layers=20; reason="…"`.
pub(super) fn mode_header(control: &Control, key: &ServerKey) -> Option<HeaderValue> {
    let servers = control.servers();
    let shape = &servers.iter().find(|server| server.view.key == *key)?.view.shape;
    let mut text = shape.mode?.name().to_owned();
    if let Some(layers) = shape.gpu_layers {
        text.push_str(&format!("; layers={layers}"));
    }
    if let Some(reason) = &shape.mode_reason {
        let plain = |c: char| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { ' ' };
        let reason: String = reason.chars().map(plain).take(200).collect();
        text.push_str(&format!("; reason=\"{reason}\""));
    }
    HeaderValue::from_str(&text).ok() // made of printable ASCII
}

/// Builds the answer for the client.
fn respond(
    job: &Job,
    (response, read): Opened,
    (grant, mode): (Grant, Option<HeaderValue>),
    meter: Meter,
) -> Response<Relay> {
    let is_foreign = grant.info.engine == Some(Engine::LlamaServer);
    let rewriter = (is_foreign && job.asked.stream).then(|| Rewriter::new(&job.asked.model, job.asked.include_usage));
    let is_all = is_foreign && !job.asked.stream;
    let (head, body) = response.into_parts();
    let is_stream = job.asked.stream;
    let mut response = Response::new(Relay::new(((read, is_all), body), grant, (is_stream, rewriter), meter));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, head.headers.get(CONTENT_TYPE).cloned().unwrap_or(json));
    if let Some(mode) = mode {
        headers.insert(MODE_HEADER, mode);
    }
    if is_stream {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server of somebody else would refuse a name that only we know.
    #[test]
    fn a_server_that_wants_its_own_name_of_the_model_gets_it_and_everything_else_unchanged() {
        let body = Bytes::from(r#"{"model":"small","messages":[{"content":"ü"}],"temperature":0.7}"#);
        let sent: serde_json::Value = serde_json::from_slice(&named(&body, "org/name")).unwrap();
        let expected = serde_json::json!({"model": "org/name", "messages": [{"content": "ü"}], "temperature": 0.7});
        assert_eq!(sent, expected);
        assert_eq!(named(&Bytes::from("[]"), "x"), "[]");
    }
}
