//! Settings for running queued tasks, and for the prune after a run.

use super::Env;
use super::file::{self, DAYS, MAX_ATTEMPTS, MAX_TASKS, MIN_KEEP, POLL_S};
use crate::model::task::Policy;
use std::time::Duration;

/// Settings for running queued tasks: `[offload]`, `OFFLOAD_*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffloadConfig {
    /// Largest number of tasks that one `run-once` runs.
    pub max_tasks: u64,
    /// Attempts of a task that may end in an error, unless the task sets its own number.
    pub max_attempts: u32,
    /// Interval at which the daemon looks for tasks that it was not notified of.
    pub poll: Duration,
    /// Whether another model may answer where the one that a task names cannot.
    pub fallback: bool,
}

impl Default for OffloadConfig {
    fn default() -> Self {
        let (max_attempts, poll) = (Policy::MAX_ATTEMPTS, Duration::from_secs(30));
        OffloadConfig { max_tasks: 5, max_attempts, poll, fallback: false }
    }
}

/// Settings of the prune after a run of offloaded tasks: `[auto_prune]`, `AUTO_PRUNE_*`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AutoPrune {
    /// Days without use after which a model is pruned; 0 disables this prune.
    pub days: u64,
    /// Whether these models are moved to the trash; otherwise they are only named.
    pub confirm: bool,
    /// Smallest number of usable models that stay, also when `prune` is called by hand.
    pub min_keep: u64,
}

/// Returns yes or no for a variable that is set; it overrides the file.
fn flag(env: &Env, key: &str) -> Option<bool> {
    env.is_set(key).then(|| env.says_yes(key))
}

impl OffloadConfig {
    pub(super) fn load(env: &Env, file: &file::Offload) -> anyhow::Result<OffloadConfig> {
        let default = OffloadConfig::default();
        let max_attempts = env.number("OFFLOAD_MAX_ATTEMPTS", MAX_ATTEMPTS)?.or(file.max_attempts);
        let poll = env.number("OFFLOAD_POLL_S", POLL_S)?.map(Duration::from_secs).or(file.poll);
        Ok(OffloadConfig {
            max_tasks: env.number("OFFLOAD_MAX_TASKS", MAX_TASKS)?.or(file.max_tasks).unwrap_or(default.max_tasks),
            max_attempts: max_attempts.and_then(|n| u32::try_from(n).ok()).unwrap_or(default.max_attempts), // max 100
            poll: poll.unwrap_or(default.poll),
            fallback: flag(env, "OFFLOAD_FALLBACK").or(file.fallback).unwrap_or(default.fallback),
        })
    }
}

impl AutoPrune {
    pub(super) fn load(env: &Env, file: &file::AutoPrune) -> anyhow::Result<AutoPrune> {
        Ok(AutoPrune {
            days: env.number("AUTO_PRUNE_DAYS", DAYS)?.or(file.days).unwrap_or(0),
            confirm: flag(env, "AUTO_PRUNE_CONFIRM").or(file.confirm).unwrap_or(false),
            min_keep: env.number("AUTO_PRUNE_MIN_KEEP", MIN_KEEP)?.or(file.min_keep).unwrap_or(0),
        })
    }
}
