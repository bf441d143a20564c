//! Facts of this node: which services it has, and everything that health and triage judge. What can hang is read by a
//! child with a limit.

mod child;
mod collect;
pub mod database;
mod discover;
mod files;
mod look;
mod parallel;
pub mod queue;
mod reads;

pub use child::PROBE;
pub use collect::{CollectRequest, Collected, collect_until};
pub use discover::{Discovered, MainLogs, Where, discover, programs};
pub use look::Collectors;
pub use reads::{NodeRead, SupervisordRead};
