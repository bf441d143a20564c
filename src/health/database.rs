use super::{Check, CheckName, Limits};
use crate::node::{Fact, Outcome};

const NAME: CheckName = CheckName::Database;

/// Tasks of modelctl's own queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tasks {
    pub due: u64,
    pub failed: u64,
    /// Running tasks whose executor is gone.
    pub orphaned: u64,
}

/// Judges modelctl's database.
pub fn database(target: &str, tasks: &Fact<Tasks>, limits: &Limits) -> Vec<Check> {
    let Some(known) = tasks.known() else {
        return match &tasks.outcome {
            // There is no queue yet.
            Outcome::Absent { .. } => Vec::new(),
            Outcome::Failed { why } => vec![Check::critical(NAME, target, "cannot be used", why.as_str())],
            _ => vec![Check::of_unknown(NAME, target, "cannot be read", tasks)],
        };
    };
    let due =
        Check::ok(NAME, target, format!("{} due", plural(known.due))).measured("tasks_due", known.due as f64, limits);
    let failed = Check::ok(NAME, target, format!("{} failed recently", plural(known.failed)));
    let mut checks = vec![due, failed.measured("tasks_failed", known.failed as f64, limits)];
    if known.orphaned > 0 {
        let reason = "their executor is gone; the next one resumes them: modelctl run-once";
        checks.push(Check::warning(NAME, target, format!("{} left running", plural(known.orphaned)), reason));
    }
    checks
}

fn plural(tasks: u64) -> String {
    if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") }
}
