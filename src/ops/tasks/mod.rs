//! The state of queued tasks: adds, changes, lists, shows and follows them.

pub mod add;
mod change;
mod follow;
mod lens;
pub mod list;
mod report;
pub mod show;
mod wait;

pub use change::{Change, Changed, Refused, change, named};
pub use follow::follow;
pub use lens::Lens;
pub use report::{AttemptReport, TaskReport, TasksReport, TicketReport};
pub use wait::{all_of, wait, warn_if_off};
