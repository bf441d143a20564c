//! Why a model is in the state that it is in, in sentences.

use super::seconds;
use crate::clock::Timestamp;
use crate::display::{text, units};
use crate::model::Selector;
use crate::model::lifecycle::{Decision, ModelStatus, Priority, RestartPending, ServiceStatus, Status, SwapEntry};
use crate::ops::Session;
use crate::ops::resolve_model::resolve;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::time::Duration;

/// The decisions that are told.
const DECISIONS: usize = 10;

/// What is known of one model or service.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct About {
    pub schema: &'static str,
    pub id: String,
    pub name: String,
    /// Its servers; empty where nothing has asked for it since the daemon began.
    pub servers: Vec<ModelStatus>,
    pub restart_pending: Vec<RestartPending>,
    pub swap_queue: Vec<SwapEntry>,
    /// The oldest first.
    pub decisions: Vec<Decision>,
    /// Whether nothing is loaded or stopped without a request.
    pub paused: bool,
    /// Why it is not served at all, as the predicate of a sentence.
    pub not_served: Option<String>,
    /// External servers that answer its requests.
    pub answered_by: Vec<String>,
}

impl About {
    /// Picks what a status says of one id.
    pub fn of(status: &Status, (id, name): (&str, &str), not_served: Option<String>) -> About {
        let is_it = |of: &str| of == id;
        let attached = status.externals.iter().filter(|other| other.attached);
        let answers = attached.filter(|other| other.model.as_ref().is_some_and(|model| is_it(model.as_str())));
        About {
            schema: "modelctl.why/1",
            id: id.to_owned(),
            name: name.to_owned(),
            servers: status.models.iter().filter(|model| is_it(&model.id)).cloned().collect(),
            restart_pending: status.restart_pending.iter().filter(|restart| is_it(&restart.id)).cloned().collect(),
            swap_queue: status.swap_queue.iter().filter(|swap| is_it(&swap.id)).cloned().collect(),
            decisions: status
                .decisions
                .iter()
                .filter(|decision| decision.id.as_deref().is_some_and(is_it))
                .cloned()
                .collect(),
            paused: status.paused,
            not_served,
            answered_by: answers
                .map(|other| match other.pid {
                    Some(pid) => format!("{} (process {pid})", other.program),
                    None => format!("{} ({})", other.program, other.id),
                })
                .collect(),
        }
    }
}

/// Returns what is known of the service or the model with that name, or of the reservation with that id.
///
/// # Errors
/// There is no such model, or the database cannot be read.
pub fn about(session: &mut Session, status: &Status, name: &str) -> anyhow::Result<About> {
    let is_its_id = |id: &str| id == name || id.split_once(':').is_some_and(|(_, id)| id == name);
    let is_reservation =
        |model: &&ModelStatus| model.kind == "headroom" && (is_its_id(&model.id) || model.name == name);
    let reservation = || status.models.iter().find(is_reservation).map(|model| (&*model.id, &*model.name));
    if let Some(found) = service_of(status, name).or_else(reservation) {
        return Ok(About::of(status, found, None));
    }
    let row = resolve(session, &Selector(name.to_owned()))?;
    let not_served = row.not_served();
    let shown = row.alias.as_deref().unwrap_or(&row.name);
    Ok(About::of(status, (row.id.as_str(), shown), not_served))
}

/// Returns id and name of the service of the daemon with this name or id, whether it has run or not.
pub fn service_of<'s>(status: &'s Status, name: &str) -> Option<(&'s str, &'s str)> {
    let is_it = |service: &&'s ServiceStatus| service.name == name || service.id == name;
    status.services.iter().find(is_it).map(|service| (&*service.id, &*service.name))
}

/// The clock of the reader.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalClock {
    pub zone: TimeZone,
    pub now: Timestamp,
}

impl LocalClock {
    /// Returns a time as a clock on the wall shows it, with the date where that is not today.
    pub fn shown(&self, rfc3339: &str) -> String {
        let Ok(at) = rfc3339.parse::<jiff::Timestamp>() else { return rfc3339.to_owned() };
        let at = at.to_zoned(self.zone.clone());
        let today = jiff::Timestamp::from_millisecond(self.now.millis()).map(|now| now.to_zoned(self.zone.clone()));
        match today.is_ok_and(|today| today.date() == at.date()) {
            true => at.strftime("%H:%M").to_string(),
            false => at.strftime("%Y-%m-%d %H:%M").to_string(),
        }
    }
}

