//! Which model servers run, who waits for them, and which one gives way: a state machine without I/O and clocks.
//!
//! One task of the daemon owns a [`State`]. Everything that happens is an [`Event`]; [`State::step`] returns what has to
//! be done ([`Effect`]), and whoever does it reports the outcome as a further event. Nothing outside of that task
//! decides anything by a state that it has read: a request asks for a slot and waits for the grant.

mod cores;
mod decisions;
mod denial;
mod event;
mod idle;
mod key;
mod liveness;
mod memory;
mod overview;
mod policy;
mod pressure;
mod priority;
mod server;
mod state;
mod swaps;
#[cfg(test)]
mod tests;
mod tier;
mod victims;
mod view;
mod waiting;

pub use crate::model::DeviceBytes;
pub use crate::model::ledger::Purpose;
pub use crate::model::server::Class;
pub use decisions::Decided;
pub use denial::{Denial, Holder, Instead, Why};
pub use event::{
    Answer, Effect, End, EndClass, Event, Generation, Hint, Offloaded, Refusal, Report, Seen, Unload, WaiterId,
};
pub use idle::IdleKind;
pub use key::{KeyKind, ServerKey};
pub use liveness::{Liveness, Probe};
pub use memory::{ChosenRung, Profile};
pub use overview::{Overview, ServerOverview, SwapWait};
pub use policy::Policy;
pub use pressure::Thresholds;
pub use state::{Standing, State};
pub use tier::node_tier;
pub use view::{Phase, ServerView, Shape};
