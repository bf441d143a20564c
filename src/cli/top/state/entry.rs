//! The rows of the table: servers, services, reservations and servers of others, and the models that do not run.

use crate::model::DeviceBytes;
use crate::model::lifecycle::{External, Mode};
use crate::ops::daemon::{LiveModel, LiveRows, LiveServer, LocalClock, told};
use std::collections::BTreeMap;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Model,
    /// The second server of a model.
    Vectors,
    Service,
    /// Memory that is kept free for another program.
    Reserved,
    /// A server that somebody else started.
    External,
}

/// The state of a row, in the order in which an operator looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Busy,
    Starting,
    Queued,
    Ready,
    Stopping,
    Backoff,
    Failed,
    External,
    Reserved,
    Stopped,
    Disabled,
    Unusable,
}

impl Status {
    /// Returns whether there is a server that could be stopped.
    pub fn runs(self) -> bool {
        matches!(self, Status::Busy | Status::Starting | Status::Queued | Status::Ready | Status::Stopping)
    }

    pub fn is_ready(self) -> bool {
        matches!(self, Status::Busy | Status::Ready)
    }

    pub fn name(self) -> &'static str {
        match self {
            Status::Busy => "busy",
            Status::Starting => "starting",
            Status::Queued => "queued",
            Status::Ready => "ready",
            Status::Stopping => "stopping",
            Status::Backoff => "backoff",
            Status::Failed => "failed",
            Status::External => "external",
            Status::Reserved => "reserved",
            Status::Stopped => "stopped",
            Status::Disabled => "disabled",
            Status::Unusable => "unusable",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Unique among all rows.
    pub key: String,
    /// What the daemon is asked about.
    pub id: String,
    pub name: String,
    pub kind: Kind,
    pub status: Status,
    /// The state in words, for one that needs more than its status.
    pub state: Option<String>,
    /// 0 to 1, while it starts.
    pub progress: Option<f64>,
    pub mode: Option<Mode>,
    pub gpu_layers: Option<u32>,
    pub device: Option<String>,
    pub memory: Option<u64>,
    pub in_flight: u32,
    pub queued: u32,
    pub tokens_per_s: Option<f32>,
    /// RFC 3339: when it is unloaded, and when it is started again.
    pub expires_at: Option<String>,
    pub retry_at: Option<String>,
    pub last_used: Option<String>,
    pub pinned: bool,
    /// Why it is as it is, where that is known.
    pub reason: Option<String>,
    pub last_log: Option<String>,
    pub port: Option<u16>,
    /// What a filter looks in, in lower case.
    pub words: String,
}

/// Returns all rows, in no order.
pub fn entries(rows: &LiveRows, clock: &LocalClock) -> Vec<Entry> {
    let mut decided = BTreeMap::new();
    for decision in rows.decisions.values() {
        if let Some(id) = &decision.id {
            decided.insert(id.as_str(), decision);
        }
    }
    let last = |id: &str| decided.get(id).map(|decision| told(decision, clock));
    let mut all = Vec::new();
    for server in rows.servers.values() {
        let model = rows.models.get(&server.model_id);
        all.push(of_server(server, model, rows, last(&server.model_id)));
    }
    for model in rows.models.values().filter(|model| !rows.servers.contains_key(&model.id)) {
        all.push(of_model(model, last(&model.id)));
    }
    all.extend(rows.externals.values().map(of_external));
    all
}

fn of_server(server: &LiveServer, model: Option<&LiveModel>, rows: &LiveRows, last: Option<String>) -> Entry {
    let kind = match (server.kind.as_str(), server.purpose.as_str()) {
        ("service", _) => Kind::Service,
        ("headroom", _) => Kind::Reserved,
        (_, "main") => Kind::Model,
        _ => Kind::Vectors,
    };
    let status = match server.state.as_str() {
        _ if kind == Kind::Reserved => Status::Reserved,
        "ready" if server.in_flight > 0 => Status::Busy,
        "ready" => Status::Ready,
        "starting" => Status::Starting,
        "queued" => Status::Queued,
        "stopping" => Status::Stopping,
        "backoff" => Status::Backoff,
        "failed" => Status::Failed,
        _ => model.map_or(Status::Stopped, at_rest),
    };
    let trouble = matches!(status, Status::Failed | Status::Backoff).then(|| server.last_error.clone()).flatten();
    let partly = server.mode_reason.as_ref().map(|why| format!("not loaded in full: {why}"));
    let unusable = model.filter(|_| status == Status::Unusable).and_then(|model| model.reason.clone());
    let name = match kind {
        Kind::Vectors => format!("{} (vectors)", server.name),
        _ => model.and_then(|model| model.alias.clone()).unwrap_or_else(|| server.name.clone()),
    };
    let held = sum(&server.bytes);
    Entry {
        words: words(&name, &server.model_id, model),
        name,
        kind,
        status,
        state: model.filter(|_| status == Status::Unusable).map(|model| model.state.clone()),
        progress: server.progress,
        mode: server.mode,
        gpu_layers: server.gpu_layers,
        device: server.device.clone(),
        memory: server.memory_used_bytes.or((held > 0).then_some(held)),
        in_flight: server.in_flight,
        queued: server.queued,
        tokens_per_s: rows.rates.get(&server.model_id).filter(|_| kind == Kind::Model).map(|rate| rate.tokens_per_s),
        expires_at: server.expires_at.clone().filter(|_| status.is_ready() || kind == Kind::Reserved),
        retry_at: server.retry_at.clone(),
        last_used: server.last_access.clone().or_else(|| model.and_then(|model| model.last_used.clone())),
        pinned: server.pinned || model.is_some_and(|model| model.pinned),
        reason: trouble.or(unusable).or(partly).or(last),
        last_log: server.last_log.clone(),
        port: server.port,
        id: server.model_id.clone(),
        key: server.key.clone(),
    }
}

fn of_model(model: &LiveModel, last: Option<String>) -> Entry {
    let status = at_rest(model);
    let name = model.alias.clone().unwrap_or_else(|| model.name.clone());
    Entry {
        words: words(&name, &model.id, Some(model)),
        key: model.id.clone(),
        id: model.id.clone(),
        name,
        kind: Kind::Model,
        status,
        state: (status == Status::Unusable).then(|| model.state.clone()),
        last_used: model.last_used.clone(),
        pinned: model.pinned,
        reason: model.reason.clone().filter(|_| status == Status::Unusable).or(last),
        ..blank()
    }
}

fn of_external(external: &External) -> Entry {
    let model = external.model_name.clone();
    let name = model.unwrap_or_else(|| external.program.clone());
    let held = sum(&external.bytes);
    let process = external.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
    let user = external.user.as_ref().map(|user| format!(" of {user}")).unwrap_or_default();
    let gets = if external.attached { "; requests are sent to it" } else { "" };
    Entry {
        words: format!("{name} {} external", external.program).to_lowercase(),
        key: format!("external {}", external.id),
        id: external.id.clone(),
        name,
        kind: Kind::External,
        status: Status::External,
        device: external.bytes.first().map(|held| held.device.clone()),
        memory: (held > 0).then_some(held),
        reason: Some(format!("started by another program: {}{user}{process}{gets}", external.program)),
        port: external.port,
        ..blank()
    }
}

fn blank() -> Entry {
    Entry {
        key: String::new(),
        id: String::new(),
        name: String::new(),
        kind: Kind::Model,
        status: Status::Stopped,
        state: None,
        progress: None,
        mode: None,
        gpu_layers: None,
        device: None,
        memory: None,
        in_flight: 0,
        queued: 0,
        tokens_per_s: None,
        expires_at: None,
        retry_at: None,
        last_used: None,
        pinned: false,
        reason: None,
        last_log: None,
        port: None,
        words: String::new(),
    }
}

/// Returns the state of a model that has no server.
fn at_rest(model: &LiveModel) -> Status {
    match model.state.as_str() {
        "ready" if !model.enabled => Status::Disabled,
        "ready" => Status::Stopped,
        _ => Status::Unusable,
    }
}

fn sum(bytes: &[DeviceBytes]) -> u64 {
    bytes.iter().fold(0, |sum, held| sum.saturating_add(held.bytes))
}

fn words(name: &str, id: &str, model: Option<&LiveModel>) -> String {
    let mut words = format!("{name} {id}");
    if let Some(model) = model {
        let more = [Some(&model.name), model.family.as_ref(), model.quant.as_ref(), model.tier.as_ref()];
        for word in more.into_iter().flatten().chain([&model.store]) {
            words.push(' ');
            words.push_str(word);
        }
    }
    words.to_lowercase()
}

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    State,
    Name,
    Memory,
    Speed,
    Waiting,
    Used,
}

