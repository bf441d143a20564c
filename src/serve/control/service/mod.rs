//! The services of the config file: programs that are started, watched and stopped as the servers of models are.

mod health;
mod prepare;
mod process;
mod task;
mod unload;

pub use prepare::{files_now, flags_now, prepare};
pub use task::ServiceTask;
