//! The servers of the daemon as queued tasks use them: as any other request does, in the class `batch`.

use crate::http::Endpoint;
use crate::lifecycle::{Class, Denial, ServerKey, Why};
use crate::model::ModelId;
use crate::model::server::Engine;
use crate::queue::executor::{NoSlot, ServerEnd, SharedServers, Slot, Suspicion};
use crate::queue::place::Refused;
use crate::serve::control::{Ask, Control, Grant};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// Gives tasks slots of the daemon's servers.
#[derive(Debug, Clone)]
pub struct TaskServers(pub Control);

impl SharedServers for TaskServers {
    fn slot(&self, model: &ModelId) -> BoxFuture<'static, Result<Box<dyn Slot>, NoSlot>> {
        let control = self.0.clone();
        let ask = Ask { key: ServerKey::main(model.clone()), class: Class::Batch, is_retry: false };
        async move {
            match control.acquire(ask).await {
                Ok(grant) => Ok(Box::new(TaskSlot(grant)) as Box<dyn Slot>),
                Err(denial) => Err(no_slot(denial)),
            }
        }
        .boxed()
    }
}

struct TaskSlot(Grant);

impl Slot for TaskSlot {
    fn endpoint(&self) -> Endpoint {
        self.0.endpoint.clone()
    }

    fn slots(&self) -> usize {
        usize::try_from(self.0.info.slots).unwrap_or(1)
    }

    fn gives_signs(&self) -> bool {
        self.0.info.engine == Engine::Worker
    }

    fn ended(&mut self) -> BoxFuture<'_, ServerEnd> {
        async { end(self.0.server_ended().await) }.boxed()
    }
}

fn end(denial: Denial) -> ServerEnd {
    let suspicion = match denial.why {
        Why::Died if denial.was_alone => Suspicion::Alone,
        Why::Died => Suspicion::Shared,
        _ => Suspicion::None,
    };
    ServerEnd { why: denial.message, suspicion }
}

/// Returns what a denial means for tasks: what may be different later costs them no attempt.
fn no_slot(denial: Denial) -> NoSlot {
    let is_place = match denial.why {
        Why::Stopping | Why::Stopped => return NoSlot::GivenUp,
        Why::QueueFull
        | Why::NoMemory
        | Why::PinnedMemory
        | Why::Backoff
        | Why::BadFile
        | Why::BelowTier
        | Why::Unknown => true,
        Why::Failed | Why::Unready | Why::Died => false,
    };
    NoSlot::Refused(Refused { why: denial.message, is_place })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A task would otherwise fail for good because of what people ask the same server, or because they stop it.
    #[test]
    fn a_task_is_blamed_for_the_end_of_a_server_only_when_it_was_alone_on_it() {
        let died = Denial::new(Why::Died, "no");
        assert_eq!(end(died.clone()).suspicion, Suspicion::Shared);
        assert_eq!(end(Denial { was_alone: true, ..died }).suspicion, Suspicion::Alone);
        let stopped = Denial { was_alone: true, ..Denial::new(Why::Stopped, "no") };
        assert_eq!(end(stopped).suspicion, Suspicion::None);
    }

    #[test]
    fn tasks_lose_no_attempt_to_what_may_be_different_later() {
        let is_place = |why| match no_slot(Denial::new(why, "no")) {
            NoSlot::Refused(refused) => Some(refused.is_place),
            NoSlot::GivenUp => None,
        };
        assert_eq!(is_place(Why::Stopping), None);
        assert_eq!(is_place(Why::PinnedMemory), Some(true));
        assert_eq!(is_place(Why::Backoff), Some(true));
        assert_eq!(is_place(Why::Failed), Some(false), "it crashed too often");
    }
}