impl Sort {
    pub fn name(self) -> &'static str {
        match self {
            Sort::State => "state",
            Sort::Name => "name",
            Sort::Memory => "memory",
            Sort::Speed => "tokens/s",
            Sort::Waiting => "requests",
            Sort::Used => "last used",
        }
    }

    pub fn next(self) -> Sort {
        match self {
            Sort::State => Sort::Name,
            Sort::Name => Sort::Memory,
            Sort::Memory => Sort::Speed,
            Sort::Speed => Sort::Waiting,
            Sort::Waiting => Sort::Used,
            Sort::Used => Sort::State,
        }
    }
}

/// Keeps the rows that have all words of the filter, and sorts them.
pub fn select(all: Vec<Entry>, filter: &str, sort: Sort) -> Vec<Entry> {
    let filter = filter.to_lowercase();
    let wanted: Vec<&str> = filter.split_whitespace().collect();
    let mut kept: Vec<Entry> =
        all.into_iter().filter(|entry| wanted.iter().all(|word| entry.words.contains(word))).collect();
    let by_name = |a: &Entry, b: &Entry| a.words.cmp(&b.words).then_with(|| a.key.cmp(&b.key));
    kept.sort_by(|a, b| {
        let order = match sort {
            Sort::State => a.status.cmp(&b.status),
            Sort::Name => std::cmp::Ordering::Equal,
            Sort::Memory => b.memory.cmp(&a.memory),
            Sort::Speed => b.tokens_per_s.unwrap_or(-1.0).total_cmp(&a.tokens_per_s.unwrap_or(-1.0)),
            Sort::Waiting => (b.queued, b.in_flight).cmp(&(a.queued, a.in_flight)),
            // RFC 3339 in one form is in the order of time.
            Sort::Used => b.last_used.cmp(&a.last_used),
        };
        order.then_with(|| by_name(a, b))
    });
    kept
}
