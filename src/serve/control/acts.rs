//! Does what the state machine has decided.

use super::actor::{Actor, Internal};
use super::ask::{Grant, Server, Started, Stopped};
use super::prepare::refuse;
use super::prepared::{Prepared, What};
use super::reports::happening;
use super::reserving::Reservation;
use super::server_task::ServerTask;
use super::service::ServiceTask;
use super::task::{Order, Task};
use super::{fitting, headroom, ledger, threads};
use crate::lifecycle::{ChosenRung, Denial, Effect, Generation, KeyKind, Phase, Report, ServerKey, WaiterId, Why};
use crate::model::server::Engine;
use std::sync::Arc;
use tokio::sync::mpsc;

impl Actor {
    pub(super) fn act(&mut self, effect: Effect) {
        self.notice(&effect);
        match effect {
            Effect::Admit { key, generation, chosen, margin_factor } => {
                let acting = self.servers.entry(key.clone()).or_default();
                (acting.needs, acting.margin_factor) = (chosen.rung.needs, margin_factor);
                self.reserve(key, generation);
            }
            Effect::Withdraw { key, generation } => self.withdraw(key, generation),
            Effect::Launch { key, generation, chosen } => self.launch(key, generation, &chosen),
            Effect::Stop { key, generation, now } => {
                let order = if !now && self.state.gives_way(&key) { Order::Evict } else { Order::Stop { now } };
                self.order(&key, generation, order);
            }
            Effect::Kill { key, generation } => self.order(&key, generation, Order::Kill),
            Effect::Grant { waiter, key, generation } => self.grant(waiter, &key, generation),
            Effect::Started { waiter, key, was_running } => self.started(waiter, &key, was_running),
            Effect::StopDone { waiter, was_running } => {
                if let Some((began, answer)) = self.stops.remove(&waiter) {
                    // A client that has gone needs no answer, here and below.
                    let _ = answer.send(Stopped { was_running, took: began.elapsed() });
                }
            }
            Effect::Deny { waiter, denial } => self.deny(waiter, denial),
            Effect::Lost { key, generation, denial } => {
                let acting = self.servers.get_mut(&key);
                let death = acting.and_then(|acting| acting.death.take_if(|(of, _)| *of == generation));
                if let Some((_, death)) = death {
                    death.send_replace(Some(denial));
                }
            }
            Effect::Report(report) => self.report(&report),
            Effect::Answer { waiter, answer } => self.answered(waiter, answer),
            Effect::Threads { key, generation, threads } => self.set_threads(&key, generation, threads),
            Effect::AllStopped => self.all_stopped(),
        }
    }

    /// Has the memory of a load reserved that the state machine has last asked for.
    pub(super) fn reserve(&mut self, key: ServerKey, generation: Generation) {
        let acting = self.servers.get(&key);
        let needs = acting.map(|acting| acting.needs.clone()).unwrap_or_default();
        let margin_factor = acting.map_or(1, |acting| acting.margin_factor);
        let name = match (key.kind(), self.prepared.get(&key)) {
            (KeyKind::Headroom(id), _) => Some(format!("headroom {id}")),
            (_, prepared) => prepared.map(|prepared| prepared.profile.name.clone()),
        };
        // The task that reserves lives as long as the actor.
        let _ = self.to_ledger.send(Reservation { key, generation, name, needs, margin_factor });
    }

    /// Sets the threads of a worker of ours. A llama-server keeps those that it was started with.
    fn set_threads(&self, key: &ServerKey, generation: Generation, threads: u32) {
        let Some(acting) = self.servers.get(key) else { return };
        let Some((_, _, endpoint, info)) = acting.ready.as_ref().filter(|(of, ..)| *of == generation) else { return };
        if info.engine == Some(Engine::Worker) {
            let chosen = match acting.launched.as_deref().map(|launched| &launched.what) {
                Some(What::Model(parts)) => parts.settings.threads,
                _ => None,
            };
            // What a person chose is the most that it uses.
            let threads = chosen.map_or(threads, |most| threads.min(most));
            threads::set(endpoint, threads, acting.log.clone());
        }
    }

    /// Gives a reservation back. One that is still being made is given back when it comes.
    fn withdraw(&mut self, key: ServerKey, generation: Generation) {
        let load = self.servers.get_mut(&key).and_then(|acting| acting.load.take_if(|(of, _)| *of == generation));
        let (sessions, to_news) = (self.sessions.clone(), self.to_news.clone());
        drop(tokio::spawn(async move {
            if let Some((_, load)) = load {
                // A row that stays counts until this process ends, which is the safe side.
                drop(sessions.run(move |session| ledger::release(session, load)).await);
            }
            // Without the actor the daemon is ending; its rows are given up with it.
            let _ = to_news.send(Internal::Withdrawn { key, generation });
        }));
    }

