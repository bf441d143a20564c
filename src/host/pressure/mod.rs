//! Signs that memory or cores are short, of the machine and of the control groups around this process.

mod cores;
mod stalls;

pub use cores::{CoreMeter, CoreSample, sample};
pub use stalls::stalls;
