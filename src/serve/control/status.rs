//! The status that people and programs see, made of what the state and the deciding task know.

use crate::clock::Timestamp;
use crate::host::budget::MAIN_MEMORY;
use crate::lifecycle::{Decided, DeviceBytes, KeyKind, Overview, Phase, ServerKey, ServerOverview, SwapWait};
use crate::model::lifecycle::{Decision, ModelStatus, RestartPending, ServiceStatus, Status, SwapEntry};
use crate::model::service::ServiceSpec;
use std::collections::BTreeMap;
use std::time::Duration;

const SCHEMA: &str = "modelctl.lifecycle/1";
const GIB: f64 = (1u64 << 30) as f64;

/// A moment on the clock of the state, and the same on the wall.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: Duration,
    pub wall: Timestamp,
}

impl Moment {
    /// Returns a time of the state as people see it.
    pub fn at(self, time: Duration) -> String {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let ahead = millis(time).saturating_sub(millis(self.now));
        Timestamp(self.wall.millis().saturating_add(ahead)).rfc3339()
    }

    /// Returns the time that was so long ago as people see it.
    pub fn ago(self, age: Duration) -> String {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.wall.millis().saturating_sub(age)).rfc3339()
    }

    fn left(self, until: Duration) -> f64 {
        seconds(until.saturating_sub(self.now))
    }
}

/// What is known beside the state.
#[derive(Debug)]
pub struct Beside<'a> {
    pub wall: Timestamp,
    /// Whether the daemon is not about to end.
    pub running: bool,
    pub interval: Duration,
    pub longest_step: Duration,
    pub decision_counts: &'a BTreeMap<&'static str, u64>,
    /// The services of the config.
    pub services: &'a [ServiceSpec],
    /// Tokens of context and threads of servers, as they were started.
    pub started: BTreeMap<ServerKey, Started>,
}

/// How a server was started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Started {
    pub context: Option<u32>,
    pub threads: Option<u32>,
}

/// Returns what people and programs see.
pub fn status_of(overview: Overview, beside: &Beside<'_>) -> Status {
    let moment = Moment { now: overview.now, wall: beside.wall };
    let started = |key: &ServerKey| beside.started.get(key).copied().unwrap_or_default();
    Status {
        schema: SCHEMA.to_owned(),
        running: beside.running,
        tick_count: overview.ticks,
        interval_s: seconds(beside.interval),
        paused: overview.is_paused,
        longest_step_ms: round(beside.longest_step.as_secs_f64() * 1_000.0, 1_000.0),
        node_tier: overview.tier,
        models: overview.servers.iter().map(|server| model(server, started(&server.view.key), moment)).collect(),
        devices: overview.devices,
        pressures: overview.pressures,
        throttle_factor: overview.throttle_factor,
        readings: overview.readings.map(|(_, readings)| readings),
        restart_pending: overview.servers.iter().filter_map(|server| restart(server, moment)).collect(),
        swap_queue: overview.swaps.into_iter().map(swap).collect(),
        services: beside.services.iter().map(|spec| service(spec, &overview.servers)).collect(),
        externals: overview.externals,
        decisions: overview.decisions.into_iter().map(|decided| decision(decided, moment)).collect(),
        decision_counts: beside.decision_counts.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect(),
    }
}

fn service(spec: &ServiceSpec, servers: &[ServerOverview]) -> ServiceStatus {
    let key = ServerKey::service(&spec.name);
    let phase = servers.iter().find(|server| server.view.key == key).map(|server| server.view.phase.name());
    ServiceStatus {
        id: key.model.to_string(),
        name: spec.name.clone(),
        kind: spec.kind.name().to_owned(),
        state: phase.unwrap_or(Phase::Stopped.name()).to_owned(),
        routes: spec.routes.clone(),
        capabilities: spec.capabilities.clone(),
        pinned: spec.pinned,
    }
}

