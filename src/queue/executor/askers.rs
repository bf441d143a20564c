//! Asks a worker several questions at a time, on one thread of its own. What happens comes back over one channel, in
//! the order in which it happens.

use crate::clock;
use crate::model::task::{Hold, TaskId};
use crate::supervise::Interrupt;
use crate::worker::{Broken, Completion, Heard, stream};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet};

/// One question.
#[derive(Debug)]
pub struct Job {
    pub hold: Hold,
    pub socket: PathBuf,
    pub path: &'static str,
    pub body: Vec<u8>,
    /// No answer takes longer, also where the worker does not keep the limit itself.
    pub limit: Option<Duration>,
}

/// What the executor waits for.
#[derive(Debug)]
pub enum Event {
    Asked(Hold, Result<Completion, Broken>),
    /// The claim on it is over (a person cancelled it, the lease was lost), or nothing has come of it for too long.
    Drop(Hold, Why),
    /// Something was committed, perhaps a task that is due.
    Changed,
    /// Somebody wants us to stop; the second time: at once.
    Stop,
    Hurry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its next write would be refused.
    ClaimOver,
    /// No sign of life for longer than anybody should wait.
    Stalled,
}

enum Command {
    Ask(Box<Job>),
    Abort(TaskId),
}

/// When each claim last got on: what the renewals of its lease are tied to.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<HashMap<TaskId, (Hold, Instant)>>>);

impl Progress {
    pub fn mark(&self, hold: Hold) {
        self.with(|map| map.insert(hold.id, (hold, clock::instant())));
    }

    pub fn forget(&self, id: TaskId) {
        self.with(|map| map.remove(&id));
    }

    /// Each claim with the time since it last got on.
    pub fn all(&self) -> Vec<(Hold, Duration)> {
        self.with(|map| map.values().map(|(hold, at)| (*hold, at.elapsed())).collect())
    }

    fn touch(&self, hold: Hold) {
        self.with(|map| {
            if let Some(entry) = map.get_mut(&hold.id).filter(|(held, _)| held.token == hold.token) {
                entry.1 = clock::instant();
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<TaskId, (Hold, Instant)>) -> T) -> T {
        // A map of numbers is whole whatever panicked beside it.
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Dropping it aborts what is still asked.
pub struct Askers {
    commands: UnboundedSender<Command>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Askers {
    /// Starts the thread. `stop` and `hurry` come back as events too.
    pub fn start(
        events: Sender<Event>,
        progress: Progress,
        stop: &Interrupt,
        hurry: &Interrupt,
    ) -> std::io::Result<Askers> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (commands, receiver) = unbounded_channel();
        let (stop, hurry) = (stop.clone(), hurry.clone());
        let thread = std::thread::Builder::new().name("askers".into()).spawn(move || {
            let here = tokio::task::LocalSet::new();
            here.block_on(&runtime, serve(receiver, events, progress, stop, hurry));
        })?;
        Ok(Askers { commands, thread: Some(thread) })
    }

    pub fn ask(&self, job: Job) {
        // The thread lives as long as this: only a panic in it closes the channel, and joining tells that.
        let _ = self.commands.send(Command::Ask(Box::new(job)));
    }

    /// Closes the connection of a question, which cancels the generation. Nothing comes back for it any more.
    pub fn abort(&self, id: TaskId) {
        let _ = self.commands.send(Command::Abort(id)); // as above
    }
}

impl Drop for Askers {
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
    stop: Interrupt,
    hurry: Interrupt,
) {
    let mut asked: JoinSet<(Hold, Result<Completion, Broken>)> = JoinSet::new();
    let mut running: HashMap<TaskId, AbortHandle> = HashMap::new();
    let (mut told_stop, mut told_hurry) = (false, false);
    loop {
        // Nobody listens any more only when the executor is gone, and then the commands end as well.
        let tell = |event| events.send(event).unwrap_or(());
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
                // An aborted one has nothing to tell.
                if let Ok((hold, outcome)) = done {
                    running.remove(&hold.id);
                    tell(Event::Asked(hold, outcome));
                }
            }
            _ = stop.wait(), if !told_stop => {
                told_stop = true;
                tell(Event::Stop);
            }
            _ = hurry.wait(), if !told_hurry => {
                told_hurry = true;
                tell(Event::Hurry);
            }
        }
    }
}

async fn ask(job: Job, progress: Progress) -> (Hold, Result<Completion, Broken>) {
    let hold = job.hold;
    let mut on_heard = |_: Heard<'_>| {
        progress.touch(hold);
        ControlFlow::Continue(())
    };
    let asked = stream(&job.socket, job.path, job.body, &mut on_heard);
    let outcome = match job.limit {
        None => asked.await,
        Some(limit) => match tokio::time::timeout(limit, asked).await {
            Ok(outcome) => outcome,
            Err(_) => Ok(Completion::timed_out()),
        },
    };
    (hold, outcome)
}

/// A channel for the events of one executor.
pub fn events() -> (Sender<Event>, Receiver<Event>) {
    std::sync::mpsc::channel()
}
