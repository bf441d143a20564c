//! A machine in virtual time: a ledger, servers that load and end, clients that come and leave.

use super::super::{
    Answer, Class, Decided, DeviceBytes, Effect, End, EndClass, Event, Generation, Holder, KeyKind, Offloaded,
    Overview, Policy, Profile, Refusal, Report, ServerKey, State, WaiterId,
};
use super::watch::Watch;
use crate::model::backoff::Jitter;
use crate::model::lifecycle::{DeviceReading, MemoryReading, Mode, Readings, Rung};
use crate::model::{ModelId, Reading};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A random number generator (SplitMix64, Steele et al. 2014) with a seed that names the schedule.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    pub fn ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

pub fn key(n: u64) -> ServerKey {
    ServerKey::main(ModelId(format!("model-{n}")))
}

pub fn cpu(bytes: u64) -> Vec<DeviceBytes> {
    vec![DeviceBytes { device: "CPU".to_owned(), bytes }]
}

pub fn profile(n: u64, bytes: u64) -> Profile {
    Profile { name: format!("model-{n}"), needs: cpu(bytes), disk: n % 2, ..Profile::default() }
}

pub fn on(device: &str, bytes: u64) -> Vec<DeviceBytes> {
    vec![DeviceBytes { device: device.to_owned(), bytes }]
}

pub const GPU: &str = "CUDA0";

/// A model that is on the GPU, in halves, or in main memory.
pub fn with_ladder(n: u64, bytes: u64) -> Profile {
    let rung = |mode, gpu: u64| Rung {
        mode,
        context: 8_192,
        gpu_layers: None,
        needs: [on(GPU, gpu), cpu(bytes - gpu)].concat().into_iter().filter(|need| need.bytes > 0).collect(),
    };
    let rungs = vec![rung(Mode::Gpu, bytes), rung(Mode::CpuOffload, bytes / 2), rung(Mode::CpuOnly, 0)];
    Profile { needs: on(GPU, bytes), rungs, ..profile(n, bytes) }
}

/// What happens next.
#[derive(Debug, Clone)]
enum Due {
    Event(Event),
    Admit(ServerKey, Generation, Vec<DeviceBytes>),
    /// A reservation ends, with its process.
    Gone(ServerKey, Generation, Event),
    /// Memory is free that was slow to be.
    Freed(Vec<DeviceBytes>),
    /// A running answer ends.
    Answered(WaiterId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Waits,
    Runs,
    Done,
    Denied,
    Lost,
    Left,
}

pub struct World {
    pub state: State,
    pub now: Duration,
    /// The time of the last tick, and how many came at it without another event.
    ticked: Duration,
    ticks: u32,
    pub random: Random,
    pub budget: u64,
    /// The memory of the GPU.
    pub gpu: u64,
    pub others: u64,
    pub others_on_gpu: u64,
    pub others_end_soon: bool,
    /// What has been given back by all accounts, and is not free yet.
    lagging: Vec<DeviceBytes>,
    /// Some processes cannot be ended, and some memory is slow to be free.
    pub is_rough: bool,
    pub stuck: BTreeSet<(ServerKey, Generation)>,
    pub ledger: BTreeMap<(ServerKey, Generation), Vec<DeviceBytes>>,
    due: BTreeMap<(Duration, u64), Due>,
    ticket: u64,
    pub outcomes: BTreeMap<WaiterId, Outcome>,
    running: BTreeMap<WaiterId, (ServerKey, Generation)>,
    ready: BTreeMap<ServerKey, (Generation, u32)>,
    pub pinned: BTreeSet<ServerKey>,
    pub launches: Vec<(Duration, ServerKey)>,
    /// The way in which each server was loaded the last time.
    pub modes: BTreeMap<ServerKey, Mode>,
    pub answers: Vec<Answer>,
    pub watch: Watch,
    pub reports: Vec<Report>,
    /// Of each server that was lost: whether it had one request alone.
    pub losses: Vec<bool>,
    pub is_over: bool,
    /// Servers end at their start, at their first request, or not by themselves.
    pub fails_at_start: BTreeSet<ServerKey>,
    pub slots: u32,
    pub answer: (u64, u64),
    waits_since: BTreeMap<WaiterId, Duration>,
    pub longest_wait: Duration,
}

impl World {
    pub fn new(seed: u64, budget: u64) -> World {
        World {
            state: State::new(Policy::default()),
            now: Duration::ZERO,
            ticked: Duration::ZERO,
            ticks: 0,
            random: Random(seed),
            budget,
            gpu: 0,
            others: 0,
            others_on_gpu: 0,
            others_end_soon: false,
            lagging: Vec::new(),
            is_rough: false,
            stuck: BTreeSet::new(),
            ledger: BTreeMap::new(),
            due: BTreeMap::new(),
            ticket: 0,
            outcomes: BTreeMap::new(),
            running: BTreeMap::new(),
            ready: BTreeMap::new(),
            pinned: BTreeSet::new(),
            launches: Vec::new(),
            modes: BTreeMap::new(),
            answers: Vec::new(),
            watch: Watch::default(),
            reports: Vec::new(),
            losses: Vec::new(),
            is_over: false,
            fails_at_start: BTreeSet::new(),
            slots: 2,
            answer: (50, 8_000),
            waits_since: BTreeMap::new(),
            longest_wait: Duration::ZERO,
        }
    }