fn swap(wait: SwapWait) -> SwapEntry {
    SwapEntry {
        id: wait.key.model.to_string(),
        name: wait.name,
        evicted_by: wait.by_name,
        seconds_ago: seconds(wait.ago),
        waits_for: wait.waits_for,
    }
}

fn decision(decided: Decided, moment: Moment) -> Decision {
    Decision {
        number: decided.number,
        time: moment.at(decided.at),
        id: decided.key.map(|key| key.model.to_string()),
        name: decided.name,
        what: decided.what.to_owned(),
        reason: decided.reason,
    }
}

/// Returns what a key stands for, in a word.
fn kind(key: &ServerKey) -> &'static str {
    match key.kind() {
        KeyKind::Model => "model",
        KeyKind::Service(_) => "service",
        KeyKind::Headroom(_) => "headroom",
    }
}

fn model(server: &ServerOverview, started: Started, moment: Moment) -> ModelStatus {
    let view = &server.view;
    let held = |in_main: bool| {
        let of = view.reserved.iter().filter(|held| (held.device == MAIN_MEMORY) == in_main);
        let sum = of.fold(0u64, |sum, held| sum.saturating_add(held.bytes));
        (!view.reserved.is_empty()).then(|| round(sum as f64 / GIB, 1_000.0))
    };
    let rung = &server.rung.rung;
    ModelStatus {
        id: view.key.model.to_string(),
        purpose: view.key.purpose.name().to_owned(),
        name: view.name.clone(),
        kind: kind(&view.key).to_owned(),
        state: view.phase.name().to_owned(),
        device: main_device(&view.reserved),
        mode: view.shape.mode,
        gpu_layers: view.shape.gpu_layers,
        context: started.context.or(Some(rung.context)).filter(|tokens| *tokens > 0 && !view.reserved.is_empty()),
        mode_reason: server.mode_reason.clone(),
        priority: server.priority,
        priority_override: server.by_person.map(|(priority, _)| priority),
        override_until: server.by_person.and_then(|(_, until)| until).map(|until| moment.at(until)),
        last_access_time: server.last_access.map(|age| moment.ago(age)),
        load_time: server.load_time.map(seconds),
        access_count: server.access_count,
        idle_seconds: server.idle.map(seconds),
        idle_timeout_s: server.idle_timeout.map(seconds),
        vram_gb: held(false),
        ram_gb: held(true),
        bytes: view.reserved.clone(),
        popularity: round(server.popularity, 1_000.0),
        boost: server.boosted,
        active_inference_count: view.in_flight,
        queued: view.queued,
        crash_count: server.crashes,
        last_exit_code: server.last_exit_code,
        last_error: view.last_error.clone(),
        downgraded: server.downgraded,
        healthy: server.healthy,
        pinned: view.pinned,
        pressure_evict_only: server.pressure_evict_only,
        essential: server.essential,
        expires_at: view.expires.map(|at| moment.at(at)),
        threads: server.threads.or(started.threads),
    }
}

fn restart(server: &ServerOverview, moment: Moment) -> Option<RestartPending> {
    let Phase::Backoff { until } = server.view.phase else { return None };
    Some(RestartPending {
        id: server.view.key.model.to_string(),
        name: server.view.name.clone(),
        retry_in_s: moment.left(until),
        downgrade: server.next_mode,
    })
}

/// Returns the device that holds most.
fn main_device(bytes: &[DeviceBytes]) -> Option<String> {
    // Where a GPU holds anything it does the work, however much stays in main memory.
    let gpu = bytes.iter().filter(|held| held.device != MAIN_MEMORY && held.bytes > 0).max_by_key(|held| held.bytes);
    gpu.or_else(|| bytes.iter().max_by_key(|held| held.bytes)).map(|held| held.device.clone())
}

fn seconds(time: Duration) -> f64 {
    round(time.as_secs_f64(), 1_000.0)
}

