//! The task that looks after one service: from its start to its end, also while it stays without its memory.

use super::super::allocation::judged;
use super::super::ask::{Server, ServerInfo};
use super::super::gpu_release::GpuRelease;
use super::super::ledger;
use super::super::prepared::{Prepared, ServiceParts};
use super::super::start_plan::Ended;
use super::super::task::{News, Order, Outcome, Task};
use super::health::{self, Health, Silence};
use super::process::{ServiceProcess, Surroundings};
use super::unload;
use crate::clock;
use crate::host::budget::MAIN_MEMORY;
use crate::host::self_child::OURSELVES;
use crate::http::Kept;
use crate::lifecycle::{EndClass, Event};
use crate::model::DeviceBytes;
use crate::model::ledger::LoadId;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// The time between SIGTERM and SIGKILL.
const TERM_LIMIT: Duration = Duration::from_secs(10);
/// The time between two measurements of its memory: many load something with their first request.
const MEASURES: Duration = Duration::from_secs(60);

/// One start of a service.
pub struct ServiceTask {
    pub task: Task,
    pub prepared: Arc<Prepared>,
    pub parts: Box<ServiceParts>,
    /// All servers as they are: whether this one has something to do.
    pub board: watch::Receiver<Arc<Vec<Server>>>,
}

/// How a time of service came to its end.
enum Watched {
    Over(Outcome),
    /// The process stays, without the memory that was counted.
    Parked(ServiceProcess),
}

impl ServiceTask {
    /// Runs the service until its end.
    pub async fn run(mut self) {
        let (began, from) = (clock::instant(), self.task.log.next());
        let mut process = match self.start().await {
            Ok(process) => process,
            Err(outcome) => return self.finish(outcome, from).await,
        };
        let mut started = began;
        loop {
            self.ready(&process, started);
            process = match self.watch(process).await {
                Watched::Over(outcome) => return self.finish(outcome, from).await,
                Watched::Parked(process) => process,
            };
            process = match self.stay(process).await {
                Some(process) => process,
                None => return,
            };
            started = clock::instant();
        }
    }

    /// Reports the end; `from` is the first line of its log.
    async fn finish(&self, outcome: Outcome, from: u64) {
        let outcome = match outcome {
            Outcome::Ended(ended) => Outcome::Ended(judged(ended, &self.task.log.lines_from(from))),
            outcome => outcome,
        };
        self.task.finish(outcome).await;
    }

    async fn start(&mut self) -> Result<ServiceProcess, Outcome> {
        let config = self.task.sessions.config();
        let around =
            Surroundings { launcher: OURSELVES.into(), model_ports: config.serve.ports, log: self.task.log.clone() };
        let start = ServiceProcess::start(&self.parts, &around, self.task.note_process(), self.task.on_progress());
        tokio::pin!(start);
        tokio::select! {
            started = &mut start => started.map_err(Outcome::Ended),
            // Dropping the start kills the process and waits for its end.
            _ = self.task.orders.recv() => Err(Outcome::Stopped),
        }
    }

    fn ready(&self, process: &ServiceProcess, began: Instant) {
        let is_on_gpu = self.prepared.profile.needs.iter().any(|need| need.device != MAIN_MEMORY && need.bytes > 0);
        let info = ServerInfo {
            engine: None,
            pid: process.id(),
            port: Some(process.port),
            context: 0,
            slots: self.parts.spec.parallel,
            device: if is_on_gpu { "gpu" } else { "cpu" }.to_owned(),
            took: began.elapsed(),
            connections: Kept::default(),
        };
        let (key, generation) = (self.task.key.clone(), self.task.generation);
        self.task.say(News::Ready { key, generation, endpoint: process.endpoint(), info: Arc::new(info) });
    }

    /// Watches a service that can be used until it ends, is ended, or gives its memory back.
    async fn watch(&mut self, mut process: ServiceProcess) -> Watched {
        let mut ticks = tokio::time::interval(health::EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut silence, mut measured): (Silence, Option<Instant>) = (Silence::default(), None);
        let (endpoint, path) = (process.endpoint(), self.parts.spec.health.clone());
        loop {
            if measured.is_none_or(|at| at.elapsed() >= MEASURES) {
                measured = Some(clock::instant());
                self.measure(process.id());
            }
            let asked = async {
                ticks.tick().await;
                health::ask(&endpoint, &path).await
            };
            let order = tokio::select! {
                biased;
                order = self.task.order() => order,
                ended = process.ended() => return Watched::Over(Outcome::Ended(ended)),
                health = asked => {
                    self.judge(health, &mut silence);
                    continue;
                }
            };
            if order == Order::Evict {
                match self.park(process).await {
                    Ok(process) => return Watched::Parked(process),
                    Err(outcome) => return Watched::Over(outcome),
                }
            }
            return Watched::Over(end(process, order, &self.prepared.profile.needs).await);
        }
    }

    /// Reports the outcome of a health check, and that the service does not work where it has been silent for too long
    /// although it has nothing to do.
    fn judge(&self, health: Health, silence: &mut Silence) {
        let (key, generation) = (self.task.key.clone(), self.task.generation);
        let is_busy = self.board.borrow().iter().any(|server| server.view.key == key && server.view.in_flight > 0);
        // One that answers nothing else while it works is not unknown.
        if !(is_busy && matches!(health, Health::Silent(_))) {
            self.task.tell(Event::Health { key: key.clone(), generation, health: health.reading() });
        }
        if let Some(reason) = silence.observe(&health, is_busy) {
            self.task.tell(Event::Wedged { key, generation, reason });
        }
    }

