//! Memory that is kept free for another program: a row in the ledger, and no process.

use super::ledger;
use super::task::{Order, Outcome, Task};
use crate::lifecycle::Event;

/// Holds the reservation until it is to end. The row counts as long as this daemon runs.
pub async fn hold(mut task: Task) {
    let id = task.load;
    if let Err(error) = task.sessions.run(move |session| ledger::set_ready(session, id)).await {
        // It counts all the same.
        task.log.push(&format!("modelctl: cannot record the reservation: {error:#}"));
    }
    task.tell(Event::Ready { key: task.key.clone(), generation: task.generation, slots: 1 });
    // Whatever is wanted, there is nothing to wait for.
    let (Order::Stop { .. } | Order::Evict | Order::Kill | Order::Resume { .. }) = task.order().await;
    task.finish(Outcome::Stopped).await;
}
