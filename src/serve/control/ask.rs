use super::EventLog;
use super::info::Attach;
pub use super::info::ServerInfo;
use super::manage::Manage;
use super::rungs::LEAST_CONTEXT;
use crate::http::Endpoint;
use crate::lifecycle::{Class, Denial, ServerKey, ServerView, Why};
use crate::model::ModelId;
use crate::model::lifecycle::{External, Readings};
use crate::supervise::LogRing;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// A request for a slot of a server.
#[derive(Debug, Clone)]
pub struct Ask {
    pub key: ServerKey,
    pub class: Class,
    /// Whether the server of this same request died before it had answered a byte: the new one is then started at once.
    pub is_retry: bool,
}

/// The right to have one request answered by a server. Dropping it frees the slot.
#[derive(Debug)]
pub struct Grant {
    pub endpoint: Endpoint,
    pub info: Arc<ServerInfo>,
    /// Changes to the reason when the server has ended, or was killed because it was wedged.
    pub death: watch::Receiver<Option<Denial>>,
    /// The name that its server must be asked for; `None`: any.
    pub required_name: Option<String>,
    release: Option<Release>,
    /// The server of somebody else that it is for.
    other: Option<(String, mpsc::UnboundedSender<Command>)>,
}

#[derive(Debug)]
struct Release {
    waiter: u64,
    commands: mpsc::UnboundedSender<Command>,
}

impl Grant {
    pub fn new(
        (endpoint, info): (Endpoint, Arc<ServerInfo>),
        death: watch::Receiver<Option<Denial>>,
        (waiter, commands): (u64, mpsc::UnboundedSender<Command>),
    ) -> Grant {
        let release = Some(Release { waiter, commands });
        Grant { endpoint, info, death, required_name: None, release, other: None }
    }

    /// Creates the right to ask a server of somebody else, which has no slots of ours.
    pub(super) fn of_other(
        attach: &Attach,
        death: watch::Receiver<Option<Denial>>,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Grant {
        Grant {
            endpoint: attach.endpoint.clone(),
            info: Arc::clone(&attach.info),
            death,
            required_name: attach.required_name.clone(),
            release: None,
            other: Some((attach.id.clone(), commands)),
        }
    }

    /// Tells that the server did not answer on its connection. One of somebody else is detached at once; the end of ours
    /// is seen by the process.
    pub fn did_not_answer(&self) {
        if let Some((id, commands)) = &self.other {
            // Without the deciding task there is nothing to be detached.
            let _ = commands.send(Command::Lost { id: id.clone() });
        }
    }

    /// Waits for the end of the server, and returns the reason.
    pub async fn server_ended(&mut self) -> Denial {
        loop {
            if let Some(denial) = self.death.borrow_and_update().clone() {
                return denial;
            }
            if self.death.changed().await.is_err() {
                let message = "the server has ended".to_owned();
                return Denial::new(Why::Died, message);
            }
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if let Some(Release { waiter, commands }) = self.release.take() {
            // Without the deciding task there is nothing to be released.
            let _ = commands.send(Command::Leave { waiter });
        }
    }
}

/// The answer to a start.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    pub info: Arc<ServerInfo>,
    pub name: String,
    /// Whether it ran already.
    pub was_running: bool,
    pub took: Duration,
}

/// The answer to a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Whether it ran.
    pub was_running: bool,
    pub took: Duration,
}

/// A command to the deciding task.
#[derive(Debug)]
pub enum Command {
    Acquire {
        waiter: u64,
        ask: Ask,
        answer: oneshot::Sender<Result<Grant, Denial>>,
    },
    /// A waiter has gone, or its answer has ended.
    Leave {
        waiter: u64,
    },
    /// An answer had this many tokens together with its prompt.
    Used {
        key: ServerKey,
        tokens: u32,
    },
    Start {
        key: ServerKey,
        may_evict: bool,
        answer: oneshot::Sender<Result<Started, Denial>>,
    },
    /// Starts of several servers, in the order of the memory that they need. Nothing is evicted for them.
    StartAll {
        starts: Vec<(ServerKey, oneshot::Sender<Result<Started, Denial>>)>,
    },
    Stop {
        key: ServerKey,
        now: bool,
        answer: oneshot::Sender<Stopped>,
    },
    /// A request wishes that a server is stopped once it has had nothing to do for this long.
    Keep {
        key: ServerKey,
        idle: Duration,
        done: oneshot::Sender<()>,
    },
    /// From now on a model is loaded with a larger context, with `None` as its settings say; answered by whether it has
    /// more tokens than were said. A server with less is loaded again once it is idle.
    Context {
        key: ServerKey,
        grow: Option<Grow>,
        answer: oneshot::Sender<bool>,
    },
    /// Settings of models may have changed.
    Refresh,
    Manage(Manage),
    /// Something was read of the machine.
    Seen(Seen),
    /// A server of somebody else did not answer.
    Lost {
        id: String,
    },
}

