//! Renews the leases of this process, on a thread and a queue handle of its own, so that a slow commit elsewhere never
//! costs a lease. A claim that makes no progress is not renewed: a worker that hangs must not hold its task forever.

use super::request_pool::{Event, Progress, Why};
use crate::clock;
use crate::model::task::{Hold, Moment, Phase, Policy, Queue};
use crate::supervise::{Stop, StopSignal};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// The longest time until a person's cancel stops a generation, where no commit is noticed.
const LOOK: Duration = Duration::from_millis(500);
/// The time without progress, neither a token nor a sign that the worker computes, after which a claim is considered
/// hung.
pub const STALL: Duration = Duration::from_secs(600);

/// A running renewer. Dropping it ends the thread.
pub struct LeaseRenewer {
    done: StopSignal,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl LeaseRenewer {
    pub fn start(
        mut queue: Box<dyn Queue>,
        policy: Policy,
        progress: Progress,
        events: Sender<Event>,
    ) -> anyhow::Result<LeaseRenewer> {
        let done = StopSignal::new();
        let ended = done.clone();
        let work = move || {
            let every = Duration::from_millis(policy.lease_ms.max(3).unsigned_abs() / 3);
            let mut renewed = clock::instant();
            while ended.reason().is_none() {
                // A failed read or write is tried again soon: a failed renewal does not end the lease, which still has
                // two thirds of its time left.
                let changed = queue.changes().and_then(|seen| queue.wait_for_change(seen, LOOK, ended.descriptor()));
                let changed = changed.unwrap_or_else(|_| {
                    ended.wait_timeout(LOOK);
                    true
                });
                if ended.reason().is_some() {
                    break;
                }
                if changed {
                    check_claims(&*queue, &progress, &events);
                    // When the executor ends, the receiver is closed.
                    let _ = events.send(Event::Changed);
                }
                if renewed.elapsed() >= every {
                    renewed = clock::instant();
                    renew(&mut *queue, policy, &progress, &events);
                }
            }
        };
        let thread = std::thread::Builder::new().name("leases".into()).spawn(work)?;
        Ok(LeaseRenewer { done, thread: Some(thread) })
    }
}

impl Drop for LeaseRenewer {
    fn drop(&mut self) {
        self.done.request(Stop::Terminated);
        if let Some(Err(panic)) = self.thread.take().map(std::thread::JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Reports claims that are over.
fn check_claims(queue: &dyn Queue, progress: &Progress, events: &Sender<Event>) {
    for (hold, _) in progress.all() {
        let Ok(ticket) = queue.ticket(hold.id) else { return };
        let ours = ticket.is_some_and(|t| t.token == hold.token && matches!(t.phase, Phase::Running(_)));
        if !ours {
            report(events, hold, Why::ClaimOver);
        }
    }
}

fn renew(queue: &mut dyn Queue, policy: Policy, progress: &Progress, events: &Sender<Event>) {
    let mut live = Vec::new();
    for (hold, idle) in progress.all() {
        if idle > STALL {
            report(events, hold, Why::Stalled);
        } else {
            live.push(hold);
        }
    }
    if live.is_empty() {
        return;
    }
    let answers = queue.now().and_then(|now| queue.renew(&live, Moment { now, policy }));
    if let Ok(answers) = answers {
        for (hold, answer) in live.into_iter().zip(answers) {
            if answer.is_err() {
                report(events, hold, Why::ClaimOver);
            }
        }
    }
}

fn report(events: &Sender<Event>, hold: Hold, why: Why) {
    // When the executor ends, the receiver is closed and the event is useless.
    let _ = events.send(Event::Drop(hold, why));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::SqliteQueue;
    use crate::model::task::order::{ClaimAsk, Claimed};
    use crate::model::task::{Endpoint, NewTask, OnFinished, OpenQueue, OwnerId, TaskRequest};

    /// Who cancels a task does not wait until its answer is whole.
    #[test]
    fn a_claim_that_a_person_ends_is_told_of_and_the_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let queues = SqliteQueue::new(dir.path().join("db"));
        let mut queue = queues.open().unwrap();
        let at = Moment { now: queue.now().unwrap(), policy: Policy::default() };
        let task = || Ok(NewTask::new(TaskRequest { endpoint: Endpoint::Chat, body: "{}".into() }));
        queue.enqueue(&mut [task(), task()].into_iter(), OnFinished::Keep, at).unwrap();
        let ask = ClaimAsk::new(OwnerId::new(1, 2, 3), 2);
        let Claimed::Tasks(tasks) = queue.claim(&ask, at).unwrap() else { panic!() };
        let (progress, (sender, events)) = (Progress::default(), super::super::request_pool::events());
        let holds: Vec<Hold> = tasks.iter().map(|task| Hold::from(&task.ticket)).collect();
        holds.iter().for_each(|hold| progress.mark(*hold));
        let renewer = LeaseRenewer::start(queues.open().unwrap(), at.policy, progress, sender).unwrap();
        queue.cancel(&[holds[1].id], at).unwrap()[0].as_ref().unwrap();
        let over = loop {
            match events.recv_timeout(Duration::from_secs(60)).unwrap() {
                Event::Drop(hold, Why::ClaimOver) => break hold,
                Event::Changed => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(over, holds[1]);
        drop(renewer);
        let told = |event: Event| matches!(event, Event::Drop(hold, _) if hold == holds[0]);
        assert!(!events.try_iter().any(told), "the first one goes on");
    }
}
