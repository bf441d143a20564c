//! Keeps the claims of this process alive, on a thread and a connection of its own, so that a slow commit elsewhere
//! never costs a lease. A claim that gets nowhere is not renewed: a worker that hangs must not hold its task for ever.

use super::askers::{Event, Progress, Why};
use crate::clock;
use crate::db::{Access, Db};
use crate::model::task::{Hold, Moment, Phase, Policy};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How soon a person's cancel reaches a generation at the latest, where no commit tells.
const LOOK: Duration = Duration::from_millis(500);
/// A claim of which nothing was heard for so long, no token and no sign that the worker computes, is taken for hung.
pub const STALL: Duration = Duration::from_secs(600);

/// Dropping it ends the thread.
pub struct Keeper {
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Keeper {
    pub fn start(
        database: PathBuf,
        policy: Policy,
        progress: Progress,
        events: Sender<Event>,
    ) -> anyhow::Result<Keeper> {
        let mut db = Db::open(&database, Access::ReadWrite)?;
        let done = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&done);
        let work = move || {
            let every = Duration::from_millis(policy.lease_ms.max(3).unsigned_abs() / 3);
            let mut renewed = clock::instant();
            while !ended.load(Ordering::Relaxed) {
                // What cannot be read or written now is tried again in a moment: a failed renewal is not death, the
                // lease has two thirds of its time left.
                let over = || ended.load(Ordering::Relaxed);
                let changed = db.version().and_then(|seen| db.wait_for_change_or(seen, LOOK, &over)).unwrap_or(true);
                if over() {
                    break;
                }
                if changed {
                    look(&db, &progress, &events);
                    // Nobody listens when the executor is at its end.
                    let _ = events.send(Event::Changed);
                }
                if renewed.elapsed() >= every {
                    renewed = clock::instant();
                    renew(&mut db, policy, &progress, &events);
                }
            }
        };
        let thread = std::thread::Builder::new().name("leases".into()).spawn(work)?;
        Ok(Keeper { done, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(Err(panic)) = self.thread.take().map(std::thread::JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Tells of claims that are over.
fn look(db: &Db, progress: &Progress, events: &Sender<Event>) {
    for (hold, _) in progress.all() {
        let Ok(ticket) = db.ticket(hold.id) else { return };
        let ours = ticket.is_some_and(|t| t.token == hold.token && matches!(t.phase, Phase::Running(_)));
        if !ours {
            tell(events, hold, Why::ClaimOver);
        }
    }
}

fn renew(db: &mut Db, policy: Policy, progress: &Progress, events: &Sender<Event>) {
    let mut live = Vec::new();
    for (hold, idle) in progress.all() {
        if idle > STALL {
            tell(events, hold, Why::Stalled);
        } else {
            live.push(hold);
        }
    }
    if live.is_empty() {
        return;
    }
    let at = Moment { now: clock::now(), policy };
    if let Ok(answers) = db.renew_tasks(&live, at) {
        for (hold, answer) in live.into_iter().zip(answers) {
            if answer.is_err() {
                tell(events, hold, Why::ClaimOver);
            }
        }
    }
}

fn tell(events: &Sender<Event>, hold: Hold, why: Why) {
    // Nobody listens when the executor is at its end, and then it is of no use to anybody.
    let _ = events.send(Event::Drop(hold, why));
}