/// What was read of the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    Readings(Box<Readings>),
    /// All servers of others, and those to which requests are sent.
    Externals {
        all: Vec<External>,
        attached: Vec<Attach>,
    },
}

/// A larger context that a request wishes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grow {
    /// Tokens of context.
    pub to: u32,
    /// Tokens of its prompt, which must fit.
    pub prompt: u64,
}

/// A handle of the deciding task, for whoever needs servers.
#[derive(Debug, Clone)]
pub struct Control {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    waiters: Arc<std::sync::atomic::AtomicU64>,
    servers: watch::Receiver<Arc<Vec<Server>>>,
    events: EventLog,
    attached: watch::Sender<Arc<Vec<Attach>>>,
    throttle: watch::Receiver<f64>,
}

/// A server with what only the acting part knows of it.
#[derive(Debug, Clone)]
pub struct Server {
    pub view: ServerView,
    pub info: Option<Arc<ServerInfo>>,
    /// Since when it is ready.
    pub ready: Option<std::time::Instant>,
    /// When it is stopped unless it is used again; `None`: when its memory is needed.
    pub expires: Option<std::time::Instant>,
    /// When it is started again at the earliest, after a crash.
    pub retry: Option<std::time::Instant>,
    pub log: LogRing,
}

impl Control {
    pub fn new(
        commands: mpsc::UnboundedSender<Command>,
        servers: watch::Receiver<Arc<Vec<Server>>>,
        events: EventLog,
    ) -> Control {
        // Without one who says otherwise, tasks may use all slots.
        let throttle = watch::channel(1.0).1;
        Control { commands, waiters: Arc::default(), servers, events, attached: watch::Sender::default(), throttle }
    }

    /// Follows another share of the slots that tasks may use.
    pub fn with_throttle(self, throttle: watch::Receiver<f64>) -> Control {
        Control { throttle, ..self }
    }

    /// Returns the share of the slots that tasks may use now, 0 to 1.
    pub fn throttle_factor(&self) -> f64 {
        *self.throttle.borrow()
    }

    /// Tells the deciding task what was read. Returns false when there is none any more.
    pub fn see(&self, seen: Seen) -> bool {
        self.commands.send(Command::Seen(seen)).is_ok()
    }

    /// Waits for the end of the deciding task.
    pub async fn closed(&self) {
        self.commands.closed().await;
    }

    /// Returns the servers of others to which requests are sent.
    pub fn attached(&self) -> Arc<Vec<Attach>> {
        Arc::clone(&self.attached.borrow())
    }

    /// Returns where the deciding task publishes [`Control::attached`].
    pub(super) fn attached_board(&self) -> watch::Sender<Arc<Vec<Attach>>> {
        self.attached.clone()
    }

    /// Waits for a slot of a server, which is started if necessary. Dropping the future leaves the queue at once.
    ///
    /// # Errors
    /// See [`Denial`].
    pub async fn acquire(&self, ask: Ask) -> Result<Grant, Denial> {
        let waiter = self.waiters.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (answer, granted) = oneshot::channel();
        let mut place = Release { waiter, commands: self.commands.clone() }.guarded();
        if self.commands.send(Command::Acquire { waiter, ask, answer }).is_err() {
            return Err(stopping());
        }
        let outcome = granted.await.unwrap_or_else(|_| Err(stopping()));
        // From here on the grant releases the slot; after a denial there is nothing to release.
        place.0 = None;
        outcome
    }