/// Returns the sentences for a person, the state first.
pub fn sentences(about: &About, clock: &LocalClock) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(why) = &about.not_served {
        said.push(format!("{} {}", about.name, why));
    }
    for other in &about.answered_by {
        said.push(format!("its requests are answered by an external server: {other}"));
    }
    for server in &about.servers {
        of_server(server, clock, &mut said);
    }
    if about.servers.is_empty() && about.not_served.is_none() && about.answered_by.is_empty() {
        said.push("not loaded: no requests since the daemon started".to_owned());
    }
    for restart in &about.restart_pending {
        let mode = restart.downgrade.map(|mode| format!(" as {}", mode.name())).unwrap_or_default();
        said.push(format!("restarts in {}{mode}", time(restart.retry_in_s)));
    }
    for swap in &about.swap_queue {
        let (by, ago) = (&swap.evicted_by, time(swap.seconds_ago));
        said.push(format!("stopped for {by} {ago} ago; will be loaded again: {}", swap.waits_for));
    }
    if about.paused {
        said.push(
            "the lifecycle is paused: nothing is loaded or stopped automatically; resume with `modelctl lifecycle resume`".into(),
        );
    }
    let skip = about.decisions.len().saturating_sub(DECISIONS);
    said.extend(about.decisions.iter().skip(skip).map(|decision| told(decision, clock)));
    said.into_iter().map(|sentence| text::clean(&sentence).into_owned()).collect()
}

/// Returns a decision as a sentence: `evicted 14:02: qwen needed …`. Foreign names in it are not cleaned.
pub fn told(decision: &Decision, clock: &LocalClock) -> String {
    format!("{} {}: {}", done(&decision.what), clock.shown(&decision.time), decision.reason)
}

fn of_server(server: &ModelStatus, clock: &LocalClock, said: &mut Vec<String>) {
    let what = if server.purpose == "vectors" { "its embedding server: " } else { "" };
    let mut state = format!("{what}{}", in_words(&server.state));
    if server.state == "ready" {
        let on = server.device.as_ref().map(|device| format!(" on {device}"));
        state.push_str(&on.unwrap_or_default());
        let mode = server.mode.map(|mode| mode.name().to_owned());
        let layers = server.gpu_layers.map(|layers| format!("{layers} layers on the GPU"));
        let context = server.context.map(|tokens| format!("context {tokens}"));
        let parts: Vec<String> = [mode, layers, context].into_iter().flatten().collect();
        if !parts.is_empty() {
            state.push_str(&format!(" ({})", parts.join(", ")));
        }
        if server.active_inference_count > 0 {
            let requests = units::plural(server.active_inference_count.into(), "request");
            state.push_str(&format!(", answering {requests}"));
        }
    }
    if server.queued > 0 {
        state.push_str(&format!(", {} waiting", units::plural(server.queued.into(), "request")));
    }
    if server.kind == "headroom" {
        return of_reservation(server, clock, said);
    }
    said.push(state);
    if let Some(why) = &server.mode_reason {
        said.push(format!("not loaded in full: {why}"));
    }
    if server.healthy == Some(false) {
        said.push("its health check fails".to_owned());
    }
    if let Some(error) = server.last_error.as_ref().filter(|_| server.state != "ready") {
        let code = server.last_exit_code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
        said.push(format!("last error: {error}{code}"));
    }
    said.extend(priority(server, clock));
    let flags = [
        (server.pinned, "pinned: never evicted"),
        (server.pressure_evict_only, "stopped only when memory is needed, not when idle"),
        (server.essential, "essential: restarted without limit"),
    ];
    said.extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, words)| (*words).to_owned()));
    if let Some(at) = server.expires_at.as_ref().filter(|_| server.state == "ready") {
        said.push(format!("unloads at {} unless used before", clock.shown(at)));
    }
}

/// Says what is kept free for another program.
fn of_reservation(server: &ModelStatus, clock: &LocalClock, said: &mut Vec<String>) {
    let bytes = server.bytes.iter().fold(0, |sum: u64, held| sum.saturating_add(held.bytes));
    let on = server.device.as_deref().map(|device| format!(" on {device}")).unwrap_or_default();
    match (server.state.as_str(), &server.expires_at) {
        ("ready", Some(at)) => {
            said.push(format!("{} reserved{on} until {}", units::bytes(bytes), clock.shown(at)));
        }
        (state, _) => said.push(format!("its reservation: {}", in_words(state))),
    }
}

fn priority(server: &ModelStatus, clock: &LocalClock) -> Option<String> {
    if let Some(set) = server.priority_override {
        let until = server.override_until.as_ref();
        let until = until.map_or("until it is cleared".to_owned(), |at| format!("until {}", clock.shown(at)));
        return Some(format!("priority {}, set by hand {until}", set.name()));
    }
    let priority = server.priority?;
    let mut why = Vec::new();
    match server.idle_seconds {
        Some(idle) if server.active_inference_count == 0 => why.push(format!("idle for {}", time(idle))),
        _ => {}
    }
    if let Some(timeout) = server.idle_timeout_s.filter(|_| priority != Priority::Active) {
        why.push(format!("timeout {}", time(timeout)));
    }
    if server.boost {
        why.push(format!("used often (popularity {:.2})", server.popularity));
    }
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
    Some(format!("priority {}{why}", priority.name()))
}

fn in_words(state: &str) -> &str {
    match state {
        "queued" => "waits for memory or for its disk",
        "ready" => "loaded",
        "backoff" => "crashed; restarts after a pause",
        "stopped" => "not loaded",
        other => other,
    }
}