    fn launch(&mut self, key: ServerKey, generation: Generation, chosen: &ChosenRung) {
        let acting = self.servers.entry(key.clone()).or_default();
        let Some((_, load)) = acting.load.filter(|(of, _)| *of == generation) else { return };
        let prepared = match key.kind() {
            KeyKind::Headroom(_) => None,
            KeyKind::Model | KeyKind::Service(_) => match self.prepared.get(&key) {
                Some(prepared) => Some(Arc::new(Prepared::clone(prepared).on(chosen))),
                None => return,
            },
        };
        if let Some(prepared) = prepared.as_ref().filter(|_| acting.parked.is_some())
            && self.resume(&key, (generation, load), prepared)
        {
            return;
        }
        let (orders, receiver) = mpsc::unbounded_channel();
        let (news, mut from_server) = mpsc::unbounded_channel();
        let acting = self.servers.entry(key.clone()).or_default();
        acting.orders = Some((generation, orders));
        acting.launched.clone_from(&prepared);
        let (sessions, log) = (self.sessions.clone(), acting.log.clone());
        let task = Task { key, generation, load, sessions, log, news, orders: receiver };
        match prepared.map(|prepared| (prepared.what.clone(), prepared)) {
            Some((What::Model(parts), prepared)) => drop(tokio::spawn(ServerTask { task, prepared, parts }.run())),
            Some((What::Service(parts), prepared)) => {
                let board = self.board.subscribe();
                drop(tokio::spawn(ServiceTask { task, prepared, parts, board }.run()));
            }
            None => drop(tokio::spawn(headroom::hold(task))),
        }
        let to_news = self.to_news.clone();
        drop(tokio::spawn(async move {
            while let Some(news) = from_server.recv().await {
                if to_news.send(Internal::Server(news)).is_err() {
                    return;
                }
            }
        }));
    }

    fn order(&mut self, key: &ServerKey, generation: Generation, order: Order) {
        let Some(acting) = self.servers.get_mut(key) else { return };
        acting.ready.take_if(|(of, ..)| *of == generation);
        if let Some((_, orders)) = acting.orders.as_ref().filter(|(of, _)| *of == generation) {
            // A task that has ended has reported it.
            let _ = orders.send(order);
        }
    }

    fn grant(&mut self, waiter: WaiterId, key: &ServerKey, generation: Generation) {
        let Some(answer) = self.slots.remove(&waiter) else {
            // The client has gone in this very moment; its leave is on the way.
            return;
        };
        let acting = self.servers.get(key);
        let ready = acting.and_then(|acting| acting.ready.as_ref()).filter(|(of, ..)| *of == generation);
        let death = acting.and_then(|acting| acting.death.as_ref()).filter(|(of, _)| *of == generation);
        let (Some((_, _, endpoint, info)), Some((_, death))) = (ready, death) else { return };
        let at = (endpoint.clone(), Arc::clone(info));
        // A grant that is not received is dropped, and releases itself.
        drop(answer.send(Ok(Grant::new(at, death.subscribe(), (waiter, self.to_commands.clone())))));
    }

    fn started(&mut self, waiter: WaiterId, key: &ServerKey, was_running: bool) {
        let Some((began, answer)) = self.starts.remove(&waiter) else { return };
        let ready = self.servers.get(key).and_then(|acting| acting.ready.as_ref());
        let name = self.prepared.get(key).map(|prepared| prepared.profile.name.clone()).unwrap_or_default();
        let started = match ready {
            Some((_, _, _, info)) => Ok(Started { info: Arc::clone(info), name, was_running, took: began.elapsed() }),
            None => Err(refuse(Why::Died, "the server has ended".to_owned())),
        };
        let _ = answer.send(started); // as in `act`
    }

    /// Refuses a waiter. Where memory is the reason, the answer names a model that would fit.
    pub(super) fn deny(&mut self, waiter: WaiterId, denial: Denial) {
        let Some(instead) = denial.instead.clone() else { return self.refuse(waiter, denial) };
        let (sessions, to_news) = (self.sessions.clone(), self.to_news.clone());
        drop(tokio::spawn(async move {
            // An answer without a suggestion is one as well.
            let fits = sessions.run(move |session| fitting::largest(session, &instead)).await.ok().flatten();
            let mut denial = Denial { instead: None, ..denial };
            if let Some(name) = fits {
                denial.message = format!("{}; the largest model that would fit is {name}", denial.message);
            }
            // Without the actor nobody waits any more.
            let _ = to_news.send(Internal::Denied { waiter, denial });
        }));
    }

    pub(super) fn refuse(&mut self, waiter: WaiterId, denial: Denial) {
        if let Some(answer) = self.slots.remove(&waiter) {
            drop(answer.send(Err(denial)));
        } else if let Some((_, answer)) = self.starts.remove(&waiter) {
            let _ = answer.send(Err(denial)); // as in `act`
        } else {
            self.refuse_answer(waiter, denial);
        }
    }

    fn report(&mut self, report: &Report) {
        let happening = happening(report, &|key| self.name(key));
        let happening = self.with_details(report, happening);
        self.events.add(happening);
    }

    /// Publishes the servers, if anything of them has changed.
    pub(super) fn show(&self) {
        let servers: Vec<Server> = self
            .state
            .views()
            .into_iter()
            .map(|view| {
                let acting = self.servers.get(&view.key);
                let ready = acting.and_then(|acting| acting.ready.as_ref());
                Server {
                    info: ready.map(|(_, _, _, info)| Arc::clone(info)),
                    ready: ready.map(|(_, at, _, _)| *at),
                    expires: view.expires.and_then(|at| self.began.checked_add(at)),
                    retry: match view.phase {
                        Phase::Backoff { until } => self.began.checked_add(until),
                        _ => None,
                    },
                    log: acting.map(|acting| acting.log.clone()).unwrap_or_default(),
                    view,
                }
            })
            .collect();
        self.board.send_if_modified(|board| {
            let is_same = board.len() == servers.len() && board.iter().zip(&servers).all(|(a, b)| a.view == b.view);
            if !is_same {
                *board = Arc::new(servers);
            }
            !is_same
        });
    }
}
