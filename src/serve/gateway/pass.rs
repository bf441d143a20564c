//! Requests that are passed on byte by byte, with their bodies and answers of any kind: to the services of the config
//! by their routes, and below `/upstream/NAME/` to any server.

use super::exchange::{MODE_HEADER, mode_header};
use super::meter::Meter;
use super::problem::Problem;
use super::record::Endpoint;
use super::relay::Relay;
use super::{Gateway, no_route};
use crate::http::{self, Limits};
use crate::lifecycle::{Class, ServerKey};
use crate::model::service::{ServiceSpec, service_for};
use crate::serve::catalog::Resolved;
use crate::serve::control::Ask;
use crate::serve::listen::{Counted, Logged, Passed, discard, pass_body};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use std::sync::Arc;
use std::time::Duration;

/// Where a request is passed on whatever its path: `/upstream/NAME/v1/…`.
const UPSTREAM: &str = "/upstream/";
/// The beginning of the paths of a worker that are only for the daemon.
const INTERNAL: &str = "internal";
/// Parts of a path that the name of a model may have.
const NAME_PARTS: usize = 4;
/// Time until the end of a server whose connection broke must be seen.
const DEATH: Duration = Duration::from_secs(2);

/// Headers of a client that say something to us, or nothing to anybody else.
const NOT_PASSED: [HeaderName; 4] = [header::ORIGIN, header::EXPECT, header::COOKIE, header::AUTHORIZATION];
/// Beginnings of names of such headers.
const NOT_PASSED_BEGINNINGS: [&str; 3] = ["sec-fetch-", "x-modelctl-", "access-control-"];

/// The server of a request, and what it is asked for.
#[derive(Debug)]
struct Target {
    key: ServerKey,
    name: String,
    class: Class,
    /// The path from the slash on, with the query.
    path: String,
}

/// `/upstream/NAME/…`
pub(super) async fn upstream(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let target = gateway.upstream(&head).await;
    answer(&gateway, (head, body), target).await
}

/// Answers a path that nothing else answers: by the service that has it as a route.
pub async fn by_route(gateway: &Gateway, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let config = Arc::clone(&gateway.config.borrow());
    let path = head.uri.path();
    let target = match service_for(&config.run_services, path) {
        Some(service) => {
            gateway.class(&head, Class::default()).map(|class| of_service(service, class, whole(&head.uri)))
        }
        None if is_of_services(path) => Err(no_service(&format!("no service answers {path}"), &config.run_services)),
        None => return no_route(head.method, head.uri).await,
    };
    answer(gateway, (head, body), target).await
}

/// Returns whether a path is one that only services answer, in OpenAI's API.
fn is_of_services(path: &str) -> bool {
    ["/v1/audio", "/v1/images"].iter().any(|of| path.strip_prefix(of).is_some_and(|rest| rest.starts_with('/')))
}

fn whole(uri: &Uri) -> String {
    uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()
}

fn of_service(service: &ServiceSpec, class: Class, path: String) -> Target {
    Target { key: ServerKey::service(&service.name), name: service.name.clone(), class, path }
}

/// Returns the error for something that no service is or answers, with the services that there are.
fn no_service(what: &str, services: &[ServiceSpec]) -> Problem {
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    let told = match names.is_empty() {
        true => "there are no services; [services.NAME] in the config names them".to_owned(),
        false => format!("services: {}", names.join(", ")),
    };
    Problem::new(StatusCode::NOT_FOUND, "invalid_request_error", format!("{what}; {told}"))
        .code("service_not_found")
        .further("services", serde_json::json!(names))
}

async fn answer(gateway: &Gateway, (head, body): (Parts, Body), target: Result<Target, Problem>) -> Response {
    let mut meter = gateway.meter(&head, Endpoint::Upstream);
    let outcome = match target {
        Ok(target) => {
            meter.model(&target.name, &target.key.model);
            meter.class(target.class);
            pass(gateway, (head, body), target, meter).await
        }
        Err(problem) => {
            discard(&head.headers, body).await;
            meter.fail(&problem);
            Err(problem)
        }
    };
    let mut answer = outcome.unwrap_or_else(IntoResponse::into_response);
    answer.extensions_mut().insert(Logged);
    answer
}