    fn later(&mut self, after: Duration, due: Due) {
        self.ticket += 1;
        self.due.insert((self.now + after, self.ticket), due);
    }

    pub fn ask(&mut self, waiter: WaiterId, key: ServerKey, class: Class, profile: Profile) {
        self.outcomes.insert(waiter, Outcome::Waits);
        self.waits_since.insert(waiter, self.now);
        self.happens(Event::Acquire { waiter, key, class, is_retry: false, profile });
    }

    pub fn start(&mut self, waiter: WaiterId, key: ServerKey, may_evict: bool, profile: Profile) {
        self.outcomes.insert(waiter, Outcome::Waits);
        self.happens(Event::Start { waiter, key, may_evict, profile });
    }

    pub fn stop(&mut self, waiter: WaiterId, key: ServerKey, now: bool) {
        self.outcomes.insert(waiter, Outcome::Waits);
        self.happens(Event::Stop { waiter, key, now });
    }

    pub fn keep(&mut self, key: &ServerKey, idle: Duration) {
        self.happens(Event::Keep { key: key.clone(), idle });
    }

    pub fn leave(&mut self, waiter: WaiterId) {
        if matches!(self.outcomes.get(&waiter), Some(Outcome::Waits | Outcome::Runs)) {
            self.outcomes.insert(waiter, Outcome::Left);
            self.running.remove(&waiter);
            self.happens(Event::Leave { waiter });
        }
    }

    /// Ends a server that runs or loads.
    pub fn die(&mut self, key: &ServerKey, class: EndClass) {
        let Some((key, generation)) = self.ledger.keys().find(|(k, _)| k == key).cloned() else { return };
        // A process that does not run yet cannot end.
        if self.launches.iter().any(|(_, launched)| *launched == key) {
            let event = Event::Ended { key: key.clone(), generation, end: end(class) };
            self.later(Duration::ZERO, Due::Gone(key, generation, event));
        }
    }

    pub fn wedge(&mut self, key: &ServerKey) {
        if let Some((generation, _)) = self.ready.get(key).copied() {
            self.happens(Event::Wedged { key: key.clone(), generation, reason: "it does not decode".into() });
        }
    }

    /// Reserves memory for another program.
    pub fn headroom(&mut self, waiter: WaiterId, id: &str, needs: Vec<DeviceBytes>, ttl: Duration) {
        self.outcomes.insert(waiter, Outcome::Waits);
        let (id, requester) = (id.to_owned(), format!("program-{id}"));
        self.happens(Event::Headroom { waiter, id, requester, needs, ttl });
    }

    pub fn release(&mut self, waiter: WaiterId, id: &str) {
        self.outcomes.insert(waiter, Outcome::Waits);
        self.happens(Event::ReleaseHeadroom { waiter, id: id.to_owned() });
    }

    pub fn swap(&mut self, waiter: WaiterId, needed: ServerKey, profile: Profile, evict: Vec<ServerKey>) {
        self.outcomes.insert(waiter, Outcome::Waits);
        self.happens(Event::Swap { waiter, needed, profile, evict, reason: "a test".into() });
    }

    pub fn offload(&mut self, waiter: WaiterId, key: &ServerKey, to: Option<Mode>) -> Offloaded {
        self.outcomes.insert(waiter, Outcome::Waits);
        self.happens(Event::Offload { waiter, key: key.clone(), to });
        match self.answers.last() {
            Some(Answer::Offload(offloaded)) => *offloaded,
            other => panic!("{other:?}"),
        }
    }

