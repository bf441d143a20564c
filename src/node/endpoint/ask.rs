//! Asks endpoints, many side by side and within one limit.

use super::super::reach;
use super::request::prefix;
use super::{Answer, Counters, Endpoint, EndpointRequest, Fact, Outcome, Owner, Sample, Slot, owner, read};
use crate::clock::{self, Timestamp};
use crate::host::in_time;
use crate::http::{self, Answered, Question, Unanswered, UrlError};
use crate::model::Reading;
use bytes::Bytes;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of a key.
const KEY_BYTES: u64 = 8 << 10;
/// The longest limit. Nobody waits longer for a probe.
const MOST: Duration = Duration::from_secs(3600);

/// Asks one endpoint. Returns within the limit of the request.
pub fn ask(request: &EndpointRequest) -> Fact<Endpoint> {
    let limit = seconds(request.limit_s);
    let none =
        || Fact::new(shown_url(&request.url), clock::now(), Outcome::Failed { why: "it was not checked".to_owned() });
    ask_all(std::slice::from_ref(request), limit).pop().unwrap_or_else(none)
}

/// Asks several endpoints at the same time, each within its own limit and all of them within `limit`. The answers are in
/// the order of the requests.
pub fn ask_all(requests: &[EndpointRequest], limit: Duration) -> Vec<Fact<Endpoint>> {
    let began = clock::instant();
    let targets: Vec<Result<Target, Box<Fact<Endpoint>>>> =
        requests.iter().map(|request| Target::of(request, began, limit.min(MOST))).collect();
    let wanted: Vec<owner::Wanted> = targets.iter().flatten().map(|target| target.wanted.clone()).collect();
    let now = clock::now();
    let owners = in_time::start(limit, "the owners of ports", move |_| Ok(owner::owners(&wanted, now)));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failed = |request: &EndpointRequest| {
                Fact::new(shown_url(&request.url), now, Outcome::Failed { why: error.to_string() })
            };
            return requests.iter().map(failed).collect();
        }
    };
    let mut asked = runtime.block_on(async {
        let running = targets.iter().flatten().map(Target::ask);
        futures_util::future::join_all(running).await
    });
    // The lookup of a name cannot be canceled: its thread is abandoned.
    runtime.shutdown_background();
    let unknown = match owners.wait() {
        Reading::Known(owners) => {
            for (endpoint, owner) in asked.iter_mut().zip(owners) {
                endpoint.owner = owner;
            }
            None
        }
        Reading::Unavailable(why) => Some(why),
    };
    for endpoint in asked.iter_mut().filter(|_| unknown.is_some()) {
        let why = unknown.clone().unwrap_or_default();
        endpoint.owner = Fact::new("owner of the port", now, Outcome::TimedOut { why });
    }
    let mut asked = asked.into_iter();
    let one = |target: Result<Target, Box<Fact<Endpoint>>>| match target {
        Err(fact) => *fact,
        Ok(target) => match asked.next() {
            Some(endpoint) => Fact::ok(target.url, now, endpoint),
            // Every target was asked.
            None => Fact::new(target.url, now, Outcome::Failed { why: "it was not checked".to_owned() }),
        },
    };
    targets.into_iter().map(one).collect()
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(MOST).min(MOST)
}