async fn pass(
    gateway: &Gateway,
    (head, body): (Parts, Body),
    target: Target,
    mut meter: Meter,
) -> Result<Response, Problem> {
    let ask = Ask { key: target.key.clone(), class: target.class, is_retry: false };
    let mut grant = match gateway.control.acquire(ask).await {
        Ok(grant) => grant,
        Err(denial) => {
            let problem = Problem::denied(&denial);
            meter.fail(&problem);
            return Err(problem);
        }
    };
    meter.granted();
    let limits = gateway.config.borrow().serve.limits.clone();
    let (body, unread) = pass_body(body, &limits, head.extensions.get::<Counted>().cloned());
    let request = match request(&head, &target.path) {
        Ok(request) => request.map(|()| body),
        Err(problem) => {
            meter.fail(&problem);
            return Err(problem);
        }
    };
    let endpoint = grant.endpoint.clone();
    let (opened, died) = tokio::select! {
        biased;
        opened = http::forward(&endpoint, request, Limits::UNTIMED) => (opened.ok(), None), // its end says why
        why = grant.server_ended() => (None, Some(why)),
    };
    if let Some(response) = opened {
        meter.status(response.status().as_u16());
        let mode = mode_header(&gateway.control, &target.key);
        let mut answer = respond(response, |body| Relay::new(((Vec::new(), false), body), grant, (false, None), meter));
        if let Some(mode) = mode {
            answer.headers_mut().insert(MODE_HEADER, mode);
        }
        return Ok(answer);
    }
    let problem = match (unread.refusal(), died) {
        (Some(refusal), None) => Problem::from(refusal),
        (_, Some(why)) => Problem::died(Some(&why)),
        // It died, or is about to: its end has the reason.
        (None, None) => {
            let why = tokio::time::timeout(DEATH, grant.server_ended()).await.ok(); // it runs on
            Problem::died(why.as_ref())
        }
    };
    meter.fail(&problem);
    Err(problem)
}

/// Builds the request to the server from the head of the client's. Keys were taken out by the listener.
fn request(head: &Parts, path: &str) -> Result<hyper::Request<()>, Problem> {
    let mut request = hyper::Request::builder().method(head.method.clone()).uri(path);
    if let Some(headers) = request.headers_mut() {
        headers.clone_from(&head.headers);
        let is_ours = |name: &&HeaderName| {
            NOT_PASSED.contains(name) || NOT_PASSED_BEGINNINGS.iter().any(|start| name.as_str().starts_with(start))
        };
        let ours: Vec<HeaderName> = headers.keys().filter(is_ours).cloned().collect();
        ours.iter().for_each(|name| drop(headers.remove(name)));
    }
    request.body(()).map_err(|error| Problem::bad_request(format!("the request cannot be passed on: {error}")))
}

/// Builds the answer for the client. Which pages may read it is ours to say, and cookies would be sent to us.
fn respond(response: hyper::Response<http::Body>, relay: impl FnOnce(http::Body) -> Relay) -> Response {
    let (mut head, body) = response.into_parts();
    let is_ours = |name: &&HeaderName| **name == header::SET_COOKIE || name.as_str().starts_with("access-control-");
    let ours: Vec<HeaderName> = head.headers.keys().filter(is_ours).cloned().collect();
    ours.iter().for_each(|name| drop(head.headers.remove(name)));
    head.extensions.insert(Passed);
    Response::from_parts(head, Body::new(relay(body)))
}

impl Gateway {
    /// Finds the server that a path below `/upstream/` names: a service, or else a model.
    async fn upstream(&self, head: &Parts) -> Result<Target, Problem> {
        let config = Arc::clone(&self.config.borrow());
        let rest = head.uri.path().strip_prefix(UPSTREAM).unwrap_or_default();
        let parts: Vec<&str> = rest.split('/').collect();
        let named = |count: usize| {
            let name = parts.get(..count).unwrap_or_default().join("/");
            percent_decode_str(&name).decode_utf8_lossy().into_owned()
        };
        let path = |count: usize| {
            let rest = parts.get(count..).unwrap_or_default().join("/");
            let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            format!("/{rest}{query}")
        };
        let first = named(1);
        if let Some(service) = config.run_services.iter().find(|service| service.name == first) {
            return Ok(of_service(service, self.class(head, Class::default())?, path(1)));
        }
        for count in 1..=parts.len().min(NAME_PARTS) {
            let name = named(count);
            if name.is_empty() || matches!(self.catalogs.resolve(&name).await.1, Resolved::None) {
                continue;
            }
            let entry = self.resolve(&name).await?;
            let path = path(count);
            let begins = percent_decode_str(&path).decode_utf8_lossy().trim_start_matches('/').to_ascii_lowercase();
            if begins.starts_with(INTERNAL) {
                return Err(Problem::new(StatusCode::NOT_FOUND, "invalid_request_error", "there is no such path"));
            }
            let class = self.class(head, self.settings(&entry.row).priority)?;
            let key = ServerKey::main(entry.row.id.clone());
            return Ok(Target { key, name: entry.name().to_owned(), class, path });
        }
        let what = format!("there is no service and no model `{}`", first.escape_debug());
        Err(no_service(&what, &config.run_services))
    }
}