    pub fn set_cores(&mut self, cores: u32) {
        self.state = State::new(Policy { cores, ..Policy::default() });
        self.watch.cores = cores;
    }

    pub fn health(&mut self, key: &ServerKey, health: Reading<bool>) {
        if let Some((generation, _)) = self.ready.get(key).copied() {
            self.happens(Event::Health { key: key.clone(), generation, health });
        }
    }

    pub fn used(&self, device: &str) -> u64 {
        let held = self.ledger.values().flatten().chain(&self.lagging);
        let ours = held.filter(|held| held.device == device).map(|held| held.bytes);
        ours.sum::<u64>() + if device == GPU { self.others_on_gpu } else { self.others }
    }

    /// Returns what would be read now. What others take may be more than there is.
    pub fn readings(&self) -> Readings {
        let gpu = DeviceReading { device: GPU.into(), total: self.gpu, free: self.gpu.saturating_sub(self.used(GPU)) };
        let available = self.budget.saturating_sub(self.used("CPU"));
        Readings {
            devices: Reading::Known(if self.gpu > 0 { vec![gpu] } else { Vec::new() }),
            memory: Reading::Known(MemoryReading { total: self.budget, available }),
            stalls: Reading::Known(0.0),
            cpu: Reading::Known(10.0),
            disks: Vec::new(),
        }
    }

    pub fn read(&mut self) {
        let readings = self.readings();
        self.happens(Event::Readings(readings));
    }

    /// Sends readings that were made now after a while.
    pub fn read_late(&mut self, after: Duration) {
        let readings = self.readings();
        self.later(after, Due::Event(Event::Readings(readings)));
    }

    pub fn happens(&mut self, event: Event) {
        self.watch.before(&mut self.state, self.now, &event, &self.pinned);
        let effects = self.state.step(self.now, event);
        for effect in &effects {
            self.watch.effect(&self.state, self.now, effect);
        }
        for effect in effects {
            self.does(effect);
        }
        let generating: BTreeSet<ServerKey> = self.running.values().map(|(key, _)| key.clone()).collect();
        self.watch.after(&self.state, self.now, &generating);
        self.check();
    }

    pub fn overview(&self) -> Overview {
        self.state.overview(self.now)
    }

    pub fn decisions(&self, of: &ServerKey) -> Vec<Decided> {
        self.overview().decisions.into_iter().filter(|decided| decided.key.as_ref() == Some(of)).collect()
    }

