//! Models that could not be loaded, and the time until each is tried again.

use crate::model::{ModelId, ModelRow, State};
use crate::queue::place::Refused;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The first wait for a model that could not be loaded; it doubles with each further failure. Shorter than the wait
/// before the second attempt of a task.
const FIRST_REST: Duration = Duration::from_secs(5);
/// The longest wait for a model that failed.
const LONGEST_REST: Duration = Duration::from_secs(15 * 60);
/// The longest wait for a model that lacked something: nothing reports when that becomes available.
const LONGEST_LACK: Duration = Duration::from_secs(5 * 60);

/// The failed loads. They outlive a run: otherwise, each cycle of the daemon would load again a broken model that it
/// chose itself.
#[derive(Debug, Default)]
pub struct LoadFailures {
    of: HashMap<ModelId, Failed>,
    run: u64,
}

#[derive(Debug)]
struct Failed {
    refused: Refused,
    times: u32,
    until: Instant,
    /// The number of the run in which the model failed last.
    run: u64,
    /// The properties of the model at that time. Once one of them has changed, the failure no longer counts.
    seen: (PathBuf, u64, Option<String>, State),
}

fn seen(row: &ModelRow) -> (PathBuf, u64, Option<String>, State) {
    (row.path.clone(), row.size, row.content.clone(), row.state)
}

impl LoadFailures {
    /// Starts a run: models that failed in earlier runs are tried again where no others are left.
    pub fn begin(&mut self) {
        self.run = self.run.wrapping_add(1);
    }

    /// Returns whether the model failed in this run; trying it again would fail in the same way.
    pub fn is_of_this_run(&self, row: &ModelRow) -> bool {
        self.of.get(&row.id).is_some_and(|failed| failed.run == self.run)
    }

    pub fn note(&mut self, row: &ModelRow, refused: Refused, now: Instant) {
        let times = self.of.get(&row.id).filter(|f| f.seen == seen(row)).map_or(0, |f| f.times);
        let longest = if refused.is_place { LONGEST_LACK } else { LONGEST_REST };
        let rest = FIRST_REST.saturating_mul(1 << times.min(10)).min(longest);
        let until = now.checked_add(rest).unwrap_or(now);
        let (times, run) = (times.saturating_add(1), self.run);
        self.of.insert(row.id.clone(), Failed { refused, times, until, run, seen: seen(row) });
    }

    pub fn forget(&mut self, id: &ModelId) {
        self.of.remove(id);
    }

    /// Returns the failure of a model that must not be tried yet.
    pub fn resting(&self, row: &ModelRow, now: Instant) -> Option<&Refused> {
        let failed = self.of.get(&row.id)?;
        (failed.seen == seen(row) && now < failed.until).then_some(&failed.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::queue::choose::tests::row;

    #[test]
    fn a_broken_model_is_tried_less_and_less_until_it_changes() {
        let mut failures = LoadFailures::default();
        let mut model = row("aaaaaaaaaaaa", "m", 1);
        let mut now = clock::instant();
        let refused = |is_place| Refused { why: "no".into(), is_place };
        let mut rests = Vec::new();
        for _ in 0..10 {
            failures.note(&model, refused(false), now);
            let begun = now;
            while failures.resting(&model, now).is_some() {
                now += Duration::from_secs(1);
            }
            rests.push(now.saturating_duration_since(begun).as_secs());
        }
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        failures.note(&model, refused(true), now);
        assert!(failures.resting(&model, now + Duration::from_secs(301)).is_none(), "a disk may be there again");
        assert!(failures.is_of_this_run(&model));
        failures.begin();
        assert!(!failures.is_of_this_run(&model), "the next run tries it where nothing else is left");
        model.size += 1;
        assert!(failures.resting(&model, now).is_none(), "it is another file now");
    }
}
