//! The status that people and programs see, made of what the state and the deciding task know.

use super::uses::Use;
use crate::clock::Timestamp;
use crate::host::budget::MAIN_MEMORY;
use crate::lifecycle::{DeviceBytes, KeyKind, Phase, ServerKey, ServerView};
use crate::model::lifecycle::{
    Decision, DeviceReading, DeviceStatus, External, Mode, ModelStatus, NodeTier, Pressure, Priority, Readings,
    RestartPending, Status, SwapEntry,
};
use std::collections::{BTreeMap, BTreeSet};
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

/// One server as it is shown. What is not known has its default.
#[derive(Debug, Clone)]
pub struct ServerInput {
    pub view: ServerView,
    pub used: Use,
    pub shape: Shape,
    pub rank: Rank,
    pub flags: Flags,
    pub crashes: u32,
    pub last_exit_code: Option<i32>,
    /// Whether it answers its health check; `None`: not known.
    pub healthy: Option<bool>,
}

/// How a server is loaded.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub mode: Option<Mode>,
    pub gpu_layers: Option<u32>,
    pub context: Option<u32>,
    pub threads: Option<u32>,
    /// Why it is not loaded in full.
    pub reason: Option<String>,
    /// The mode of the next start after a crash, where it is a lesser one.
    pub next: Option<Mode>,
}

/// How much a server is needed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rank {
    pub priority: Option<Priority>,
    /// A person's, and its end.
    pub set: Option<(Priority, Option<Duration>)>,
    pub popularity: f64,
    pub boost: bool,
    pub idle_timeout: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Flags {
    pub pressure_evict_only: bool,
    pub essential: bool,
}

/// What a status is made of.
#[derive(Debug)]
pub struct Input<'a> {
    pub moment: Moment,
    /// Whether the daemon is not about to end.
    pub running: bool,
    pub paused: bool,
    pub tick_count: u64,
    pub interval: Duration,
    pub longest_step: Duration,
    pub node_tier: Option<NodeTier>,
    pub servers: Vec<ServerInput>,
    pub readings: Option<&'a Readings>,
    pub externals: &'a [External],
    pub pressures: Vec<Pressure>,
    pub throttle_factor: f64,
    pub swaps: Vec<SwapEntry>,
    /// The oldest first.
    pub decisions: Vec<Decision>,
    pub decision_counts: BTreeMap<String, u64>,
}

pub fn status_of(input: Input<'_>) -> Status {
    let moment = input.moment;
    Status {
        schema: SCHEMA.to_owned(),
        running: input.running,
        tick_count: input.tick_count,
        interval_s: seconds(input.interval),
        paused: input.paused,
        longest_step_ms: seconds(input.longest_step) * 1_000.0,
        node_tier: input.node_tier,
        models: input.servers.iter().map(|server| model(server, moment)).collect(),
        devices: devices(&input),
        pressures: input.pressures,
        throttle_factor: input.throttle_factor,
        readings: input.readings.cloned(),
        restart_pending: input.servers.iter().filter_map(|server| restart(server, moment)).collect(),
        swap_queue: input.swaps,
        externals: input.externals.to_vec(),
        decisions: input.decisions,
        decision_counts: input.decision_counts,
    }
}

/// Returns what a key stands for, in a word.
pub fn kind(key: &ServerKey) -> &'static str {
    match key.kind() {
        KeyKind::Model => "model",
        KeyKind::Service(_) => "service",
        KeyKind::Headroom(_) => "headroom",
    }
}

fn model(server: &ServerInput, moment: Moment) -> ModelStatus {
    let ServerInput { view, used, shape, rank, flags, .. } = server;
    let idle = used.idle(moment.now);
    let held = |in_main: bool| {
        let of = view.reserved.iter().filter(|held| (held.device == MAIN_MEMORY) == in_main);
        let sum = of.fold(0u64, |sum, held| sum.saturating_add(held.bytes));
        (!view.reserved.is_empty()).then(|| round(sum as f64 / GIB, 1_000.0))
    };
    ModelStatus {
        id: view.key.model.to_string(),
        purpose: view.key.purpose.name().to_owned(),
        name: view.name.clone(),
        kind: kind(&view.key).to_owned(),
        state: view.phase.name().to_owned(),
        device: main_device(&view.reserved),
        mode: shape.mode,
        gpu_layers: shape.gpu_layers,
        context: shape.context,
        mode_reason: shape.reason.clone(),
        priority: rank.priority,
        priority_override: rank.set.map(|(priority, _)| priority),
        override_until: rank.set.and_then(|(_, until)| until).map(|until| moment.at(until)),
        last_access_time: idle.map(|idle| moment.ago(idle)),
        load_time: used.load_time.map(seconds),
        access_count: used.access_count,
        idle_seconds: idle.filter(|_| view.in_flight == 0).map(seconds),
        idle_timeout_s: rank.idle_timeout.map(seconds),
        vram_gb: held(false),
        ram_gb: held(true),
        bytes: view.reserved.clone(),
        popularity: round(rank.popularity, 1_000.0),
        boost: rank.boost,
        active_inference_count: view.in_flight,
        queued: view.queued,
        crash_count: server.crashes,
        last_exit_code: server.last_exit_code,
        last_error: view.last_error.clone(),
        downgraded: shape.reason.is_some(),
        healthy: server.healthy,
        pinned: view.pinned,
        pressure_evict_only: flags.pressure_evict_only,
        essential: flags.essential,
        expires_at: view.expires.map(|at| moment.at(at)),
        threads: shape.threads,
    }
}

