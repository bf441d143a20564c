//! The task that looks after one server: from the reservation of its memory to the release of it.

use super::ask::ServerInfo;
use super::attached::Attach;
use super::elsewhere::running_elsewhere;
use super::prepare::{Prepared, gives_vectors};
use super::running::{Running, jitter};
use super::sessions::Sessions;
use super::start_plan::{Ended, StartPlan};
use super::{ledger, probe};
use crate::clock;
use crate::host::budget::MAIN_MEMORY;
use crate::host::self_child::OURSELVES;
use crate::http::{Endpoint, Request, Whole, fetch};
use crate::lifecycle::{End, EndClass, Event, Generation, Liveness, ServerKey};
use crate::model::Role;
use crate::model::ledger::LoadId;
use crate::supervise::LogRing;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// What the deciding task wants of a server that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Stop {
        now: bool,
    },
    /// It is wedged.
    Kill,
}

/// News of a server for the deciding task.
#[derive(Debug)]
pub enum News {
    Event(Event),
    /// It answers at this address.
    Ready {
        key: ServerKey,
        generation: Generation,
        endpoint: Endpoint,
        info: Arc<ServerInfo>,
    },
    /// A server of somebody else has the model loaded: this one is not started, and ends as if it were asked to.
    Attach(Attach),
}

/// One start of a server.
pub struct ServerTask {
    pub key: ServerKey,
    pub generation: Generation,
    pub prepared: Arc<Prepared>,
    pub load: LoadId,
    pub sessions: Sessions,
    pub log: LogRing,
    pub news: UnboundedSender<News>,
    pub orders: UnboundedReceiver<Order>,
}

/// The time that the first token of a new server may take.
const WARM_UP: Duration = Duration::from_secs(60);

/// How a start or a server came to its end.
enum Outcome {
    Stopped,
    Stuck(String),
    Ended(Ended),
}

impl ServerTask {
    /// Runs the server until its end. The memory is released when the process is gone, never before.
    pub async fn run(mut self) {
        let outcome = self.serve().await;
        let (key, generation) = (self.key.clone(), self.generation);
        if let Outcome::Stuck(reason) = outcome {
            return self.tell(Event::Stuck { key, generation, reason });
        }
        self.release().await;
        self.tell(match outcome {
            Outcome::Ended(ended) => {
                let Ended { class, reason, last_log, exit_code } = ended;
                let end = End { class, reason, last_log, exit_code, jitter: jitter() };
                Event::Ended { key, generation, end }
            }
            Outcome::Stopped | Outcome::Stuck(_) => Event::Stopped { key, generation },
        });
    }

    fn tell(&self, event: Event) {
        // Without the deciding task the daemon is ending, and with it the server.
        let _ = self.news.send(News::Event(event));
    }

    /// Gives the memory back. A database that cannot be written now is tried again: a row that stayed would count.
    async fn release(&self) {
        let id = self.load;
        for wait in [0, 1, 5, 30] {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            if self.sessions.run(move |session| ledger::release(session, id)).await.is_ok() {
                return;
            }
        }
        self.log.push("modelctl: the memory of this server could not be released in the database");
    }

    async fn serve(&mut self) -> Outcome {
        let began = clock::instant();
        // It may have been started by itself, long after the request for it.
        if let Some(attach) = running_elsewhere(&self.sessions, &self.key, &self.prepared).await {
            let _ = self.news.send(News::Attach(attach)); // as in `tell`
            return Outcome::Stopped;
        }
        let plan = self.plan();
        let started = {
            let (key, generation, news) = (self.key.clone(), self.generation, self.news.clone());
            let (sessions, id) = (self.sessions.clone(), self.load);
            let on_started = move |pid| {
                // The row then counts for as long as the worker runs, whatever becomes of us.
                drop(tokio::spawn(
                    async move { sessions.run(move |session| ledger::set_worker(session, id, pid)).await },
                ));
            };
            let on_progress = move |fraction| {
                // As in `tell`.
                let _ = news.send(News::Event(Event::Progress { key: key.clone(), generation, fraction }));
            };
            let start = Running::start(&plan, on_started, on_progress);
            tokio::pin!(start);
            tokio::select! {
                started = &mut start => started,
                order = self.orders.recv() => {
                    // Dropping the start kills the process and waits for its end.
                    return match order {
                        Some(Order::Stop { .. } | Order::Kill) | None => Outcome::Stopped,
                    };
                }
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
        let (key, generation) = (self.key.clone(), self.generation);
        let endpoint = running.endpoint().clone();
        // As in `tell`.
        let _ = self.news.send(News::Ready { key, generation, endpoint, info });
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
                    self.log.push("modelctl: the server did not answer its first, short request");
                }
                None
            }
            order = self.orders.recv() => Some(order.unwrap_or(Order::Stop { now: true })),
        }
    }

    /// Watches a server that is ready until it ends or is ended.
    async fn watch(&mut self, mut running: Running) -> Outcome {
        let began = clock::instant();
        let mut live = Liveness::new(self.prepared.row.size, Duration::ZERO);
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
                order = self.orders.recv() => order.unwrap_or(Order::Stop { now: true }),
                ended = running.ended() => return Outcome::Ended(ended),
                found = probed => {
                    if let Some(reason) = live.observe(began.elapsed(), found) {
                        let (key, generation) = (self.key.clone(), self.generation);
                        self.tell(Event::Wedged { key, generation, reason });
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
            Order::Kill => (true, true),
        };
        match running.stop(now).await {
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
        let (sessions, id) = (self.sessions.clone(), self.load);
        let (key, prepared, log) = (self.key.clone(), Arc::clone(&self.prepared), self.log.clone());
        drop(tokio::spawn(async move {
            let measured = sessions.run(move |session| ledger::measured(session, (id, pid), &key, &prepared)).await;
            if let Err(error) = measured {
                log.push(&format!("modelctl: the memory of this server was not measured: {error:#}"));
            }
        }));
    }

    fn plan(&self) -> StartPlan {
        let config = self.sessions.config();
        let prepared = &self.prepared;
        let of_role = |role: Role| {
            let file = prepared.model.artifacts.iter().find(move |artifact| artifact.role == role);
            file.map(|artifact| artifact.path.clone())
        };
        StartPlan {
            // The entry, not its target: the other parts of a split set are next to the entry.
            model: prepared.model.main().map(|file| file.path.clone()).unwrap_or_default(),
            mmproj: of_role(Role::Mmproj),
            name: prepared.profile.name.clone(),
            purpose: self.key.purpose,
            gives_vectors: gives_vectors(&prepared.row, self.key.purpose),
            settings: prepared.settings.clone(),
            program: OURSELVES.into(),
            llama_server: config.engine.llama_server().to_owned(),
            runtime_dir: config.runtime_dir.clone(),
            nice: config.worker.nice.into(),
            reproducible: config.worker.reproducible,
            load_limit: config.worker.load_timeout,
            bytes: prepared.row.size,
            log: self.log.clone(),
        }
    }

    fn info(&self, running: &Running, began: Instant) -> ServerInfo {
        let (context, slots) = running.size();
        let needs = &self.prepared.profile.needs;
        let is_on_gpu = needs.iter().any(|need| need.device != MAIN_MEMORY && need.bytes > 0);
        let device = match (is_on_gpu, self.prepared.settings.gpu_layers) {
            (false, _) => "cpu",
            (true, None) => "gpu",
            (true, Some(_)) => "cpu_offload",
        };
        ServerInfo {
            engine: self.prepared.settings.engine,
            pid: running.pid(),
            context,
            slots,
            device: device.to_owned(),
            took: began.elapsed(),
        }
    }
}
