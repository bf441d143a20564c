//! Logs of services: the end of a file or of the journal, as lines with their times, and the lives that they belong to.

mod types;

pub use types::*;