    /// Measures what the service holds, beside its work.
    fn measure(&self, pid: u32) {
        let (sessions, id) = (self.task.sessions.clone(), self.task.load);
        let (key, prepared, log) = (self.task.key.clone(), Arc::clone(&self.prepared), self.task.log.clone());
        let (news, is_on_cpu) = (self.task.news.clone(), self.parts.is_on_cpu);
        drop(tokio::spawn(async move {
            let of = key.clone();
            match sessions.run(move |session| ledger::measured(session, (id, pid), &of, &prepared)).await {
                // Without the deciding task nothing is started any more.
                Ok(held) => drop(news.send(News::Measured { key, is_on_cpu, held })),
                Err(error) => log.push(&format!("modelctl: the memory of this service was not measured: {error:#}")),
            }
        }));
    }

    /// Has the service give its memory on the GPU back. One that does not do it is stopped.
    async fn park(&mut self, process: ServiceProcess) -> Result<ServiceProcess, Outcome> {
        let (stop, held) = (Order::Stop { now: false }, &*self.prepared.profile.needs);
        let Some((path, body)) = &self.parts.spec.unload else { return Err(end(process, stop, held).await) };
        let (endpoint, pid) = (process.endpoint(), process.id());
        let is_on_gpu = self.prepared.profile.needs.iter().any(|need| need.device != MAIN_MEMORY);
        let kept = match unload::unload(&endpoint, (path.as_str(), body.as_str()), (pid, is_on_gpu)).await {
            Ok(kept) => kept,
            Err(why) => {
                self.task.log.push(&format!("modelctl: the service did not release its memory: {why}"));
                return Err(end(process, stop, held).await);
            }
        };
        if let Err(error) = self.shrink(kept.clone()).await {
            self.task.log.push(&format!("modelctl: cannot record the memory that the service released: {error:#}"));
            return Err(end(process, stop, held).await);
        }
        let (key, generation) = (self.task.key.clone(), self.task.generation);
        self.task.say(News::Parked { key: key.clone(), generation, kept });
        self.task.tell(Event::Stopped { key, generation });
        Ok(process)
    }

    async fn shrink(&self, kept: Vec<DeviceBytes>) -> anyhow::Result<()> {
        let id = self.task.load;
        self.task.sessions.run(move |session| ledger::shrink(session, id, &kept)).await
    }

    /// Looks after a service that stays without its memory, until it is wanted again. Returns `None` when it has ended.
    async fn stay(&mut self, mut process: ServiceProcess) -> Option<ServiceProcess> {
        let profile = &self.prepared.profile;
        let idle = profile.idle_timeout.or_else(|| Some(profile.idle_kind?.timeout(None)));
        let until = idle.and_then(|idle| clock::instant().checked_add(idle));
        let idle = async {
            match until {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let order = tokio::select! {
            biased;
            order = self.task.order() => order,
            _ = process.ended() => return self.gone(None).await,
            () = idle => Order::Stop { now: false },
        };
        let Order::Resume { generation, load } = order else {
            // It has given its memory back.
            let outcome = end(process, order, &[]).await;
            return self.gone(Some(outcome)).await;
        };
        // The new reservation counts in place of what was kept.
        let kept = std::mem::replace(&mut self.task.load, load);
        self.task.generation = generation;
        self.forget(kept).await;
        (self.task.note_process())(process.id());
        Some(process)
    }

    /// Reports the end of a service that stayed. One that cannot be ended keeps its row.
    async fn gone(&self, outcome: Option<Outcome>) -> Option<ServiceProcess> {
        if !matches!(outcome, Some(Outcome::Stuck(_))) {
            self.task.release().await;
        }
        self.task.say(News::Gone { key: self.task.key.clone() });
        None
    }

    async fn forget(&self, load: LoadId) {
        if let Err(error) = self.task.sessions.run(move |session| ledger::release(session, load)).await {
            // It counts until this daemon ends, which is the safe side.
            self.task.log.push(&format!("modelctl: a reservation could not be released in the database: {error:#}"));
        }
    }
}

/// Ends a service that holds `held`.
async fn end(process: ServiceProcess, order: Order, held: &[DeviceBytes]) -> Outcome {
    let (now, is_wedged) = match order {
        Order::Stop { now } => (now, false),
        Order::Evict | Order::Resume { .. } => (false, false),
        Order::Kill => (true, true),
    };
    let release = GpuRelease::begin(held).await;
    let stopped = process.stop(if now { Duration::ZERO } else { TERM_LIMIT }).await;
    if let (Some(release), Ok(())) = (release, &stopped) {
        release.wait().await;
    }
    match stopped {
        Err(why) => Outcome::Stuck(why),
        Ok(()) if is_wedged => {
            let reason = "it was killed because it did not work".to_owned();
            Outcome::Ended(Ended { class: EndClass::Wedged, reason, last_log: None, exit_code: None })
        }
        Ok(()) => Outcome::Stopped,
    }
}
