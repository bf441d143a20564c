//! Runs concurrent requests to the worker on one thread (tokio, current-thread). Results arrive on one channel, in the
//! order in which they complete.

use super::shared::{NoSlot, ServerEnd, SharedServers, Slot, Suspicion, wait_for_slot};
use crate::clock;
use crate::http::Endpoint;
use crate::model::ModelId;
use crate::model::task::{Hold, TaskId};
use crate::openai::{Completion, Finish};
use crate::supervise::StopSignal;
use crate::worker::{Broken, Heard, stream};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet};

/// The interval in which a claim that waits for a slot shows that it is alive.
const WAITS: Duration = Duration::from_secs(5);
/// Time until the end of a shared server whose connection broke must be seen.
const DEATH: Duration = Duration::from_secs(2);

/// One request.
#[derive(Debug)]
pub struct Job {
    pub hold: Hold,
    pub route: Route,
    pub path: &'static str,
    pub body: Vec<u8>,
}

/// How a request gets to its server.
#[derive(Clone)]
pub enum Route {
    Worker(Endpoint),
    /// By a slot, which is waited for; `first` is one that is there already.
    Shared {
        servers: Arc<dyn SharedServers>,
        model: ModelId,
        first: Arc<Mutex<Option<Box<dyn Slot>>>>,
    },
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::Worker(endpoint) => f.debug_tuple("Worker").field(endpoint).finish(),
            Route::Shared { model, .. } => f.debug_tuple("Shared").field(model).finish(),
        }
    }
}

/// The events that the executor waits for.
#[derive(Debug)]
pub enum Event {
    Response(Hold, Result<Completion, Broken>),
    /// A shared server has no slot for the request, which was not sent.
    NoSlot(Hold, NoSlot),
    /// The claim is over (a person cancelled the task, the lease was lost), or made no progress for too long.
    Drop(Hold, Why),
    /// A commit was made; a task may be due.
    Changed,
    /// A stop was requested; a second request means an immediate stop.
    Stop,
    ForceStop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The next write of the claim would be refused.
    ClaimOver,
    /// The claim showed no sign of life for too long.
    Stalled,
}

/// What came of a request; the outer error is one that was not sent.
type Asked = (Hold, Result<Result<Completion, Broken>, NoSlot>);

enum Command {
    Ask(Box<Job>),
    Abort(TaskId),
}

/// The progress of each claim, on which the renewal of its lease depends, and the last sign of life of the worker.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<Signs>>);

#[derive(Debug, Default)]
struct Signs {
    claims: HashMap<TaskId, Sign>,
    /// The last sign of life; None if the worker has had nothing to do since it started.
    heard: Option<Instant>,
    longest: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Sign {
    hold: Hold,
    at: Instant,
    /// The time when it was sent; `None` while it waits for a slot.
    sent: Option<Instant>,
    is_accepted: bool,
    is_standing: bool,
    /// What the end of its server says about it.
    suspicion: Suspicion,
}

impl Signs {
    /// Returns the sign of a claim, unless the task has been claimed anew.
    fn of(&mut self, hold: Hold) -> Option<&mut Sign> {
        self.claims.get_mut(&hold.id).filter(|sign| sign.hold == hold)
    }
}

impl Progress {
    pub fn mark(&self, hold: Hold) {
        let (at, suspicion) = (clock::instant(), Suspicion::default());
        let sign = Sign { hold, at, sent: None, is_accepted: false, is_standing: false, suspicion };
        self.with(|signs| signs.claims.insert(hold.id, sign));
    }

    /// Notes that a claim waits for its slot, which is no fault of its own.
    pub fn waits(&self, hold: Hold) {
        self.with(|signs| {
            signs.of(hold).into_iter().for_each(|sign| sign.at = clock::instant());
        });
    }

    /// Notes that the request of a claim was sent.
    pub fn sent(&self, hold: Hold) {
        self.with(|signs| {
            let (now, had_nothing_to_do) = (clock::instant(), signs.claims.values().all(|sign| sign.sent.is_none()));
            if let Some(sign) = signs.of(hold) {
                (sign.at, sign.sent) = (now, Some(now));
            }
            if had_nothing_to_do {
                signs.heard = Some(now);
            }
        });
    }

