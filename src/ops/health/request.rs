//! What a run is asked to check, and what every part of it needs to know.

use crate::clock::{self, Timestamp};
use crate::failure::Failure;
use crate::health::{CheckName, Limits, Report};
use crate::model::health::Level;
use crate::supervise::Stop;
use std::time::Duration;

/// What is checked, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Names of services, `http://` URLs, paths of model files; all services and the machine where empty.
    pub targets: Vec<String>,
    pub level: Level,
    /// The checks to make; those of the level where empty.
    pub checks: Vec<CheckName>,
    /// Whether there must be a GPU.
    pub needs_gpu: bool,
    /// For one run as a whole.
    pub timeout: Duration,
    /// How long runs are repeated until all is ok.
    pub wait: Option<Duration>,
    pub limits: Limits,
}

/// What came of one run.
pub(super) enum Outcome {
    Checked(Report),
    /// There was nothing to check, or a target does not exist (yet).
    Nothing(Failure),
}

pub(super) fn interrupted(why: Stop) -> anyhow::Error {
    Failure::new(why.kind(), "stopped before everything was checked").into()
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What every job of a run needs to know.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub request: Request,
    pub now: Timestamp,
    pub deadline: std::time::Instant,
}

impl Run {
    /// Returns the time that a read may take: a little less than is left, so that its answer still counts.
    pub fn limit(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(clock::instant());
        left.saturating_sub((left / 10).min(Duration::from_millis(100)))
    }

    /// Returns the time that a child may take which may hang in the kernel: to find out that it cannot be killed takes
    /// half a second more.
    pub fn limit_of_child(&self) -> Duration {
        let limit = self.limit();
        limit.saturating_sub((limit / 3).min(Duration::from_millis(350)))
    }

    pub fn has(&self, name: CheckName) -> bool {
        let request = &self.request;
        let is_whole = request.targets.is_empty();
        if name == CheckName::Gpu && request.needs_gpu {
            return true;
        }
        match (request.checks.is_empty(), name) {
            (false, name) => request.checks.contains(&name),
            (true, CheckName::Services | CheckName::Endpoints) => true,
            (true, _) if request.level == Level::Alive => false,
            (true, CheckName::Models | CheckName::Queue) => true,
            (true, _) => is_whole,
        }
    }
}
