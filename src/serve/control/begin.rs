//! The start of the deciding task, and its end.

use super::EventLog;
use super::actor::{Actor, Beat, Internal};
use super::ask::Control;
use super::attached::AttachedServers;
use super::parked::Parking;
use super::reserving::reserve_in_order;
use super::sessions::Sessions;
use super::uses::Uses;
use super::watched::Watched;
use crate::clock;
use crate::config::LifecycleConfig;
use crate::engine::default_threads;
use crate::lifecycle::{Policy, State};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// The daemon's side of the deciding task.
pub struct Loop {
    pub control: Control,
    shutdown: mpsc::UnboundedSender<Internal>,
}

impl Loop {
    /// Stops all servers: no new requests, running answers have `grace`. Ends when every process has. Called again, a
    /// shorter grace counts.
    pub async fn shut_down(&self, grace: Duration) {
        let (over, ended) = oneshot::channel();
        if self.shutdown.send(Internal::Shutdown { grace, over: Some(over) }).is_ok() {
            // Dropped means ended as well.
            let _ = ended.await;
        }
    }

    /// Shortens the grace of a shutdown that is under way.
    pub fn hurry(&self, grace: Duration) {
        // Without the loop all has ended.
        let _ = self.shutdown.send(Internal::Shutdown { grace, over: None });
    }
}

/// Starts the deciding task on this runtime.
pub fn start(sessions: Sessions, events: EventLog, beat: Option<Beat>) -> Loop {
    let (to_commands, commands) = mpsc::unbounded_channel();
    let (to_news, news) = mpsc::unbounded_channel();
    let (board, servers) = watch::channel(Arc::new(Vec::new()));
    let beat = beat.unwrap_or_else(|| Beat { every: Duration::from_secs(3_600), beat: Box::new(|| {}) });
    let throttle = watch::Sender::new(1.0);
    let control = Control::new(to_commands.clone(), servers, events.clone()).with_throttle(throttle.subscribe());
    let shutdown = to_news.clone();
    let (to_ledger, reservations) = mpsc::unbounded_channel();
    let reserved = to_news.clone();
    drop(tokio::spawn(reserve_in_order(sessions.clone(), reservations, move |key, generation, asked| {
        // Without the actor the daemon is ending; its rows are given up with it.
        let _ = reserved.send(Internal::Reserved { key, generation, asked });
    })));
    let LifecycleConfig { thresholds, interval, .. } = sessions.config().lifecycle.clone();
    let policy = Policy { thresholds, cores: default_threads(), ..Policy::default() };
    let actor = Actor {
        state: State::new(policy),
        began: clock::instant(),
        sessions,
        commands,
        to_commands,
        to_ledger,
        news,
        to_news,
        servers: BTreeMap::new(),
        prepared: HashMap::new(),
        grown: HashMap::new(),
        preparing: HashMap::new(),
        slots: HashMap::new(),
        starts: HashMap::new(),
        stops: HashMap::new(),
        groups: HashMap::new(),
        answers: HashMap::new(),
        uses: Uses::default(),
        watched: Watched { interval, ..Watched::default() },
        // Numbers of requests come from the handle and are small; those of people are ours.
        next_waiter: 1 << 62,
        board,
        attached: AttachedServers::default(),
        attached_board: control.attached_board(),
        events,
        throttle,
        beat,
        over: None,
        parking: Parking::default(),
    };
    drop(tokio::spawn(actor.run()));
    Loop { control, shutdown }
}
