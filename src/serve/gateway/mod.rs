//! The gateway: requests in OpenAI's dialect, each passed to the server of the model that it names.
//!
//! Only what is needed of a request is read: the name of the model, and whether the answer is a stream. A server of our
//! own answers in OpenAI's dialect and with the name that was asked for, so its bytes are passed on as they come; what
//! llama-server streams is rewritten ([`rewrite`]).
//!
//! Absent on purpose: who may ask, the limits of connections, and which servers run.

mod check;
mod exchange;
mod meter;
mod models;
mod overflow;
mod pass;
mod patient;
mod problem;
mod prompts;
mod recent;
mod record;
mod relay;
mod request;
mod rewrite;
#[cfg(test)]
pub mod tests;

pub use exchange::{Job, MODE_HEADER};
pub use meter::{Meter, Records, RequestCount};
pub use pass::by_route;
pub use problem::{Problem, Retry};
pub use recent::{Recent, RequestRow, Sums};
pub use record::{Endpoint, Record};
pub use relay::Relay;
pub use request::{Asked, read_json};

use super::catalog::{Catalogs, Entry, Resolved};
use super::control::Control;
use super::listen::{Caller, Logged, Refusal, read_body};
use crate::config::Config;
use crate::lifecycle::{Class, Purpose, ServerKey};
use crate::model::server::{Engine, ServerSettings};
use crate::model::{Kind, ModelId, ModelRow, State as ModelState};
use crate::ops::file_problem::file_problem;
use crate::worker::RECORDED;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The header that sets the class of a request.
const PRIORITY_HEADER: &str = "x-modelctl-priority";

/// What the handlers of the gateway share.
#[derive(Debug, Clone)]
pub struct Gateway {
    pub control: Control,
    pub catalogs: Catalogs,
    pub config: watch::Receiver<Arc<Config>>,
    pub records: Records,
}

/// Has a request answered by this model, whatever it names; an extension of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlyModel(pub ModelId);

pub fn routes(gateway: Arc<Gateway>) -> Router {
    let mut router = Router::new();
    for base in ["/v1", ""] {
        let at = |path: &str| format!("{base}{path}");
        router = router
            .route(&at("/models"), get(models::list))
            .route(&at("/models/{*name}"), get(models::one))
            .route(&at("/chat/completions"), post(|s, r| answer(s, Endpoint::Chat, r)))
            .route(&at("/completions"), post(|s, r| answer(s, Endpoint::Completions, r)))
            .route(&at("/embeddings"), post(|s, r| answer(s, Endpoint::Embeddings, r)));
    }
    router = router.route("/upstream/{*rest}", any(pass::upstream));
    router.layer(DefaultBodyLimit::disable()).with_state(gateway)
}

/// Answers for a path that leads nowhere, in the shape that clients of such paths read.
pub async fn no_route(method: Method, uri: Uri) -> Response {
    let message = format!("{method} {} does not exist", uri.path());
    Refusal::new(StatusCode::NOT_FOUND, "unknown_url", message).answer(uri.path())
}

