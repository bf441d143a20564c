//! The program of a service: its launcher, the libraries that it needs, its Python, the limits on its start, and the
//! queue that it should poll.

mod types;

pub use types::*;
