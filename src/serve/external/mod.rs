//! Model servers of others, asked over HTTP: whether they work and what they serve. They are asked, and never told
//! anything.

mod ports;
mod probe;

pub use ports::{Running, same_model};
pub use probe::{Probed, Serves, probe};