/// Returns the past participle of a decision.
fn done(what: &str) -> &str {
    match what {
        "load" => "loaded",
        "unload" => "unloaded",
        "evict" => "evicted",
        "downgrade" => "downgraded",
        "upgrade" => "upgraded",
        "restore" => "restored",
        "restart" => "restarted",
        "give_up" => "given up",
        "refuse" => "refused",
        "pause" => "paused",
        "resume" => "resumed",
        other => other,
    }
}

fn time(secs: f64) -> String {
    // What is not a time is not shown as one.
    let time = Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or_default();
    match time < Duration::from_secs(10) {
        true => {
            format!("{} s", seconds(Duration::from_millis(u64::try_from(time.as_millis() / 100 * 100).unwrap_or(0))))
        }
        false => units::took(Duration::from_secs(time.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lifecycle::Mode;

    fn server() -> ModelStatus {
        ModelStatus {
            id: "a".into(),
            purpose: "main".into(),
            name: "gemma".into(),
            kind: "model".into(),
            state: "ready".into(),
            device: Some("CUDA0".into()),
            mode: Some(Mode::CpuOffload),
            gpu_layers: Some(20),
            context: Some(8_192),
            mode_reason: Some("CUDA0 ran out of memory at 14:00".into()),
            priority: Some(Priority::Warm),
            priority_override: None,
            override_until: None,
            last_access_time: None,
            load_time: Some(3.2),
            access_count: 7,
            idle_seconds: Some(42.0),
            idle_timeout_s: Some(300.0),
            vram_gb: Some(5.1),
            ram_gb: Some(0.4),
            bytes: Vec::new(),
            popularity: 0.82,
            boost: true,
            active_inference_count: 0,
            queued: 0,
            crash_count: 1,
            last_exit_code: Some(137),
            last_error: Some("killed".into()),
            downgraded: true,
            healthy: Some(true),
            pinned: false,
            pressure_evict_only: true,
            essential: false,
            expires_at: Some("2026-11-29T14:10:00Z".into()),
            threads: None,
        }
    }

    fn about(servers: Vec<ModelStatus>) -> About {
        About {
            schema: "modelctl.why/1",
            id: "a".into(),
            name: "gemma".into(),
            servers,
            restart_pending: Vec::new(),
            swap_queue: Vec::new(),
            decisions: Vec::new(),
            paused: false,
            not_served: None,
            answered_by: Vec::new(),
        }
    }

    fn clock() -> LocalClock {
        let now = "2026-11-29T14:05:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        LocalClock { zone: TimeZone::fixed(jiff::tz::offset(1)), now: Timestamp(now) }
    }

    /// A person at 3 a.m. reads why a model is slow, and when it goes.
    #[test]
    fn a_loaded_model_says_where_it_is_why_not_in_full_and_how_long_it_stays() {
        assert_eq!(
            sentences(&about(vec![server()]), &clock()),
            [
                "loaded on CUDA0 (cpu_offload, 20 layers on the GPU, context 8192)",
                "not loaded in full: CUDA0 ran out of memory at 14:00",
                "priority warm (idle for 42s, timeout 5m, used often (popularity 0.82))",
                "stopped only when memory is needed, not when idle",
                "unloads at 15:10 unless used before",
            ]
        );
    }

    #[test]
    fn an_evicted_model_says_for_what_and_when_it_comes_back() {
        let mut told = about(vec![ModelStatus {
            state: "stopped".into(),
            mode_reason: None,
            priority: None,
            last_error: None,
            pressure_evict_only: false,
            ..server()
        }]);
        told.swap_queue = vec![SwapEntry {
            id: "a".into(),
            name: "gemma".into(),
            evicted_by: "qwen".into(),
            seconds_ago: 61.0,
            waits_for: "until qwen is idle".into(),
        }];
        told.decisions = vec![Decision {
            number: 1,
            time: "2026-11-28T13:02:00Z".into(),
            id: Some("a".into()),
            name: Some("gemma".into()),
            what: "evict".into(),
            reason: "qwen needed 5.1 GiB on CUDA0, 2.3 GiB were free\u{1b}[2J".into(),
        }];
        assert_eq!(
            sentences(&told, &clock()),
            [
                "not loaded",
                "stopped for qwen 1m 1s ago; will be loaded again: until qwen is idle",
                "evicted 2026-11-28 14:02: qwen needed 5.1 GiB on CUDA0, 2.3 GiB were free\\x1b[2J",
            ]
        );
    }

    #[test]
    fn a_model_that_nobody_asked_for_says_so_and_one_that_is_not_served_says_why() {
        assert_eq!(sentences(&about(Vec::new()), &clock()), ["not loaded: no requests since the daemon started"]);
        let told = About { not_served: Some("is disabled".into()), ..about(Vec::new()) };
        assert_eq!(sentences(&told, &clock()), ["gemma is disabled"]);
    }
}
