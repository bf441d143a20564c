//! What all tasks that look after one start have in common: its orders, its news, and the release of its memory.

use super::ask::ServerInfo;
use super::info::Attach;
use super::ledger;
use super::running::jitter;
use super::sessions::Sessions;
use super::start_plan::Ended;
use crate::http::Endpoint;
use crate::lifecycle::{End, Event, Generation, ServerKey};
use crate::model::DeviceBytes;
use crate::model::ledger::LoadId;
use crate::supervise::LogRing;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// What the deciding task wants of what was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Stop {
        now: bool,
    },
    /// Its memory is needed: a service that can give it back in place may stay.
    Evict,
    /// It is wedged.
    Kill,
    /// A service that stayed is wanted again, with this reservation.
    Resume {
        generation: Generation,
        load: LoadId,
    },
}

/// News for the deciding task.
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
    /// What a service was found to hold.
    Measured {
        key: ServerKey,
        is_on_cpu: bool,
        held: Vec<DeviceBytes>,
    },
    /// A service has given its memory back and stays; [`Event::Stopped`] follows.
    Parked {
        key: ServerKey,
        generation: Generation,
        /// What it still holds.
        kept: Vec<DeviceBytes>,
    },
    /// A service that stayed has ended.
    Gone {
        key: ServerKey,
    },
    /// A server of somebody else has the model loaded: this one is not started, and ends as if it were asked to.
    Attach(Attach),
}

/// How a start or a server came to its end.
pub enum Outcome {
    Stopped,
    Stuck(String),
    Ended(Ended),
}

/// One start.
pub struct Task {
    pub key: ServerKey,
    pub generation: Generation,
    pub load: LoadId,
    pub sessions: Sessions,
    pub log: LogRing,
    pub news: UnboundedSender<News>,
    pub orders: UnboundedReceiver<Order>,
}

impl Task {
    /// Reports the end. The memory is released when the process is gone, never before.
    pub async fn finish(&self, outcome: Outcome) {
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

    pub fn tell(&self, event: Event) {
        self.say(News::Event(event));
    }

    pub fn say(&self, news: News) {
        // Without the deciding task the daemon is ending, and with it the server.
        let _ = self.news.send(news);
    }

    /// Returns the next order. Without the deciding task everything is to end at once.
    pub async fn order(&mut self) -> Order {
        self.orders.recv().await.unwrap_or(Order::Stop { now: true })
    }

    /// Notes the process of this start: the row then counts for as long as it runs, whatever becomes of us.
    pub fn note_process(&self) -> impl FnOnce(u32) + Send + use<> {
        let (sessions, id) = (self.sessions.clone(), self.load);
        move |pid| {
            drop(tokio::spawn(async move { sessions.run(move |session| ledger::set_worker(session, id, pid)).await }));
        }
    }

    pub fn on_progress(&self) -> impl FnMut(f32) + Send + use<> {
        let (key, generation, news) = (self.key.clone(), self.generation, self.news.clone());
        move |fraction| {
            // As in `say`.
            let _ = news.send(News::Event(Event::Progress { key: key.clone(), generation, fraction }));
        }
    }

    /// Gives the memory back. A database that cannot be written now is tried again: a row that stayed would count.
    pub async fn release(&self) {
        let id = self.load;
        for wait in [0, 1, 5, 30] {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            if self.sessions.run(move |session| ledger::release(session, id)).await.is_ok() {
                return;
            }
        }
        self.log.push("modelctl: the memory of this server could not be released in the database");
    }
}