fn round(value: f64, by: f64) -> f64 {
    (value * by).round() / by
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{ChosenRung, ServerView, Shape};
    use crate::model::ModelId;
    use crate::model::lifecycle::{Mode, Rung};

    fn server(key: ServerKey, device: &str, bytes: u64) -> ServerOverview {
        let reserved = vec![DeviceBytes { device: device.into(), bytes }];
        let view = ServerView {
            name: key.to_string(),
            key,
            phase: Phase::Backoff { until: Duration::from_secs(130) },
            pinned: false,
            in_flight: 0,
            queued: 0,
            waiting: [0; 3],
            slots: 1,
            reserved: reserved.clone(),
            shape: Shape::default(),
            expires: Some(Duration::from_secs(160)),
            last_error: None,
        };
        let rung = Rung { mode: Mode::Gpu, context: 4_096, gpu_layers: None, needs: reserved };
        ServerOverview {
            view,
            rung: ChosenRung { index: 0, rung },
            next_mode: Some(Mode::CpuOffload),
            downgraded: false,
            mode_reason: None,
            priority: None,
            by_person: None,
            last_access: Some(Duration::from_secs(60)),
            access_count: 3,
            load_time: None,
            idle: Some(Duration::from_secs(60)),
            idle_timeout: None,
            popularity: 0.0,
            boosted: false,
            crashes: 1,
            last_exit_code: Some(137),
            healthy: None,
            pressure_evict_only: false,
            essential: false,
            threads: None,
        }
    }

    fn overview(servers: Vec<ServerOverview>) -> Overview {
        let decided = Decided {
            number: 1,
            at: Duration::from_secs(40),
            key: None,
            name: None,
            what: "pause",
            reason: "a person".into(),
        };
        Overview {
            now: Duration::from_secs(100),
            ticks: 4,
            is_paused: false,
            tier: None,
            servers,
            pressures: Vec::new(),
            throttle_factor: 1.0,
            margin_factor: 1,
            devices: Vec::new(),
            readings: None,
            swaps: Vec::new(),
            externals: Vec::new(),
            decisions: vec![decided],
        }
    }

    /// An operator reads from it when a server comes back, how long it has been idle, and what its memory is for.
    #[test]
    fn times_are_those_of_the_wall_and_memory_for_others_is_apart() {
        let servers = vec![
            server(ServerKey::main(ModelId("aaaaaaaaaaaa".into())), "CUDA0", 3 << 29),
            server(ServerKey::headroom("comfy"), "CUDA0", 1 << 30),
        ];
        let beside = Beside {
            services: &[],
            wall: Timestamp(1_000_000),
            running: true,
            interval: Duration::from_secs(15),
            longest_step: Duration::from_micros(1_500),
            decision_counts: &BTreeMap::from([("pause", 7)]),
            started: BTreeMap::new(),
        };
        let status = status_of(overview(servers), &beside);
        let model = &status.models[0];
        assert_eq!(model.last_access_time.as_deref(), Some("1970-01-01T00:15:40Z"));
        assert_eq!(model.expires_at.as_deref(), Some("1970-01-01T00:17:40Z"));
        assert_eq!((model.idle_seconds, model.vram_gb, model.ram_gb), (Some(60.0), Some(1.5), Some(0.0)));
        assert_eq!((model.device.as_deref(), status.models[1].kind.as_str()), (Some("CUDA0"), "headroom"));
        let restart = &status.restart_pending[0];
        assert_eq!((restart.retry_in_s, restart.downgrade), (30.0, Some(Mode::CpuOffload)));
        assert_eq!((status.longest_step_ms, status.decision_counts["pause"]), (1.5, 7));
        assert_eq!(status.decisions[0].time, "1970-01-01T00:15:40Z");
    }

    #[test]
    fn the_device_of_a_model_is_the_one_that_works() {
        let of = |device: &str, bytes| DeviceBytes { device: device.into(), bytes };
        assert_eq!(main_device(&[of("CPU", 9), of("CUDA1", 5)]).as_deref(), Some("CUDA1"));
        assert_eq!(main_device(&[of("CPU", 9), of("CUDA0", 0)]).as_deref(), Some("CPU"));
        assert_eq!(main_device(&[]), None);
    }
}