    fn does(&mut self, effect: Effect) {
        match effect {
            Effect::Admit { key, generation, chosen, .. } => {
                let after = self.random.ms(0, 20);
                self.later(after, Due::Admit(key, generation, chosen.rung.needs));
            }
            Effect::Withdraw { key, generation } => {
                let after = self.random.ms(20, 40);
                let event = Event::Stopped { key: key.clone(), generation };
                self.later(after, Due::Gone(key, generation, event));
            }
            Effect::Launch { key, generation, chosen } => {
                assert!(self.ledger.contains_key(&(key.clone(), generation)), "{key} is launched without memory");
                assert_eq!(
                    self.ledger[&(key.clone(), generation)],
                    chosen.rung.needs,
                    "{key} was admitted in another way"
                );
                self.launches.push((self.now, key.clone()));
                self.modes.insert(key.clone(), chosen.rung.mode);
                if matches!(key.kind(), KeyKind::Headroom(_)) {
                    return self
                        .later(Duration::from_millis(1), Due::Event(Event::Ready { key, generation, slots: 1 }));
                }
                let took = self.random.ms(200, 6_000);
                if self.fails_at_start.contains(&key) {
                    let event = Event::Ended { key: key.clone(), generation, end: end(EndClass::Crash) };
                    return self.later(took / 10, Due::Gone(key, generation, event));
                }
                let event = Event::Progress { key: key.clone(), generation, fraction: 0.5 };
                self.later(took / 2, Due::Event(event));
                let slots = self.slots;
                self.later(took, Due::Event(Event::Ready { key, generation, slots }));
            }
            Effect::Stop { key, generation, now } => {
                let runs = self.running.values().any(|(of, _)| *of == key);
                assert!(!runs || now, "{key} is stopped while it answers");
                self.ready.remove(&key);
                let slow = if self.random.one_in(10) { 10_000 } else { 500 };
                let after = self.random.ms(5, slow);
                let event = Event::Stopped { key: key.clone(), generation };
                let is_process = !matches!(key.kind(), KeyKind::Headroom(_));
                if self.is_rough && is_process && self.random.one_in(150) {
                    let reason = "it is in state D".to_owned();
                    self.stuck.insert((key.clone(), generation));
                    let stuck = Event::Stuck { key: key.clone(), generation, reason };
                    self.later(after, Due::Event(stuck));
                    if self.random.one_in(2) {
                        return;
                    }
                    let late = after + self.random.ms(1_000, 300_000);
                    return self.later(late, Due::Gone(key, generation, event));
                }
                self.later(after, Due::Gone(key, generation, event));
            }
            Effect::Kill { key, generation } => {
                let event = Event::Ended { key: key.clone(), generation, end: end(EndClass::Disappeared) };
                self.later(Duration::from_millis(30), Due::Gone(key, generation, event));
            }
            Effect::Grant { waiter, key, generation } => {
                let (ready, slots) = self.ready.get(&key).copied().expect("a grant of a server that is not ready");
                assert_eq!(ready, generation);
                assert_eq!(self.outcomes.insert(waiter, Outcome::Runs), Some(Outcome::Waits), "{waiter}");
                self.running.insert(waiter, (key.clone(), generation));
                let runs = self.running.values().filter(|(of, _)| *of == key).count();
                assert!(runs <= slots as usize, "{key} answers {runs} at once");
                let waited = self.waits_since.get(&waiter).map_or(Duration::ZERO, |since| self.now - *since);
                self.longest_wait = self.longest_wait.max(waited);
                let took = self.random.ms(self.answer.0, self.answer.1);
                self.later(took, Due::Answered(waiter));
            }
            Effect::StopDone { waiter, .. } if self.outcome(waiter) == Outcome::Left => {}
            Effect::Started { waiter, .. } | Effect::StopDone { waiter, .. } => {
                assert_eq!(self.outcomes.insert(waiter, Outcome::Done), Some(Outcome::Waits), "{waiter}");
            }
            Effect::Deny { waiter, .. } => {
                assert_eq!(self.outcomes.insert(waiter, Outcome::Denied), Some(Outcome::Waits), "{waiter}");
            }
            Effect::Lost { key, generation, denial } => {
                self.losses.push(denial.was_alone);
                let lost = |of: &(ServerKey, Generation)| *of == (key.clone(), generation);
                let ids: Vec<WaiterId> = self.running.iter().filter(|(_, of)| lost(of)).map(|(id, _)| *id).collect();
                for id in ids {
                    self.running.remove(&id);
                    self.outcomes.insert(id, Outcome::Lost);
                }
            }
            Effect::Report(report) => {
                if let Report::Swapped { evicted, .. } = &report {
                    for key in evicted {
                        assert!(!self.running.values().any(|(of, _)| of == key), "{key} was evicted while it answered");
                        assert!(!self.pinned.contains(key), "{key} was evicted although it is pinned");
                    }
                }
                self.reports.push(report);
            }
            Effect::Threads { .. } => {}
            Effect::Answer { waiter, answer } => {
                let is_refused = matches!(answer, Answer::Headroom(Err(_)) | Answer::Swap(Err(_)));
                let outcome = if is_refused { Outcome::Denied } else { Outcome::Done };
                assert_eq!(self.outcomes.insert(waiter, outcome), Some(Outcome::Waits), "{waiter}");
                self.answers.push(answer);
            }
            Effect::AllStopped => self.is_over = true,
        }
    }

    /// What is reserved never is more than there is.
    fn check(&self) {
        for (device, budget) in [("CPU", self.budget), (GPU, self.gpu)] {
            let held = self.ledger.values().flatten().filter(|held| held.device == device).map(|held| held.bytes);
            let reserved: u64 = held.sum();
            assert!(reserved <= budget, "{reserved} of {budget} bytes on {device}");
        }
    }