    /// Starts a server and waits until it is ready. A server that runs already is ready at once. `may_evict` permits
    /// that idle servers are stopped for its memory.
    ///
    /// # Errors
    /// See [`Denial`].
    pub async fn start(&self, key: ServerKey, may_evict: bool) -> Result<Started, Denial> {
        let (answer, started) = oneshot::channel();
        if self.commands.send(Command::Start { key, may_evict, answer }).is_err() {
            return Err(stopping());
        }
        started.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Starts servers, those that need the least memory first, and waits until each is ready or refused. Nothing is
    /// evicted for them, and none waits for memory. The outcomes are in the order of `keys`.
    pub async fn start_all(&self, keys: impl IntoIterator<Item = ServerKey>) -> Vec<Result<Started, Denial>> {
        let (starts, outcomes): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .map(|key| {
                let (answer, started) = oneshot::channel();
                ((key, answer), started)
            })
            .unzip();
        // Without the deciding task the answers are dropped.
        let _ = self.commands.send(Command::StartAll { starts });
        join_all(outcomes).await.into_iter().map(|outcome| outcome.unwrap_or_else(|_| Err(stopping()))).collect()
    }

    /// Stops a server and waits for its end. Running answers have 30 seconds, with `now` none.
    pub async fn stop(&self, key: ServerKey, now: bool) -> Stopped {
        let none = Stopped { was_running: false, took: Duration::ZERO };
        let (answer, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop { key, now, answer }).is_err() {
            return none;
        }
        stopped.await.unwrap_or(none)
    }

    /// Stops all servers of a model, side by side, and waits for their ends; as [`Control::stop`].
    pub async fn stop_model(&self, model: &ModelId, now: bool) -> Stopped {
        let ends = join_all(ServerKey::all_of(model).map(|key| self.stop(key, now))).await;
        Stopped {
            was_running: ends.iter().any(|end| end.was_running),
            took: ends.iter().map(|end| end.took).max().unwrap_or_default(),
        }
    }

    /// Wishes that a server is stopped once it has had nothing to do for this long. The last wish counts; a pin comes
    /// before it, and so does another model that needs the memory. Waits until [`Control::servers`] shows it.
    pub async fn keep(&self, key: ServerKey, idle: Duration) {
        let (done, shown) = oneshot::channel();
        // Without the deciding task nothing is kept.
        if self.commands.send(Command::Keep { key, idle, done }).is_ok() {
            let _ = shown.await; // as above
        }
    }

    /// Notes the tokens of an answer and its prompt: the model is not loaded with a smaller context to save memory.
    pub fn used(&self, key: ServerKey, tokens: u64) {
        if tokens > u64::from(LEAST_CONTEXT) {
            let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
            // Without the deciding task nothing is loaded any more.
            let _ = self.commands.send(Command::Used { key, tokens });
        }
    }

    /// Has a model loaded with a larger context from now on, as far as its training and memory admit it: a server with
    /// less is loaded again once it is idle. Returns whether that is enough; otherwise nothing changes.
    pub async fn grow(&self, key: ServerKey, grow: Grow) -> bool {
        let (answer, answered) = oneshot::channel();
        let is_sent = self.commands.send(Command::Context { key, grow: Some(grow), answer }).is_ok();
        // Without the deciding task the daemon is ending.
        is_sent && answered.await.unwrap_or(false)
    }

    /// Takes [`Control::grow`] back for the next load.
    pub fn ungrow(&self, key: ServerKey) {
        let (answer, _) = oneshot::channel();
        // Without the deciding task nothing is loaded any more.
        let _ = self.commands.send(Command::Context { key, grow: None, answer });
    }

    /// Has the settings of models read again: a pin counts at once.
    pub fn refresh(&self) {
        // Without the deciding task there is nothing to be changed.
        let _ = self.commands.send(Command::Refresh);
    }

    /// Returns all servers that are not stopped, or were since the daemon began, as of the last step.
    pub fn servers(&self) -> Arc<Vec<Server>> {
        Arc::clone(&self.servers.borrow())
    }

    /// Follows the servers: the receiver changes with every step that changed one of them.
    pub fn watch(&self) -> watch::Receiver<Arc<Vec<Server>>> {
        self.servers.clone()
    }

    pub fn events(&self) -> &EventLog {
        &self.events
    }
}

/// Leaves the queue when it is dropped while it holds something.
struct Place(Option<Release>);

impl Release {
    fn guarded(self) -> Place {
        Place(Some(self))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(Release { waiter, commands }) = self.0.take() {
            // As for a grant.
            let _ = commands.send(Command::Leave { waiter });
        }
    }
}

fn stopping() -> Denial {
    let message = "the daemon is stopping".to_owned();
    Denial::new(Why::Stopping, message)
}
