//! Plain data of the lifecycle of servers: what is read of the machine, and what is shown of the decisions.

mod machine;
mod mode;
mod status;
mod thresholds;

pub use machine::{DeviceReading, DiskReading, External, MemoryReading, NodeTier, Readings};
pub use mode::{Degrade, Mode, Priority, Rung};
pub use status::{
    Decision, DeviceStatus, ModelStatus, Pressure, PressureKind, RestartPending, ServiceStatus, Status, SwapEntry,
};
pub use thresholds::Thresholds;
