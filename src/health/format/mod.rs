//! The formats of monitoring systems. Each is a pure function of a report.

mod health_json;
mod nagios;
mod prometheus;

pub use health_json::health_json;
pub use nagios::{nagios, nagios_failure};
pub use prometheus::prometheus;
