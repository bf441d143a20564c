use super::{Check, CheckName, Limits, Load};
use crate::clock::Timestamp;
use crate::model::health::Level;
use crate::model::service::{FoundBy, Service};
use crate::node::endpoint::{Answer, Endpoint};
use crate::node::{Fact, Outcome};

const NAME: CheckName = CheckName::Endpoints;

/// An endpoint that was asked, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub service: &'a Service,
    pub endpoint: &'a Fact<Endpoint>,
    pub level: Level,
    /// Whether the processes of the service are known, so that the owner of the socket can be compared.
    pub knows_processes: bool,
    pub load: Load,
    pub now: Timestamp,
}

/// What an answer of `/health` means.
enum Meaning {
    Ready(String),
    Busy(String),
    Loading,
    /// Something answers, which is all that can be asked of it.
    Answers(String),
    Sick {
        what: String,
        reason: String,
    },
    Unknown {
        what: String,
        reason: String,
        right: Option<String>,
    },
}

/// Judges an endpoint: any answer for the level `alive`; for the others that it is ready, that the right process answers,
/// and that its model is listed.
pub fn endpoint(asked: &Asked<'_>, limits: &Limits) -> Check {
    let target = asked.service.name.as_str();
    let Some(endpoint) = asked.endpoint.known() else {
        return Check::of_unknown(NAME, target, "not checked", asked.endpoint);
    };
    let check = match meaning(asked, endpoint) {
        Meaning::Sick { what, reason } => Check::critical(NAME, target, what, reason),
        Meaning::Unknown { what, reason, right } => Check { right, ..Check::unknown(NAME, target, what, reason) },
        Meaning::Loading => loading(asked),
        Meaning::Ready(what) | Meaning::Busy(what) | Meaning::Answers(what) => match asked.level {
            Level::Alive => Check::ok(NAME, target, what),
            _ => owner(asked, endpoint)
                .or_else(|| model_id(asked, endpoint))
                .unwrap_or_else(|| Check::ok(NAME, target, what)),
        },
    };
    match &endpoint.health {
        Answer::Http { seconds, .. } => check.measured("time", *seconds, limits),
        _ => check,
    }
}

fn meaning(asked: &Asked<'_>, endpoint: &Endpoint) -> Meaning {
    let sick = |what: &str, reason: String| Meaning::Sick { what: what.to_owned(), reason };
    match &endpoint.health {
        Answer::Http { code, body, .. } => http(asked, *code, body),
        // A server of another kind than llama-server listens once its model is loaded.
        Answer::Refused if is_young(asked) => Meaning::Loading,
        Answer::Refused => sick("does not listen", format!("the connection to {} was refused", endpoint.url)),
        Answer::Silent { seconds } => {
            sick("does not respond", format!("connected, but no response within {seconds:.1} s"))
        }
        Answer::Unreachable { why } => sick("is unreachable", why.clone()),
        Answer::Garbage { why } => sick("does not respond with HTTP", why.clone()),
        Answer::Tls => Meaning::Unknown {
            what: "not checked".to_owned(),
            reason: "https:// is not supported: use the http:// address behind it".to_owned(),
            right: None,
        },
        Answer::NotAsked => Meaning::Unknown {
            what: "not checked".to_owned(),
            reason: "there is no endpoint to check".to_owned(),
            right: None,
        },
    }
}

fn http(asked: &Asked<'_>, code: u16, body: &str) -> Meaning {
    let text = body.to_ascii_lowercase();
    let what = format!("HTTP {code}");
    if asked.level == Level::Alive {
        return Meaning::Answers(what);
    }
    match code {
        200..=299 => Meaning::Ready("ready".to_owned()),
        // llama-server with `fail_on_no_slot`, and gateways.
        429 => Meaning::Busy("busy".to_owned()),
        503 if text.contains("no slot available") || text.contains("no available slot") => {
            Meaning::Busy("busy: no slot is free".to_owned())
        }
        503 if text.contains("loading") || text.contains("starting") => Meaning::Loading,
        502..=504 if is_young(asked) => Meaning::Loading,
        401 | 403 => Meaning::Unknown {
            what,
            reason: "it requires an API key".to_owned(),
            right: Some("a key that it accepts (`key_file` of the service)".to_owned()),
        },
        300..=399 => Meaning::Unknown {
            what,
            reason: "redirects are not followed: use the address that it redirects to".to_owned(),
            right: None,
        },
        404 | 405 | 501 if asked.service.found != FoundBy::Config => {
            Meaning::Answers(format!("responds, without a health path (HTTP {code})"))
        }
        _ => {
            let start: String = body.chars().take(120).collect();
            let said = if start.trim().is_empty() { String::new() } else { format!(": {}", start.trim()) };
            Meaning::Sick { what, reason: format!("its health path does not return 200{said}") }
        }
    }
}

fn is_young(asked: &Asked<'_>) -> bool {
    asked.load.progress(asked.now).is_some_and(|(age, allowed)| age <= allowed)
}

fn loading(asked: &Asked<'_>) -> Check {
    let target = asked.service.name.as_str();
    match asked.load.progress(asked.now) {
        Some((age, allowed)) if age > allowed => {
            let reason = format!("it has been loading for {age:.0} s; its size explains at most {allowed:.0} s");
            Check::critical(NAME, target, "loading", reason)
        }
        Some((age, allowed)) => {
            let reason = format!("not ready yet: loading for {age:.0} s of at most {allowed:.0} s");
            Check::warning(NAME, target, "loading", reason)
        }
        None => Check::warning(NAME, target, "loading", "not ready yet; start time unknown"),
    }
}

/// Returns what is wrong with the process that owns the socket.
fn owner(asked: &Asked<'_>, endpoint: &Endpoint) -> Option<Check> {
    if !asked.knows_processes {
        return None;
    }
    let target = asked.service.name.as_str();
    match &endpoint.owner.outcome {
        Outcome::Ok { value: Some(owner) } if !owner.is_service => {
            let reason = format!("{} (process {}) responds in its place", owner.name, owner.pid);
            Some(Check::critical(NAME, target, "another process responds", reason))
        }
        // A socket that nobody here holds belongs to another container; an address that is not ours to another machine.
        Outcome::Ok { .. } | Outcome::Absent { .. } => None,
        _ => Some(Check::of_unknown(NAME, target, "responds; by which process is unknown", &endpoint.owner)),
    }
}

/// Returns what is wrong with the list of models.
fn model_id(asked: &Asked<'_>, endpoint: &Endpoint) -> Option<Check> {
    let wanted = asked.service.model_id.as_deref()?;
    let target = asked.service.name.as_str();
    let Some(listed) = endpoint.models.known() else {
        return Some(match &endpoint.models.outcome {
            Outcome::Absent { why } => {
                Check::critical(NAME, target, "no model list", format!("`{wanted}` should be in it: {why}"))
            }
            _ => Check::of_unknown(NAME, target, "its model list is unknown", &endpoint.models),
        });
    };
    if listed.iter().any(|(id, _)| id == wanted) {
        return None;
    }
    let ids: Vec<&str> = listed.iter().map(|(id, _)| id.as_str()).take(5).collect();
    let reason = match ids.is_empty() {
        true => format!("it lists no models; expected `{wanted}`"),
        false => format!("it does not list `{wanted}` but {}", ids.join(", ")),
    };
    Some(Check::critical(NAME, target, "a different model", reason))
}