/// Answers for a path that is used with another method, in the shape that clients of such paths read.
pub async fn wrong_method(method: Method, uri: Uri) -> Response {
    let message = format!("{} cannot be used with {method}", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_supported", message).answer(uri.path())
}

async fn answer(State(gateway): State<Arc<Gateway>>, endpoint: Endpoint, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut meter = gateway.meter(&head, endpoint);
    let mut answer = match gateway.prepare(&head, body, endpoint, &mut meter).await {
        Ok(job) => patient::run(&gateway, job, meter).await,
        Err(problem) => {
            meter.fail(&problem);
            problem.into_response()
        }
    };
    answer.extensions_mut().insert(Logged);
    answer
}

impl Gateway {
    /// Begins to measure a request.
    pub fn meter(&self, head: &Parts, endpoint: Endpoint) -> Meter {
        let caller = head.extensions.get::<Caller>();
        let client = caller.map(|caller| caller.name.clone()).unwrap_or_default();
        let id = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned(); // ours is plain
        let mut meter = Meter::new(self.records.clone(), endpoint, (id, client));
        // Our own command line, which has a source of its own for what it asks.
        if caller.is_some_and(|caller| caller.is_local_socket) && head.uri.query() == Some(RECORDED) {
            meter.recorded();
        }
        meter
    }

    /// Reads a request as far as it is needed, and finds the server that answers it.
    async fn prepare(&self, head: &Parts, body: Body, endpoint: Endpoint, meter: &mut Meter) -> Result<Job, Problem> {
        let config = Arc::clone(&self.config.borrow());
        let body = read_body(body, &config.serve.limits).await?;
        let only = match head.extensions.get::<OnlyModel>() {
            Some(OnlyModel(id)) => Some(self.served(id).await?),
            None => None,
        };
        let default = only.as_ref().map(|entry| entry.name());
        let asked = Asked::read(&body, default)?;
        self.check_name(&asked.model)?;
        let entry = match only {
            Some(entry) => entry,
            None => self.resolve(&asked.model).await?,
        };
        let (key, class) = self.place(head, &entry, endpoint, meter)?;
        request::apart(body.len(), || self.check(&key, &entry, (endpoint, &read_json(&body)?)))?;
        Ok(Job { key, class, endpoint, asked, body, keep: None, grow: None })
    }

    /// Checks a body of OpenAI's dialect before its model is asked for.
    ///
    /// # Errors
    /// A bad request, with the reason.
    pub fn check(
        &self,
        key: &ServerKey,
        entry: &Entry,
        (endpoint, body): (Endpoint, &Map<String, Value>),
    ) -> Result<(), Problem> {
        check::check(endpoint, self.engine(key, entry), body)
    }

    /// Returns the program that answers for a server: that of the one that runs, else the one that will be started.
    fn engine(&self, key: &ServerKey, entry: &Entry) -> Engine {
        let is_attached = self.control.attached().iter().any(|attached| attached.model == key.model);
        if is_attached && key.purpose == Purpose::Main {
            return Engine::LlamaServer;
        }
        let servers = self.control.servers();
        let running = servers.iter().find(|server| server.view.key == *key).and_then(|server| server.info.as_ref());
        running.and_then(|info| info.engine).unwrap_or_else(|| self.settings(&entry.row).engine)
    }

    /// Finds the server of a model that answers on an endpoint, and the class in which the request waits for it.
    ///
    /// # Errors
    /// The model has no such server, or the class is none.
    pub fn place(
        &self,
        head: &Parts,
        entry: &Entry,
        endpoint: Endpoint,
        meter: &mut Meter,
    ) -> Result<(ServerKey, Class), Problem> {
        meter.model(entry.name(), &entry.row.id);
        let settings = self.settings(&entry.row);
        let purpose = purpose(&entry.row, endpoint, &settings)?;
        let class = self.class(head, settings.priority)?;
        meter.class(class);
        Ok((ServerKey { model: entry.row.id.clone(), purpose }, class))
    }

    /// Returns the class in which a request waits: that of its key, that of its header, else `default`.
    ///
    /// # Errors
    /// The header has another word.
    pub fn class(&self, head: &Parts, default: Class) -> Result<Class, Problem> {
        let of_key = head.extensions.get::<Caller>().and_then(|caller| caller.class);
        match (of_key, head.headers.get(PRIORITY_HEADER)) {
            (Some(class), _) => Ok(class),
            (None, Some(value)) => value.to_str().ok().and_then(Class::from_name).ok_or_else(|| {
                Problem::bad_request(format!("`{PRIORITY_HEADER}` must be interactive, normal or batch"))
            }),
            (None, None) => Ok(default),
        }
    }

    /// Has a request answered, up to the first bytes of the answer.
    ///
    /// # Errors
    /// The error for the client.
    pub async fn forward(&self, job: Job, meter: Meter) -> Result<hyper::Response<Relay>, Problem> {
        exchange::answer(self.control.clone(), job, meter).await
    }

    /// Has a server loaded and nothing answered.
    ///
    /// # Errors
    /// The error for the client.
    pub async fn load(
        &self,
        (key, class): (ServerKey, Class),
        keep: Option<Duration>,
        meter: Meter,
    ) -> Result<(), Problem> {
        exchange::load(&self.control, (key, class), keep, meter).await
    }

    /// Finds the model that a client names.
    ///
    /// # Errors
    /// 404 for a name that leads to no model that is served, 400 for one that leads to several.
    pub async fn resolve(&self, name: &str) -> Result<Arc<Entry>, Problem> {
        self.check_name(name)?;
        let (catalog, found) = self.catalogs.resolve(name).await;
        match found {
            Resolved::One(entry) => Ok(entry),
            Resolved::Many(entries) => Err(Problem::ambiguous(name, &entries)),
            Resolved::NotServed(entry, why) => Err(unserved(&entry, &why).await),
            Resolved::None => match catalog.gone(name) {
                Some(entry) => Err(unserved(entry, &entry.row.not_served().unwrap_or_default()).await),
                None => {
                    let message = format!("the model `{name}` does not exist; `modelctl list` shows all models");
                    Err(Problem::no_model(message))
                }
            },
        }
    }

    fn check_name(&self, name: &str) -> Result<(), Problem> {
        let most = self.config.borrow().serve.limits.name_bytes;
        match name.len() > most {
            true => Err(Problem::bad_request(format!("`model` has more than {most} bytes")).param("model")),
            false => Ok(()),
        }
    }

    /// Returns the model with this id.
    ///
    /// # Errors
    /// 404 for one that is not served, or is known no longer.
    pub async fn served(&self, id: &ModelId) -> Result<Arc<Entry>, Problem> {
        let entry = self.catalogs.current().by_id(id).cloned();
        let entry = entry.ok_or_else(|| Problem::no_model(format!("the model `{id}` no longer exists")))?;
        match entry.row.not_served() {
            Some(why) => Err(unserved(&entry, &why).await),
            None => Ok(entry),
        }
    }

    /// Returns how the server of a model is started.
    pub fn settings(&self, row: &ModelRow) -> ServerSettings {
        self.config.borrow().recorded_settings(row)
    }
}

/// Returns the error for a model that is known and not served. Where its file was not found, the file says why.
async fn unserved(entry: &Entry, why: &str) -> Problem {
    let row = &entry.row;
    let path = row.path.clone();
    let is_lost = matches!(row.state, ModelState::Gone | ModelState::Unavailable);
    let problem = match is_lost {
        true => tokio::task::spawn_blocking(move || file_problem(&path, true)).await.unwrap_or_default(), // its state says enough
        false => None,
    };
    Problem::no_model(match problem {
        Some(problem) => format!("the model `{}` cannot be loaded: {problem}", row.name),
        None => format!("the model `{}` {why}", row.name),
    })
}

/// Returns which server of a model answers on an endpoint.
fn purpose(row: &ModelRow, endpoint: Endpoint, settings: &ServerSettings) -> Result<Purpose, Problem> {
    let refuse = |what: &str| Err(Problem::bad_request(format!("the model `{}` {what}", row.name)).param("model"));
    match (endpoint, row.kind) {
        (Endpoint::Embeddings, Kind::Embedding) => Ok(Purpose::Main),
        (Endpoint::Embeddings, Kind::Generative) if settings.embeddings => Ok(Purpose::Vectors),
        (Endpoint::Embeddings, Kind::Generative) => refuse("generates text, and is set not to return vectors"),
        (Endpoint::Embeddings, _) => refuse("returns no vectors"),
        (Endpoint::Upstream, _) | (Endpoint::Chat | Endpoint::Completions, Kind::Generative) => Ok(Purpose::Main),
        (Endpoint::Chat | Endpoint::Completions, _) => refuse("does not generate text"),
    }
}
