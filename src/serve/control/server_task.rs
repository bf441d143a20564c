//! The task that looks after one server: from its start to its end.

use super::allocation::judged;
use super::ask::ServerInfo;
use super::elsewhere::running_elsewhere;
use super::gpu_release::GpuRelease;
use super::prepare::gives_vectors;
use super::prepared::{ModelParts, Prepared};
use super::running::Running;
use super::start_plan::{Ended, StartPlan};
use super::task::{News, Order, Outcome, Task};
use super::{ledger, probe};
use crate::clock;
use crate::host::budget::MAIN_MEMORY;
use crate::host::self_child::OURSELVES;
use crate::http::{Kept, Request, Whole, fetch};
use crate::lifecycle::{EndClass, Event, Liveness};
use crate::model::Role;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One start of a server of a model.
pub struct ServerTask {
    pub task: Task,
    pub prepared: Arc<Prepared>,
    pub parts: Box<ModelParts>,
}

/// The time that the first token of a new server may take.
const WARM_UP: Duration = Duration::from_secs(60);

impl ServerTask {
    /// Runs the server until its end.
    pub async fn run(mut self) {
        let from = self.task.log.next();
        let outcome = match self.serve().await {
            Outcome::Ended(ended) => Outcome::Ended(judged(ended, &self.task.log.lines_from(from))),
            outcome => outcome,
        };
        self.task.finish(outcome).await;
    }

    async fn serve(&mut self) -> Outcome {
        let began = clock::instant();
        // It may have been started by itself, long after the request for it.
        if let Some(attach) = running_elsewhere(&self.task.sessions, &self.task.key, &self.prepared).await {
            let _ = self.task.news.send(News::Attach(attach)); // as in `tell`
            return Outcome::Stopped;
        }
        let plan = self.plan();
        let started = {
            let start = Running::start(&plan, self.task.note_process(), self.task.on_progress());
            tokio::pin!(start);
            tokio::select! {
                started = &mut start => started,
                // Dropping the start kills the process and waits for its end.
                _ = self.task.orders.recv() => return Outcome::Stopped,
            }
        };
        let running = match started {
            Ok(running) => running,
            Err(ended) => return Outcome::Ended(ended),
        };
        if let Some(outcome) = self.warm_up(&running, &plan).await {
            return self.end(running, outcome).await;
        }
        let info = Arc::new(self.info(&running, began));
        let (key, generation) = (self.task.key.clone(), self.task.generation);
        let endpoint = running.endpoint().clone();
        self.task.say(News::Ready { key, generation, endpoint, info });
        self.measure(running.pid());
        self.watch(running).await
    }

    /// Has the server answer one token, so that the first request does not pay for what is done only once. Returns the
    /// order that came meanwhile.
    async fn warm_up(&mut self, running: &Running, plan: &StartPlan) -> Option<Order> {
        let request = match plan.gives_vectors {
            true => Request::post(running.endpoint().clone(), "/v1/embeddings", r#"{"input":"a"}"#),
            false => {
                let body = r#"{"prompt":"a","max_tokens":1,"temperature":0}"#;
                Request::post(running.endpoint().clone(), "/v1/completions", body)
            }
        };
        tokio::select! {
            answer = fetch(request, WARM_UP) => {
                // Whether it works is seen by the requests that follow.
                if !matches!(answer, Ok(Whole { status: 200, .. })) {
                    self.task.log.push("modelctl: the server did not answer its first, short request");
                }
                None
            }
            order = self.task.order() => Some(order),
        }
    }

    /// Watches a server that is ready until it ends or is ended.
    async fn watch(&mut self, mut running: Running) -> Outcome {
        let began = clock::instant();
        let mut live = Liveness::new(self.parts.row.size, Duration::ZERO).slower(self.plan().slower());
        let mut ticks = tokio::time::interval(probe::EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (pid, endpoint) = (running.pid(), running.endpoint().clone());
        loop {
            let probed = async {
                ticks.tick().await;
                probe::probe(pid, &endpoint).await
            };
            let order = tokio::select! {
                biased;
                order = self.task.order() => order,
                ended = running.ended() => return Outcome::Ended(ended),
                found = probed => {
                    if let Some(reason) = live.observe(began.elapsed(), found) {
                        let (key, generation) = (self.task.key.clone(), self.task.generation);
                        self.task.tell(Event::Wedged { key, generation, reason });
                    }
                    continue;
                }
            };
            return self.end(running, order).await;
        }
    }

    async fn end(&self, running: Running, order: Order) -> Outcome {
        let (now, is_wedged) = match order {
            Order::Stop { now } => (now, false),
            // A model gives nothing back in place, and none that is running is resumed.
            Order::Evict | Order::Resume { .. } => (false, false),
            Order::Kill => (true, true),
        };
        let release = GpuRelease::begin(&self.prepared.profile.needs).await;
        let stopped = running.stop(now).await;
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

    /// Measures what the server holds, beside its work.
    fn measure(&self, pid: u32) {
        let (sessions, id) = (self.task.sessions.clone(), self.task.load);
        let (key, prepared, log) = (self.task.key.clone(), Arc::clone(&self.prepared), self.task.log.clone());
        drop(tokio::spawn(async move {
            let measured = sessions.run(move |session| ledger::measured(session, (id, pid), &key, &prepared)).await;
            if let Err(error) = measured {
                log.push(&format!("modelctl: the memory of this server was not measured: {error:#}"));
            }
        }));
    }

    fn plan(&self) -> StartPlan {
        let config = self.task.sessions.config();
        let (prepared, parts) = (&self.prepared, &self.parts);
        let of_role = |role: Role| {
            let file = parts.model.artifacts.iter().find(move |artifact| artifact.role == role);
            file.map(|artifact| artifact.path.clone())
        };
        StartPlan {
            // The entry, not its target: the other parts of a split set are next to the entry.
            model: parts.model.main().map(|file| file.path.clone()).unwrap_or_default(),
            mmproj: of_role(Role::Mmproj),
            name: prepared.profile.name.clone(),
            purpose: self.task.key.purpose,
            gives_vectors: gives_vectors(&parts.row, self.task.key.purpose),
            settings: parts.settings.clone(),
            program: OURSELVES.into(),
            llama_server: config.engine.llama_server().to_owned(),
            runtime_dir: config.runtime_dir.clone(),
            nice: config.worker.nice.into(),
            reproducible: config.worker.reproducible,
            load_limit: config.worker.load_timeout,
            bytes: parts.row.size,
            log: self.task.log.clone(),
        }
    }

    fn info(&self, running: &Running, began: Instant) -> ServerInfo {
        let (context, slots) = running.size();
        let needs = &self.prepared.profile.needs;
        let is_on_gpu = needs.iter().any(|need| need.device != MAIN_MEMORY && need.bytes > 0);
        let device = match (is_on_gpu, self.parts.settings.gpu_layers) {
            (false, _) => "cpu",
            (true, None) => "gpu",
            (true, Some(_)) => "cpu_offload",
        };
        ServerInfo {
            engine: Some(self.parts.settings.engine),
            port: None,
            pid: running.pid(),
            context,
            slots,
            device: device.to_owned(),
            took: began.elapsed(),
            connections: Kept::default(),
        }
    }
}