    fn admit(&mut self, key: ServerKey, generation: Generation, needs: Vec<DeviceBytes>) {
        let of = |device: &str| if device == GPU { (self.gpu, self.others_on_gpu) } else { (self.budget, self.others) };
        let missing = |need: &DeviceBytes| (self.used(&need.device) + need.bytes).saturating_sub(of(&need.device).0);
        let short: Vec<DeviceBytes> = needs
            .iter()
            .map(|need| DeviceBytes { device: need.device.clone(), bytes: missing(need) })
            .filter(|short| short.bytes > 0)
            .collect();
        let event = if short.is_empty() {
            self.ledger.insert((key.clone(), generation), needs);
            Event::Admitted { key, generation }
        } else {
            let capacity = ["CPU", GPU].map(|device| (device, of(device).0.saturating_sub(of(device).1)));
            let others = self.others + self.others_on_gpu;
            let held = Holder { name: "another program".into(), why: "other", held: cpu(others) };
            let refusal = Refusal {
                short,
                capacity: capacity.into_iter().flat_map(|(device, bytes)| on(device, bytes)).collect(),
                others: (others > 0).then_some(held).into_iter().collect(),
                others_end_soon: self.others_end_soon && others > 0,
            };
            Event::Refused { key, generation, refusal }
        };
        self.happens(event);
    }

    /// Lets time pass until the next thing happens, at most until `limit`. Returns false when nothing will.
    pub fn advance(&mut self, limit: Duration) -> bool {
        let next = self.due.keys().next().copied();
        let tick = self.state.deadline();
        let at = match (next, tick) {
            (None, None) => return false,
            (Some((at, _)), None) => at,
            (None, Some(tick)) => tick,
            (Some((at, _)), Some(tick)) => at.min(tick),
        };
        if at > limit {
            self.now = self.now.max(limit);
            return false;
        }
        self.now = self.now.max(at);
        match next.filter(|(due, _)| *due <= self.now).and_then(|next| self.due.remove(&next)) {
            None => {
                self.ticks = if self.now == self.ticked { self.ticks + 1 } else { 0 };
                self.ticked = self.now;
                assert!(
                    self.ticks < 100,
                    "a time that has passed is waited for, without end\n{:#?}",
                    self.state.views()
                );
                self.happens(Event::Tick);
            }
            Some(Due::Event(event)) => {
                if let Event::Ready { key, generation, slots } = &event {
                    // A process that was ended meanwhile says nothing any more.
                    if !self.ledger.contains_key(&(key.clone(), *generation)) {
                        return true;
                    }
                    self.ready.insert(key.clone(), (*generation, *slots));
                }
                self.happens(event);
            }
            Some(Due::Freed(freed)) => {
                for one in freed {
                    if let Some(at) = self.lagging.iter().position(|lagging| *lagging == one) {
                        self.lagging.swap_remove(at);
                    }
                }
            }
            Some(Due::Admit(key, generation, needs)) => self.admit(key, generation, needs),
            Some(Due::Gone(key, generation, event)) => {
                self.stuck.remove(&(key.clone(), generation));
                let freed = self.ledger.remove(&(key.clone(), generation));
                let held = freed.is_some();
                if let Some(freed) = freed.filter(|_| self.is_rough && self.random.one_in(6)) {
                    let late = self.random.ms(10, 4_000);
                    self.lagging.extend(freed.iter().cloned());
                    self.later(late, Due::Freed(freed));
                }
                if self.ready.get(&key).is_some_and(|(of, _)| *of == generation) {
                    self.ready.remove(&key);
                }
                if held || matches!(event, Event::Stopped { .. }) {
                    self.happens(event);
                }
            }
            Some(Due::Answered(waiter)) => {
                if self.running.remove(&waiter).is_some() {
                    self.outcomes.insert(waiter, Outcome::Done);
                    self.happens(Event::Leave { waiter });
                }
            }
        }
        true
    }

    pub fn run_until(&mut self, at: Duration) {
        while self.advance(at) {}
        self.now = self.now.max(at);
    }

    pub fn outcome(&self, waiter: WaiterId) -> Outcome {
        self.outcomes[&waiter]
    }

    pub fn open(&self) -> Vec<WaiterId> {
        let is_open = |outcome: &Outcome| matches!(outcome, Outcome::Waits | Outcome::Runs);
        self.outcomes.iter().filter(|(_, outcome)| is_open(outcome)).map(|(id, _)| *id).collect()
    }
}

pub fn end(class: EndClass) -> End {
    End { class, reason: "it ended".into(), last_log: None, exit_code: None, jitter: Jitter::default() }
}
