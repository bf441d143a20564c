//! Words of health checks that the configuration and the command line share: levels, metrics, ranges.

mod metric;
mod range;

pub use metric::{METRICS, Metric, MetricName, Thresholds};
pub use range::Range;

use serde::{Deserialize, Serialize};

/// How thoroughly a service is checked. Each level includes those before it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The process exists, and its endpoint gives any HTTP answer.
    Alive,
    /// It says that it is ready, the right process answers, and its model is listed and its file is whole.
    #[default]
    Ready,
    /// It makes progress, or has nothing to do.
    Serving,
    /// It generates a token, where a slot is free.
    Deep,
}

impl Level {
    pub const ALL: &[Level] = &[Level::Alive, Level::Ready, Level::Serving, Level::Deep];

    pub fn name(self) -> &'static str {
        match self {
            Level::Alive => "alive",
            Level::Ready => "ready",
            Level::Serving => "serving",
            Level::Deep => "deep",
        }
    }
}