/// Returns a URL without user and password.
fn shown_url(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

/// A server that is asked.
struct Target {
    url: String,
    request: EndpointRequest,
    server: http::Endpoint,
    path: String,
    wanted: owner::Wanted,
    key: Option<String>,
    /// Why there is no key although a file is named.
    no_key: Option<String>,
    deadline: Instant,
}

impl Target {
    /// Prepares a target, or says why there is none to ask.
    fn of(request: &EndpointRequest, began: Instant, limit: Duration) -> Result<Target, Box<Fact<Endpoint>>> {
        let url = shown_url(&request.url);
        let now = clock::now();
        let (server, path) = match http::parse_url(&request.url) {
            Ok(parts) => parts,
            Err(UrlError::Tls) => return Err(Box::new(Fact::ok(&url, now, blank(&url, now, Answer::Tls)))),
            Err(UrlError::Unusable(why)) => {
                return Err(Box::new(Fact::new(&url, now, Outcome::Failed { why: why.to_owned() })));
            }
        };
        let limit = limit.min(seconds(request.limit_s));
        // All key files together take no longer than the limit.
        let left = limit.saturating_sub(began.elapsed());
        let (key, no_key) = match request.key_file.as_deref().map(|file| key(file, left)) {
            None => (None, None),
            Some(Ok(key)) => (Some(key), None),
            Some(Err(why)) => (None, Some(why)),
        };
        let (host, port) = match &server {
            http::Endpoint::Tcp { host, port } => (host.clone(), *port),
            http::Endpoint::Unix(_) => (String::new(), 0),
        };
        Ok(Target {
            url,
            request: request.clone(),
            wanted: owner::Wanted { is_asked: request.owner, host, port, service: request.service.clone() },
            server,
            path,
            key,
            no_key,
            // A limit of an hour at most is always in the future.
            deadline: began.checked_add(limit).unwrap_or(began),
        })
    }

    async fn ask(&self) -> Endpoint {
        let began = clock::instant();
        let answered = self.get(&self.path).await;
        let took = began.elapsed().as_secs_f64();
        let now = clock::now();
        let skew = answered.as_ref().ok().and_then(|a| read::skew(a.date.as_deref()?, now)); // no answer has no date
        let health = match answered {
            Ok(answered) => Answer::Http { code: answered.status, body: self.start(&answered.body), seconds: took },
            Err(Unanswered::Refused) => Answer::Refused,
            Err(Unanswered::Silent) => Answer::Silent { seconds: took },
            Err(Unanswered::Unreachable(why)) => Answer::Unreachable { why },
            Err(Unanswered::Garbage(why)) => Answer::Garbage { why },
        };
        let speaks = matches!(health, Answer::Http { .. });
        let mut endpoint =
            Endpoint { date_skew_s: skew, port: Some(self.wanted.port), ..blank(&self.url, now, health) };
        if !speaks {
            return endpoint;
        }
        let models = async {
            match self.request.models || self.request.token {
                true => self.value("/v1/models", "not a list of models", read::models).await,
                false => Fact::absent(&self.url, now, "the list of models was not requested"),
            }
        };
        let samples = async {
            match self.request.sample_s {
                Some(pause) => self.samples(seconds(pause)).await,
                None => Vec::new(),
            }
        };
        (endpoint.models, endpoint.samples) = tokio::join!(models, samples);
        if self.request.token {
            endpoint.token_s = Some(self.token(&endpoint).await);
        }
        endpoint
    }

    /// Takes two samples, or one where there is nothing to sample or no time for another.
    async fn samples(&self, pause: Duration) -> Vec<Sample> {
        let began = clock::instant();
        let first = self.sample(began).await;
        let has_values =
            first.slots.known().is_some() || first.metrics.known().is_some_and(|m| *m != Counters::default());
        let again = began.checked_add(pause).filter(|again| *again < self.deadline);
        let mut samples = vec![first];
        if let Some(again) = again.filter(|_| has_values) {
            tokio::time::sleep_until(tokio::time::Instant::from_std(again)).await;
            samples.push(self.sample(began).await);
        }
        samples
    }

    async fn sample(&self, began: Instant) -> Sample {
        let (time, at_s) = (clock::now(), began.elapsed().as_secs_f64());
        let metrics = |body: &[u8]| Some(read::counters(&String::from_utf8_lossy(body)));
        let (slots, metrics) = tokio::join!(
            self.value("/slots", "not a list of slots", read::slots),
            self.value("/metrics", "no metrics", metrics)
        );
        Sample { time, at_s, slots, metrics }
    }

    /// Measures the time for one token, where a slot is free.
    async fn token(&self, endpoint: &Endpoint) -> Fact<f64> {
        let now = clock::now();
        let source = format!("POST {}/v1/completions", self.base());
        let (slots, metrics): (Option<Vec<Slot>>, Option<Counters>) = match endpoint.samples.last() {
            Some(sample) => (sample.slots.known().cloned(), sample.metrics.known().cloned()),
            None => (self.value("/slots", "not a list of slots", read::slots).await.known().cloned(), None),
        };
        let is_busy = slots.is_some_and(|slots| !slots.is_empty() && slots.iter().all(|slot| slot.is_processing))
            || metrics.and_then(|metrics| metrics.deferred).is_some_and(|deferred| deferred > 0.0);
        if is_busy {
            return Fact::absent(source, now, "no slot is free");
        }
        let model = match (&self.request.model, endpoint.models.known().map(Vec::as_slice)) {
            (Some(model), _) => model.clone(),
            (None, Some([(only, _)])) => only.clone(),
            (None, listed) => {
                let count = listed.map_or("no".to_owned(), |listed| listed.len().to_string());
                return Fact::absent(source, now, format!("it lists {count} models; set `model_id` to choose one"));
            }
        };
        let json = serde_json::json!({ "model": model, "prompt": "1", "max_tokens": 1, "stream": false });
        let began = clock::instant();
        let question = self.question(&format!("{}/v1/completions", prefix(&self.path)), Some(json.to_string().into()));
        let outcome = match http::ask(&question, self.deadline).await {
            Ok(answered) if answered.status == 200 => Outcome::Ok { value: began.elapsed().as_secs_f64() },
            other => self.failure(other, "it does not complete text"),
        };
        Fact::new(source, now, outcome)
    }

    /// Asks for a path beside that of the health, and reads the answer.
    async fn value<T>(&self, path: &str, none: &str, read: impl Fn(&[u8]) -> Option<T>) -> Fact<T> {
        let now = clock::now();
        let outcome = match self.get(&format!("{}{path}", prefix(&self.path))).await {
            Ok(Answered { status: 200, body, .. }) => match read(&body) {
                Some(value) => Outcome::Ok { value },
                None => Outcome::Failed { why: format!("its response is {none}") },
            },
            other => self.failure(other, none),
        };
        Fact::new(format!("GET {}{path}", self.base()), now, outcome)
    }

    /// Says what an answer other than 200, or none, means.
    fn failure<T>(&self, answered: Result<Answered, Unanswered>, none: &str) -> Outcome<T> {
        match answered {
            Ok(Answered { status: status @ (401 | 403), .. }) => Outcome::Denied {
                why: match &self.no_key {
                    Some(why) => format!("it returned {status}, and {why}"),
                    None => format!("it returned {status}"),
                },
                right: "a key that it accepts (`key_file` of the service)".to_owned(),
                command: None,
            },
            // llama-server answers 501 for what was not switched on.
            Ok(Answered { status: status @ (404 | 405 | 501), .. }) => {
                Outcome::Absent { why: format!("it returned {status}: {none}") }
            }
            Ok(Answered { status, body, .. }) => {
                Outcome::Failed { why: format!("it returned {status}: {}", self.start(&body)) }
            }
            Err(Unanswered::Silent) => Outcome::TimedOut { why: "no response in time".to_owned() },
            Err(Unanswered::Refused) => Outcome::Failed { why: "the connection was refused".to_owned() },
            Err(Unanswered::Unreachable(why) | Unanswered::Garbage(why)) => Outcome::Failed { why },
        }
    }

    async fn get(&self, path: &str) -> Result<Answered, Unanswered> {
        http::ask(&self.question(path, None), self.deadline).await
    }

    fn question(&self, path: &str, json: Option<Bytes>) -> Question {
        let authorization = self.key.as_deref().and_then(http::bearer);
        Question { endpoint: self.server.clone(), path: path.to_owned(), authorization, json }
    }

    fn start(&self, body: &[u8]) -> String {
        read::start(body, self.key.as_deref())
    }

    fn base(&self) -> String {
        format!("{}{}", self.server, prefix(&self.path))
    }
}

/// Returns an endpoint of which nothing but its answer is known.
fn blank(url: &str, now: Timestamp, health: Answer) -> Endpoint {
    let why = "it was not checked";
    Endpoint {
        url: url.to_owned(),
        port: None,
        owner: Fact::<Option<Owner>>::absent(url, now, why),
        health,
        models: Fact::absent(url, now, why),
        samples: Vec::new(),
        token_s: None,
        date_skew_s: None,
    }
}

/// Reads the key of a file. Errors name the file and never what is in it.
fn key(file: &Path, limit: Duration) -> Result<String, String> {
    let path = file.to_owned();
    let shown = file.display();
    if let Err(why) = reach::answers(file, limit / 2) {
        return Err(format!("the key file {shown} is on {why}"));
    }
    let read = in_time::start(limit, "the key", move |_| {
        // A FIFO must not block.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(rustix::fs::open(&path, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut text = String::new();
        file.take(KEY_BYTES).read_to_string(&mut text).map_err(|_| io::Error::other("it is not UTF-8 text"))?;
        Ok(text.trim().to_owned())
    });
    match read.wait() {
        Reading::Known(key) if key.is_empty() => Err(format!("the key file {shown} is empty")),
        Reading::Known(key) if http::bearer(&key).is_none() => {
            Err(format!("the key file {shown} does not contain a valid key"))
        }
        Reading::Known(key) => Ok(key),
        Reading::Unavailable(why) => Err(format!("{why} ({shown})")),
    }
}