    /// Returns when the request of a claim was sent; `None` if it still waits for a slot.
    pub fn sent_at(&self, hold: Hold) -> Option<Instant> {
        self.with(|signs| signs.of(hold)?.sent)
    }

    /// Notes what the end of the server says about a claim.
    fn suspect(&self, hold: Hold, suspicion: Suspicion) {
        self.with(|signs| signs.of(hold).into_iter().for_each(|sign| sign.suspicion = suspicion));
    }

    /// Returns what the end of the server says about a claim whose connection to it broke.
    pub fn suspicion(&self, hold: Hold) -> Suspicion {
        self.with(|signs| signs.of(hold).map(|sign| sign.suspicion).unwrap_or_default())
    }

    pub fn forget(&self, id: TaskId) {
        self.with(|signs| signs.claims.remove(&id));
    }

    /// Returns each claim with the time since its last progress.
    pub fn all(&self) -> Vec<(Hold, Duration)> {
        self.with(|signs| signs.claims.values().map(|sign| (sign.hold, sign.at.elapsed())).collect())
    }

    /// Returns whether the worker has accepted the request of a claim, and whether it is stuck in that request.
    pub fn of(&self, hold: Hold) -> (bool, bool) {
        self.with(|signs| signs.of(hold).map_or((false, false), |sign| (sign.is_accepted, sign.is_standing)))
    }

    /// Counts the silence of the worker from now on: it was given something to do, or this process was stopped itself.
    pub fn listen(&self) {
        self.with(|signs| signs.heard = Some(clock::instant()));
    }

    /// Resets the signs for another worker, of which nothing is known yet.
    pub fn reset_worker(&self) {
        self.with(|signs| (signs.heard, signs.longest) = (None, Duration::ZERO));
    }

    /// Returns the time of the worker's last sign of life, and its longest step.
    pub fn worker(&self) -> (Option<Instant>, Duration) {
        self.with(|signs| (signs.heard, signs.longest))
    }