fn restart(server: &ServerInput, moment: Moment) -> Option<RestartPending> {
    let Phase::Backoff { until } = server.view.phase else { return None };
    Some(RestartPending {
        id: server.view.key.model.to_string(),
        name: server.view.name.clone(),
        retry_in_s: moment.left(until),
        downgrade: server.shape.next,
    })
}

fn devices(input: &Input<'_>) -> Vec<DeviceStatus> {
    let on = |device: &str, bytes: &[DeviceBytes]| {
        let of = bytes.iter().filter(|held| held.device == device);
        of.fold(0u64, |sum, held| sum.saturating_add(held.bytes))
    };
    let sum = |device: &str, is_reserved: bool| {
        let of = input.servers.iter().filter(|server| (kind(&server.view.key) == "headroom") == is_reserved);
        of.fold(0u64, |sum, server| sum.saturating_add(on(device, &server.view.reserved)))
    };
    let read = read_devices(input.readings);
    let held = input.servers.iter().flat_map(|server| &server.view.reserved);
    let foreign = input.externals.iter().flat_map(|external| &external.bytes);
    let named = held.chain(foreign).map(|bytes| bytes.device.clone());
    let names: BTreeSet<String> = read.iter().map(|device| device.device.clone()).chain(named).collect();
    let device = |name: String| {
        let found = read.iter().find(|device| device.device == name);
        DeviceStatus {
            total: found.map(|device| device.total),
            free: found.map(|device| device.free),
            ours: sum(&name, false),
            external: input.externals.iter().fold(0, |sum, other| sum.saturating_add(on(&name, &other.bytes))),
            reserved: sum(&name, true),
            device: name,
        }
    };
    names.into_iter().map(device).collect()
}

/// Returns what was read of GPUs and of main memory.
fn read_devices(readings: Option<&Readings>) -> Vec<DeviceReading> {
    let Some(readings) = readings else { return Vec::new() };
    let main = readings.memory.known().map(|memory| DeviceReading {
        device: MAIN_MEMORY.to_owned(),
        total: memory.total,
        free: memory.available,
    });
    main.into_iter().chain(readings.devices.known().into_iter().flatten().cloned()).collect()
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
    use crate::model::lifecycle::MemoryReading;
    use crate::model::{ModelId, Reading};

    fn server(key: ServerKey, device: &str, bytes: u64) -> ServerInput {
        let view = ServerView {
            name: key.to_string(),
            key,
            phase: Phase::Backoff { until: Duration::from_secs(130) },
            pinned: false,
            in_flight: 0,
            queued: 0,
            slots: 1,
            reserved: vec![DeviceBytes { device: device.into(), bytes }],
            expires: Some(Duration::from_secs(160)),
            last_error: None,
        };
        let used = Use { last_access: Some(Duration::from_secs(40)), access_count: 3, ..Use::default() };
        let (shape, rank, flags) = (Shape::default(), Rank::default(), Flags::default());
        ServerInput { view, used, shape, rank, flags, crashes: 1, last_exit_code: Some(137), healthy: None }
    }

    fn input<'a>(servers: Vec<ServerInput>, readings: Option<&'a Readings>) -> Input<'a> {
        Input {
            moment: Moment { now: Duration::from_secs(100), wall: Timestamp(1_000_000) },
            running: true,
            paused: false,
            tick_count: 4,
            interval: Duration::from_secs(15),
            longest_step: Duration::from_micros(1_500),
            node_tier: None,
            servers,
            readings,
            externals: &[],
            pressures: Vec::new(),
            throttle_factor: 1.0,
            swaps: Vec::new(),
            decisions: Vec::new(),
            decision_counts: BTreeMap::new(),
        }
    }

    /// An operator reads from it when a server comes back, how long it has been idle, and what its memory is for.
    #[test]
    fn times_are_those_of_the_wall_and_memory_for_others_is_apart() {
        let servers = vec![
            server(ServerKey::main(ModelId("aaaaaaaaaaaa".into())), "CUDA0", 3 << 29),
            server(ServerKey::headroom("comfy"), "CUDA0", 1 << 30),
        ];
        let readings = Readings {
            devices: Reading::Unavailable("the driver did not answer in 10 s".into()),
            memory: Reading::Known(MemoryReading { total: 8, available: 5 }),
            stalls: Reading::Known(0.0),
            cpu: Reading::Known(1.0),
            disks: Vec::new(),
        };
        let status = status_of(input(servers, Some(&readings)));
        let model = &status.models[0];
        assert_eq!(model.last_access_time.as_deref(), Some("1970-01-01T00:15:40Z"));
        assert_eq!(model.expires_at.as_deref(), Some("1970-01-01T00:17:40Z"));
        assert_eq!((model.idle_seconds, model.vram_gb, model.ram_gb), (Some(60.0), Some(1.5), Some(0.0)));
        assert_eq!((model.device.as_deref(), status.models[1].kind.as_str()), (Some("CUDA0"), "headroom"));
        assert_eq!((status.restart_pending[0].retry_in_s, status.longest_step_ms), (30.0, 2.0));
        let (main, gpu) = (&status.devices[0], &status.devices[1]);
        assert_eq!((main.device.as_str(), main.total, main.ours), ("CPU", Some(8), 0));
        assert_eq!((gpu.total, gpu.ours, gpu.reserved), (None, 3 << 29, 1 << 30), "unknown is not zero");
    }

    #[test]
    fn the_device_of_a_model_is_the_one_that_works() {
        let of = |device: &str, bytes| DeviceBytes { device: device.into(), bytes };
        assert_eq!(main_device(&[of("CPU", 9), of("CUDA1", 5)]).as_deref(), Some("CUDA1"));
        assert_eq!(main_device(&[of("CPU", 9), of("CUDA0", 0)]).as_deref(), Some("CPU"));
        assert_eq!(main_device(&[]), None);
    }
}