    fn note(&self, hold: Hold, heard: Heard<'_>) {
        self.with(|signs| {
            let now = clock::instant();
            match heard {
                Heard::Accepted => {
                    let had_nothing_to_do = !signs.claims.values().any(|sign| sign.is_accepted);
                    if let Some(sign) = signs.of(hold) {
                        sign.is_accepted = true;
                    }
                    if had_nothing_to_do {
                        // Only now does the thread that decodes have something to do.
                        signs.heard = Some(now);
                    }
                }
                Heard::Standing => signs.of(hold).into_iter().for_each(|sign| sign.is_standing = true),
                Heard::Life | Heard::Piece(_) => {
                    signs.of(hold).into_iter().for_each(|sign| sign.at = now);
                    if let Some(before) = signs.heard.replace(now) {
                        signs.longest = signs.longest.max(now.saturating_duration_since(before));
                    }
                    signs.claims.values_mut().for_each(|sign| sign.is_standing = false);
                }
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Signs) -> T) -> T {
        // A panic elsewhere leaves these numbers valid.
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A running request pool. Dropping it aborts the remaining requests.
pub struct RequestPool {
    commands: UnboundedSender<Command>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl RequestPool {
    /// Starts the thread. `stop` and `hurry` are also sent as events.
    pub fn start(
        events: Sender<Event>,
        progress: Progress,
        stop: &StopSignal,
        hurry: &StopSignal,
    ) -> std::io::Result<RequestPool> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (commands, receiver) = unbounded_channel();
        let (stop, hurry) = (stop.clone(), hurry.clone());
        let thread = std::thread::Builder::new().name("requests".into()).spawn(move || {
            let here = tokio::task::LocalSet::new();
            here.block_on(&runtime, serve(receiver, events, progress, stop, hurry));
        })?;
        Ok(RequestPool { commands, thread: Some(thread) })
    }

    pub fn send(&self, job: Job) {
        // The thread lives as long as this object: only a panic closes the channel, and joining the thread reports
        // that.
        let _ = self.commands.send(Command::Ask(Box::new(job)));
    }

    /// Closes the connection of a request, which cancels the generation. No event for the request follows.
    pub fn abort(&self, id: TaskId) {
        let _ = self.commands.send(Command::Abort(id)); // as above
    }
}

impl Drop for RequestPool {
    fn drop(&mut self) {
        let (closed, _) = unbounded_channel();
        drop(std::mem::replace(&mut self.commands, closed));
        if let Some(Err(panic)) = self.thread.take().map(std::thread::JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

async fn serve(
    mut commands: UnboundedReceiver<Command>,
    events: Sender<Event>,
    progress: Progress,
    stop: StopSignal,
    hurry: StopSignal,
) {
    let mut asked: JoinSet<Asked> = JoinSet::new();
    let mut running: HashMap<TaskId, AbortHandle> = HashMap::new();
    let (mut told_stop, mut told_hurry) = (false, false);
    loop {
        // The receiver is closed only when the executor has ended, and then the commands end as well.
        let send = |event| events.send(event).unwrap_or(());
        tokio::select! {
            command = commands.recv() => match command {
                None => return,
                Some(Command::Ask(job)) => {
                    let (id, progress) = (job.hold.id, progress.clone());
                    running.insert(id, asked.spawn_local(ask(*job, progress)));
                }
                Some(Command::Abort(id)) => {
                    if let Some(handle) = running.remove(&id) {
                        handle.abort();
                    }
                }
            },
            Some(done) = asked.join_next(), if !asked.is_empty() => {
                // An aborted request has no result.
                if let Ok((hold, outcome)) = done {
                    running.remove(&hold.id);
                    send(match outcome {
                        Ok(outcome) => Event::Response(hold, outcome),
                        Err(none) => Event::NoSlot(hold, none),
                    });
                }
            }
            _ = stop.wait(), if !told_stop => {
                told_stop = true;
                send(Event::Stop);
            }
            _ = hurry.wait(), if !told_hurry => {
                told_hurry = true;
                send(Event::ForceStop);
            }
        }
    }
}

async fn ask(job: Job, progress: Progress) -> Asked {
    let hold = job.hold;
    let mut on_heard = |heard: Heard<'_>| {
        progress.note(hold, heard);
        ControlFlow::Continue(())
    };
    let mut slot = match &job.route {
        Route::Worker(endpoint) => {
            progress.sent(hold);
            return (hold, Ok(stream(endpoint, job.path, job.body, &mut on_heard).await));
        }
        Route::Shared { servers, model, first } => {
            let ready = first.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            match ready {
                Some(slot) => slot,
                None => {
                    let goes_on = || {
                        progress.waits(hold);
                        true
                    };
                    match wait_for_slot(servers.slot(model), WAITS, goes_on).await {
                        Ok(slot) => slot,
                        Err(none) => return (hold, Err(none)),
                    }
                }
            }
        }
    };
    progress.sent(hold);
    let (endpoint, gives_signs) = (slot.endpoint(), slot.gives_signs());
    if !gives_signs {
        progress.note(hold, Heard::Accepted);
    }
    let (outcome, end) = tokio::select! {
        biased;
        outcome = stream(&endpoint, job.path, job.body, &mut on_heard) => (outcome, None),
        end = slot.ended() => (Err(Broken::Connection(end.why.clone())), Some(end)),
        never = signs_of_life(gives_signs, || progress.note(hold, Heard::Life)) => match never {},
    };
    let is_broken = match &outcome {
        Ok(completion) => completion.finish == Finish::Cancelled,
        Err(broken) => matches!(broken, Broken::Connection(_)),
    };
    if !is_broken {
        return (hold, Ok(outcome));
    }
    let end = match end {
        Some(end) => Some(end),
        // A server whose end is not seen in this time has not ended; whether it was this request is not known.
        None => tokio::time::timeout(DEATH, slot.ended()).await.ok(),
    };
    progress.suspect(hold, end.as_ref().map_or(Suspicion::Shared, |end| end.suspicion));
    (hold, Ok(end.map_or(outcome, |ServerEnd { why, .. }| Err(Broken::Connection(why)))))
}

/// Gives signs of life in place of a server that gives none and that its owner watches.
async fn signs_of_life(gives_signs: bool, note: impl Fn()) -> Infallible {
    if gives_signs {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(WAITS).await;
        note();
    }
}

/// Creates a channel for the events of one executor.
pub fn events() -> (Sender<Event>, Receiver<Event>) {
    std::sync::mpsc::channel()
}

#[cfg(test)]
#[path = "request_pool_tests.rs"]
mod tests;
